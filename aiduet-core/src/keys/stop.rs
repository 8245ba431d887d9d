//! The end of all keys of an account.

use super::{ApiKey, KeyError, KeyState, KeyStore, ListKeys};
use crate::clock::Timestamp;
use crate::id::AccountId;

/// Keys that are looked at together.
const PAGE: u32 = 100;

/// Switches off every key of an account that works: here at once, on other nodes when they ask again.
///
/// # Errors
/// What the store says; done again it does what is not done yet.
pub async fn stop_keys(keys: &dyn KeyStore, account: AccountId, at: Timestamp) -> Result<(), KeyError> {
    let mut before = None;
    loop {
        let page = keys.list(ListKeys { account, before, limit: PAGE }).await?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.id);
        for key in &page {
            if matches!(key.state, KeyState::Active | KeyState::Rotated { .. }) {
                let state = KeyState::Disabled { at };
                keys.update(ApiKey { state, ..ApiKey::clone(key) }).await?;
            }
        }
    }
}
