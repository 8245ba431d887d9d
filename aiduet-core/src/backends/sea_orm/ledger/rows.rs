//! The rows of the books as columns.

use sea_orm::{QueryResult, Value};
use uuid::Uuid;

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

pub(super) const ACCOUNT_COLUMNS: &str = "kind, owner, shard, dr_pending, dr_posted, cr_pending, cr_posted, \
    allowed_neg, used, frozen";
pub(super) const ACCOUNT_INSERT: &str = "INSERT INTO account (id, kind, owner, shard, currency, limited, \
    dr_pending, dr_posted, cr_pending, cr_posted, allowed_neg, used, frozen) VALUES";
/// The columns that a posting changes.
pub(super) const ACCOUNT_CHANGES: [&str; 7] =
    ["dr_pending", "dr_posted", "cr_pending", "cr_posted", "allowed_neg", "used", "frozen"];

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
pub(super) fn account_id(account: LedgerAccount) -> Uuid {
    let (kind, owner, shard) = account_name(account);
    if shard == 0 { derive(owner, kind) } else { derive(owner, &format!("{kind}:{shard}")) }
}

/// Whether an account belongs to a person: its debits are limited, and a transaction locks it.
pub(super) const fn is_personal(account: LedgerAccount) -> bool {
    matches!(account, LedgerAccount::Paid(_) | LedgerAccount::Promo(_))
}

pub(super) fn write_account(account: LedgerAccount, row: &AccountRow) -> Vec<Value> {
    let (kind, owner, shard) = account_name(account);
    let mut values: Vec<Value> = vec![
        account_id(account).into(),
        kind.into(),
        owner.into(),
        shard.into(),
        CURRENCY.into(),
        i64::from(is_personal(account)).into(),
    ];
    values.extend(changed_columns(row));
    values
}

/// In the order of [`ACCOUNT_CHANGES`].
pub(super) fn changed_columns(row: &AccountRow) -> [Value; 7] {
    let &AccountRow {
        debit_pending,
        debit_posted,
        credit_pending,
        credit_posted,
        allowed_negative,
        used,
        frozen,
    } = row;
    [
        debit_pending.nanos().into(),
        debit_posted.nanos().into(),
        credit_pending.nanos().into(),
        credit_posted.nanos().into(),
        allowed_negative.nanos().into(),
        used.nanos().into(),
        i64::from(frozen).into(),
    ]
}

fn next_money(columns: &mut Columns<'_>) -> Result<Money, DatabaseError> {
    Ok(Money::from_nanos(columns.next()?))
}

fn next_time(columns: &mut Columns<'_>) -> Result<Timestamp, DatabaseError> {
    Ok(Timestamp::from_millis(columns.next()?))
}

fn next_account(columns: &mut Columns<'_>) -> Result<LedgerAccount, DatabaseError> {
    let kind: String = columns.next()?;
    let owner: Uuid = columns.next()?;
    columns.next_as("account.kind", |shard| account_from(&kind, owner, shard))
}

/// In the order of [`ACCOUNT_COLUMNS`].
pub(super) fn read_account(row: &QueryResult) -> Result<(LedgerAccount, AccountRow), DatabaseError> {
    let mut columns = Columns::of(row);
    let account = next_account(&mut columns)?;
    let row = AccountRow {
        debit_pending: next_money(&mut columns)?,
        debit_posted: next_money(&mut columns)?,
        credit_pending: next_money(&mut columns)?,
        credit_posted: next_money(&mut columns)?,
        allowed_negative: next_money(&mut columns)?,
        used: next_money(&mut columns)?,
        frozen: columns.next::<i64>()? != 0,
    };
    Ok((account, row))
}

pub(super) const TRANSFER_INSERT: &str = "INSERT INTO transfer (id, phase, code, dr, cr, amount, currency, \
    pending_id, reverses, ext, request, created_at) VALUES";
/// Of `transfer t` joined with its accounts `d` and `c`.
pub(super) const TRANSFER_COLUMNS: &str = "t.id, t.phase, t.code, d.kind, d.owner, d.shard, c.kind, c.owner, \
    c.shard, t.amount, t.pending_id, t.reverses, t.ext, t.request, t.created_at";

pub(super) fn write_transfer(transfer: &Transfer) -> Vec<Value> {
    let Transfer { id, phase, kind, debit, credit, amount, pending, reverses, external, request, at } =
        transfer;
    vec![
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

/// In the order of [`TRANSFER_COLUMNS`].
pub(super) fn read_transfer(row: &QueryResult) -> Result<Transfer, DatabaseError> {
    let mut columns = Columns::of(row);
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

pub(super) fn resolution_from(code: i64) -> Option<Resolution> {
    match phase_from(code)? {
        Phase::Post => Some(Resolution::Posted),
        Phase::Void => Some(Resolution::Voided),
        Phase::Expire => Some(Resolution::Expired),
        Phase::Single | Phase::Pending => None,
    }
}

fn kind_from(code: &str) -> Option<EntryKind> {
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

pub(super) const HOLD_INSERT: &str = "INSERT INTO hold (pending_id, hold_id, leg, account, amount, min_cost, \
    owner_node, person, request, api_key, shard, endpoint, model, vendor, stream, started_at, created_at) VALUES";
pub(super) const HOLD_COLUMNS: &str = "hold_id, leg, amount, min_cost, owner_node, person, request, api_key, \
    shard, endpoint, model, vendor, stream, started_at, created_at";

/// Both pending transfers that a hold may have.
pub(super) fn pending_ids(hold: HoldId) -> [Uuid; 2] {
    [Leg::Promo, Leg::Paid].map(|leg| HoldRow::pending_id(hold, leg).as_uuid())
}

/// One row for each leg.
pub(super) fn write_hold(hold: &HoldRow) -> impl Iterator<Item = Vec<Value>> {
    let HoldRow { id, request, account, key, legs, floor, owner, shard, origin, at } = hold;
    let HoldOrigin { endpoint, model, vendor, stream, started_at } = origin;
    legs.of(*account).map(move |(leg, debit, amount)| {
        vec![
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

/// In the order of [`HOLD_COLUMNS`]; the legs of one hold are joined.
pub(super) fn read_holds(rows: &[QueryResult]) -> Result<Vec<HoldRow>, DatabaseError> {
    let mut holds: Vec<HoldRow> = Vec::with_capacity(rows.len());
    for row in rows {
        let hold = read_hold(row)?;
        match holds.iter_mut().rev().take(2).find(|other| other.id == hold.id) {
            Some(other) => {
                other.legs.promo = other.legs.promo.max(hold.legs.promo);
                other.legs.paid = other.legs.paid.max(hold.legs.paid);
            }
            None => holds.push(hold),
        }
    }
    Ok(holds)
}

fn read_hold(row: &QueryResult) -> Result<HoldRow, DatabaseError> {
    let mut columns = Columns::of(row);
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

pub(super) const LOT_INSERT: &str = "INSERT INTO lot (id, account, priority, expires_at, remaining) VALUES";
pub(super) const LOT_COLUMNS: &str = "id, account, priority, expires_at, remaining";

pub(super) fn write_lot(lot: &Lot) -> Vec<Value> {
    let Lot { id, account, priority, expires_at, remaining } = lot;
    vec![
        id.as_uuid().into(),
        account.as_uuid().into(),
        i64::from(*priority).into(),
        expires_at.map(Timestamp::millis).into(),
        remaining.nanos().into(),
    ]
}

/// In the order of [`LOT_COLUMNS`].
pub(super) fn read_lot(row: &QueryResult) -> Result<Lot, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(Lot {
        id: LotId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        priority: columns.next_as("lot.priority", |number: i64| i32::try_from(number).ok())?,
        expires_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
        remaining: next_money(&mut columns)?,
    })
}

pub(super) const KEY_INSERT: &str = "INSERT INTO key_spend (api_key, day_start, day_spent, week_start, \
    week_spent, month_start, month_spent, total_spent, held) VALUES";
pub(super) const KEY_COLUMNS: &str = "api_key, day_start, day_spent, week_start, week_spent, month_start, \
    month_spent, total_spent, held";
pub(super) const KEY_CHANGES: [&str; 8] = [
    "day_start",
    "day_spent",
    "week_start",
    "week_spent",
    "month_start",
    "month_spent",
    "total_spent",
    "held",
];

pub(super) fn write_key(key: ApiKeyId, row: &KeyRow) -> Vec<Value> {
    let KeyRow { day, week, month, total, held } = row;
    let mut values: Vec<Value> = vec![key.as_uuid().into()];
    for tally in [day, week, month] {
        values.push(tally.start.millis().into());
        values.push(tally.spent.nanos().into());
    }
    values.push(total.nanos().into());
    values.push(held.nanos().into());
    values
}

/// In the order of [`KEY_COLUMNS`].
pub(super) fn read_key(row: &QueryResult) -> Result<(ApiKeyId, KeyRow), DatabaseError> {
    let mut columns = Columns::of(row);
    let key = ApiKeyId::from_uuid(columns.next()?);
    let mut tally = || -> Result<Tally, DatabaseError> {
        Ok(Tally { start: next_time(&mut columns)?, spent: next_money(&mut columns)? })
    };
    let (day, week, month) = (tally()?, tally()?, tally()?);
    Ok((key, KeyRow { day, week, month, total: next_money(&mut columns)?, held: next_money(&mut columns)? }))
}
