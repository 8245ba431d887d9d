//! What operators may do, each act of it in the audit log, and what needs two of them.

mod approval;
mod credit;
mod error;
mod office;
mod publish;

pub use approval::{
    Approval, ApprovalPage, ApprovalState, ApprovalStore, Decision, LIFE as APPROVAL_LIFE, Verdict,
};
pub use credit::{Consent, CreditWish, Credited, TWO_PERSONS_ABOVE};
pub use error::{ApprovalError, OfficeError};
pub use office::{AccountFile, Act, Office, OfficeParts};
pub use publish::{Effect, PolicyFile, PublishWish};
