//! What happened to the balance of a person, line by line, as an account statement shows it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{EntryKind, ExternalId, LedgerError};
use crate::clock::Timestamp;
use crate::id::{AccountId, TransferId, derive};
use crate::money::Money;
use crate::price::ModelId;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
/// For how long usage is kept by model; see [`StatementSubject::EarlierUsage`].
const USAGE_KEPT: Duration = Duration::from_hours(90 * 24);

/// Tells what happened to balances.
#[async_trait]
pub trait Statements: fmt::Debug + Send + Sync + 'static {
    /// At most `limit` lines of an account, newest first, with the balance after each, taken from one
    /// state of the books: the first line of the first page has the posted balance.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn statement(&self, request: StatementRequest) -> Result<Statement, LedgerError>;
}

/// Which lines [`Statements::statement`] returns.
#[derive(Clone, Copy, Debug)]
pub struct StatementRequest {
    /// Whose.
    pub account: AccountId,
    /// Only those that are older than this one.
    pub before: Option<StatementPosition>,
    /// At most so many.
    pub limit: u32,
    /// The present, from which it follows how long usage has been kept.
    pub now: Timestamp,
}

/// Lines of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// The lines, newest first.
    pub lines: Vec<StatementLine>,
    /// Where the next page begins, if there is one.
    pub next: Option<StatementPosition>,
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// Its place, which is also its name.
    pub position: StatementPosition,
    /// What it is for.
    pub subject: StatementSubject,
    /// What it added to the balance; negative where it took.
    pub amount: Money,
    /// The posted balance after it.
    pub balance: Money,
}

/// What a line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementSubject {
    /// A posting.
    Posting {
        /// Which.
        id: TransferId,
        /// What for.
        kind: EntryKind,
        /// The name of the cause outside the ledger.
        external: Option<ExternalId>,
    },
    /// The usage of a model in a day (UTC), booked at the end of the day.
    Usage {
        /// Which model.
        model: ModelId,
    },
    /// All usage of which the models are no longer kept, booked before what is.
    EarlierUsage,
}

/// The place of a line: lines are ordered by time, and by name where that is equal.
///
/// # Wire shape
/// Milliseconds since 1970 and 32 hexadecimal digits, joined by `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementPosition {
    /// When.
    pub at: Timestamp,
    /// Tells lines of one moment apart.
    pub name: Uuid,
}

impl fmt::Display for StatementPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.millis(), self.name.simple())
    }
}

/// The text is not the place of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a statement")]
pub struct InvalidPosition;

impl FromStr for StatementPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (at, name) = text.split_once('-').ok_or(InvalidPosition)?;
        let at = at.parse().map_err(|_not_a_number| InvalidPosition)?;
        let name = Some(name).filter(|name| name.len() == 32).and_then(|name| Uuid::try_parse(name).ok());
        Ok(Self { at: Timestamp::from_millis(at), name: name.ok_or(InvalidPosition)? })
    }
}

/// A posting as it concerns a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementPosting {
    /// Which.
    pub id: TransferId,
    /// What for.
    pub kind: EntryKind,
    /// The name of the cause outside the ledger.
    pub external: Option<ExternalId>,
    /// What it added to the balance; negative where it took.
    pub amount: Money,
    /// When.
    pub at: Timestamp,
}

/// The usage of a model in a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayUsage {
    /// The first moment of the day (UTC).
    pub day: Timestamp,
    /// Which model.
    pub model: ModelId,
    /// How much.
    pub cost: Money,
}

/// What a backend reads for a page, all from one state of the books.
#[derive(Clone, Debug, Default)]
pub struct StatementParts {
    /// The posted balance.
    pub posted: Money,
    /// All usage ever.
    pub used: Money,
    /// What all postings that are not older than the page added.
    pub newer: Money,
    /// Postings of the page, newest first, one more than its limit if there are so many.
    pub postings: Vec<StatementPosting>,
    /// All usage of which the days and models are kept.
    pub usage: Vec<DayUsage>,
}

impl StatementParts {
    /// The page.
    ///
    /// # Errors
    /// [`LedgerError::InvalidAmount`] when sums do not fit.
    pub fn page(self, request: &StatementRequest) -> Result<Statement, LedgerError> {
        let Self { posted, used, newer, postings, usage } = self;
        let usage = usage_lines(request, used, usage)?;
        let mut balance = posted.checked_sub(newer)?;
        let mut lines: Vec<StatementLine> = postings.into_iter().map(posting_line).collect();
        for line in usage {
            match request.before {
                Some(before) if line.position >= before => balance = balance.checked_sub(line.amount)?,
                _ => lines.push(line),
            }
        }
        lines.sort_unstable_by_key(|line| std::cmp::Reverse(line.position));
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let has_more = lines.len() > limit;
        lines.truncate(limit);
        for line in &mut lines {
            line.balance = balance;
            balance = balance.checked_sub(line.amount)?;
        }
        let next = lines.last().filter(|_last| has_more).map(|last| last.position);
        Ok(Statement { lines, next })
    }
}

fn posting_line(posting: StatementPosting) -> StatementLine {
    let StatementPosting { id, kind, external, amount, at } = posting;
    StatementLine {
        position: StatementPosition { at, name: id.as_uuid() },
        subject: StatementSubject::Posting { id, kind, external },
        amount,
        balance: Money::ZERO,
    }
}

/// A line per day and model, and one for what is no longer told apart.
fn usage_lines(
    request: &StatementRequest,
    used: Money,
    usage: Vec<DayUsage>,
) -> Result<Vec<StatementLine>, LedgerError> {
    let account = request.account.as_uuid();
    let kept_since = start_of_day(request.now.minus(USAGE_KEPT));
    let oldest = usage.iter().map(|usage| usage.day).min().unwrap_or(kept_since).min(kept_since);
    let mut earlier = used;
    let mut lines = Vec::with_capacity(usage.len().saturating_add(1));
    for DayUsage { day, model, cost } in usage {
        earlier = earlier.checked_sub(cost)?;
        let at = Timestamp::from_millis(day.millis().saturating_add(DAY_MILLIS - 1));
        let name = derive(account, &format!("usage:{}:{model}", day.millis()));
        lines.push(StatementLine {
            position: StatementPosition { at, name },
            subject: StatementSubject::Usage { model },
            amount: Money::ZERO.checked_sub(cost)?,
            balance: Money::ZERO,
        });
    }
    lines.push(StatementLine {
        position: StatementPosition {
            at: Timestamp::from_millis(oldest.millis().saturating_sub(1)),
            name: derive(account, "usage:earlier"),
        },
        subject: StatementSubject::EarlierUsage,
        amount: Money::ZERO.checked_sub(earlier)?,
        balance: Money::ZERO,
    });
    lines.retain(|line| line.amount != Money::ZERO);
    Ok(lines)
}

/// The first moment of a day (UTC).
pub(crate) const fn start_of_day(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_sub(at.millis().rem_euclid(DAY_MILLIS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place = StatementPosition { at: Timestamp::from_millis(1_764_000_000_123), name: Uuid::max() };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in
            ["", "1", "1-", "x-ffffffffffffffffffffffffffffffff", "1-ffffffff-ffff-ffff-ffff-ffffffffffff"]
        {
            assert_eq!(text.parse::<StatementPosition>(), Err(InvalidPosition), "{text}");
        }
    }

    #[test]
    fn usage_whose_days_are_forgotten_is_one_line_before_the_kept_ones() {
        let day = |number: i64| Timestamp::from_millis(number * DAY_MILLIS);
        let model = ModelId::parse("gpt-5.4-mini").unwrap();
        let parts = StatementParts {
            posted: Money::from_nanos(60),
            used: Money::from_nanos(40),
            postings: vec![StatementPosting {
                id: TransferId::from_uuid(Uuid::nil()),
                kind: EntryKind::TopUp,
                external: None,
                amount: Money::from_nanos(100),
                at: day(1),
            }],
            usage: vec![DayUsage { day: day(199), model, cost: Money::from_nanos(15) }],
            ..StatementParts::default()
        };
        let account = AccountId::from_uuid(Uuid::nil());
        let request = StatementRequest { account, before: None, limit: 9, now: day(200) };
        let Statement { lines, next } = parts.page(&request).unwrap();
        let told: Vec<_> = lines.iter().map(|line| (line.amount.nanos(), line.balance.nanos())).collect();
        assert_eq!((told, next), (vec![(-15, 60), (-25, 75), (100, 100)], None));
        assert_eq!(lines[1].subject, StatementSubject::EarlierUsage);
        assert_eq!(lines[1].position.at, Timestamp::from_millis(day(110).millis() - 1));
    }
}
