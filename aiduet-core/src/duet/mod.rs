//! The duet: which model answers a request that names none (`docs/duet.md`).
//!
//! Pure: the same bytes give the same decision on every platform, without a clock, a network or a
//! store of its own. Nothing that comes out repeats a word of the request: reasons, scores and
//! candidates are drawn from closed vocabularies and from the catalogue.
//!
//! ```text
//! body ─ Transcript::read ─► Transcript ─┐
//! header, model name, key ─► Asked ──────┼─ DuetRouter::decide ─► Decision ─► headers, record, explain
//! Policy, Availability, Session ─────────┘
//! ```
//!
//! 1. [`Transcript::read`](crate::dialect::Transcript::read) looks at the body once, borrowing.
//! 2. [`RoleChoice::from_model`] says whether the model name is the duet's,
//!    [`RoleChoice::from_header`] reads `x-aiduet-role`.
//! 3. [`Policy::of`] is what holds for the key.
//! 4. [`DuetRouter::decide`] gives role, model, alternatives and reason.

mod background;
mod cast;
mod classify;
mod clients;
mod error;
mod explain;
mod extract;
mod feature;
mod fold;
mod harness;
mod language;
mod lexicon;
mod maker;
mod memory;
mod mode;
mod phrases;
mod policy;
mod prose;
mod reason;
mod role;
mod router;
mod select;
mod session;
#[cfg(test)]
mod tests;
mod trie;
mod turn;
mod weights;
mod window;
mod words;

pub use cast::Cast;
pub use classify::{Asked, Verdict};
pub use clients::{Client, Clients, Helper};
pub use error::{DuetDataError, DuetError};
pub use explain::{CastMember, Contribution, Explanation, RoleScore};
pub use feature::{Feature, FeatureVector};
pub use lexicon::Lexicon;
pub use memory::{Answered, SessionKey, SessionMemory};
pub use policy::{DuetConfig, DuetOverrides, EnsembleConfig, Policy, Preference};
pub use reason::{Carried, Constraint, ModelReason, Named, Reason, Rule, RuleKind, Settled};
pub use role::{Assignment, Role, RoleChoice, UnknownAlias, UnknownRole};
pub use router::{Decision, DuetRequest, DuetRouter, Reading};
pub use select::{Availability, Candidate, CandidateState, ConstraintState, Offer, OfferHealth, Unavailable};
pub use session::{Session, Warm};
pub use weights::{Scores, Weights};
