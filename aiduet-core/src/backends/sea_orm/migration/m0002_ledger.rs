//! The books: accounts, transfers, holds, lots, and the nodes that own holds.

use sea_orm::DbBackend;

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0002_ledger", statements };

/// Amounts are nano-USD. `owner` is the person's account of `paid` and `promo`, else zero;
/// `shard` tells the accounts of a kind apart; `used` is the part of the debits that was usage.
const ACCOUNT: &str = "id {uuid} NOT NULL PRIMARY KEY,
    kind {code} NOT NULL,
    owner {uuid} NOT NULL,
    shard {int} NOT NULL,
    currency CHAR(3) NOT NULL,
    limited {int} NOT NULL,
    allowed_neg {int} NOT NULL,
    frozen {int} NOT NULL,
    dr_pending {int} NOT NULL,
    dr_posted {int} NOT NULL,
    cr_pending {int} NOT NULL,
    cr_posted {int} NOT NULL,
    used {int} NOT NULL,
    CONSTRAINT account_not_negative CHECK (dr_pending >= 0 AND dr_posted >= 0 AND cr_pending >= 0
        AND cr_posted >= 0 AND allowed_neg >= 0),
    CONSTRAINT account_flags CHECK (limited IN (0, 1) AND frozen IN (0, 1)),
    CONSTRAINT account_limit CHECK (limited = 0
        OR dr_posted - cr_posted <= allowed_neg - dr_pending)";

/// Phases: 1 single, 2 pending, 3 post, 4 void, 5 expire. A pending transfer is resolved once:
/// `pending_id` is unique.
const TRANSFER: &str = "{id},
    phase {int} NOT NULL,
    code {code} NOT NULL,
    dr {uuid} NOT NULL,
    cr {uuid} NOT NULL,
    amount {int} NOT NULL,
    currency CHAR(3) NOT NULL,
    pending_id {uuid} NULL,
    reverses {uuid} NULL,
    ext {code} NULL,
    request {uuid} NULL,
    created_at {int} NOT NULL,
    CONSTRAINT transfer_amount CHECK (amount >= 0),
    CONSTRAINT transfer_legs CHECK (dr <> cr),
    CONSTRAINT transfer_phase CHECK ((phase IN (1, 2) AND pending_id IS NULL)
        OR (phase IN (3, 4, 5) AND pending_id IS NOT NULL))";

/// One row for each open pending transfer. A hold expires with its owner, not with time, so it
/// has no time of expiry; `min_cost` is what is charged then.
const HOLD: &str = "pending_id {uuid} NOT NULL PRIMARY KEY,
    hold_id {uuid} NOT NULL,
    leg {code} NOT NULL,
    account {uuid} NOT NULL,
    amount {int} NOT NULL,
    min_cost {int} NOT NULL,
    owner_node {uuid} NOT NULL,
    person {uuid} NOT NULL,
    request {uuid} NOT NULL,
    api_key {uuid} NOT NULL,
    shard {int} NOT NULL,
    endpoint {code} NOT NULL,
    model {code} NOT NULL,
    vendor {code} NOT NULL,
    stream {int} NOT NULL,
    started_at {int} NOT NULL,
    created_at {int} NOT NULL,
    CONSTRAINT hold_amount CHECK (amount > 0 AND min_cost >= 0)";

/// `account` is the person's account.
const LOT: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    priority {int} NOT NULL,
    expires_at {int} NULL,
    remaining {int} NOT NULL,
    CONSTRAINT lot_amount CHECK (remaining >= 0)";

const NODE: &str = "id {uuid} NOT NULL PRIMARY KEY,
    beat_at {int} NOT NULL,
    retired {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let unique = |name, columns, condition| Index { name, kind: IndexKind::Unique, columns, condition };
    let plain = |name, columns| Index { name, kind: IndexKind::Plain, columns, condition: "" };
    let mut all =
        dialect.table("account", ACCOUNT, &[plain("account_owner", "owner"), plain("account_kind", "kind")]);
    let (id, index) = transfer_id(dialect.0);
    let indexes: Vec<Index> = index
        .into_iter()
        .chain([
            unique("transfer_pending_id", "pending_id", "pending_id IS NOT NULL"),
            unique("transfer_code_ext", "code, ext", "ext IS NOT NULL"),
            Index {
                name: "transfer_reverses",
                kind: IndexKind::Plain,
                columns: "reverses",
                condition: "reverses IS NOT NULL",
            },
        ])
        .collect();
    all.extend(dialect.table("transfer", &TRANSFER.replace("{id}", id), &indexes));
    all.extend(dialect.table("hold", HOLD, &[plain("hold_request", "request")]));
    all.extend(dialect.table("lot", LOT, &[plain("lot_account", "account")]));
    all.extend(dialect.table("nodes", NODE, &[]));
    all.extend(append_only(dialect.0));
    all
}

/// The identifier of a transfer, and its index where it is not the primary key. SQLite and MySQL keep rows in
/// the order of a number. On PostgreSQL a sequence would be a place where all nodes meet, and databases
/// that are spread over many machines make it slow or have none.
fn transfer_id(backend: DbBackend) -> (&'static str, Option<Index>) {
    let index = Index { name: "transfer_id", kind: IndexKind::Unique, columns: "id", condition: "" };
    match backend {
        DbBackend::Postgres => ("id {uuid} NOT NULL PRIMARY KEY", None),
        DbBackend::MySql => {
            ("seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, id {uuid} NOT NULL", Some(index))
        }
        _ => ("seq INTEGER PRIMARY KEY AUTOINCREMENT, id {uuid} NOT NULL", Some(index)),
    }
}

/// Guards that refuse to change or delete a transfer.
fn append_only(backend: DbBackend) -> Vec<String> {
    let each = |text: &str| {
        ["UPDATE", "DELETE"]
            .into_iter()
            .map(|verb| text.replace("{verb}", verb).replace("{name}", &verb.to_lowercase()))
            .collect::<Vec<_>>()
    };
    match backend {
        DbBackend::Postgres => vec![
            "CREATE OR REPLACE FUNCTION transfer_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'transfer is append-only'; END $$"
                .to_owned(),
            "CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE ON transfer \
             FOR EACH ROW EXECUTE FUNCTION transfer_append_only()"
                .to_owned(),
            "REVOKE UPDATE, DELETE, TRUNCATE ON transfer FROM PUBLIC, CURRENT_USER".to_owned(),
        ],
        DbBackend::MySql => each(
            "CREATE TRIGGER IF NOT EXISTS transfer_no_{name} BEFORE {verb} ON transfer FOR EACH ROW \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'transfer is append-only'",
        ),
        _ => each(
            "CREATE TRIGGER transfer_no_{name} BEFORE {verb} ON transfer \
             BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END",
        ),
    }
}
