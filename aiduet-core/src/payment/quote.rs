//! What a purchase would come to.

use super::rules::{Begin, PurchaseTax};
use super::{Cashier, CashierError, TopUpPage};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::money::Money;

/// A wish to know what a purchase would come to.
#[derive(Clone, Copy, Debug)]
pub struct QuoteTopUp {
    /// Who would buy.
    pub account: AccountId,
    /// How much, a whole number of cents.
    pub amount: Money,
    /// Since when there has been the account.
    pub since: Timestamp,
}

/// What a purchase would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopUpQuote {
    /// What would be credited.
    pub credit: Money,
    /// What would be paid besides to the operator.
    pub fee: Money,
    /// What would be paid besides to the state; `None`: the card company finds that out on its page.
    pub tax: Option<Money>,
    /// The sum, as far as it is known.
    pub total: Money,
}

impl Cashier {
    /// What a purchase would come to. Nothing is begun, kept or asked of the card company.
    ///
    /// # Errors
    /// Those that [`open`](Self::open) would have for a new purchase before the card company is asked.
    pub async fn quote(&self, wish: QuoteTopUp) -> Result<TopUpQuote, CashierError> {
        let QuoteTopUp { account, amount, since } = wish;
        let (rules, now) = (self.rules(), self.parts.clock.now());
        let limit = u32::try_from(rules.daily_max).unwrap_or(u32::MAX);
        let begun = self.parts.top_ups.list(TopUpPage { account, before: None, limit }).await?;
        rules.check(&Begin { amount, since, now, begun: &begun })?;
        self.check_declines(account, now).await?;
        let tax = match rules.tax {
            PurchaseTax::None => Some(Money::ZERO),
            PurchaseTax::OnPage => None,
        };
        // Credit costs its amount; what the card company takes is the operator's.
        Ok(TopUpQuote { credit: amount, fee: Money::ZERO, tax, total: amount })
    }
}
