//! Messages to people, in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::clock::Timestamp;
use crate::id::{AccountId, NoticeId};
use crate::notify::{
    Backlog, DedupKey, Due, LeaseRequest, NoticeFilter, NoticeKind, NoticeRecord, NoticeState, Outbox,
    OutboxError, Outgoing, PurgeNotices, Put, Report, Standing,
};

/// Messages to people, in memory.
#[derive(Debug, Default)]
pub struct MemoryOutbox(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kept: BTreeMap<NoticeId, Kept>,
    dedup: HashSet<DedupKey>,
}

#[derive(Debug)]
struct Kept {
    /// Gone once the message has ended.
    message: Option<Outgoing>,
    account: Option<AccountId>,
    kind: NoticeKind,
    locale: crate::account::Locale,
    dedup: DedupKey,
    standing: Standing,
    at: Timestamp,
}

impl MemoryOutbox {
    /// When the causes of the messages to an account happened.
    pub(super) fn moments_of(&self, account: AccountId) -> Vec<Timestamp> {
        let state = self.lock();
        let own = state.kept.values().filter(|kept| kept.account == Some(account));
        own.map(|kept| kept.at).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut state = self.lock();
        let own = state.kept.iter().filter(|(_id, kept)| kept.account == Some(account));
        let own: Vec<(NoticeId, DedupKey)> = own.map(|(id, kept)| (*id, kept.dedup)).collect();
        if touch == Touch::Erase {
            for (id, dedup) in &own {
                state.kept.remove(id);
                state.dedup.remove(dedup);
            }
        }
        number(own.len())
    }
}

impl Kept {
    fn new(message: Outgoing) -> Self {
        Self {
            account: message.account,
            kind: message.notice.kind(),
            locale: message.locale,
            dedup: message.dedup,
            standing: Standing::new(message.at),
            at: message.at,
            message: Some(message),
        }
    }

    fn set(&mut self, standing: Standing) {
        self.standing = standing;
        if standing.has_ended() {
            self.message = None;
        }
    }

    const fn record(&self, id: NoticeId) -> NoticeRecord {
        let Standing { state, attempts, failures: _, last_failure } = self.standing;
        let &Self { account, kind, locale, at, .. } = self;
        NoticeRecord { id, account, kind, locale, state, attempts, last_failure, at }
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn put(&self, message: Outgoing) -> Result<Put, OutboxError> {
        let mut state = self.lock();
        if !state.dedup.insert(message.dedup) {
            return Ok(Put::Duplicate);
        }
        state.kept.insert(message.id, Kept::new(message));
        Ok(Put::Kept)
    }

    async fn lease(&self, request: LeaseRequest) -> Result<Vec<Due>, OutboxError> {
        let mut state = self.lock();
        let mut waiting: Vec<(Timestamp, NoticeId)> = Vec::new();
        for (id, kept) in &state.kept {
            match kept.standing.state {
                NoticeState::Waiting { due_at } if due_at <= request.now => waiting.push((due_at, *id)),
                _ => {}
            }
        }
        waiting.sort_unstable();
        let mut due = Vec::new();
        for (_due_at, id) in waiting.into_iter().take(usize::try_from(request.limit).unwrap_or(usize::MAX)) {
            let Some(kept) = state.kept.get_mut(&id) else { continue };
            let Some(standing) = kept.standing.leased(request) else { continue };
            kept.set(standing);
            if let Some(message) = kept.message.clone() {
                due.push(Due { message, attempt: standing.attempts, failures: standing.failures });
            }
        }
        Ok(due)
    }

    async fn report(&self, report: Report) -> Result<(), OutboxError> {
        if let Some(kept) = self.lock().kept.get_mut(&report.id)
            && let Some(standing) = kept.standing.reported(&report)
        {
            kept.set(standing);
        }
        Ok(())
    }

    async fn list(&self, filter: NoticeFilter) -> Result<Vec<NoticeRecord>, OutboxError> {
        let NoticeFilter { account, kind, before, limit } = filter;
        let end = before.unwrap_or_else(|| NoticeId::from_uuid(uuid::Uuid::max()));
        let state = self.lock();
        let kept = state.kept.range(..end).rev();
        let kept = kept.filter(|(_id, kept)| account.is_none() || kept.account == account);
        let kept = kept.filter(|(_id, kept)| kind.is_none_or(|kind| kept.kind == kind));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(kept.take(limit).map(|(id, kept)| kept.record(*id)).collect())
    }

    async fn backlog(&self) -> Result<Backlog, OutboxError> {
        let state = self.lock();
        let waiting = state.kept.values().filter(|kept| !kept.standing.has_ended());
        Ok(waiting.fold(Backlog::default(), |sum, kept| Backlog {
            waiting: sum.waiting.saturating_add(1),
            oldest: Some(sum.oldest.map_or(kept.at, |oldest| oldest.min(kept.at))),
        }))
    }

    async fn purge(&self, request: PurgeNotices) -> Result<u64, OutboxError> {
        let mut state = self.lock();
        let is_old = |kept: &Kept| {
            kept.standing.has_ended() && kept.at < request.before && kept.kind != NoticeKind::PolicyChange
        };
        let old: Vec<(NoticeId, DedupKey)> = state
            .kept
            .iter()
            .filter(|(_id, kept)| is_old(kept))
            .map(|(id, kept)| (*id, kept.dedup))
            .take(usize::try_from(request.limit).unwrap_or(usize::MAX))
            .collect();
        for (id, dedup) in &old {
            state.kept.remove(id);
            state.dedup.remove(dedup);
        }
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_outbox() -> Option<MemoryOutbox> {
        Some(MemoryOutbox::default())
    }

    crate::outbox_conformance!(memory_outbox);
}
