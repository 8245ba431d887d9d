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
    /// Words about choices, counted up to three.
    Decide = "decide",
    /// Things that are made of text for people who build, counted up to three.
    Document = "document",
    /// Words that ask for a judgement, counted up to three.
    Judge = "judge",
    /// Questions for a verdict, counted up to three.
    Verdict = "verdict",
    /// Words that ask for reasons, counted up to three.
    Why = "why",
    /// Words for what should not be, counted up to three.
    Symptom = "symptom",
    /// Orders to make something, counted up to three.
    Make = "make",
    /// Things that are made of text for machines, counted up to three.
    Deliverable = "deliverable",
    /// Words of engineering, counted up to three.
    Tech = "tech",
    /// Words of everyday life, counted up to three.
    Everyday = "everyday",
    /// Things that are made of text for people, counted up to three.
    Writing = "writing",
    /// Words about teams, companies and users, counted up to three.
    We = "we",
    /// Amounts, spans of time and constraints, counted up to three.
    Scope = "scope",
    /// There are words of engineering.
    TechAny = "tech_any",
    /// There are words of everyday life.
    EverydayAny = "everyday_any",
    /// Making is forbidden or put off.
    NegatedAction = "negated_action",
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
    /// A question for a way.
    How = "how",
    /// A question for one of several.
    Which = "which",
    /// A question for what is advisable.
    Should = "should",
    /// A question for yes or no.
    YesNo = "yes_no",
    /// The form of an order or a wish.
    Order = "order",
    /// Intentions.
    Future = "future",
    /// Words that point to something that is there.
    Point = "point",
    /// The speaker speaks of themselves.
    Mine = "mine",
    /// The same as `design`, in the first clause.
    DesignFirst = "design_first",
    /// The same as `document`, in the first clause.
    DocumentFirst = "document_first",
    /// The same as `why`, in the first clause.
    WhyFirst = "why_first",
    /// The same as `make`, in the first clause.
    MakeFirst = "make_first",
    /// The same as `deliverable`, in the first clause.
    DeliverableFirst = "deliverable_first",
    /// The same as `tech`, in the first clause.
    TechFirst = "tech_first",
    /// The same as `everyday`, in the first clause.
    EverydayFirst = "everyday_first",
    /// The same as `writing`, in the first clause.
    WritingFirst = "writing_first",
    /// The same as `how`, in the first clause.
    HowFirst = "how_first",
    /// The same as `yes_no`, in the first clause.
    YesNoFirst = "yes_no_first",
    /// The same as `order`, in the first clause.
    OrderFirst = "order_first",
    /// The same as `point`, in the first clause.
    PointFirst = "point_first",
    /// The same as `design`, in the last sentence.
    DesignLast = "design_last",
    /// The same as `decide`, in the last sentence.
    DecideLast = "decide_last",
    /// The same as `document`, in the last sentence.
    DocumentLast = "document_last",
    /// The same as `judge`, in the last sentence.
    JudgeLast = "judge_last",
    /// The same as `verdict`, in the last sentence.
    VerdictLast = "verdict_last",
    /// The same as `why`, in the last sentence.
    WhyLast = "why_last",
    /// The same as `make`, in the last sentence.
    MakeLast = "make_last",
    /// The same as `deliverable`, in the last sentence.
    DeliverableLast = "deliverable_last",
    /// The same as `how`, in the last sentence.
    HowLast = "how_last",
    /// The same as `yes_no`, in the last sentence.
    YesNoLast = "yes_no_last",
    /// The same as `order`, in the last sentence.
    OrderLast = "order_last",
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
    /// Hardly a word.
    Tiny = "tiny",
    /// Few words.
    Short = "short",
    /// Numbers in the text, counted up to three.
    Figures = "figures",
    /// Tools are offered, none of which a coding agent has.
    OtherTools = "other_tools",
    /// A coding agent's tools are offered.
    CodingTools = "coding_tools",
    /// There is an earlier turn.
    Later = "later",
    /// The message before asked for something to be made.
    PreviousMake = "previous_make",
    /// The message before was about engineering.
    PreviousTech = "previous_tech",
    /// Something is pasted and something is to be made.
    ArtefactMake = "artefact_make",
    /// Something is pasted and nothing is to be made.
    ArtefactNoMake = "artefact_no_make",
    /// Something is pasted and the form is that of an order.
    ArtefactOrder = "artefact_order",
    /// Something is pasted and the question is for yes or no.
    ArtefactYesNo = "artefact_yes_no",
    /// Something is pasted and a symptom is told.
    ArtefactSymptom = "artefact_symptom",
    /// Something is pasted and hardly anything said.
    ArtefactAlone = "artefact_alone",
    /// Something is pasted and there is a question.
    ArtefactQuestion = "artefact_question",
    /// Making is forbidden, and words about designs or choices.
    NegatedDesign = "negated_design",
    /// Nothing about engineering is said or pasted.
    NoTech = "no_tech",
    /// A question after a turn about engineering.
    LaterQuestion = "later_question",
    /// No question after a turn about engineering.
    LaterOrder = "later_order",
    /// The model ended with a question in a turn about engineering.
    AnswerOffer = "answer_offer",
    /// The model spoke of designs or choices.
    AnswerDesign = "answer_design",
    /// A question without anything about engineering.
    QuestionNoTech = "question_no_tech",
    /// A question with words of engineering and nothing pasted.
    QuestionTech = "question_tech",
    /// A question for a way, with words of engineering and nothing pasted.
    HowTech = "how_tech",
    /// A question for one of several, with words of engineering.
    WhichTech = "which_tech",
    /// A question for what is advisable, with words of engineering.
    ShouldTech = "should_tech",
    /// An intention, with words of engineering.
    FutureTech = "future_tech",
    /// A symptom of something that is there.
    SymptomPoint = "symptom_point",
    /// Something for people is to be made.
    OrderWriting = "order_writing",
    /// Something for people who build is to be made.
    OrderDocument = "order_document",
    /// Teams and a question.
    WeQuestion = "we_question",
    /// An order with words of engineering, no question.
    OrderTech = "order_tech",
    /// An order to make, and a thing that is made of text for machines.
    MakeDeliverable = "make_deliverable",
    /// Few words after a message that asked for something to be made.
    ShortAfterMake = "short_after_make",
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
        if let Some(slot) = self.0.get_mut(feature as usize) {
            *slot = value;
        }
    }
}
