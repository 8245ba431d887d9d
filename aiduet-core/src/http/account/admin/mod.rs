//! What operators do over the account API (`/api/v1/admin`).
//!
//! For everyone else nothing is there. Every act is in the audit log before it is done, reading the page
//! of a person too.

mod acts;
mod policies;
mod prices;
mod refund;
mod view;

pub(super) use acts::*;
pub(super) use policies::*;
pub(super) use prices::*;
pub(super) use refund::*;
