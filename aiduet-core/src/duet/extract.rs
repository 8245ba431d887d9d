//! From a turn to its features.

use super::clients::Clients;
use super::feature::{Feature, FeatureVector};
use super::lexicon::{Group, Hit, Lexicon};
use super::prose::{Artefact, Ending, Prose};
use super::turn::{Human, Turn};
use crate::dialect::Transcript;

/// Counts go up to this.
const COUNT_MAX: i32 = 3;

/// A message of at most this weight is short.
const SHORT: usize = 60;

/// A message of at least this weight is long.
const LONG: usize = 400;

/// What the words of a message say.
#[derive(Clone, Default)]
pub(super) struct Words {
    hits: Vec<Hit>,
    /// Where the first clause ends.
    first_end: usize,
    question: bool,
    question_first: bool,
    question_last: bool,
}

impl Words {
    pub(super) fn of(prose: &Prose, lexicon: &Lexicon) -> Self {
        let mut hits = lexicon.find(prose);
        let end = payload_start(prose, &hits).unwrap_or(usize::MAX);
        hits.retain(|hit| hit.start < end);
        let spoken: Vec<std::ops::Range<usize>> =
            prose.spoken().filter(|clause| clause.start < end).collect();
        let first_end = spoken.first().map_or(0, |clause| clause.end);
        let last_start = spoken.last().map_or(0, |clause| clause.start);
        let marked = |range: std::ops::Range<usize>| {
            prose
                .clauses()
                .iter()
                .any(|clause| clause.ending == Ending::Question && range.contains(&clause.start))
        };
        let asked = |range: std::ops::Range<usize>| {
            hits.iter().any(|hit| hit.groups.has(Group::Question) && range.contains(&hit.start))
        };
        Self {
            question: marked(0..end) || asked(0..end),
            question_first: marked(0..first_end) || asked(0..first_end),
            question_last: marked(last_start..end) || asked(last_start..end),
            first_end,
            hits,
        }
    }

    /// How often a group occurs, up to three times.
    pub(super) fn count(&self, group: Group) -> i32 {
        let count = self.hits.iter().filter(|hit| hit.groups.has(group)).count();
        i32::try_from(count).unwrap_or(COUNT_MAX).min(COUNT_MAX)
    }

    pub(super) fn any(&self, group: Group) -> bool {
        self.hits.iter().any(|hit| hit.groups.has(group))
    }

    fn first(&self, group: Group) -> bool {
        self.hits.iter().any(|hit| hit.start < self.first_end && hit.groups.has(group))
    }

    /// The entries of the lexicon that occur.
    pub(super) fn entries(&self) -> impl Iterator<Item = usize> {
        self.hits.iter().map(|hit| hit.entry)
    }
}

/// Where the text begins that is to be treated, behind an order to translate, proofread or
/// summarise: at the next colon or line.
fn payload_start(prose: &Prose, hits: &[Hit]) -> Option<usize> {
    let order = hits.iter().find(|hit| hit.groups.has(Group::Transform))?;
    let rest = prose.text().get(order.end..)?;
    let colon = rest.find([':', '\n'])?;
    let behind = rest.get(colon + 1..)?;
    behind.contains(char::is_alphanumeric).then_some(order.end + colon)
}

/// Everything about a turn that the scorer may look at.
pub(super) struct Scene<'t> {
    pub(super) turn: &'t Turn,
    pub(super) words: Words,
    pub(super) before: Words,
    pub(super) tools: ToolSet,
}

/// What kind of tools a client offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ToolSet {
    /// None.
    #[default]
    None,
    /// Tools of some domain.
    Other,
    /// Those of a coding agent.
    Coding,
    /// Those of a coding agent, editing ones among them.
    Editing,
}

impl ToolSet {
    /// The tools of a request, or more if its client is known to have more.
    pub(super) fn of(transcript: &Transcript<'_>, clients: &Clients, known_client: Self) -> Self {
        let known = &clients.tools;
        let mut set = known_client;
        for tool in &transcript.tools {
            let name = tool.name.map(|name| name.decode()).unwrap_or_default();
            let kind = tool.kind.map(|kind| kind.decode()).unwrap_or_default();
            if known.edits(&name) || known.is_edit_type(&kind) {
                return Self::Editing;
            }
            let coding = known.is_coding(&name) || known.is_coding(&kind);
            set = match set {
                Self::None | Self::Other if coding => Self::Coding,
                Self::None => Self::Other,
                Self::Other | Self::Coding | Self::Editing => set,
            };
        }
        set
    }

    pub(super) const fn is_agent(self) -> bool {
        matches!(self, Self::Coding | Self::Editing)
    }
}

impl<'t> Scene<'t> {
    pub(super) fn of(turn: &'t Turn, tools: ToolSet, lexicon: &Lexicon) -> Self {
        let words = |human: &Option<Human>| {
            human.as_ref().map(|human| Words::of(&human.prose, lexicon)).unwrap_or_default()
        };
        Self { turn, words: words(&turn.human), before: words(&turn.before), tools }
    }

    /// Whether a message has few words.
    pub(super) fn is_short(&self) -> bool {
        self.turn.human.as_ref().is_none_or(|human| human.prose.weight <= SHORT)
    }

    fn artefact(&self, kind: Artefact) -> bool {
        self.turn.human.as_ref().is_some_and(|human| human.prose.artefacts.has(kind))
    }

    fn block(&self) -> bool {
        self.turn.human.as_ref().is_some_and(|human| human.prose.artefacts.any_block())
    }

    /// The features.
    pub(super) fn features(&self) -> FeatureVector {
        let mut vector = FeatureVector::default();
        self.add_words(&mut vector);
        self.add_structure(&mut vector);
        self.add_interactions(&mut vector);
        vector
    }

    fn add_words(&self, vector: &mut FeatureVector) {
        let words = &self.words;
        for (group, feature) in [
            (Group::Design, Feature::Design),
            (Group::Decide, Feature::Decide),
            (Group::Judge, Feature::Judge),
            (Group::Why, Feature::Why),
            (Group::Make, Feature::Make),
            (Group::Deliverable, Feature::Deliverable),
            (Group::Tech, Feature::Tech),
            (Group::Everyday, Feature::Everyday),
            (Group::We, Feature::We),
        ] {
            vector.set(feature, words.count(group));
        }
        for (group, feature) in [
            (Group::NegatedAction, Feature::NegatedAction),
            (Group::Tech, Feature::TechAny),
            (Group::Everyday, Feature::EverydayAny),
            (Group::Concept, Feature::Concept),
            (Group::Transform, Feature::Transform),
            (Group::GoAhead, Feature::GoAhead),
            (Group::Thanks, Feature::Thanks),
            (Group::Follow, Feature::Follow),
        ] {
            vector.set(feature, i32::from(words.any(group)));
        }
        for (group, feature) in [
            (Group::Design, Feature::DesignFirst),
            (Group::Decide, Feature::DecideFirst),
            (Group::Judge, Feature::JudgeFirst),
            (Group::Why, Feature::WhyFirst),
            (Group::Make, Feature::MakeFirst),
            (Group::Deliverable, Feature::DeliverableFirst),
            (Group::NegatedAction, Feature::NegatedActionFirst),
        ] {
            vector.set(feature, i32::from(words.first(group)));
        }
        vector.set(Feature::Question, i32::from(words.question));
        vector.set(Feature::QuestionFirst, i32::from(words.question_first));
        vector.set(Feature::QuestionLast, i32::from(words.question_last));
    }

    fn add_structure(&self, vector: &mut FeatureVector) {
        for (kind, feature) in [
            (Artefact::Code, Feature::CodeBlock),
            (Artefact::Diff, Feature::DiffBlock),
            (Artefact::Log, Feature::LogBlock),
            (Artefact::QueryPlan, Feature::QueryPlanBlock),
            (Artefact::Config, Feature::ConfigBlock),
            (Artefact::Quotation, Feature::Quotation),
            (Artefact::InlineCode, Feature::InlineCode),
            (Artefact::Identifier, Feature::Identifier),
        ] {
            vector.set(feature, i32::from(self.artefact(kind)));
        }
        let human = self.turn.human.as_ref();
        let before = &self.before;
        let previous = self.turn.previous;
        for (holds, feature) in [
            (human.is_some_and(|human| human.image), Feature::Image),
            (self.is_short(), Feature::Short),
            (human.is_some_and(|human| human.prose.weight >= LONG), Feature::Long),
            (self.tools == ToolSet::Other, Feature::OtherTools),
            (self.tools.is_agent(), Feature::CodingTools),
            (previous.spoke, Feature::Later),
            (previous.code, Feature::PreviousCode),
            (before.any(Group::Make), Feature::PreviousMake),
            (before.any(Group::Design) || before.any(Group::Decide), Feature::PreviousDesign),
            (before.any(Group::Judge) || before.any(Group::Why), Feature::PreviousJudge),
            (before.any(Group::Tech), Feature::PreviousTech),
        ] {
            vector.set(feature, i32::from(holds));
        }
    }

    fn add_interactions(&self, vector: &mut FeatureVector) {
        let words = &self.words;
        let make = words.any(Group::Make);
        let design = words.any(Group::Design) || words.any(Group::Decide);
        let judge = words.any(Group::Judge) || words.any(Group::Why);
        let negated = words.any(Group::NegatedAction);
        let question = words.question;
        let block = self.block();
        let named = self.artefact(Artefact::InlineCode) || self.artefact(Artefact::Identifier);
        let tech = words.any(Group::Tech) || words.any(Group::Deliverable) || named;
        let before_tech = self.before.any(Group::Tech) || self.turn.previous.code;
        let short_later = self.is_short() && self.turn.before.is_some();
        for (holds, feature) in [
            (block && make, Feature::ArtefactMake),
            (block && !make, Feature::ArtefactNoMake),
            (block && question, Feature::ArtefactQuestion),
            (block && design, Feature::ArtefactDesign),
            (negated && design, Feature::NegatedDesign),
            (negated && judge, Feature::NegatedJudge),
            (!tech && !block && !self.tools.is_agent(), Feature::NoTech),
            (question && !tech && !block, Feature::QuestionNoTech),
            (question && tech && !block, Feature::QuestionTech),
            (!question && tech && make, Feature::OrderTech),
            (make && words.any(Group::Deliverable), Feature::MakeDeliverable),
            (self.tools.is_agent() && !question, Feature::AgentOrder),
            (self.tools.is_agent() && question, Feature::AgentQuestion),
            (short_later && self.before.any(Group::Make), Feature::ShortAfterMake),
            (
                short_later && (self.before.any(Group::Design) || self.before.any(Group::Decide)),
                Feature::ShortAfterDesign,
            ),
            (short_later && !before_tech, Feature::ShortAfterChat),
        ] {
            vector.set(feature, i32::from(holds));
        }
    }
}
