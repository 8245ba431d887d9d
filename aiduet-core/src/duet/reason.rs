//! Why the duet chose what it chose, in closed vocabularies: no word of a request can be among them.

use std::fmt;

use serde::Serialize;

use super::clients::{Client, Helper};
use super::feature::Feature;
use super::role::Role;
use super::weights::Scores;
use crate::money::Money;

/// Who named the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The header `x-aiduet-role`.
    Header,
    /// The model name.
    Alias,
    /// The key.
    Key,
}

/// What carried a tool loop's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// The message that began the turn.
    Message,
    /// An edit in the turn.
    Edit,
}

/// What a close score was settled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// A short agreement.
    GoAhead,
    /// Thanks or a farewell.
    Thanks,
    /// The role of the turn before.
    Previous,
    /// Editing tools are offered.
    Tools,
    /// Nothing else.
    Default,
}

/// The rule that decided about a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Somebody named it.
    Override(Named),
    /// The client calls by itself.
    Background(Helper),
    /// The mode of the client, or its system prompt.
    ClientMode(Client, Role),
    /// A tool loop goes on.
    Turn(Carried),
    /// The scorer.
    Score,
    /// The score was close.
    FollowUp(Settled),
}

impl Rule {
    /// Whether the role is certain enough to change the family of models.
    pub const fn is_certain(self) -> bool {
        !matches!(self, Self::Score | Self::FollowUp(_) | Self::Turn(Carried::Message))
    }

    /// The first word of the name, for records.
    pub const fn kind(self) -> RuleKind {
        match self {
            Self::Override(_) => RuleKind::Override,
            Self::Background(_) => RuleKind::Background,
            Self::ClientMode(..) => RuleKind::ClientMode,
            Self::Turn(_) => RuleKind::Turn,
            Self::Score => RuleKind::Score,
            Self::FollowUp(_) => RuleKind::FollowUp,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().as_str())?;
        let detail = match self {
            Self::Override(Named::Header) => "header",
            Self::Override(Named::Alias) => "alias",
            Self::Override(Named::Key) => "key",
            Self::Background(helper) => helper.as_str(),
            Self::ClientMode(client, role) => return write!(f, ".{}.{role}", client.as_str()),
            Self::Turn(Carried::Message) => "message",
            Self::Turn(Carried::Edit) => "edit",
            Self::Score => return Ok(()),
            Self::FollowUp(Settled::GoAhead) => "go_ahead",
            Self::FollowUp(Settled::Thanks) => "thanks",
            Self::FollowUp(Settled::Previous) => "previous",
            Self::FollowUp(Settled::Tools) => "tools",
            Self::FollowUp(Settled::Default) => "default",
        };
        write!(f, ".{detail}")
    }
}

/// The kind of a rule: the first word of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// Somebody named the role.
    Override,
    /// The client calls by itself.
    Background,
    /// The mode of the client, or its system prompt.
    ClientMode,
    /// A tool loop goes on.
    Turn,
    /// The scorer.
    Score,
    /// The score was close.
    FollowUp,
}

impl RuleKind {
    /// Every kind, in the order of the rules.
    pub const ALL: [Self; 6] =
        [Self::Override, Self::Background, Self::ClientMode, Self::Turn, Self::Score, Self::FollowUp];

    /// The name in reasons and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Background => "background",
            Self::ClientMode => "client_mode",
            Self::Turn => "turn",
            Self::Score => "score",
            Self::FollowUp => "follow_up",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A field of a request that not every model can honour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// A tool must be called.
    ToolChoice,
    /// The model must not think.
    Thinking,
    /// Several answers.
    N,
    /// Probabilities of tokens.
    Logprobs,
    /// Tools that the provider runs.
    Tools,
    /// Servers of tools.
    McpServers,
    /// The length of the prompt.
    InputLength,
}

impl Constraint {
    /// The name in reasons.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ToolChoice => "tool_choice",
            Self::Thinking => "thinking",
            Self::N => "n",
            Self::Logprobs => "logprobs",
            Self::Tools => "tools",
            Self::McpServers => "mcp_servers",
            Self::InputLength => "input_length",
        }
    }
}

/// Why it is this model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelReason {
    /// The first of the role.
    Role,
    /// It made the open tool calls.
    StickyToolLoop,
    /// It answered before, and a change would be uncertain or dear.
    StickySession,
    /// The first of the role cannot honour a field.
    Constraint(Constraint),
    /// The key or the account may not use the first of the role.
    Policy,
    /// The first of the role does not answer at present.
    Fallback,
}

impl fmt::Display for ModelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role => f.write_str("role"),
            Self::StickyToolLoop => f.write_str("sticky.tool_loop"),
            Self::StickySession => f.write_str("sticky.session"),
            Self::Constraint(field) => write!(f, "constraint.{}", field.as_str()),
            Self::Policy => f.write_str("policy"),
            Self::Fallback => f.write_str("fallback"),
        }
    }
}

/// The reason as the header `x-aiduet-reason` has it: ASCII, at most 256 bytes.
///
/// # Wire shape
/// `rule=client_mode.claude_code.plan; model=role`, or
/// `score plan=2310 review=420 code=-1105 chat=-1630; top=decide:+1200,design:+810; model=role`.
/// What a change of family costs, in dollars, stands at the end: `; switch=0.2300`; so do the models of an
/// ensemble that do not write the answer: `; plan=role; review=fallback`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub(super) rule: Rule,
    pub(super) scores: Option<Scores>,
    /// The features that weigh most, with what they add to the role.
    pub(super) top: Vec<(Feature, i32)>,
    pub(super) model: ModelReason,
    pub(super) switch: Option<Money>,
    /// Why it is the other models of an ensemble.
    pub(super) beside: Vec<(Role, ModelReason)>,
}

/// How many features a reason names.
pub(super) const TOP_FEATURES: usize = 3;

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rule, &self.scores) {
            (Rule::Score, Some(_)) => f.write_str("score")?,
            (rule, _) => write!(f, "rule={rule}")?,
        }
        if let Some(scores) = &self.scores {
            for (role, score) in scores.ranked() {
                write!(f, " {role}={score}")?;
            }
        }
        for (place, (feature, weight)) in self.top.iter().take(TOP_FEATURES).enumerate() {
            f.write_str(if place == 0 { "; top=" } else { "," })?;
            write!(f, "{}:{weight:+}", feature.as_str())?;
        }
        write!(f, "; model={}", self.model)?;
        if let Some(switch) = self.switch {
            write!(f, "; switch={}", Cents(switch))?;
        }
        for (role, reason) in &self.beside {
            write!(f, "; {role}={reason}")?;
        }
        Ok(())
    }
}

/// Dollars with four decimals, rounded up.
struct Cents(Money);

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.nanos().max(0).unsigned_abs().div_ceil(100_000);
        write!(f, "{}.{:04}", parts / 10_000, parts % 10_000)
    }
}
