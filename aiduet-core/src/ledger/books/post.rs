//! Postings that are not usage.

use super::draft::{Cover, Draft};
use super::rows::minus;
use super::{Books, Phase, Transfer};
use crate::id::LotId;
use crate::ledger::{Entry, EntryKind, LedgerAccount, LedgerError, LotTerms, Shortage};
use crate::money::{Money, Rounding};

impl Books {
    /// Writes postings, all or none. Those that are there already with the same content have no
    /// effect; the moment is not part of the content, since a cause may be reported twice.
    ///
    /// # Errors
    /// Those of [`Ledger::post`](crate::ledger::Ledger::post), and [`LedgerError::Broken`] with the
    /// invariant that a posting would break; nothing is changed then.
    pub fn post(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        let mut draft = Draft::new(self);
        for entry in entries {
            check(entry)?;
            match draft.transfer(entry.id) {
                Some(kept) if is_same(kept, entry) => continue,
                Some(_) => return Err(LedgerError::Conflict),
                None => post_one(&mut draft, entry)?,
            }
        }
        draft.check_reversals()?;
        let finished = draft.finish();
        self.write(finished);
        Ok(())
    }
}

/// Refuses what the invariants of a single posting forbid.
fn check(entry: &Entry) -> Result<(), LedgerError> {
    let Entry { kind, debit, credit, amount, external, .. } = entry;
    if *amount <= Money::ZERO || debit == credit {
        return Err(LedgerError::InvalidAmount);
    }
    let at_the_edge = matches!(kind, EntryKind::TopUp | EntryKind::Refund | EntryKind::Dispute);
    if at_the_edge && amount.cents(Rounding::Down) != amount.cents(Rounding::Up) {
        return Err(LedgerError::Broken("I15"));
    }
    let prefixes: &[&str] = match kind {
        EntryKind::Usage | EntryKind::Overage | EntryKind::LateUsage => {
            return Err(LedgerError::Broken("I16"));
        }
        EntryKind::TopUp => &["pi_"],
        EntryKind::Refund => &["re_"],
        EntryKind::Dispute => &["dp_", "du_", "txn_"],
        EntryKind::Tax
        | EntryKind::StripeFee
        | EntryKind::Payout
        | EntryKind::PromoGrant
        | EntryKind::PromoExpiry
        | EntryKind::ProviderCost
        | EntryKind::RefundFailed
        | EntryKind::DisputeFee
        | EntryKind::DisputeWon
        | EntryKind::Correction => &[],
    };
    let named = external.as_ref().map(ToString::to_string);
    if *kind == EntryKind::TopUp && named.is_none() {
        return Err(LedgerError::Broken("I12"));
    }
    match named {
        Some(name) if !prefixes.is_empty() && !prefixes.iter().any(|prefix| name.starts_with(prefix)) => {
            Err(LedgerError::Broken("I18"))
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn post_one(draft: &mut Draft<'_>, entry: &Entry) -> Result<(), LedgerError> {
    if entry.external.as_ref().is_some_and(|external| draft.is_used(entry.kind, external)) {
        return Err(LedgerError::Conflict);
    }
    if let Some(target) = entry.reverses {
        draft.reverse(target, entry)?;
    }
    let cover = match entry.debit {
        LedgerAccount::Paid(_) if entry.is_forced() => Cover::Forced,
        LedgerAccount::Paid(_) | LedgerAccount::Promo(_) => {
            covered(draft, entry)?;
            Cover::Needed
        }
        _ => Cover::Needed,
    };
    if let LedgerAccount::Promo(account) = entry.debit {
        match entry.lot {
            Some(lot) => draft.burn_lot(account, lot, entry.amount)?,
            None => draft.burn(account, entry.amount)?,
        }
    }
    if let LedgerAccount::Promo(account) = entry.credit {
        let own = LotTerms { id: LotId::from_uuid(entry.id.as_uuid()), priority: 0, expires_at: None };
        draft.fill_lot(account, entry.lot.unwrap_or(own), entry.amount)?;
    }
    draft.single(transfer(entry), cover)
}

/// Refuses a debit that is above what is free on the account.
fn covered(draft: &Draft<'_>, entry: &Entry) -> Result<(), LedgerError> {
    let row = draft.account(entry.debit);
    let (available, held) = (row.available(), row.debit_pending);
    if available < entry.amount {
        return Err(LedgerError::Insufficient(Shortage::Balance { available, held }));
    }
    Ok(())
}

fn transfer(entry: &Entry) -> Transfer {
    let Entry { id, kind, debit, credit, amount, external, reverses, lot: _, at } = entry;
    Transfer {
        id: *id,
        phase: Phase::Single,
        kind: *kind,
        debit: *debit,
        credit: *credit,
        amount: *amount,
        pending: None,
        reverses: *reverses,
        external: external.clone(),
        request: None,
        at: *at,
    }
}

fn is_same(kept: &Transfer, entry: &Entry) -> bool {
    *kept == Transfer { at: kept.at, ..transfer(entry) }
}

impl Draft<'_> {
    /// Counts a reversal, which mirrors its target.
    fn reverse(&mut self, target: crate::id::TransferId, entry: &Entry) -> Result<(), LedgerError> {
        let Some(original) = self.transfer(target) else { return Err(LedgerError::Conflict) };
        let next = original.reverses;
        let mirrored = original.debit == entry.credit && original.credit == entry.debit;
        if !mirrored || !original.phase.is_final() {
            return Err(LedgerError::Broken("I11"));
        }
        let reversed = self.reversed(target).checked_add(entry.amount)?;
        self.set_reversed(target, reversed);
        if let Some(next) = next {
            self.set_reversed(next, minus(self.reversed(next), entry.amount));
        }
        Ok(())
    }

    /// All reversals of a target together, less what was reversed of them, are at most the target. It is
    /// asked when all postings are made: what goes back and returns in one operation takes no room.
    fn check_reversals(&self) -> Result<(), LedgerError> {
        let is_within =
            |target| self.transfer(target).is_some_and(|made| self.reversed(target) <= made.amount);
        if self.reversals().all(is_within) { Ok(()) } else { Err(LedgerError::Overreversed) }
    }
}
