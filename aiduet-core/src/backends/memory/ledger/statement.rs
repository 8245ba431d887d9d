//! Statements from the journal in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryLedger;
use crate::id::AccountId;
use crate::ledger::books::Transfer;
use crate::ledger::{
    DayUsage, LedgerAccount, LedgerError, Statement, StatementParts, StatementPosition, StatementPosting,
    StatementRequest, Statements, start_of_day,
};
use crate::money::Money;

#[async_trait]
impl Statements for MemoryLedger {
    async fn statement(&self, request: StatementRequest) -> Result<Statement, LedgerError> {
        let account = request.account;
        let state = self.lock();
        let balance = state.books.balance(account);
        let mut parts = StatementParts { posted: balance.posted, used: balance.used, ..Default::default() };
        for id in &state.journal {
            let posting = state.books.transfer(*id).and_then(|transfer| posting(account, transfer));
            let Some(posting) = posting else { continue };
            let position = StatementPosition { at: posting.at, name: posting.id.as_uuid() };
            if request.before.is_some_and(|before| position >= before) {
                parts.newer = parts.newer.checked_add(posting.amount)?;
            } else {
                parts.postings.push(posting);
            }
        }
        let mut days = BTreeMap::new();
        for (key, rollup) in state.rollups.iter().filter(|(key, _rollup)| key.account == account) {
            let cost: &mut Money = days.entry((start_of_day(key.bucket), key.model.clone())).or_default();
            *cost = cost.checked_add(rollup.cost)?;
        }
        parts.usage = days.into_iter().map(|((day, model), cost)| DayUsage { day, model, cost }).collect();
        parts.page(&request)
    }
}

/// A transfer that is not usage, as it concerns a person.
fn posting(account: AccountId, transfer: &Transfer) -> Option<StatementPosting> {
    let is_own =
        |side: LedgerAccount| side == LedgerAccount::Paid(account) || side == LedgerAccount::Promo(account);
    let amount = match (is_own(transfer.debit), is_own(transfer.credit)) {
        (false, true) => transfer.amount,
        (true, false) => Money::ZERO.checked_sub(transfer.amount).ok()?,
        (true, true) | (false, false) => return None,
    };
    let Transfer { id, kind, external, request: None, at, .. } = transfer else { return None };
    Some(StatementPosting { id: *id, kind: *kind, external: external.clone(), amount, at: *at })
}
