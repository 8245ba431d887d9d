//! The role of a request: the rules in their order.

use std::sync::Arc;

use super::background::helper;
use super::clients::Clients;
use super::extract::{Scene, ToolSet};
use super::feature::FeatureVector;
use super::lexicon::{Group, Lexicon};
use super::mode::{Mode, system_texts};
use super::phrases::Found;
use super::reason::{Carried, Named, Rule, Settled};
use super::role::{Role, RoleChoice};
use super::turn::{Loop, Said, Turn};
use super::weights::{Scores, Weights};
use crate::dialect::Transcript;

/// What a request, its key and its model name ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The header `x-aiduet-role`, if it is there.
    pub header: Option<RoleChoice>,
    /// What the model name stands for.
    pub alias: RoleChoice,
    /// The role to which the key is pinned.
    pub pinned: Option<Role>,
}

impl Asked {
    /// The role that is named, and by whom. `auto` in the header overrules the others.
    fn role(self) -> Option<(Role, Named)> {
        match (self.header, self.alias, self.pinned) {
            (Some(RoleChoice::Role(role)), ..) => Some((role, Named::Header)),
            (Some(RoleChoice::Auto), ..) => None,
            (_, RoleChoice::Role(role), _) => Some((role, Named::Alias)),
            (.., pinned) => pinned.map(|role| (role, Named::Key)),
        }
    }
}

/// The scores of a request and what they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scored {
    pub(super) features: FeatureVector,
    pub(super) scores: Scores,
}

/// The role of a request, and what the choice of a model needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The role.
    pub role: Role,
    /// The rule that decided.
    pub rule: Rule,
    pub(super) scored: Option<Scored>,
    /// Whether the model's own tool calls are open.
    pub(super) in_loop: bool,
}

/// The data by which roles are told.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) clients: Arc<Clients>,
    pub(super) lexicon: Lexicon,
    pub(super) weights: Weights,
}

impl Judge {
    pub(super) fn verdict(&self, transcript: &Transcript<'_>, asked: Asked) -> Verdict {
        let said = Said::of(transcript);
        let case = Case::of(transcript, &self.clients, &said);
        let in_loop = case.turn.tool_loop != Loop::None;
        let decided = |role, rule| Verdict { role, rule, scored: None, in_loop };
        if let Some((role, by)) = asked.role() {
            return decided(role, Rule::Override(by));
        }
        if let Some(helper) = helper(transcript, &self.clients, &case.system, &said.text()) {
            return decided(Role::Background, Rule::Background(helper));
        }
        if let Some((client, role)) = case.mode.role {
            return decided(role, Rule::ClientMode(client, role));
        }
        if case.turn.tool_loop == Loop::Editing && !case.mode.never_code {
            return decided(Role::Code, Rule::Turn(Carried::Edit));
        }
        let (role, rule, scored) = self.score(&case);
        let rule = if in_loop { Rule::Turn(Carried::Message) } else { rule };
        Verdict { role, rule, scored: Some(scored), in_loop }
    }

    fn score(&self, case: &Case) -> (Role, Rule, Scored) {
        let scene = Scene::of(&case.turn, case.tools, &self.lexicon);
        let features = scene.features();
        let scores = self.adjusted(&features, case.mode);
        let (role, rule) = if scores.lead() >= self.weights.margin() {
            (scores.best(), Rule::Score)
        } else {
            let (role, by) = self.settle(&scene, case);
            let role = if role == Role::Code && case.mode.never_code { Role::Review } else { role };
            (role, Rule::FollowUp(by))
        };
        (role, rule, Scored { features, scores })
    }

    fn adjusted(&self, features: &FeatureVector, mode: Mode) -> Scores {
        let mut scores = self.weights.scores(features);
        if mode.prefer_code {
            scores = scores.plus(Role::Code, self.weights.prefer_code());
        }
        if mode.never_code {
            scores = scores.plus(Role::Code, NEVER);
        }
        scores
    }

    /// What settles a close score.
    fn settle(&self, scene: &Scene<'_>, case: &Case) -> (Role, Settled) {
        let answers = scene.is_short() && case.turn.previous.spoke;
        if answers && scene.words.any(Group::GoAhead) {
            return (Role::Code, Settled::GoAhead);
        }
        if answers && scene.words.any(Group::Thanks) {
            return (Role::Chat, Settled::Thanks);
        }
        if case.turn.before.is_some() {
            let earlier = Turn { human: case.turn.before.clone(), ..Turn::default() };
            let features = Scene::of(&earlier, case.tools, &self.lexicon).features();
            return (self.adjusted(&features, case.mode).best(), Settled::Previous);
        }
        if case.tools == ToolSet::Editing {
            return (Role::Code, Settled::Tools);
        }
        (Role::Chat, Settled::Default)
    }

    pub(super) fn read(&self, transcript: &Transcript<'_>) -> Case {
        Case::of(transcript, &self.clients, &Said::of(transcript))
    }

    /// What the scorer would look at, whatever rule decides.
    pub(super) fn features(&self, case: &Case) -> FeatureVector {
        Scene::of(&case.turn, case.tools, &self.lexicon).features()
    }

    /// The entries of the lexicon that a request uses.
    pub(super) fn entries(&self, case: &Case) -> Vec<usize> {
        let scene = Scene::of(&case.turn, case.tools, &self.lexicon);
        let mut entries: Vec<usize> =
            scene.words.entries().chain(scene.before.entries()).chain(scene.answer.entries()).collect();
        entries.sort_unstable();
        entries.dedup();
        entries
    }
}

/// Far below every score.
const NEVER: i32 = -1_000_000;

/// A request, read.
pub(super) struct Case {
    turn: Turn,
    mode: Mode,
    tools: ToolSet,
    system: Found,
}

impl Case {
    /// What a person says in the last message, without what is pasted into it.
    pub(super) fn prose(&self) -> Option<&str> {
        self.turn.human.as_ref().map(|human| human.prose.text())
    }

    fn of(transcript: &Transcript<'_>, clients: &Clients, said: &Said<'_>) -> Self {
        let mut system = Found::default();
        for text in system_texts(transcript) {
            system.merge(&clients.phrases.find(&text));
        }
        let turn = Turn::of(transcript, clients, said);
        let human = turn.human.as_ref().map(|human| human.place);
        let mode = Mode::of(transcript, clients, human, &system);
        let text_client = if clients.text_clients.holds(&system) { ToolSet::Editing } else { ToolSet::None };
        let tools = ToolSet::of(transcript, clients, text_client);
        Self { turn, mode, tools, system }
    }
}
