//! What is kept about a person: every category, for how long, where, and how much of it there is.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::InventoryError;
use super::retention::{
    BOOKS_KEPT_YEARS, CONSENT_KEPT, CREATION_KEPT, DECLINE_KEPT, EXPORT_KEPT, KEY_KEPT, NOTICE_KEPT,
    SECURITY_LOG_KEPT, SESSION_KEPT,
};
use crate::clock::Timestamp;
use crate::id::AccountId;

/// Counts what is kept about a person.
#[async_trait]
pub trait DataInventory: fmt::Debug + Send + Sync + 'static {
    /// How much each table of [`CATEGORIES`] holds about an account; tables that hold nothing may be
    /// left out.
    ///
    /// # Errors
    /// [`InventoryError::Unavailable`].
    async fn holdings(&self, account: AccountId) -> Result<Vec<Holding>, InventoryError>;
}

/// What a table holds about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Which table.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// When the oldest of them was made; `None` where none says when.
    pub oldest: Option<Timestamp>,
}

/// A category of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataCategory {
    /// Stable, for programs.
    pub code: &'static str,
    /// The tables that hold it, if it is in the database.
    pub tables: &'static [&'static str],
    /// How long.
    pub kept: Kept,
    /// Where.
    pub place: Place,
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// As long as the account.
    Account,
    /// As long as the account, and so long after its end, without its name.
    AfterAccount(Duration),
    /// So long after its own end.
    AfterEnd(Duration),
    /// So long.
    For(Duration),
    /// As many days as the operator says, at most [`USAGE_DAYS_MAX`](super::USAGE_DAYS_MAX).
    UsageDays,
    /// Until it has served its purpose, or cannot any more.
    WhileUseful,
    /// So many years of bookkeeping, without a name after the end of the account.
    Books(u16),
    /// As somebody else decides, who is named in the privacy policy.
    Elsewhere,
    /// It is not.
    Never,
}

/// Where something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the database of the operator.
    Database,
    /// At the card company.
    CardCompany,
    /// In copies of the database, which the operator keeps in case it is lost.
    Backups,
    /// At the provider whose model answered.
    Provider,
    /// Nowhere.
    Nowhere,
}

/// Every category of data about people.
pub const CATEGORIES: &[DataCategory] = &[
    in_database("account", &["accounts", "approvals"], Kept::Account),
    in_database("consents", &["consents"], Kept::AfterAccount(CONSENT_KEPT)),
    in_database("identities", &["identities"], Kept::Account),
    in_database("sessions", &["sessions"], Kept::AfterEnd(SESSION_KEPT)),
    in_database("links", &["tickets"], Kept::WhileUseful),
    in_database("sign_in_failures", &["sign_in_failures"], Kept::WhileUseful),
    in_database("keys", &["api_keys", "key_spend"], Kept::AfterEnd(KEY_KEPT)),
    in_database("key_requests", &["key_creations"], Kept::For(CREATION_KEPT)),
    in_database("usage", &["requests"], Kept::UsageDays),
    in_database("usage_sums", &["usage_quarters", "usage_rollups"], Kept::UsageDays),
    in_database("holds", &["hold"], Kept::WhileUseful),
    in_database("books", &["account", "lot", "transfer"], Kept::Books(BOOKS_KEPT_YEARS)),
    in_database("purchases", &["disputes", "refunds", "top_ups"], Kept::Books(BOOKS_KEPT_YEARS)),
    in_database("declines", &["declines"], Kept::For(DECLINE_KEPT)),
    in_database("payer", &["payers"], Kept::Account),
    in_database("billing_choices", &["alerts", "recharges", "spend_alerts"], Kept::Account),
    in_database("security_log", &["security_events"], Kept::For(SECURITY_LOG_KEPT)),
    in_database("messages", &["notices"], Kept::AfterEnd(NOTICE_KEPT)),
    in_database("exports", &["exports"], Kept::For(EXPORT_KEPT)),
    in_database("deletions", &["deletions"], Kept::WhileUseful),
    elsewhere("payments", Kept::Elsewhere, Place::CardCompany),
    elsewhere("backups", Kept::Elsewhere, Place::Backups),
    elsewhere("content_at_provider", Kept::Elsewhere, Place::Provider),
    elsewhere("content", Kept::Never, Place::Nowhere),
];

/// The tables that hold nothing about people, or nothing that leads to anybody: what an erasure deleted
/// of each table, pseudonyms while they are given, the card company's names of those who have left
/// until it has forgotten them, sums and counts that the records of the card company and of providers
/// are held against, what operators did to which identifier, policies, prices and who comes next to be
/// told of them. A table is here or in [`CATEGORIES`]: a test that looks at the database says so.
pub const WITHOUT_PERSONAL_DATA: &[&str] = &[
    "audit_log",
    "cost_comparisons",
    "departed_payers",
    "erased_rows",
    "jobs",
    "migration",
    "news_progress",
    "nodes",
    "price_editions",
    "pseudonyms",
    "publications",
    "reconciliations",
    "status_hours",
    "token_comparisons",
];

const fn in_database(code: &'static str, tables: &'static [&'static str], kept: Kept) -> DataCategory {
    DataCategory { code, tables, kept, place: Place::Database }
}

const fn elsewhere(code: &'static str, kept: Kept, place: Place) -> DataCategory {
    DataCategory { code, tables: &[], kept, place }
}

impl DataCategory {
    /// What its tables hold together.
    pub fn sum(&self, holdings: &[Holding]) -> (u64, Option<Timestamp>) {
        let own = || holdings.iter().filter(|holding| self.tables.contains(&holding.table));
        let rows = own().map(|holding| holding.rows).fold(0, u64::saturating_add);
        (rows, own().filter_map(|holding| holding.oldest).min())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_table_and_code_is_named_once() {
        let mut tables: Vec<_> = CATEGORIES.iter().flat_map(|category| category.tables).collect();
        tables.extend(WITHOUT_PERSONAL_DATA);
        assert_eq!(tables.len(), tables.iter().collect::<BTreeSet<_>>().len());
        let codes: BTreeSet<_> = CATEGORIES.iter().map(|category| category.code).collect();
        assert_eq!(codes.len(), CATEGORIES.len());
    }

    #[test]
    fn what_is_in_the_database_has_tables() {
        for category in CATEGORIES {
            assert_eq!(category.tables.is_empty(), category.place != Place::Database, "{}", category.code);
        }
    }

    #[test]
    fn a_category_sums_its_tables() {
        let at = Timestamp::from_millis;
        let holdings = [
            Holding { table: "api_keys", rows: 2, oldest: Some(at(7)) },
            Holding { table: "key_spend", rows: 1, oldest: None },
            Holding { table: "sessions", rows: 9, oldest: Some(at(3)) },
        ];
        let keys = CATEGORIES.iter().find(|category| category.code == "keys").unwrap();
        assert_eq!(keys.sum(&holdings), (3, Some(at(7))));
        assert_eq!(keys.sum(&[]), (0, None));
    }
}
