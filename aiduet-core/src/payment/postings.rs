//! What purchases, refunds and disputes mean in the books. Pure, and the same every time: the
//! identifier of each posting is derived from the purchase and the card company's name for the cause.

use std::fmt;

use super::{Dispute, Fee, Movement, Receipt, RefundStatus, TopUp, TopUpState};
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId, TransferId, derive};
use crate::ledger::{Entry, EntryKind, ExternalId, LedgerAccount};
use crate::money::{Money, Rounding};

/// A purchase that was paid.
#[derive(Clone, Debug)]
pub(super) struct Bought {
    pub(super) top_up: TopUpId,
    pub(super) account: AccountId,
    pub(super) net: Money,
    pub(super) receipt: Receipt,
}

impl Bought {
    /// The purchase, if it was paid.
    pub(super) fn of(top_up: &TopUp) -> Option<Self> {
        let TopUp { id, account, amount, state: TopUpState::Paid(receipt), .. } = top_up else { return None };
        Some(Self { top_up: *id, account: *account, net: *amount, receipt: receipt.clone() })
    }

    fn id(&self, cause: &impl fmt::Display, part: &str) -> TransferId {
        TransferId::from_uuid(derive(self.top_up.as_uuid(), &format!("{cause}:{part}")))
    }

    fn credit_id(&self) -> TransferId {
        self.id(&self.receipt.payment, "net")
    }

    fn tax_id(&self) -> TransferId {
        self.id(&self.receipt.payment, "tax")
    }

    /// The amount with tax of which so much is credit, in cents: the smallest that [`split`](Self::split)
    /// leads back from. With `n` paid for credit and `t` for tax, that of `k` is `k (n + t) / n` rounded up;
    /// its share `n / (n + t)` is at least `k` and below `k + 1`.
    pub(super) fn with_tax(&self, credit: Money) -> Money {
        let cents = |money: Money| i128::from(money.cents(Rounding::Down));
        let (net, tax) = (cents(self.net), cents(self.receipt.tax));
        let tax = cents(credit).saturating_mul(tax).saturating_add(net).saturating_sub(1).checked_div(net);
        let tax = tax.and_then(|tax| i64::try_from(tax).ok()).and_then(|tax| Money::try_from_cents(tax).ok());
        credit.checked_add(tax.unwrap_or(Money::ZERO)).unwrap_or(credit)
    }

    /// What an amount with tax is: its proportions of credit and tax, in cents.
    ///
    /// Both are rounded down. The parts in which a payment goes back, by refunds and disputes in any
    /// order, then never come to more credit or tax than it was for, which the books would refuse.
    pub(super) fn split(&self, gross: Money) -> Split {
        let cents = |money: Money| i128::from(money.cents(Rounding::Down));
        let (net, tax, whole) = (cents(self.net), cents(self.receipt.tax), cents(gross));
        let share = |part: i128| {
            let share = whole.saturating_mul(part).checked_div(net.saturating_add(tax)).unwrap_or_default();
            let cents = i64::try_from(share).ok().and_then(|cents| Money::try_from_cents(cents).ok());
            cents.unwrap_or(Money::ZERO)
        };
        let (net, tax) = (share(net), share(tax));
        let rest = gross.checked_sub(net).and_then(|left| left.checked_sub(tax)).unwrap_or(Money::ZERO);
        Split { net, tax, rest }
    }

    fn paid(&self) -> LedgerAccount {
        LedgerAccount::Paid(self.account)
    }
}

/// What an amount with tax is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Credit.
    pub(super) net: Money,
    /// Tax.
    pub(super) tax: Money,
    /// Neither: nothing, or a cent.
    pub(super) rest: Money,
}

/// A posting in the making.
struct Posting<'a> {
    id: TransferId,
    kind: EntryKind,
    legs: (LedgerAccount, LedgerAccount),
    external: Option<&'a ExternalId>,
    reverses: Option<TransferId>,
}

impl Posting<'_> {
    /// The posting, unless nothing is moved.
    fn of(self, amount: Money, at: Timestamp) -> Option<Entry> {
        let Posting { id, kind, legs: (debit, credit), external, reverses } = self;
        let external = external.cloned();
        let entry = Entry { id, kind, debit, credit, amount, external, reverses, lot: None, at };
        (amount > Money::ZERO).then_some(entry)
    }
}

/// The credit, and the tax that came with it.
pub(super) fn topped_up(bought: &Bought) -> Vec<Entry> {
    let Receipt { payment, tax, at } = &bought.receipt;
    let external = Some(payment);
    let credit = Posting {
        id: bought.credit_id(),
        kind: EntryKind::TopUp,
        legs: (LedgerAccount::StripeClearing, bought.paid()),
        external,
        reverses: None,
    };
    let collected = Posting {
        id: bought.tax_id(),
        kind: EntryKind::Tax,
        legs: (LedgerAccount::StripeClearing, LedgerAccount::TaxPayable),
        external,
        reverses: None,
    };
    credit.of(bought.net, *at).into_iter().chain(collected.of(*tax, *at)).collect()
}

/// What the card company keeps of a payment.
pub(super) fn fee_taken(bought: &Bought, fee: &Fee) -> Option<Entry> {
    let taken = Posting {
        id: bought.id(&fee.external, "fee"),
        kind: EntryKind::StripeFee,
        legs: (LedgerAccount::StripeFees, LedgerAccount::StripeClearing),
        external: Some(&fee.external),
        reverses: None,
    };
    taken.of(fee.amount, bought.receipt.at)
}

/// Money that goes back.
#[derive(Clone, Debug)]
pub(super) struct Returned<'a> {
    /// What the postings are named after: our order, or the card company's refund.
    pub(super) cause: String,
    /// The card company's name, for a refund that it made without an order of ours; such a one is booked
    /// even if the balance does not cover it.
    pub(super) external: Option<&'a ExternalId>,
    /// How much, with tax.
    pub(super) amount: Money,
    /// How far it is.
    pub(super) status: RefundStatus,
}

/// Money that goes back. What failed is posted and reversed, so that the result does not depend on
/// whether it was seen before it failed.
pub(super) fn returned(bought: &Bought, refund: &Returned<'_>, at: Timestamp) -> Vec<Entry> {
    let Returned { cause, external, amount, status } = refund;
    let back = (bought.paid(), LedgerAccount::StripeClearing);
    let split = bought.split(*amount);
    let gone = Posting {
        id: bought.id(cause, "net"),
        kind: EntryKind::Refund,
        legs: back,
        external: *external,
        reverses: Some(bought.credit_id()),
    };
    let mut entries: Vec<Entry> = gone.of(split.net, at).into_iter().collect();
    entries.extend(beside(bought, cause, (split, at)));
    if *status == RefundStatus::Failed {
        let failed = Posting {
            id: bought.id(cause, "net failed"),
            kind: EntryKind::RefundFailed,
            legs: (back.1, back.0),
            external: *external,
            reverses: Some(bought.id(cause, "net")),
        };
        entries.extend(failed.of(split.net, at));
        entries.extend(beside_again(bought, (cause, " failed", cause), (split, at)));
    }
    entries
}

/// Money that went to the bank, or came back from there.
pub(super) fn paid_out(movement: &Movement) -> Vec<Entry> {
    let out = (LedgerAccount::Bank, LedgerAccount::StripeClearing);
    let paid = company_posting(movement, EntryKind::Payout, out);
    let fee = Movement { amount: negated(movement.fee), ..movement.clone() };
    paid.into_iter().chain(fee_of_company(&fee)).collect()
}

/// A fee that the card company took for itself, or gave back.
pub(super) fn fee_of_company(movement: &Movement) -> Vec<Entry> {
    let taken = (LedgerAccount::StripeFees, LedgerAccount::StripeClearing);
    company_posting(movement, EntryKind::StripeFee, taken).into_iter().collect()
}

/// A posting between the house and the card company; the legs are those of money that left.
fn company_posting(
    movement: &Movement,
    kind: EntryKind,
    legs: (LedgerAccount, LedgerAccount),
) -> Option<Entry> {
    let name = format!("{}:{}", kind.as_str(), movement.external);
    let legs = if movement.amount.is_negative() { legs } else { (legs.1, legs.0) };
    let id = TransferId::from_uuid(derive(uuid::Uuid::nil(), &name));
    let posting = Posting { id, kind, legs, external: Some(&movement.external), reverses: None };
    posting.of(magnitude(movement.amount), movement.at)
}

/// What goes back beside credit: tax, and what is neither.
fn beside(bought: &Bought, cause: &impl fmt::Display, (split, at): (Split, Timestamp)) -> Vec<Entry> {
    let parts = [
        ("tax", LedgerAccount::TaxPayable, Some(bought.tax_id()), split.tax),
        ("rest", LedgerAccount::Rounding, None, split.rest),
    ];
    let posting = |(part, account, reverses, amount): (&str, LedgerAccount, Option<TransferId>, Money)| {
        let legs = (account, LedgerAccount::StripeClearing);
        let id = bought.id(cause, part);
        Posting { id, kind: EntryKind::Correction, legs, external: None, reverses }.of(amount, at)
    };
    parts.into_iter().filter_map(posting).collect()
}

/// The same coming back: for which cause, with what follows the parts in the names of its postings, and
/// for which one it went.
fn beside_again(
    bought: &Bought,
    (cause, also, gone): (&dyn fmt::Display, &str, &dyn fmt::Display),
    (split, at): (Split, Timestamp),
) -> Vec<Entry> {
    let parts =
        [("tax", LedgerAccount::TaxPayable, split.tax), ("rest", LedgerAccount::Rounding, split.rest)];
    let posting = |(part, account, amount): (&str, LedgerAccount, Money)| {
        let legs = (LedgerAccount::StripeClearing, account);
        let id = bought.id(&cause, &format!("{part}{also}"));
        let reverses = Some(bought.id(&gone, part));
        Posting { id, kind: EntryKind::Correction, legs, external: None, reverses }.of(amount, at)
    };
    parts.into_iter().filter_map(posting).collect()
}

/// What a dispute has moved so far: a withdrawal with its fee, and perhaps its return.
pub(super) fn disputed(bought: &Bought, dispute: &Dispute, at: Timestamp) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut withdrawal: Option<&ExternalId> = None;
    for moved in &dispute.movements {
        let cause = &moved.external;
        let split = bought.split(magnitude(moved.amount));
        if moved.amount.is_negative() {
            withdrawal = Some(cause);
            let taken = Posting {
                id: bought.id(cause, "net"),
                kind: EntryKind::Dispute,
                legs: (bought.paid(), LedgerAccount::StripeClearing),
                external: Some(cause),
                reverses: Some(bought.credit_id()),
            };
            entries.extend(taken.of(split.net, at));
            entries.extend(beside(bought, cause, (split, at)));
        } else if let Some(taken) = withdrawal {
            let returned = Posting {
                id: bought.id(cause, "net"),
                kind: EntryKind::DisputeWon,
                legs: (LedgerAccount::StripeClearing, bought.paid()),
                external: Some(cause),
                reverses: Some(bought.id(taken, "net")),
            };
            entries.extend(returned.of(split.net, at));
            entries.extend(beside_again(bought, (cause, "", taken), (split, at)));
        }
        let costs = (LedgerAccount::DisputeFees, LedgerAccount::StripeClearing);
        let fee = Posting {
            id: bought.id(cause, "fee"),
            kind: EntryKind::DisputeFee,
            legs: if moved.fee.is_negative() { (costs.1, costs.0) } else { costs },
            external: Some(cause),
            reverses: None,
        };
        entries.extend(fee.of(magnitude(moved.fee), at));
    }
    entries
}

fn negated(money: Money) -> Money {
    Money::ZERO.checked_sub(money).unwrap_or(money)
}

fn magnitude(money: Money) -> Money {
    if money.is_negative() { negated(money) } else { money }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cents(count: i64) -> Money {
        Money::try_from_cents(count).unwrap()
    }

    fn bought(net: i64, tax: i64) -> Bought {
        let (payment, at, nil) = ("pi_1".parse().unwrap(), Timestamp::from_millis(0), uuid::Uuid::nil());
        Bought {
            top_up: TopUpId::from_uuid(nil),
            account: AccountId::from_uuid(nil),
            net: cents(net),
            receipt: Receipt { payment, tax: cents(tax), at },
        }
    }

    fn sum(amounts: impl Iterator<Item = Money>) -> Money {
        amounts.fold(Money::ZERO, |sum, amount| sum.checked_add(amount).unwrap())
    }

    proptest! {
        /// What a refund of credit costs with tax splits into the same credit, whatever the rate.
        #[test]
        fn tax_goes_back_with_the_credit_to_the_cent(net in 500_i64..100_000, tax in 0_i64..30_000, part in 1_i64..100_000) {
            let (part, bought) = (part.min(net), bought(net, tax));
            let gross = bought.with_tax(cents(part));
            let Split { net: credit, tax: with, rest } = bought.split(gross);
            prop_assert_eq!(credit, cents(part));
            prop_assert_eq!(sum([credit, with, rest].into_iter()), gross);
            prop_assert!(rest == Money::ZERO || rest == cents(1), "{rest}");
            prop_assert_eq!(bought.with_tax(cents(net)), cents(net + tax), "all of it is all of it");
            // What is left can go back too: the largest credit that it covers costs no more than it.
            let left = cents(net + tax).checked_sub(gross).unwrap();
            prop_assert!(bought.with_tax(bought.split(left).net) <= left);
        }

        /// However a payment goes back in parts, it is never more credit or tax than it was for.
        #[test]
        fn parts_are_at_most_the_whole(net in 500_i64..100_000, tax in 0_i64..30_000, cuts in proptest::collection::vec(1_i64..130_000, 0..12)) {
            let bought = bought(net, tax);
            let mut cuts: Vec<i64> = cuts.into_iter().map(|cut| cut % (net + tax)).collect();
            cuts.extend([0, net + tax]);
            cuts.sort_unstable();
            let parts: Vec<Split> = cuts.windows(2).map(|ends| bought.split(cents(ends[1] - ends[0]))).collect();
            prop_assert!(sum(parts.iter().map(|part| part.net)) <= cents(net));
            prop_assert!(sum(parts.iter().map(|part| part.tax)) <= cents(tax));
        }
    }
}
