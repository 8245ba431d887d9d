//! What operators may do, each act of it in the audit log, and what needs two of them.

mod approval;
mod credit;
mod decide;
mod erase;
mod error;
mod matter;
mod office;
mod prices;
mod publish;

pub use approval::{
    Approval, ApprovalPage, ApprovalState, ApprovalStore, Decision, LIFE as APPROVAL_LIFE, Verdict,
};
pub use credit::{CreditWish, Credited, TWO_PERSONS_ABOVE};
pub use decide::Consent;
pub use erase::{EraseWish, Erased};
pub use error::{ApprovalError, OfficeError, PriceFault};
pub use matter::{GrantTerms, Matter};
pub use office::{AccountFile, Act, Office, OfficeParts};
pub use prices::{PriceDecided, PriceDecision, PriceFile, PriceReview, PriceState, PriceStep, PriceWish};
pub use publish::{Edition, Effect, PolicyFile, PublishWish, Published};
