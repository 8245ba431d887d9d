//! Tells people of policies and prices before they change.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Batch, Job, JobError, Schedule};
use crate::account::{Account, AccountState, AccountStore};
use crate::auth::TicketPurpose;
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::{Letters, Notice};
use crate::policy::{NOTICE_PERIOD, Policies, Policy, Progress, PublicationStore};
use crate::price::{ModelId, PriceBook, PriceChanges, PriceEditions, PriceSheet, PriceVersion};

/// People that are written to in a minute: ten a second.
const BATCH: u32 = 600;
/// Publications, and sheets of prices, that are looked at.
const PUBLICATIONS: u32 = 100;

/// Tells every person, in their language and once, of each version of a policy that was published and of
/// each sheet of prices, from the day on which it is known until it is in force; also those who come in
/// between. Whoever was told of a sheet is told that it was withdrawn.
///
/// Letters are written before the progress is noted: whoever repeats this after a crash writes letters of
/// the same cause, which are kept once.
#[derive(Debug)]
pub struct News {
    /// What was published, and how far people have been told.
    pub publications: Arc<dyn PublicationStore>,
    /// What the versions say.
    pub policies: Policies,
    /// The prices.
    pub prices: Arc<dyn PriceBook>,
    /// The sheets of prices that operators published.
    pub editions: Arc<dyn PriceEditions>,
    /// The people.
    pub accounts: Arc<dyn AccountStore>,
    /// Who writes.
    pub letters: Letters,
}

/// Something that people are told.
struct Item<'a> {
    /// Its name, under which progress is kept.
    name: String,
    what: What<'a>,
    /// The last person that is told; `None`: everybody is, also those who come.
    last: Option<AccountId>,
}

enum What<'a> {
    Policy(&'a Policy),
    Prices(Arc<PriceSheet>, PriceChanges),
    Withdrawn(PriceVersion, Timestamp),
}

impl News {
    /// The job's name.
    pub const NAME: &'static str = "news";

    /// What is not in force yet.
    async fn items(&self, now: Timestamp) -> Result<Vec<Item<'_>>, JobError> {
        let mut items = Vec::new();
        for publication in self.publications.list(PUBLICATIONS).await.map_err(JobError::of)? {
            let found = self.policies.find(publication.kind, &publication.version);
            let upcoming = found.filter(|policy| policy.effective_from > now);
            // Of a first version there is nothing to tell: everybody agreed to it.
            let upcoming = upcoming.filter(|policy| self.policies.before(policy).is_some());
            items.extend(upcoming.map(|policy| Item {
                name: policy.name(),
                what: What::Policy(policy),
                last: None,
            }));
        }
        let mut before = self.prices.sheet(now).await.map_err(JobError::of)?;
        for sheet in self.prices.upcoming(now).await.map_err(JobError::of)? {
            let changes = PriceChanges::between(&before, &sheet, sheet.effective_from);
            before = Arc::clone(&sheet);
            if !changes.is_empty() {
                let name = sheet.version.news();
                items.push(Item { name, what: What::Prices(sheet, changes), last: None });
            }
        }
        items.extend(self.withdrawals(now).await?);
        Ok(items)
    }

    /// Sheets that people were told of and that were withdrawn not long ago.
    async fn withdrawals(&self, now: Timestamp) -> Result<Vec<Item<'_>>, JobError> {
        let mut items = Vec::new();
        for edition in self.editions.list(PUBLICATIONS).await.map_err(JobError::of)? {
            let (Some(publication), Some(withdrawal)) = (edition.published, edition.withdrawn) else {
                continue;
            };
            if withdrawal.at.plus(NOTICE_PERIOD) <= now {
                continue;
            }
            let announced = edition.version.news();
            let Progress { through: last, told: _ } =
                self.publications.progress(&announced).await.map_err(JobError::of)?;
            if last.is_some() {
                let name = format!("{announced}/withdrawn");
                items.push(Item {
                    name,
                    what: What::Withdrawn(edition.version, publication.in_force_from),
                    last,
                });
            }
        }
        Ok(items)
    }

    /// Tells at most so many people; says how many accounts were looked at. Who may yet confirm the address is
    /// waited for, while there is time for it.
    async fn tell(&self, item: &Item<'_>, now: Timestamp, limit: u32) -> Result<u32, JobError> {
        let Progress { through, mut told } =
            self.publications.progress(&item.name).await.map_err(JobError::of)?;
        let mut accounts = self.accounts.following(through, limit).await.map_err(JobError::of)?;
        accounts.retain(|account| item.last.is_none_or(|last| account.id <= last));
        let confirms = TicketPurpose::VerifyEmail.life();
        if now.plus(confirms) < item.at() {
            let may_confirm = |account: &Account| {
                account.email_verified_at.is_none() && now < account.created_at.plus(confirms)
            };
            accounts.truncate(accounts.iter().take_while(|account| !may_confirm(account)).count());
        }
        let Some(last) = accounts.last().map(|account| account.id) else { return Ok(0) };
        for account in accounts.iter().filter(|account| is_reached(account)) {
            let cause = [item.name.clone(), account.id.to_string()];
            let cause = cause.each_ref().map(String::as_str);
            self.letters.send(account.id, item.notice(account), &cause).await.map_err(JobError::of)?;
            told = told.saturating_add(1);
        }
        let progress = Progress { through: Some(last), told };
        self.publications.advance(&item.name, progress).await.map_err(JobError::of)?;
        Ok(u32::try_from(accounts.len()).unwrap_or(u32::MAX))
    }
}

impl Item<'_> {
    /// When it comes into force, or was to.
    fn at(&self) -> Timestamp {
        match &self.what {
            What::Policy(policy) => policy.effective_from,
            What::Prices(sheet, _) => sheet.effective_from,
            What::Withdrawn(_, announced_for) => *announced_for,
        }
    }

    /// What somebody is told.
    fn notice(&self, account: &Account) -> Notice {
        match &self.what {
            What::Policy(policy) => Notice::PolicyChange {
                policy: policy.kind,
                version: policy.version.to_owned(),
                summary: policy.text(account.locale).summary.clone(),
                effective_at: policy.effective_from,
            },
            What::Prices(sheet, changes) => {
                let names = |models: &[ModelId]| models.iter().map(ToString::to_string).collect();
                Notice::PriceChange {
                    version: sheet.version.0.to_string(),
                    effective_at: sheet.effective_from,
                    raised: names(&changes.raised),
                    lowered: names(&changes.lowered),
                    withdrawn: names(&changes.withdrawn),
                }
            }
            What::Withdrawn(version, announced_for) => {
                Notice::PriceChangeWithdrawn { version: version.0.to_string(), effective_at: *announced_for }
            }
        }
    }
}

/// Whether somebody has the account, at an address that was confirmed.
const fn is_reached(account: &Account) -> bool {
    account.email_verified_at.is_some() && !matches!(account.state, AccountState::Closed { .. })
}

#[async_trait]
impl Job for News {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn schedule(&self) -> Schedule {
        Schedule { every: Duration::from_mins(1), lease: Duration::from_mins(5) }
    }

    async fn run(&self, now: Timestamp) -> Result<Batch, JobError> {
        let mut left = BATCH;
        for item in self.items(now).await? {
            left = left.saturating_sub(self.tell(&item, now, left).await?);
            if left == 0 {
                break;
            }
        }
        // The rest is for the next minute.
        Ok(Batch::last(BATCH.saturating_sub(left).into()))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
