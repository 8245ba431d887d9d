//! The invariants of `docs/ledger.md`, each as one query that must return no row, on one state of
//! the database.
//!
//! Sums are taken in two halves of 32 bits, since the sum of 64-bit amounts may not fit in one.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use uuid::Uuid;

use super::SeaOrmLedger;
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql, now_millis};
use crate::ledger::{Audit, LedgerError, Violation};

/// At most so many rows are named per invariant.
const ROWS_MAX: &str = " LIMIT 20";

/// Writes the queries in the dialect of a database system.
#[derive(Clone, Copy, Debug)]
struct Query(DbBackend);

type Check = (&'static str, &'static str, fn(Query) -> String);

const CHECKS: [Check; 20] = [
    ("I01", "debits equal credits", trial_balance),
    ("I02", "posted columns equal the journal", posted_columns),
    ("I03", "pending columns equal the open pending transfers", pending_columns),
    ("I04", "no limited account is overdrawn", overdrawn),
    ("I05", "a pending transfer is resolved at most once", resolved_twice),
    ("I06", "a resolver has the legs of its pending transfer and at most its amount", odd_resolvers),
    ("I07", "a resolver comes after its pending transfer", early_resolvers),
    ("I08", "open holds equal the open pending transfers", odd_holds),
    ("I09", "no hold of a dead node is old", stale_holds),
    ("I10", "a transfer has the currency of its accounts", odd_currencies),
    ("I11", "reversals mirror their transfer and are bounded by it", odd_reversals),
    ("I12", "a payment is credited once", double_credits),
    ("I13", "refunds and disputes are bounded by their top-up", over_refunded),
    ("I14", "a negative allowance is explained by forced postings", unexplained),
    ("I15", "whole cents at the edge to the card company", broken_cents),
    ("I16", "the record of a request and its postings agree", odd_records),
    ("I17", "records are deleted in time", old_records),
    ("I18", "external identifiers match their kind", odd_externals),
    ("I19", "lots add up to the promotional balance", odd_lots),
    ("I20", "what was used, ever and in the month, is the usage of the journal", odd_usage),
];

#[async_trait]
impl Audit for SeaOrmLedger {
    async fn verify(&self) -> Result<Vec<Violation>, LedgerError> {
        let snapshot = self.database.snapshot().await?;
        if snapshot.get_database_backend() == DbBackend::Postgres {
            // Whole tables are read here; connections are opened for looking up single rows.
            snapshot
                .execute_unprepared("SET LOCAL enable_seqscan = on")
                .await
                .map_err(DatabaseError::from)?;
        }
        let violations = violations(&snapshot).await?;
        snapshot.rollback().await.map_err(DatabaseError::from)?;
        Ok(violations)
    }
}

/// The broken invariants of what `on` sees.
pub(super) async fn violations(on: &impl ConnectionTrait) -> Result<Vec<Violation>, DatabaseError> {
    let backend = on.get_database_backend();
    let mut broken = Vec::new();
    for (invariant, statement, query) in CHECKS {
        let found = Sql::new(backend, &query(Query(backend))).text(ROWS_MAX).all(on).await?;
        let rows = found.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        if !rows.is_empty() {
            broken.push(Violation { invariant, statement, rows });
        }
    }
    Ok(broken)
}

/// The identifier of a row, or the currency of a trial balance.
fn name(row: &QueryResult) -> Result<String, DatabaseError> {
    let identifier: Result<Uuid, _> = Columns::of(row).next();
    identifier.map_or_else(|_not_one| Columns::of(row).next(), |identifier| Ok(identifier.to_string()))
}

impl Query {
    /// The sum of `x`, whatever its size.
    fn sum(self) -> &'static str {
        match self.0 {
            DbBackend::MySql => "SUM(x DIV 4294967296) * 4294967296 + SUM(x MOD 4294967296)",
            _ => "SUM(x / 4294967296) * 4294967296 + SUM(x % 4294967296)",
        }
    }

    /// The identifiers in `terms` whose `x` do not add up to what `condition` asks for.
    fn totals(self, terms: &str, condition: &str) -> String {
        format!("SELECT id FROM ({terms}) terms GROUP BY id HAVING {} {condition}", self.sum())
    }

    /// Either of two queries; each may have conditions of its own.
    fn either(queries: [&str; 2]) -> String {
        let [first, second] = queries;
        format!("SELECT id FROM ({first}) first_part UNION ALL SELECT id FROM ({second}) second_part")
    }

    /// So many milliseconds before now, by the database's clock.
    fn before_now(self, millis: i64) -> String {
        format!("{} - {millis}", now_millis(self.0))
    }
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn trial_balance(query: Query) -> String {
    let side = |debit: &str, credit: &str| {
        let terms = format!(
            "SELECT currency AS id, {debit} AS x FROM account UNION ALL SELECT currency, -{credit} FROM account"
        );
        query.totals(&terms, "<> 0")
    };
    Query::either([&side("dr_posted", "cr_posted"), &side("dr_pending", "cr_pending")])
}

fn columns_against(query: Query, (debit, credit): (&str, &str), transfers: &str) -> String {
    let side = |column: &str, leg: &str| {
        let terms = format!(
            "SELECT id, {column} AS x FROM account UNION ALL SELECT p.{leg}, -p.amount FROM transfer p WHERE {transfers}"
        );
        query.totals(&terms, "<> 0")
    };
    Query::either([&side(debit, "dr"), &side(credit, "cr")])
}

fn posted_columns(query: Query) -> String {
    columns_against(query, ("dr_posted", "cr_posted"), "p.phase IN (1, 3)")
}

const OPEN: &str = "p.phase = 2 AND NOT EXISTS (SELECT 1 FROM transfer r WHERE r.pending_id = p.id)";

fn pending_columns(query: Query) -> String {
    columns_against(query, ("dr_pending", "cr_pending"), OPEN)
}

fn overdrawn(_query: Query) -> String {
    "SELECT id FROM account WHERE limited = 1 AND dr_posted - cr_posted > allowed_neg - dr_pending".to_owned()
}

fn resolved_twice(_query: Query) -> String {
    "SELECT pending_id FROM transfer WHERE pending_id IS NOT NULL GROUP BY pending_id HAVING COUNT(*) > 1"
        .to_owned()
}

fn odd_resolvers(_query: Query) -> String {
    "SELECT r.id FROM transfer r LEFT JOIN transfer p ON p.id = r.pending_id WHERE r.pending_id IS NOT NULL \
     AND (p.id IS NULL OR r.amount > p.amount OR p.phase <> 2 OR r.dr <> p.dr OR r.cr <> p.cr \
     OR r.currency <> p.currency)"
        .to_owned()
}

/// A resolver has at least the moment of what it resolves, whatever the clock of its node says.
fn early_resolvers(_query: Query) -> String {
    "SELECT r.id FROM transfer r JOIN transfer p ON p.id = r.pending_id \
     WHERE r.created_at < p.created_at"
        .to_owned()
}

fn odd_holds(query: Query) -> String {
    let missing = format!(
        "SELECT p.id FROM transfer p LEFT JOIN hold h ON h.pending_id = p.id WHERE {OPEN} \
         AND (h.pending_id IS NULL OR h.amount <> p.amount OR h.account <> p.dr)"
    );
    let stray = "SELECT h.pending_id AS id FROM hold h LEFT JOIN transfer p ON p.id = h.pending_id AND p.phase = 2 \
        WHERE p.id IS NULL OR EXISTS (SELECT 1 FROM transfer r WHERE r.pending_id = h.pending_id)";
    let keys = query.totals(
        "SELECT api_key AS id, held AS x FROM key_spend UNION ALL SELECT api_key, -amount FROM hold",
        "<> 0",
    );
    Query::either([&Query::either([&missing, stray]), &keys])
}

fn stale_holds(query: Query) -> String {
    let grace = query.before_now(HOUR);
    format!(
        "SELECT h.pending_id FROM hold h WHERE h.created_at < {grace} AND NOT EXISTS \
         (SELECT 1 FROM nodes n WHERE n.id = h.owner_node AND n.retired = 0 AND n.beat_at >= {grace})"
    )
}

fn odd_currencies(_query: Query) -> String {
    "SELECT t.id FROM transfer t JOIN account d ON d.id = t.dr JOIN account c ON c.id = t.cr \
     WHERE t.currency <> d.currency OR t.currency <> c.currency"
        .to_owned()
}

/// Transfers that are reversed by more than they are; what is reversed of a reversal counts back.
fn over_reversed(query: Query, originals: &str) -> String {
    let terms = format!(
        "SELECT o.id, -o.amount AS x FROM transfer o WHERE {originals} \
         UNION ALL SELECT o.id, r.amount FROM transfer r JOIN transfer o ON o.id = r.reverses WHERE {originals} \
         UNION ALL SELECT o.id, -q.amount FROM transfer q JOIN transfer r ON r.id = q.reverses \
         JOIN transfer o ON o.id = r.reverses WHERE {originals}"
    );
    query.totals(&terms, "> 0")
}

fn odd_reversals(query: Query) -> String {
    let unmirrored = "SELECT r.id FROM transfer r LEFT JOIN transfer o ON o.id = r.reverses \
        WHERE r.reverses IS NOT NULL AND (o.id IS NULL OR r.dr <> o.cr OR r.cr <> o.dr)";
    Query::either([&over_reversed(query, "o.phase = 1"), unmirrored])
}

fn double_credits(_query: Query) -> String {
    "SELECT t.id FROM transfer t WHERE t.code = 'topup' AND (t.ext IS NULL OR EXISTS \
     (SELECT 1 FROM transfer o WHERE o.code = 'topup' AND o.ext = t.ext AND o.id <> t.id))"
        .to_owned()
}

fn over_refunded(query: Query) -> String {
    over_reversed(query, "o.code = 'topup'")
}

fn unexplained(query: Query) -> String {
    query.totals(
        "SELECT id, allowed_neg AS x FROM account UNION ALL SELECT dr, -amount FROM transfer \
         WHERE code IN ('dispute', 'refund', 'overage', 'late_usage')",
        "> 0",
    )
}

fn broken_cents(_query: Query) -> String {
    "SELECT id FROM transfer WHERE code IN ('topup', 'refund', 'dispute') AND amount % 10000000 <> 0"
        .to_owned()
}

/// Only requests of the last 89 days: older records are being deleted, their postings are not.
fn odd_records(query: Query) -> String {
    let terms = "SELECT t.request AS id, CASE WHEN a.kind = 'usage_revenue' THEN -t.amount ELSE t.amount END AS x, \
        t.created_at AS at_time FROM transfer t JOIN account a ON a.id = t.dr \
        WHERE t.request IS NOT NULL AND t.phase IN (1, 3) \
        UNION ALL SELECT id, -cost, started_at FROM requests";
    let recent = format!("<> 0 AND MIN(at_time) >= {}", query.before_now(89 * DAY));
    let differing = "SELECT id FROM requests WHERE charged_promo - cost <> -charged_paid";
    Query::either([&query.totals(terms, &recent), differing])
}

fn old_records(query: Query) -> String {
    format!("SELECT id FROM requests WHERE started_at < {}", query.before_now(91 * DAY))
}

fn odd_externals(_query: Query) -> String {
    "SELECT id FROM transfer WHERE ext IS NOT NULL AND ((code = 'topup' AND SUBSTR(ext, 1, 3) <> 'pi_') \
     OR (code = 'refund' AND SUBSTR(ext, 1, 3) <> 're_') \
     OR (code = 'dispute' AND SUBSTR(ext, 1, 3) NOT IN ('dp_', 'du_') AND SUBSTR(ext, 1, 4) <> 'txn_'))"
        .to_owned()
}

fn odd_lots(query: Query) -> String {
    let sums = query.totals(
        "SELECT owner AS id, cr_posted - dr_posted AS x FROM account WHERE kind = 'promo' \
         UNION ALL SELECT account, -remaining FROM lot",
        "<> 0",
    );
    let grace = query.before_now(HOUR);
    let overdue = format!(
        "SELECT l.id FROM lot l JOIN account a ON a.owner = l.account AND a.kind = 'promo' \
         WHERE l.remaining > 0 AND l.expires_at < {grace} AND l.remaining <= a.cr_posted - a.dr_posted - a.dr_pending"
    );
    Query::either([&sums, &overdue])
}

/// What an account was charged, and given back of it, as terms; each with its condition.
fn usage_terms([charged, given_back]: [&str; 2]) -> [String; 2] {
    let side = |(own, other): (&str, &str), sign: &str, condition: &str| {
        format!(
            "SELECT a.id, {sign}t.amount AS x FROM transfer t JOIN account u ON u.id = t.{other} \
             AND u.kind = 'usage_revenue' JOIN account a ON a.id = t.{own} WHERE t.phase IN (1, 3){condition}"
        )
    };
    [side(("dr", "cr"), "-", charged), side(("cr", "dr"), "", given_back)]
}

/// What was given back of an earlier month does not make this one negative, so the month is between what
/// was charged and that less what was given back; usage before the tally was kept is not in it.
fn odd_usage(query: Query) -> String {
    let [charged, given_back] = usage_terms(["", ""]);
    let ever = format!("SELECT id, used AS x FROM account UNION ALL {charged} UNION ALL {given_back}");
    let in_month = " AND t.created_at >= a.month_start";
    let counted = format!(
        "{in_month} AND a.month_start > 0 \
         AND t.created_at >= (SELECT applied_at FROM migration WHERE name = '0061_account_limits')"
    );
    let month = "SELECT id, month_spent AS x FROM account UNION ALL";
    let [counted, given_back] = usage_terms([&counted, in_month]);
    let [charged, _given_back] = usage_terms([in_month, ""]);
    Query::either([
        &query.totals(&ever, "<> 0"),
        &Query::either([
            &query.totals(&format!("{month} {counted} UNION ALL {given_back}"), "< 0"),
            &query.totals(&format!("{month} {charged}"), "> 0"),
        ]),
    ])
}
