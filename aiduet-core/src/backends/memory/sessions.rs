//! Sessions in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::deletions::{Touch, number};
use crate::auth::{
    AuthStoreError, EndSessions, Rotated, Rotation, SESSIONS_MAX, Session, SessionStep, SessionStore, Which,
};
use crate::clock::Timestamp;
use crate::id::{AccountId, SessionId};

/// Sessions in memory.
#[derive(Debug, Default)]
pub struct MemorySessions(Mutex<BTreeMap<SessionId, Session>>);

impl MemorySessions {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<SessionId, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn personal(&self, account: AccountId, touch: Touch) -> u64 {
        let mut sessions = self.lock();
        let rows = sessions.values().filter(|session| session.account == account).count();
        if touch == Touch::Erase {
            sessions.retain(|_id, session| session.account != account);
        }
        number(rows)
    }
}

/// Those seen last first.
fn of_account(sessions: &BTreeMap<SessionId, Session>, account: AccountId) -> Vec<Session> {
    let mut own: Vec<Session> =
        sessions.values().filter(|session| session.account == account).cloned().collect();
    own.sort_by_key(|session| std::cmp::Reverse((session.seen_at, session.id)));
    own
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn open(&self, session: Session) -> Result<(), AuthStoreError> {
        let mut sessions = self.lock();
        let account = session.account;
        if sessions.contains_key(&session.id) {
            return Err(AuthStoreError::AlreadyExists);
        }
        sessions.insert(session.id, session);
        let kept = usize::try_from(SESSIONS_MAX).unwrap_or(usize::MAX);
        for surplus in of_account(&sessions, account).into_iter().skip(kept) {
            sessions.remove(&surplus.id);
        }
        Ok(())
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, AuthStoreError> {
        Ok(self.lock().get(&id).cloned())
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, AuthStoreError> {
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(&rotation.session) else { return Ok(Rotated::Unknown) };
        Ok(match session.rotate(&rotation) {
            SessionStep::Renewed(renewed) => {
                session.clone_from(&renewed);
                Rotated::Renewed(*renewed)
            }
            SessionStep::Reused => {
                sessions.remove(&rotation.session).map_or(Rotated::Unknown, Rotated::Reused)
            }
            SessionStep::Over => Rotated::Unknown,
        })
    }

    async fn confirm(&self, id: SessionId, at: Timestamp) -> Result<bool, AuthStoreError> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&id);
        Ok(session.map(|session| session.authenticated_at = at).is_some())
    }

    async fn list(&self, account: AccountId) -> Result<Vec<Session>, AuthStoreError> {
        Ok(of_account(&self.lock(), account))
    }

    async fn end(&self, request: EndSessions) -> Result<u64, AuthStoreError> {
        let EndSessions { account, which } = request;
        let mut sessions = self.lock();
        let before = sessions.len();
        sessions.retain(|id, session| {
            let meant = match which {
                Which::One(one) => *id == one,
                Which::Others(one) => *id != one,
                Which::All => true,
            };
            session.account != account || !meant
        });
        Ok(count(before.saturating_sub(sessions.len())))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError> {
        let mut sessions = self.lock();
        let over = sessions.values().filter(|session| session.idle_until < before);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let over: Vec<SessionId> = over.map(|session| session.id).take(limit).collect();
        for id in &over {
            sessions.remove(id);
        }
        Ok(count(over.len()))
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_sessions() -> Option<MemorySessions> {
        Some(MemorySessions::default())
    }

    crate::session_store_conformance!(memory_sessions);
}
