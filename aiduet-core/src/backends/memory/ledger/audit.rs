//! The invariants of `docs/ledger.md`, each against the journal.
//!
//! I10 (currencies) cannot break, since there is one currency; I17 (retention) belongs to the
//! job that deletes records, which memory has no need of.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::State;
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, RequestId, TransferId};
use crate::ledger::books::{AccountRow, HoldRow, Phase, Transfer};
use crate::ledger::{EntryKind, LedgerAccount, Violation};
use crate::money::{Money, Rounding};

/// A hold of a dead node and an expired lot may wait so long for their job.
const GRACE: Duration = Duration::from_hours(1);
/// For how long records are held against their postings.
const RECORDS_JUDGED: Duration = Duration::from_hours(89 * 24);
/// At most so many rows are named per invariant.
const ROWS_MAX: usize = 20;

struct Books<'a> {
    state: &'a State,
    journal: Vec<&'a Transfer>,
    by_id: HashMap<TransferId, &'a Transfer>,
    resolved: HashSet<TransferId>,
    accounts: BTreeMap<LedgerAccount, AccountRow>,
    now: Timestamp,
}

pub(super) fn verify(state: &State, now: Timestamp) -> Vec<Violation> {
    let journal: Vec<&Transfer> = state.journal.iter().filter_map(|id| state.books.transfer(*id)).collect();
    let by_id = journal.iter().map(|transfer| (transfer.id, *transfer)).collect();
    let resolved = journal.iter().filter_map(|transfer| transfer.pending).collect();
    let accounts = state.books.accounts().collect();
    let books = Books { state, journal, by_id, resolved, accounts, now };
    let checks: [Check<'_>; 18] = [
        ("I01", "debits equal credits", Books::trial_balance),
        ("I02", "posted columns equal the journal", Books::posted_columns),
        ("I03", "pending columns equal the open pending transfers", Books::pending_columns),
        ("I04", "no limited account is overdrawn", Books::overdrawn),
        ("I05", "a pending transfer is resolved at most once", Books::resolved_twice),
        (
            "I06",
            "a resolver has the legs of its pending transfer and at most its amount",
            Books::odd_resolvers,
        ),
        ("I07", "a resolver comes after its pending transfer", Books::early_resolvers),
        ("I08", "open holds equal the open pending transfers", Books::odd_holds),
        ("I09", "no hold of a dead node is old", Books::stale_holds),
        ("I11", "reversals mirror their transfer and are bounded by it", Books::odd_reversals),
        ("I12", "a payment is credited once", Books::double_credits),
        ("I13", "refunds and disputes are bounded by their top-up", Books::over_refunded),
        ("I14", "a negative allowance is explained by forced postings", Books::unexplained),
        ("I15", "whole cents at the edge to the card company", Books::broken_cents),
        ("I16", "the record of a request and its postings agree", Books::odd_records),
        ("I18", "external identifiers match their kind", Books::odd_externals),
        ("I19", "lots add up to the promotional balance", Books::odd_lots),
        ("I20", "what was used, ever and in the month, is the usage of the journal", Books::odd_usage),
    ];
    let broken = checks.into_iter().map(|(invariant, statement, check)| {
        let mut rows = check(&books);
        rows.sort_unstable();
        rows.dedup();
        rows.truncate(ROWS_MAX);
        Violation { invariant, statement, rows }
    });
    broken.filter(|violation| !violation.rows.is_empty()).collect()
}

/// Usage of an account by the journal, in nano-USD.
#[derive(Clone, Copy, Default)]
struct Usage {
    ever: i128,
    charged_in_month: i128,
    given_back_in_month: i128,
}

type Check<'a> = (&'static str, &'static str, fn(&Books<'a>) -> Vec<String>);

const fn wide(amount: Money) -> i128 {
    amount.nanos() as i128
}

impl Books<'_> {
    fn total(&self, column: impl Fn(&AccountRow) -> Money) -> i128 {
        self.accounts.values().map(|row| wide(column(row))).sum()
    }

    fn trial_balance(&self) -> Vec<String> {
        let posted = self.total(|row| row.debit_posted) == self.total(|row| row.credit_posted);
        let pending = self.total(|row| row.debit_pending) == self.total(|row| row.credit_pending);
        let named = [(posted, "posted"), (pending, "pending")];
        named.into_iter().filter(|(right, _name)| !right).map(|(_right, name)| name.to_owned()).collect()
    }

    fn final_transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.journal.iter().copied().filter(|transfer| transfer.phase.is_final())
    }

    fn open_pendings(&self) -> impl Iterator<Item = &Transfer> {
        let open =
            |transfer: &&Transfer| transfer.phase == Phase::Pending && !self.resolved.contains(&transfer.id);
        self.journal.iter().copied().filter(open)
    }

    /// Accounts whose columns differ from sums over transfers.
    fn differing<'t>(
        &self,
        transfers: impl Iterator<Item = &'t Transfer>,
        columns: impl Fn(&AccountRow) -> (Money, Money),
    ) -> Vec<String> {
        let mut sums: BTreeMap<LedgerAccount, (i128, i128)> = BTreeMap::new();
        for transfer in transfers {
            sums.entry(transfer.debit).or_default().0 += wide(transfer.amount);
            sums.entry(transfer.credit).or_default().1 += wide(transfer.amount);
        }
        let differs = |account: &&LedgerAccount| {
            let (debit, credit) = self.accounts.get(account).map(&columns).unwrap_or_default();
            (wide(debit), wide(credit)) != sums.get(account).copied().unwrap_or_default()
        };
        let known: HashSet<&LedgerAccount> = self.accounts.keys().chain(sums.keys()).collect();
        known.into_iter().filter(differs).map(|account| format!("{account:?}")).collect()
    }

    fn posted_columns(&self) -> Vec<String> {
        self.differing(self.final_transfers(), |row| (row.debit_posted, row.credit_posted))
    }

    fn pending_columns(&self) -> Vec<String> {
        self.differing(self.open_pendings(), |row| (row.debit_pending, row.credit_pending))
    }

    fn overdrawn(&self) -> Vec<String> {
        let limited =
            |account: &LedgerAccount| matches!(account, LedgerAccount::Paid(_) | LedgerAccount::Promo(_));
        let broken = self.accounts.iter().filter(|(account, row)| {
            limited(account)
                && wide(row.debit_pending) + wide(row.debit_posted)
                    > wide(row.credit_posted) + wide(row.allowed_negative)
        });
        broken.map(|(account, _row)| format!("{account:?}")).collect()
    }

    fn resolved_twice(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let again =
            self.journal.iter().filter_map(|transfer| transfer.pending).filter(|id| !seen.insert(*id));
        again.map(|id| id.to_string()).collect()
    }

    /// Each resolver with the transfer that it resolves.
    fn resolvers(&self) -> impl Iterator<Item = (&Transfer, Option<&Transfer>)> {
        let pending = |transfer: &Transfer| Some(self.by_id.get(&transfer.pending?).copied());
        self.journal.iter().filter_map(move |transfer| Some((*transfer, pending(transfer)?)))
    }

    fn odd_resolvers(&self) -> Vec<String> {
        let odd = self.resolvers().filter(|(resolver, pending)| {
            pending.is_none_or(|pending| {
                pending.phase != Phase::Pending
                    || (resolver.debit, resolver.credit) != (pending.debit, pending.credit)
                    || resolver.amount > pending.amount
            })
        });
        odd.map(|(resolver, _pending)| resolver.id.to_string()).collect()
    }

    fn early_resolvers(&self) -> Vec<String> {
        let early = self
            .resolvers()
            .filter(|(resolver, pending)| pending.is_some_and(|pending| resolver.at < pending.at));
        early.map(|(resolver, _pending)| resolver.id.to_string()).collect()
    }

    fn odd_holds(&self) -> Vec<String> {
        let mut legs: HashMap<TransferId, (LedgerAccount, Money)> = HashMap::new();
        let mut held: HashMap<ApiKeyId, i128> = HashMap::new();
        for hold in self.state.books.holds() {
            *held.entry(hold.key).or_default() += wide(hold.legs.sum());
            for (leg, account, amount) in hold.legs.of(hold.account) {
                legs.insert(HoldRow::pending_id(hold.id, leg), (account, amount));
            }
        }
        let mut odd = Vec::new();
        for pending in self.open_pendings() {
            if legs.remove(&pending.id) != Some((pending.debit, pending.amount)) {
                odd.push(pending.id.to_string());
            }
        }
        odd.extend(legs.into_keys().map(|id| id.to_string()));
        let keys = self
            .state
            .books
            .keys()
            .filter(|(key, row)| wide(row.held) != held.get(key).copied().unwrap_or_default());
        odd.extend(keys.map(|(key, _row)| key.to_string()));
        odd
    }

    fn stale_holds(&self) -> Vec<String> {
        let old =
            |hold: &&HoldRow| !self.state.beats.contains_key(&hold.owner) && self.now.since(hold.at) > GRACE;
        self.state.books.holds().filter(old).map(|hold| hold.id.to_string()).collect()
    }

    /// What of each transfer is reversed: its reversals less theirs.
    fn reversed(&self) -> HashMap<TransferId, i128> {
        let mut sums: HashMap<TransferId, i128> = HashMap::new();
        for transfer in &self.journal {
            let Some(target) = transfer.reverses else { continue };
            *sums.entry(target).or_default() += wide(transfer.amount);
            if let Some(next) = self.by_id.get(&target).and_then(|target| target.reverses) {
                *sums.entry(next).or_default() -= wide(transfer.amount);
            }
        }
        sums
    }

    fn over_reversed(&self, kind: impl Fn(&Transfer) -> bool) -> Vec<String> {
        let over = self.reversed().into_iter().filter(|(target, sum)| {
            self.by_id.get(target).is_none_or(|target| kind(target) && *sum > wide(target.amount))
        });
        over.map(|(target, _sum)| target.to_string()).collect()
    }

    fn odd_reversals(&self) -> Vec<String> {
        let mirrors = |reversal: &Transfer, target: &Transfer| {
            (reversal.debit, reversal.credit) == (target.credit, target.debit)
        };
        let mut odd = self.over_reversed(|_target| true);
        for transfer in &self.journal {
            let Some(target) = transfer.reverses else { continue };
            if self.by_id.get(&target).is_none_or(|target| !mirrors(transfer, target)) {
                odd.push(transfer.id.to_string());
            }
        }
        odd
    }

    fn double_credits(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let top_ups = self.journal.iter().filter(|transfer| transfer.kind == EntryKind::TopUp);
        let again =
            top_ups.filter(|transfer| transfer.external.is_none() || !seen.insert(&transfer.external));
        again.map(|transfer| transfer.id.to_string()).collect()
    }

    fn over_refunded(&self) -> Vec<String> {
        self.over_reversed(|target| target.kind == EntryKind::TopUp)
    }

    fn unexplained(&self) -> Vec<String> {
        let mut forced: HashMap<LedgerAccount, i128> = HashMap::new();
        for transfer in self.journal.iter().filter(|transfer| transfer.kind.is_forced()) {
            *forced.entry(transfer.debit).or_default() += wide(transfer.amount);
        }
        let odd = self.accounts.iter().filter(|(account, row)| {
            wide(row.allowed_negative) > forced.get(account).copied().unwrap_or_default()
        });
        odd.map(|(account, _row)| format!("{account:?}")).collect()
    }

    fn broken_cents(&self) -> Vec<String> {
        let odd = self.journal.iter().filter(|transfer| {
            matches!(transfer.kind, EntryKind::TopUp | EntryKind::Refund | EntryKind::Dispute)
                && transfer.amount.cents(Rounding::Down) != transfer.amount.cents(Rounding::Up)
        });
        odd.map(|transfer| transfer.id.to_string()).collect()
    }

    fn odd_records(&self) -> Vec<String> {
        let mut sums: HashMap<RequestId, i128> = HashMap::new();
        // Older records are being deleted, their postings are not.
        let oldest = self.now.minus(RECORDS_JUDGED);
        for transfer in self.final_transfers().filter(|transfer| transfer.at >= oldest) {
            let Some(request) = transfer.request else { continue };
            let given_back = matches!(transfer.debit, LedgerAccount::UsageRevenue(_));
            let amount = wide(transfer.amount);
            *sums.entry(request).or_default() += if given_back { -amount } else { amount };
        }
        let mut odd = Vec::new();
        for row in self.state.books.requests().filter(|row| row.record.started_at >= oldest) {
            let charged = sums.remove(&row.record.id).unwrap_or_default();
            if charged != wide(row.record.cost()) || charged != wide(row.charged.sum()) {
                odd.push(row.record.id.to_string());
            }
        }
        odd.extend(sums.into_iter().filter(|(_id, sum)| *sum != 0).map(|(id, _sum)| id.to_string()));
        odd
    }

    fn odd_externals(&self) -> Vec<String> {
        let matches_kind = |kind: EntryKind, name: &str| match kind {
            EntryKind::TopUp => name.starts_with("pi_"),
            EntryKind::Refund => name.starts_with("re_"),
            EntryKind::Dispute => ["dp_", "du_", "txn_"].iter().any(|prefix| name.starts_with(prefix)),
            _ => true,
        };
        let odd = self.journal.iter().filter(|transfer| {
            transfer.external.as_ref().is_some_and(|name| !matches_kind(transfer.kind, &name.to_string()))
        });
        odd.map(|transfer| transfer.id.to_string()).collect()
    }

    fn odd_lots(&self) -> Vec<String> {
        let mut remaining: HashMap<AccountId, i128> = HashMap::new();
        let mut odd = Vec::new();
        for lot in self.state.books.all_lots() {
            *remaining.entry(lot.account).or_default() += wide(lot.remaining);
            let free = self.state.books.account(LedgerAccount::Promo(lot.account)).available();
            let overdue = lot.expires_at.is_some_and(|end| self.now.since(end) > GRACE);
            if overdue && lot.remaining <= free {
                odd.push(lot.id.to_string());
            }
        }
        for (account, row) in &self.accounts {
            let LedgerAccount::Promo(person) = account else { continue };
            if wide(row.posted()) != remaining.remove(person).unwrap_or_default() {
                odd.push(person.to_string());
            }
        }
        odd.extend(remaining.into_keys().map(|person| person.to_string()));
        odd
    }

    /// What was charged to each account and given back, ever and since the month of its tally began.
    fn usage(&self) -> HashMap<LedgerAccount, Usage> {
        let mut sums: HashMap<LedgerAccount, Usage> = HashMap::new();
        for transfer in self.final_transfers() {
            let is_revenue = |account| matches!(account, LedgerAccount::UsageRevenue(_));
            let mut add = |account, is_charge: bool| {
                let month = self.accounts.get(&account).map(|row| row.month.start);
                let sum = sums.entry(account).or_default();
                let amount = wide(transfer.amount);
                let (ever, in_month) = if is_charge {
                    (amount, &mut sum.charged_in_month)
                } else {
                    (-amount, &mut sum.given_back_in_month)
                };
                sum.ever += ever;
                if month.is_some_and(|start| transfer.at >= start) {
                    *in_month += amount;
                }
            };
            if is_revenue(transfer.credit) {
                add(transfer.debit, true);
            }
            if is_revenue(transfer.debit) {
                add(transfer.credit, false);
            }
        }
        sums
    }

    /// What was given back of an earlier month does not make this one negative.
    fn odd_usage(&self) -> Vec<String> {
        let mut usage = self.usage();
        let odd = self.accounts.iter().filter(|(account, row)| {
            let Usage { ever, charged_in_month, given_back_in_month } =
                usage.remove(account).unwrap_or_default();
            let month = charged_in_month - given_back_in_month..=charged_in_month;
            wide(row.used) != ever || !month.contains(&wide(row.month.spent))
        });
        odd.map(|(account, _row)| format!("{account:?}")).collect()
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
