//! The rows of the books as columns.

use std::collections::HashMap;

use uuid::Uuid;

use crate::backends::sea_orm::bulk::{Cell, Conflict, Insert, Select, int, text, uuid};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::Columns;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::id::{AccountId, ApiKeyId, HoldId, LotId, NodeId, RequestId, TransferId, derive};
use crate::ledger::books::{AccountRow, HoldRow, KeyRow, Leg, Legs, Lot, Phase, Resolution, Tally, Transfer};
use crate::ledger::{EntryKind, HoldOrigin, LedgerAccount};
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::Vendor;

/// The only currency of this version.
const CURRENCY: &str = "USD";

const ACCOUNT_COLUMNS: &str = "id, dr_pending, dr_posted, cr_pending, cr_posted, allowed_neg, used, frozen, \
    month_start, month_spent, month_limit";
pub(super) const ACCOUNTS_BY_ID: Select = Select::new(ACCOUNT_COLUMNS, "account", "id");
/// The columns of an account of the house that a posting adds to.
pub(super) const ACCOUNT_CHANGES: [&str; 6] =
    ["dr_pending", "dr_posted", "cr_pending", "cr_posted", "allowed_neg", "used"];
pub(super) const ACCOUNTS: Insert<16> = Insert {
    table: "account",
    columns: [
        uuid("id"),
        text("kind"),
        uuid("owner"),
        int("shard"),
        text("currency"),
        int("limited"),
        int("dr_pending"),
        int("dr_posted"),
        int("cr_pending"),
        int("cr_posted"),
        int("allowed_neg"),
        int("used"),
        int("frozen"),
        int("month_start"),
        int("month_spent"),
        int("month_limit").or_null(),
    ],
    conflict: Conflict::Replace(
        "id",
        &[
            "dr_pending",
            "dr_posted",
            "cr_pending",
            "cr_posted",
            "allowed_neg",
            "used",
            "frozen",
            "month_start",
            "month_spent",
            "month_limit",
        ],
    ),
};
/// Makes accounts that are missing.
pub(super) const NEW_ACCOUNTS: Insert<16> = Insert { conflict: Conflict::Keep("id"), ..ACCOUNTS };

/// Kind, owner and shard, which name an account of the ledger.
pub(super) fn account_name(account: LedgerAccount) -> (&'static str, Uuid, i64) {
    let system = |kind| (kind, Uuid::nil(), 0);
    match account {
        LedgerAccount::Paid(owner) => ("paid", owner.as_uuid(), 0),
        LedgerAccount::Promo(owner) => ("promo", owner.as_uuid(), 0),
        LedgerAccount::UsageRevenue(shard) => ("usage_revenue", Uuid::nil(), i64::from(shard)),
        LedgerAccount::StripeClearing => system("stripe_clearing"),
        LedgerAccount::Bank => system("bank"),
        LedgerAccount::TaxPayable => system("tax_payable"),
        LedgerAccount::StripeFees => system("stripe_fees"),
        LedgerAccount::ProviderCost => system("provider_cost"),
        LedgerAccount::ProviderPayable(Vendor::Anthropic) => ("provider_payable", Uuid::nil(), 1),
        LedgerAccount::ProviderPayable(Vendor::OpenAi) => ("provider_payable", Uuid::nil(), 2),
        LedgerAccount::PromoExpense => system("promo_expense"),
        LedgerAccount::DisputeFees => system("dispute_fees"),
        LedgerAccount::DisputeSuspense => system("dispute_suspense"),
        LedgerAccount::Rounding => system("rounding"),
        LedgerAccount::UsageLoss => system("usage_loss"),
        LedgerAccount::Breakage => system("breakage"),
    }
}

fn account_from(kind: &str, owner: Uuid, shard: i64) -> Option<LedgerAccount> {
    let owner = AccountId::from_uuid(owner);
    Some(match kind {
        "paid" => LedgerAccount::Paid(owner),
        "promo" => LedgerAccount::Promo(owner),
        "usage_revenue" => LedgerAccount::UsageRevenue(u16::try_from(shard).ok()?),
        "stripe_clearing" => LedgerAccount::StripeClearing,
        "bank" => LedgerAccount::Bank,
        "tax_payable" => LedgerAccount::TaxPayable,
        "stripe_fees" => LedgerAccount::StripeFees,
        "provider_cost" => LedgerAccount::ProviderCost,
        "provider_payable" if shard == 1 => LedgerAccount::ProviderPayable(Vendor::Anthropic),
        "provider_payable" if shard == 2 => LedgerAccount::ProviderPayable(Vendor::OpenAi),
        "promo_expense" => LedgerAccount::PromoExpense,
        "dispute_fees" => LedgerAccount::DisputeFees,
        "dispute_suspense" => LedgerAccount::DisputeSuspense,
        "rounding" => LedgerAccount::Rounding,
        "usage_loss" => LedgerAccount::UsageLoss,
        "breakage" => LedgerAccount::Breakage,
        _ => return None,
    })
}

/// The identifier of an account in the table; it follows from what the account is.
pub(in crate::backends::sea_orm) fn account_id(account: LedgerAccount) -> Uuid {
    let (kind, owner, shard) = account_name(account);
    if shard == 0 { derive(owner, kind) } else { derive(owner, &format!("{kind}:{shard}")) }
}

/// In the order of [`ACCOUNTS`].
pub(super) fn write_account(account: LedgerAccount, row: &AccountRow) -> [Cell<'static>; 16] {
    let (kind, owner, shard) = account_name(account);
    let [debit_pending, debit_posted, credit_pending, credit_posted, allowed_negative, used] =
        changed_columns(row).map(Cell::Int);
    [
        account_id(account).into(),
        kind.into(),
        owner.into(),
        shard.into(),
        CURRENCY.into(),
        i64::from(account.is_personal()).into(),
        debit_pending,
        debit_posted,
        credit_pending,
        credit_posted,
        allowed_negative,
        used,
        i64::from(row.frozen).into(),
        row.month.start.millis().into(),
        row.month.spent.nanos().into(),
        row.month_limit.map(Money::nanos).into(),
    ]
}

/// In the order of [`ACCOUNT_CHANGES`].
pub(super) fn changed_columns(row: &AccountRow) -> [i64; 6] {
    let &AccountRow {
        debit_pending,
        debit_posted,
        credit_pending,
        credit_posted,
        allowed_negative,
        used,
        // These are of people.
        frozen: _,
        month: _,
        month_limit: _,
    } = row;
    [
        debit_pending.nanos(),
        debit_posted.nanos(),
        credit_pending.nanos(),
        credit_posted.nanos(),
        allowed_negative.nanos(),
        used.nanos(),
    ]
}

fn next_money(columns: &mut Columns<'_>) -> Result<Money, DatabaseError> {
    Ok(Money::from_nanos(columns.next()?))
}

fn next_time(columns: &mut Columns<'_>) -> Result<Timestamp, DatabaseError> {
    Ok(Timestamp::from_millis(columns.next()?))
}

fn next_tally(columns: &mut Columns<'_>) -> Result<Tally, DatabaseError> {
    Ok(Tally { start: next_time(columns)?, spent: next_money(columns)? })
}

fn next_account(columns: &mut Columns<'_>) -> Result<LedgerAccount, DatabaseError> {
    let kind: String = columns.next()?;
    let owner: Uuid = columns.next()?;
    columns.next_as("account.kind", |shard| account_from(&kind, owner, shard))
}

/// In the order of [`ACCOUNT_COLUMNS`].
pub(super) fn read_account(mut columns: Columns<'_>) -> Result<(Uuid, AccountRow), DatabaseError> {
    let account = columns.next()?;
    let row = AccountRow {
        debit_pending: next_money(&mut columns)?,
        debit_posted: next_money(&mut columns)?,
        credit_pending: next_money(&mut columns)?,
        credit_posted: next_money(&mut columns)?,
        allowed_negative: next_money(&mut columns)?,
        used: next_money(&mut columns)?,
        frozen: columns.next::<i64>()? != 0,
        month: next_tally(&mut columns)?,
        month_limit: columns.next::<Option<i64>>()?.map(Money::from_nanos),
    };
    Ok((account, row))
}

pub(super) const TRANSFERS: Insert<12> = Insert {
    table: "transfer",
    columns: [
        uuid("id"),
        int("phase"),
        text("code"),
        uuid("dr"),
        uuid("cr"),
        int("amount"),
        text("currency"),
        uuid("pending_id").or_null(),
        uuid("reverses").or_null(),
        text("ext").or_null(),
        uuid("request").or_null(),
        int("created_at"),
    ],
    conflict: Conflict::Fail,
};
/// With their accounts.
pub(super) const TRANSFERS_BY_ID: Select = Select::new(
    "t.id, t.phase, t.code, d.kind, d.owner, d.shard, c.kind, c.owner, c.shard, t.amount, t.pending_id, \
    t.reverses, t.ext, t.request, t.created_at",
    "transfer t JOIN account d ON d.id = t.dr JOIN account c ON c.id = t.cr",
    "t.id",
);
/// Which of these there are.
pub(super) const TRANSFERS_MADE: Select = Select::new("id", "transfer", "id");
pub(super) const RESOLUTIONS_OF: Select = Select::new("pending_id, phase", "transfer", "pending_id");
pub(super) const REVERSALS_OF: Select = Select::new("id, amount", "transfer", "reverses");

/// In the order of [`TRANSFERS`].
pub(super) fn write_transfer(transfer: &Transfer) -> [Cell<'_>; 12] {
    let Transfer { id, phase, kind, debit, credit, amount, pending, reverses, external, request, at } =
        transfer;
    [
        id.as_uuid().into(),
        i64::from(phase.code()).into(),
        kind.as_str().into(),
        account_id(*debit).into(),
        account_id(*credit).into(),
        amount.nanos().into(),
        CURRENCY.into(),
        pending.map(TransferId::as_uuid).into(),
        reverses.map(TransferId::as_uuid).into(),
        external.as_ref().map(ToString::to_string).into(),
        request.map(RequestId::as_uuid).into(),
        at.millis().into(),
    ]
}

pub(super) fn read_id(mut columns: Columns<'_>) -> Result<Uuid, DatabaseError> {
    columns.next()
}

/// The pending transfer, and how it was resolved.
pub(super) fn read_resolution(mut columns: Columns<'_>) -> Result<(Uuid, i64, Resolution), DatabaseError> {
    let pending = columns.next()?;
    let code = columns.next()?;
    let resolution = resolution_from(code).ok_or(DatabaseError::Unreadable { column: "transfer.phase" })?;
    Ok((pending, code, resolution))
}

/// The reversing transfer, and its amount.
pub(super) fn read_reversal(mut columns: Columns<'_>) -> Result<(Uuid, i64), DatabaseError> {
    Ok((columns.next()?, columns.next()?))
}

/// In the order of [`TRANSFERS_BY_ID`].
pub(super) fn read_transfer(mut columns: Columns<'_>) -> Result<Transfer, DatabaseError> {
    let identifier = |id: Option<Uuid>| id.map(TransferId::from_uuid);
    Ok(Transfer {
        id: TransferId::from_uuid(columns.next()?),
        phase: columns.next_as("transfer.phase", phase_from)?,
        kind: columns.next_as("transfer.code", |code: String| kind_from(&code))?,
        debit: next_account(&mut columns)?,
        credit: next_account(&mut columns)?,
        amount: next_money(&mut columns)?,
        pending: identifier(columns.next()?),
        reverses: identifier(columns.next()?),
        external: match columns.next::<Option<String>>()? {
            Some(text) => {
                Some(text.parse().map_err(|_invalid| DatabaseError::Unreadable { column: "transfer.ext" })?)
            }
            None => None,
        },
        request: columns.next::<Option<Uuid>>()?.map(RequestId::from_uuid),
        at: next_time(&mut columns)?,
    })
}

fn phase_from(code: i64) -> Option<Phase> {
    Phase::ALL.into_iter().find(|phase| i64::from(phase.code()) == code)
}

fn resolution_from(code: i64) -> Option<Resolution> {
    match phase_from(code)? {
        Phase::Post => Some(Resolution::Posted),
        Phase::Void => Some(Resolution::Voided),
        Phase::Expire => Some(Resolution::Expired),
        Phase::Single | Phase::Pending => None,
    }
}

pub(super) fn kind_from(code: &str) -> Option<EntryKind> {
    [
        EntryKind::TopUp,
        EntryKind::Tax,
        EntryKind::StripeFee,
        EntryKind::Payout,
        EntryKind::PromoGrant,
        EntryKind::PromoExpiry,
        EntryKind::Usage,
        EntryKind::Overage,
        EntryKind::LateUsage,
        EntryKind::ProviderCost,
        EntryKind::Refund,
        EntryKind::RefundFailed,
        EntryKind::Dispute,
        EntryKind::DisputeFee,
        EntryKind::DisputeWon,
        EntryKind::Correction,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == code)
}

pub(super) const HOLDS: Insert<17> = Insert {
    table: "hold",
    columns: [
        uuid("pending_id"),
        uuid("hold_id"),
        text("leg"),
        uuid("account"),
        int("amount"),
        int("min_cost"),
        uuid("owner_node"),
        uuid("person"),
        uuid("request"),
        uuid("api_key"),
        int("shard"),
        text("endpoint"),
        text("model"),
        text("vendor"),
        int("stream"),
        int("started_at"),
        int("created_at"),
    ],
    conflict: Conflict::Fail,
};
const HOLD_COLUMNS: &str = "hold_id, leg, amount, min_cost, owner_node, person, request, api_key, \
    shard, endpoint, model, vendor, stream, started_at, created_at";
pub(super) const HOLDS_OF: Select = Select::new(HOLD_COLUMNS, "hold", "request");
pub(super) const HOLDS_BY_PENDING: Select = Select::new(HOLD_COLUMNS, "hold", "pending_id");

/// Both pending transfers that a hold may have.
pub(super) fn pending_ids(hold: HoldId) -> [Uuid; 2] {
    [Leg::Promo, Leg::Paid].map(|leg| HoldRow::pending_id(hold, leg).as_uuid())
}

/// Holds by their pending transfers.
pub(super) fn by_pending(holds: impl IntoIterator<Item = HoldId>) -> HashMap<Uuid, HoldId> {
    holds.into_iter().flat_map(|hold| pending_ids(hold).map(|pending| (pending, hold))).collect()
}

/// One row for each leg, in the order of [`HOLDS`].
pub(super) fn write_hold(hold: &HoldRow) -> impl Iterator<Item = [Cell<'_>; 17]> {
    let HoldRow { id, request, account, key, legs, floor, owner, shard, origin, at } = hold;
    let HoldOrigin { endpoint, model, vendor, stream, started_at } = origin;
    legs.of(*account).map(move |(leg, debit, amount)| {
        [
            HoldRow::pending_id(*id, leg).as_uuid().into(),
            id.as_uuid().into(),
            leg_code(leg).into(),
            account_id(debit).into(),
            amount.nanos().into(),
            floor.nanos().into(),
            owner.as_uuid().into(),
            account.as_uuid().into(),
            request.as_uuid().into(),
            key.as_uuid().into(),
            i64::from(*shard).into(),
            endpoint.as_str().into(),
            model.as_str().into(),
            vendor.as_str().into(),
            i64::from(*stream).into(),
            started_at.millis().into(),
            at.millis().into(),
        ]
    })
}

const fn leg_code(leg: Leg) -> &'static str {
    match leg {
        Leg::Promo => "promo",
        Leg::Paid => "paid",
    }
}

/// Holds of one or both legs each from [rows](read_hold) of one leg each, the oldest first.
pub(super) fn join_legs(mut legs: Vec<HoldRow>) -> Vec<HoldRow> {
    legs.sort_by_key(|hold| (hold.at, hold.id));
    legs.dedup_by(|leg, hold| {
        let is_same = leg.id == hold.id;
        if is_same {
            hold.legs.promo = hold.legs.promo.max(leg.legs.promo);
            hold.legs.paid = hold.legs.paid.max(leg.legs.paid);
        }
        is_same
    });
    legs
}

/// In the order of [`HOLD_COLUMNS`]; a hold with one of its legs.
pub(super) fn read_hold(mut columns: Columns<'_>) -> Result<HoldRow, DatabaseError> {
    let id = HoldId::from_uuid(columns.next()?);
    let leg: String = columns.next()?;
    let amount = next_money(&mut columns)?;
    let legs = if leg == leg_code(Leg::Promo) {
        Legs { promo: amount, paid: Money::ZERO }
    } else {
        Legs { promo: Money::ZERO, paid: amount }
    };
    Ok(HoldRow {
        id,
        legs,
        floor: next_money(&mut columns)?,
        owner: NodeId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        request: RequestId::from_uuid(columns.next()?),
        key: ApiKeyId::from_uuid(columns.next()?),
        shard: columns.next_as("hold.shard", |shard: i64| u16::try_from(shard).ok())?,
        origin: HoldOrigin {
            endpoint: columns.next_as("hold.endpoint", |name: String| Endpoint::from_name(&name))?,
            model: columns.next_as("hold.model", |text: String| ModelId::parse(&text).ok())?,
            vendor: columns.next_as("hold.vendor", |name: String| Vendor::from_name(&name))?,
            stream: columns.next::<i64>()? != 0,
            started_at: next_time(&mut columns)?,
        },
        at: next_time(&mut columns)?,
    })
}

pub(super) const LOTS: Insert<5> = Insert {
    table: "lot",
    columns: [uuid("id"), uuid("account"), int("priority"), int("expires_at").or_null(), int("remaining")],
    conflict: Conflict::Replace("id", &["remaining"]),
};
const LOT_COLUMNS: &str = "id, account, priority, expires_at, remaining";
/// Grants of people that are not used up.
pub(super) const GRANTS_OF: Select = Select::new(LOT_COLUMNS, "lot", "account").only(" AND remaining > 0");

/// In the order of [`LOTS`].
pub(super) fn write_lot(lot: &Lot) -> [Cell<'static>; 5] {
    let Lot { id, account, priority, expires_at, remaining } = lot;
    [
        id.as_uuid().into(),
        account.as_uuid().into(),
        i64::from(*priority).into(),
        expires_at.map(Timestamp::millis).into(),
        remaining.nanos().into(),
    ]
}

/// In the order of [`LOT_COLUMNS`].
pub(super) fn read_lot(mut columns: Columns<'_>) -> Result<Lot, DatabaseError> {
    Ok(Lot {
        id: LotId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        priority: columns.next_as("lot.priority", |number: i64| i32::try_from(number).ok())?,
        expires_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
        remaining: next_money(&mut columns)?,
    })
}

pub(super) const KEYS: Insert<9> = Insert {
    table: "key_spend",
    columns: [
        uuid("api_key"),
        int("day_start"),
        int("day_spent"),
        int("week_start"),
        int("week_spent"),
        int("month_start"),
        int("month_spent"),
        int("total_spent"),
        int("held"),
    ],
    conflict: Conflict::Replace(
        "api_key",
        &[
            "day_start",
            "day_spent",
            "week_start",
            "week_spent",
            "month_start",
            "month_spent",
            "total_spent",
            "held",
        ],
    ),
};
/// Makes keys that are missing.
pub(super) const NEW_KEYS: Insert<9> = Insert { conflict: Conflict::Keep("api_key"), ..KEYS };
const KEY_COLUMNS: &str = "api_key, day_start, day_spent, week_start, week_spent, month_start, month_spent, \
    total_spent, held";
pub(super) const KEYS_BY_ID: Select = Select::new(KEY_COLUMNS, "key_spend", "api_key");

/// In the order of [`KEYS`].
pub(super) fn write_key(key: ApiKeyId, row: &KeyRow) -> [Cell<'static>; 9] {
    let KeyRow { day, week, month, total, held } = row;
    [
        key.as_uuid().into(),
        day.start.millis().into(),
        day.spent.nanos().into(),
        week.start.millis().into(),
        week.spent.nanos().into(),
        month.start.millis().into(),
        month.spent.nanos().into(),
        total.nanos().into(),
        held.nanos().into(),
    ]
}

/// In the order of [`KEY_COLUMNS`].
pub(super) fn read_key(mut columns: Columns<'_>) -> Result<(ApiKeyId, KeyRow), DatabaseError> {
    let key = ApiKeyId::from_uuid(columns.next()?);
    let mut tally = || next_tally(&mut columns);
    let (day, week, month) = (tally()?, tally()?, tally()?);
    Ok((key, KeyRow { day, week, month, total: next_money(&mut columns)?, held: next_money(&mut columns)? }))
}
