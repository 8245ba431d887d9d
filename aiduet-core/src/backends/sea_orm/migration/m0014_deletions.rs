//! The deletion of accounts, and the one change that a transfer may undergo: to lose its name.

use sea_orm::DbBackend;

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0014_deletions", statements };

/// `account` and `frozen_at` are null once the account is erased; what is known of it then is the
/// receipt. `paid_left` is nano-USD.
const DELETIONS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NULL,
    state {code} NOT NULL,
    unused_credit {code} NOT NULL,
    frozen_at {int} NULL,
    asked_at {int} NOT NULL,
    erase_at {int} NOT NULL,
    tombstone_key {digest} NULL,
    tombstone {digest} NULL,
    paid_left {int} NULL,
    payer {code} NULL,
    receipt {long} NULL,
    digest {code} NULL,
    CONSTRAINT deletions_end CHECK ((state = 'erased' AND account IS NULL AND receipt IS NOT NULL)
        OR (state <> 'erased' AND account IS NOT NULL AND receipt IS NULL))";

/// `is_whole` is 1 when nothing of the table is left.
const ERASED_ROWS: &str = "deletion {uuid} NOT NULL,
    name {code} NOT NULL,
    number_of_rows {int} NOT NULL,
    is_whole {int} NOT NULL,
    PRIMARY KEY (deletion, name)";

/// Empty but inside the transaction that takes the name off a person's postings.
const PSEUDONYMS: &str = "old_id {uuid} NOT NULL PRIMARY KEY,
    new_id {uuid} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, kind, columns| Index { name, kind, columns, condition: "" };
    let mut all = dialect.table(
        "deletions",
        DELETIONS,
        &[
            index("deletions_account", IndexKind::Unique, "account"),
            index("deletions_due", IndexKind::Plain, "state, erase_at"),
        ],
    );
    all.extend(dialect.table("erased_rows", ERASED_ROWS, &[]));
    all.extend(dialect.table("pseudonyms", PSEUDONYMS, &[]));
    all.extend(guard(dialect.0));
    all
}

/// Holds for a change of a transfer that takes a name off it and nothing else: its legs become the
/// pseudonyms that stand in the table, the request and a memo may go. `IS` compares with null.
const NAME_GOES: &str = "NEW.id = OLD.id AND NEW.phase = OLD.phase \
    AND NEW.code = OLD.code AND NEW.amount = OLD.amount AND NEW.currency = OLD.currency \
    AND NEW.created_at = OLD.created_at AND NEW.pending_id IS OLD.pending_id \
    AND NEW.reverses IS OLD.reverses AND NEW.request IS NULL \
    AND (NEW.ext IS OLD.ext OR (NEW.ext IS NULL AND OLD.code IN ('promo_grant', 'promo_expiry', 'correction'))) \
    AND (NEW.dr = OLD.dr OR EXISTS (SELECT 1 FROM pseudonyms WHERE old_id = OLD.dr AND new_id = NEW.dr)) \
    AND (NEW.cr = OLD.cr OR EXISTS (SELECT 1 FROM pseudonyms WHERE old_id = OLD.cr AND new_id = NEW.cr)) \
    AND EXISTS (SELECT 1 FROM pseudonyms WHERE new_id IN (NEW.dr, NEW.cr))";

/// The guard of the journal, which refuses every other change.
fn guard(backend: DbBackend) -> Vec<String> {
    let is = |word: &str| NAME_GOES.replace(" IS OLD.", &format!(" {word} OLD."));
    match backend {
        DbBackend::Postgres => vec![
            format!(
                "CREATE OR REPLACE FUNCTION transfer_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF TG_OP = 'UPDATE' THEN IF {} THEN RETURN NEW; END IF; END IF; \
                 RAISE EXCEPTION 'transfer is append-only'; END $$",
                is("IS NOT DISTINCT FROM")
            ),
            "GRANT UPDATE (dr, cr, ext, request) ON transfer TO CURRENT_USER".to_owned(),
        ],
        DbBackend::MySql => vec![
            "DROP TRIGGER IF EXISTS transfer_no_update".to_owned(),
            format!(
                "CREATE TRIGGER IF NOT EXISTS transfer_no_update BEFORE UPDATE ON transfer FOR EACH ROW \
                 IF NOT ({}) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'transfer is append-only'; END IF",
                is("<=>")
            ),
        ],
        _ => vec![
            "DROP TRIGGER transfer_no_update".to_owned(),
            format!(
                "CREATE TRIGGER transfer_no_update BEFORE UPDATE ON transfer WHEN NOT ({NAME_GOES}) \
                 BEGIN SELECT RAISE(ABORT, 'transfer is append-only'); END"
            ),
        ],
    }
}
