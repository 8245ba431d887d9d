//! Tickets in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::auth::{AuthStoreError, Ticket, TicketPurpose, TicketStore, TokenDigest};
use crate::clock::Timestamp;
use crate::id::AccountId;

/// Tickets in memory.
#[derive(Debug, Default)]
pub struct MemoryTickets(Mutex<HashMap<TokenDigest, Ticket>>);

impl MemoryTickets {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, Ticket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut tickets = self.lock();
        let rows = tickets.values().filter(|kept| kept.account == account).count();
        if touch == Touch::Erase {
            tickets.retain(|_digest, kept| kept.account != account);
        }
        number(rows)
    }
}

#[async_trait]
impl TicketStore for MemoryTickets {
    async fn issue(&self, ticket: Ticket) -> Result<(), AuthStoreError> {
        let mut tickets = self.lock();
        if tickets.contains_key(&ticket.digest) {
            return Err(AuthStoreError::AlreadyExists);
        }
        tickets.retain(|_digest, kept| kept.slot() != ticket.slot());
        tickets.insert(ticket.digest, ticket);
        Ok(())
    }

    async fn consume(
        &self,
        digest: &TokenDigest,
        purpose: TicketPurpose,
        at: Timestamp,
    ) -> Result<Option<Ticket>, AuthStoreError> {
        let mut tickets = self.lock();
        let valid = tickets.get(digest).is_some_and(|kept| kept.purpose == purpose && at < kept.expires_at);
        Ok(if valid { tickets.remove(digest) } else { None })
    }

    async fn revoke(&self, account: AccountId, purpose: Option<TicketPurpose>) -> Result<(), AuthStoreError> {
        let meant =
            |kept: &Ticket| kept.account == account && purpose.is_none_or(|purpose| kept.purpose == purpose);
        self.lock().retain(|_digest, kept| !meant(kept));
        Ok(())
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError> {
        let mut tickets = self.lock();
        let over = tickets.values().filter(|kept| kept.expires_at < before);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let over: Vec<TokenDigest> = over.map(|kept| kept.digest).take(limit).collect();
        for digest in &over {
            tickets.remove(digest);
        }
        Ok(u64::try_from(over.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_tickets() -> Option<MemoryTickets> {
        Some(MemoryTickets::default())
    }

    crate::ticket_store_conformance!(memory_tickets);
}
