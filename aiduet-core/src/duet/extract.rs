//! From a turn to its features.

use super::clients::Clients;
use super::feature::{Feature, FeatureVector};
use super::lexicon::{Group, Lexicon};
use super::prose::{Artefact, Prose, WEIGHT_MAX};
use super::turn::{Human, Turn};
use super::words::Words;
use crate::dialect::Transcript;

/// A message of at most this weight is tiny.
const TINY: usize = 24;

/// A message of at most this weight is short.
const SHORT: usize = 60;

const _: () = assert!(TINY < SHORT && SHORT < WEIGHT_MAX, "what is longer is not told apart");

/// Everything about a turn that the scorer may look at.
pub(super) struct Scene<'t> {
    pub(super) turn: &'t Turn,
    pub(super) words: Words,
    pub(super) before: Words,
    /// What the model said in between.
    pub(super) answer: Words,
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
        let answer = turn.answer.as_ref().map(|prose| Words::of(prose, lexicon)).unwrap_or_default();
        Self { turn, words: words(&turn.human), before: words(&turn.before), answer, tools }
    }

    /// Whether a message has few words.
    pub(super) fn is_short(&self) -> bool {
        self.turn.human.as_ref().is_none_or(|human| human.prose.weight <= SHORT)
    }

    fn is_tiny(&self) -> bool {
        self.turn.human.as_ref().is_none_or(|human| human.prose.weight <= TINY)
    }

    fn artefact(&self, kind: Artefact) -> bool {
        self.turn.human.as_ref().is_some_and(|human| human.prose.artefacts.has(kind))
    }

    /// Whether the turn before was about engineering.
    fn is_technical_before(&self) -> bool {
        let technical = |prose: &Prose| {
            let artefacts = prose.artefacts;
            artefacts.any_block()
                || artefacts.has(Artefact::InlineCode)
                || artefacts.has(Artefact::Identifier)
        };
        self.turn.previous.code
            || self.before.any(Group::Tech)
            || self.answer.any(Group::Tech)
            || self.turn.answer.as_ref().is_some_and(technical)
            || self.turn.before.as_ref().is_some_and(|human| technical(&human.prose))
    }

    fn block(&self) -> bool {
        self.turn.human.as_ref().is_some_and(|human| human.prose.artefacts.any_block())
    }

    /// The features.
    pub(super) fn features(&self) -> FeatureVector {
        let mut vector = FeatureVector::default();
        self.add_words(&mut vector);
        self.add_places(&mut vector);
        self.add_structure(&mut vector);
        self.add_interactions(&mut vector);
        self.add_earlier(&mut vector);
        vector
    }

    fn add_words(&self, vector: &mut FeatureVector) {
        let words = &self.words;
        for (group, feature) in [
            (Group::Design, Feature::Design),
            (Group::Decide, Feature::Decide),
            (Group::Document, Feature::Document),
            (Group::Judge, Feature::Judge),
            (Group::Verdict, Feature::Verdict),
            (Group::Why, Feature::Why),
            (Group::Symptom, Feature::Symptom),
            (Group::Make, Feature::Make),
            (Group::Deliverable, Feature::Deliverable),
            (Group::Tech, Feature::Tech),
            (Group::Everyday, Feature::Everyday),
            (Group::Writing, Feature::Writing),
            (Group::We, Feature::We),
            (Group::Scope, Feature::Scope),
        ] {
            vector.set(feature, words.count(group));
        }
        for (group, feature) in [
            (Group::Tech, Feature::TechAny),
            (Group::Everyday, Feature::EverydayAny),
            (Group::NegatedAction, Feature::NegatedAction),
            (Group::Concept, Feature::Concept),
            (Group::Transform, Feature::Transform),
            (Group::GoAhead, Feature::GoAhead),
            (Group::Thanks, Feature::Thanks),
            (Group::Follow, Feature::Follow),
            (Group::How, Feature::How),
            (Group::Which, Feature::Which),
            (Group::Should, Feature::Should),
            (Group::YesNo, Feature::YesNo),
            (Group::Order, Feature::Order),
            (Group::Future, Feature::Future),
            (Group::Point, Feature::Point),
            (Group::Mine, Feature::Mine),
        ] {
            vector.set(feature, i32::from(words.any(group)));
        }
    }

    fn add_places(&self, vector: &mut FeatureVector) {
        let words = &self.words;
        for (group, feature) in [
            (Group::Design, Feature::DesignFirst),
            (Group::Document, Feature::DocumentFirst),
            (Group::Why, Feature::WhyFirst),
            (Group::Make, Feature::MakeFirst),
            (Group::Deliverable, Feature::DeliverableFirst),
            (Group::Tech, Feature::TechFirst),
            (Group::Everyday, Feature::EverydayFirst),
            (Group::Writing, Feature::WritingFirst),
            (Group::How, Feature::HowFirst),
            (Group::YesNo, Feature::YesNoFirst),
            (Group::Order, Feature::OrderFirst),
            (Group::Point, Feature::PointFirst),
        ] {
            vector.set(feature, i32::from(words.first(group)));
        }
        for (group, feature) in [
            (Group::Design, Feature::DesignLast),
            (Group::Decide, Feature::DecideLast),
            (Group::Document, Feature::DocumentLast),
            (Group::Judge, Feature::JudgeLast),
            (Group::Verdict, Feature::VerdictLast),
            (Group::Why, Feature::WhyLast),
            (Group::Make, Feature::MakeLast),
            (Group::Deliverable, Feature::DeliverableLast),
            (Group::How, Feature::HowLast),
            (Group::YesNo, Feature::YesNoLast),
            (Group::Order, Feature::OrderLast),
        ] {
            vector.set(feature, i32::from(words.last(group)));
        }
        vector.set(Feature::Question, i32::from(words.question));
        vector.set(Feature::QuestionFirst, i32::from(words.question_first));
        vector.set(Feature::QuestionLast, i32::from(words.question_last));
        vector.set(Feature::Figures, i32::from(words.figures));
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
        for (holds, feature) in [
            (human.is_some_and(|human| human.image), Feature::Image),
            (self.is_tiny(), Feature::Tiny),
            (self.is_short(), Feature::Short),
            (self.tools == ToolSet::Other, Feature::OtherTools),
            (self.tools.is_agent(), Feature::CodingTools),
        ] {
            vector.set(feature, i32::from(holds));
        }
    }

    /// Whether engineering is spoken of.
    fn is_technical(&self) -> bool {
        let named = self.artefact(Artefact::InlineCode) || self.artefact(Artefact::Identifier);
        named || self.words.any(Group::Tech) || self.words.any(Group::Deliverable)
    }

    fn add_interactions(&self, vector: &mut FeatureVector) {
        let has = |group| self.words.any(group);
        let (make, order, question) = (has(Group::Make), has(Group::Order), self.words.question);
        let design = has(Group::Design) || has(Group::Decide) || has(Group::Document);
        let block = self.block();
        let tech = self.is_technical();
        for (holds, feature) in [
            (block && make, Feature::ArtefactMake),
            (block && !make, Feature::ArtefactNoMake),
            (block && question, Feature::ArtefactQuestion),
            (block && order, Feature::ArtefactOrder),
            (block && has(Group::YesNo), Feature::ArtefactYesNo),
            (block && has(Group::Symptom), Feature::ArtefactSymptom),
            (block && self.is_tiny(), Feature::ArtefactAlone),
            (tech && !block && has(Group::How), Feature::HowTech),
            (tech && has(Group::Which), Feature::WhichTech),
            (tech && has(Group::Should), Feature::ShouldTech),
            (tech && has(Group::Future), Feature::FutureTech),
            (has(Group::Point) && has(Group::Symptom), Feature::SymptomPoint),
            (has(Group::Writing) && (make || order), Feature::OrderWriting),
            (has(Group::Document) && (make || order), Feature::OrderDocument),
            (has(Group::We) && question, Feature::WeQuestion),
            (has(Group::NegatedAction) && design, Feature::NegatedDesign),
            (question && !tech && !block, Feature::QuestionNoTech),
            (question && tech && !block, Feature::QuestionTech),
            (!question && tech && make, Feature::OrderTech),
            (make && has(Group::Deliverable), Feature::MakeDeliverable),
        ] {
            vector.set(feature, i32::from(holds));
        }
    }

    fn add_earlier(&self, vector: &mut FeatureVector) {
        let Self { turn, before, answer, .. } = self;
        let technical_before = self.is_technical_before();
        let later = technical_before && turn.previous.spoke;
        let question = self.words.question;
        let short_later = self.is_short() && turn.before.is_some();
        let nothing_technical = !self.is_technical() && !self.block() && !technical_before;
        let designed =
            [Group::Document, Group::Decide, Group::Design].into_iter().any(|group| answer.any(group));
        for (holds, feature) in [
            (turn.previous.spoke, Feature::Later),
            (before.any(Group::Make), Feature::PreviousMake),
            (technical_before, Feature::PreviousTech),
            (later && question, Feature::LaterQuestion),
            (later && !question, Feature::LaterOrder),
            (later && answer.question_last, Feature::AnswerOffer),
            (designed, Feature::AnswerDesign),
            (short_later && before.any(Group::Make), Feature::ShortAfterMake),
            (short_later && !technical_before, Feature::ShortAfterChat),
            (nothing_technical && !self.tools.is_agent(), Feature::NoTech),
        ] {
            vector.set(feature, i32::from(holds));
        }
    }
}
