//! What the scorer looks at, each with a name.

use serde::{Deserialize, Serialize};

macro_rules! features {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// Something about a request that speaks for or against a role. The name says all that is
        /// ever told about the request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Feature {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Feature {
            /// Every feature.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in reasons and in the file of weights.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

features! {
    /// Words about designs, counted up to three.
    Design = "design",
    /// Words about designs in the first clause.
    DesignFirst = "design_first",
    /// Words about choices, counted.
    Decide = "decide",
    /// Words about choices in the first clause.
    DecideFirst = "decide_first",
    /// Words that ask for a judgement, counted.
    Judge = "judge",
    /// Words that ask for a judgement in the first clause.
    JudgeFirst = "judge_first",
    /// Words that ask for reasons, counted.
    Why = "why",
    /// Words that ask for reasons in the first clause.
    WhyFirst = "why_first",
    /// Orders to make something, counted.
    Make = "make",
    /// Orders to make something in the first clause.
    MakeFirst = "make_first",
    /// Things that are made of text for machines, counted.
    Deliverable = "deliverable",
    /// Such things in the first clause.
    DeliverableFirst = "deliverable_first",
    /// Making is forbidden or put off.
    NegatedAction = "negated_action",
    /// The same in the first clause.
    NegatedActionFirst = "negated_action_first",
    /// Words of engineering, counted.
    Tech = "tech",
    /// There are such words.
    TechAny = "tech_any",
    /// Words of everyday life, counted.
    Everyday = "everyday",
    /// There are such words.
    EverydayAny = "everyday_any",
    /// Questions for the meaning of a word.
    Concept = "concept",
    /// Orders to treat a text: translate, proofread, summarise.
    Transform = "transform",
    /// Words of agreement.
    GoAhead = "go_ahead",
    /// Thanks and greetings.
    Thanks = "thanks",
    /// References to what was said before.
    Follow = "follow",
    /// Words about teams, companies and users, counted.
    We = "we",
    /// There is a question.
    Question = "question",
    /// The first clause is a question.
    QuestionFirst = "question_first",
    /// The last clause is a question.
    QuestionLast = "question_last",
    /// Pasted code.
    CodeBlock = "code_block",
    /// A pasted diff.
    DiffBlock = "diff_block",
    /// A pasted log or trace.
    LogBlock = "log_block",
    /// A pasted query plan.
    QueryPlanBlock = "query_plan_block",
    /// Pasted configuration.
    ConfigBlock = "config_block",
    /// A quotation.
    Quotation = "quotation",
    /// Code within a line.
    InlineCode = "inline_code",
    /// Names from code, and paths.
    Identifier = "identifier",
    /// An image.
    Image = "image",
    /// Few words.
    Short = "short",
    /// Many words.
    Long = "long",
    /// Tools are offered, none of which a coding agent has.
    OtherTools = "other_tools",
    /// A coding agent's tools are offered.
    CodingTools = "coding_tools",
    /// There is an earlier turn.
    Later = "later",
    /// The model showed or changed code in the turn before.
    PreviousCode = "previous_code",
    /// The message before asked for something to be made.
    PreviousMake = "previous_make",
    /// The message before was about a design or choice.
    PreviousDesign = "previous_design",
    /// The message before asked for a judgement or reasons.
    PreviousJudge = "previous_judge",
    /// The message before was about engineering.
    PreviousTech = "previous_tech",
    /// Something is pasted and something is to be made.
    ArtefactMake = "artefact_make",
    /// Something is pasted and nothing is to be made.
    ArtefactNoMake = "artefact_no_make",
    /// Something is pasted and there is a question.
    ArtefactQuestion = "artefact_question",
    /// Something is pasted and there are words about designs or choices.
    ArtefactDesign = "artefact_design",
    /// Making is forbidden, and words about designs or choices.
    NegatedDesign = "negated_design",
    /// Making is forbidden, and words that ask for a judgement.
    NegatedJudge = "negated_judge",
    /// Nothing about engineering is said or pasted.
    NoTech = "no_tech",
    /// A question without anything about engineering.
    QuestionNoTech = "question_no_tech",
    /// A question with words of engineering and nothing pasted.
    QuestionTech = "question_tech",
    /// An order with words of engineering, no question.
    OrderTech = "order_tech",
    /// An order to make, and a thing that is made of text for machines.
    MakeDeliverable = "make_deliverable",
    /// A coding agent is told something that is no question.
    AgentOrder = "agent_order",
    /// A coding agent is asked a question.
    AgentQuestion = "agent_question",
    /// Few words after a message that asked for something to be made.
    ShortAfterMake = "short_after_make",
    /// Few words after a message about a design.
    ShortAfterDesign = "short_after_design",
    /// Few words after a message about nothing of engineering.
    ShortAfterChat = "short_after_chat",
}

/// How many features there are.
pub(super) const FEATURES: usize = Feature::ALL.len();

/// The values of all features of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureVector([i32; FEATURES]);

impl Default for FeatureVector {
    fn default() -> Self {
        Self([0; FEATURES])
    }
}

impl FeatureVector {
    /// All values, in the order of [`Feature::ALL`].
    pub const fn values(&self) -> &[i32] {
        &self.0
    }

    /// The features that are there, with their values.
    pub fn present(&self) -> impl Iterator<Item = (Feature, i32)> {
        Feature::ALL.iter().copied().zip(self.0).filter(|(_feature, value)| *value != 0)
    }

    /// Sets one.
    pub(super) fn set(&mut self, feature: Feature, value: i32) {
        let place = Feature::ALL.iter().position(|known| *known == feature);
        if let Some(slot) = place.and_then(|place| self.0.get_mut(place)) {
            *slot = value;
        }
    }
}
