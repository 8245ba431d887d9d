//! What operators did, in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::audit::{AuditDigest, AuditEntry, AuditError, AuditLink, AuditLog, AuditSearch, Audited};

/// What operators did, in memory.
#[derive(Debug, Default)]
pub struct MemoryAuditLog(Mutex<Vec<Audited>>);

impl MemoryAuditLog {
    fn lock(&self) -> MutexGuard<'_, Vec<Audited>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuditLog for MemoryAuditLog {
    async fn append(&self, entry: AuditEntry) -> Result<Audited, AuditError> {
        let mut log = self.lock();
        if let Some(appended) = log.iter().rev().find(|audited| audited.entry.id == entry.id) {
            return Ok(appended.clone());
        }
        let (last, seal) = log.last().map_or((0, AuditDigest::START), |last| (last.sequence, last.digest));
        let sequence = last.saturating_add(1);
        let audited = Audited { sequence, digest: seal.after(sequence, &entry), entry };
        log.push(audited.clone());
        Ok(audited)
    }

    async fn search(&self, search: AuditSearch) -> Result<Vec<Audited>, AuditError> {
        let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
        let log = self.lock();
        Ok(log.iter().rev().filter(|audited| fits(audited, &search)).take(limit).cloned().collect())
    }

    async fn links(&self, after: u64, limit: u32) -> Result<Vec<AuditLink>, AuditError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let log = self.lock();
        let later = log.iter().filter(|audited| audited.sequence > after).take(limit);
        let link =
            |audited: &Audited| AuditLink { sequence: audited.sequence, audited: Some(audited.clone()) };
        Ok(later.map(link).collect())
    }
}

fn fits(audited: &Audited, search: &AuditSearch) -> bool {
    let Audited { sequence, digest: _, entry } = audited;
    let AuditSearch { actor, action, subject, since, until, before, limit: _ } = search;
    actor.as_ref().is_none_or(|actor| entry.actor == *actor)
        && action.is_none_or(|action| entry.action == action)
        && (subject.is_none() || entry.subject == *subject || entry.reference == *subject)
        && since.is_none_or(|since| entry.at >= since)
        && until.is_none_or(|until| entry.at < until)
        && before.is_none_or(|before| *sequence < before)
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_audit_log() -> Option<MemoryAuditLog> {
        Some(MemoryAuditLog::default())
    }

    crate::audit_log_conformance!(memory_audit_log);
}
