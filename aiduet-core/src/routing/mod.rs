//! Where a call goes: upstreams with weights and priorities, a circuit for each, aliases, and how
//! often something is repeated. Pure: time and randomness are arguments.

mod aliases;
mod budget;
mod circuit;
mod pool;
mod upstream;

pub use aliases::{Aliases, Models};
pub use budget::{RepeatBudget, RepeatConfig};
pub use circuit::{Circuit, CircuitConfig, CircuitState, Leave, Moment, Verdict};
pub use pool::{Affinity, Member, Pool, ProviderHealth, Tried, UPSTREAMS_MAX};
pub use upstream::Upstream;
