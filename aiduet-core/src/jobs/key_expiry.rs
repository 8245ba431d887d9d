//! Tells people that a key ends soon.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Schedule};
use crate::clock::Timestamp;
use crate::keys::{ApiKey, EndingKeys, ListEnding};
use crate::notify::{KeyLabel, Letters, Notice};

/// How many days before its end a key is spoken of.
const DAYS: [u32; 3] = [14, 3, 1];
const DAY: Duration = Duration::from_hours(24);
/// Keys that are looked up at a time.
const PAGE: u32 = 100;

/// Tells people that a key ends soon: 14, 3 and 1 days before, once each.
///
/// Each time it looks at the whole day that such a step lasts, so that an hour in which it did not run
/// costs nobody the letter; a letter of the same cause is kept once.
#[derive(Debug)]
pub struct KeyExpiry {
    /// Which keys end.
    pub keys: Arc<dyn EndingKeys>,
    /// Who writes.
    pub letters: Letters,
}

impl KeyExpiry {
    async fn tell(&self, key: &ApiKey, days: u32) -> Result<(), JobError> {
        let Some(expires_at) = key.expires_at else { return Ok(()) };
        let label = KeyLabel { name: key.name.clone(), last4: key.last4.to_string() };
        let notice = Notice::KeyExpiring { key: label, expires_at };
        let cause = [key.id.to_string(), expires_at.to_string(), days.to_string()];
        let cause = cause.each_ref().map(String::as_str);
        self.letters.send(key.account, notice, &cause).await.map_err(JobError::of)
    }

    async fn tell_all(&self, now: Timestamp, days: u32) -> Result<u64, JobError> {
        let (from, until) = (now.plus(DAY * (days - 1)), now.plus(DAY * days));
        let (mut done, mut after) = (0_u64, None);
        loop {
            let request = ListEnding { from, until, after, limit: PAGE };
            let keys = self.keys.ending(request).await.map_err(JobError::of)?;
            for key in &keys {
                self.tell(key, days).await?;
                done = done.saturating_add(1);
            }
            after = keys.last().map(|key| key.id);
            if keys.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                return Ok(done);
            }
        }
    }
}

#[async_trait]
impl Job for KeyExpiry {
    fn name(&self) -> &'static str {
        "key_expiry"
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_hours(1), lease: Duration::from_mins(30) }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let mut done = 0_u64;
        for days in DAYS {
            done = done.saturating_add(self.tell_all(now, days).await?);
        }
        Ok(Batch::last(done))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::account::AccountStore;
    use crate::backends::memory::{MemoryAccounts, MemoryKeys, MemoryOutbox};
    use crate::clock::ManualClock;
    use crate::keys::KeyStore;
    use crate::notify::{LeaseRequest, NoticeChoices, Outbox};
    use crate::testing::{Factory, SeededEntropy};

    #[tokio::test]
    async fn a_key_is_spoken_of_three_times_before_it_ends_if_its_owner_wants_to_know() {
        let factory = Factory::new(1);
        let (accounts, keys) = (Arc::new(MemoryAccounts::default()), Arc::new(MemoryKeys::default()));
        let outbox = Arc::new(MemoryOutbox::default());
        let letters = Letters {
            accounts: Arc::<MemoryAccounts>::clone(&accounts),
            outbox: Arc::<MemoryOutbox>::clone(&outbox),
            clock: Arc::<ManualClock>::clone(factory.clock()),
            entropy: Arc::new(SeededEntropy::new(2)),
        };
        let job = KeyExpiry { keys: Arc::<MemoryKeys>::clone(&keys), letters };
        let end = factory.now().plus(DAY * 20);
        let deaf = NoticeChoices { key_expiry: false, ..NoticeChoices::default() };
        for choices in [NoticeChoices::default(), deaf] {
            let account = Account { choices, ..factory.account() };
            let (_plain, key) = factory.api_key(account.id);
            keys.insert(ApiKey { expires_at: Some(end), ..key }).await.unwrap();
            accounts.insert(account, &[]).await.unwrap();
        }
        let mut told = Vec::new();
        for hour in 0_u32..24 * 22 {
            job.run(factory.now()).await.unwrap();
            let now = factory.now();
            let due = outbox.lease(LeaseRequest { now, until: end.plus(DAY * 2), limit: 10 }).await.unwrap();
            for due in due {
                assert!(
                    matches!(due.message.notice, Notice::KeyExpiring { expires_at, .. } if expires_at == end)
                );
                told.push(hour);
            }
            factory.clock().advance(Duration::from_hours(1));
        }
        // An hour is in the day before the last moment of that day, hence one more.
        assert_eq!(told, [24 * 6 + 1, 24 * 17 + 1, 24 * 19 + 1]);
    }
}
