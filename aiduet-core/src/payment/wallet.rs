//! What the card company keeps of a person, as the person sees it: cards and invoices.

use super::{Cashier, CashierError, PaymentError, RechargeSwitch};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::ExternalId;
use crate::money::Money;

/// A card that the card company keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The card company's name for it.
    pub external: ExternalId,
    /// Whose network it belongs to, for example `visa`.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// The last month in which it is valid.
    pub valid_until: CardMonth,
}

/// A month on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardMonth {
    /// The year, for example 2030.
    pub year: u16,
    /// From 1.
    pub month: u8,
}

/// A card of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCard {
    /// Which.
    pub card: Card,
    /// Whether it is the one that an automatic purchase charges, or would charge.
    pub role: CardRole,
}

/// What automatic purchases make of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardRole {
    /// They charge it.
    Charged,
    /// They would charge it if they were switched on.
    First,
    /// Nothing.
    Spare,
}

/// Which invoices [`PayerProcessor::invoices`](super::PayerProcessor::invoices) returns.
#[derive(Clone, Debug)]
pub struct InvoicePage {
    /// Whose.
    pub payer: ExternalId,
    /// Only those before this one, the last of another page.
    pub before: Option<ExternalId>,
    /// At most so many.
    pub limit: u32,
}

/// A page of invoices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invoices {
    /// Newest first.
    pub list: Vec<Invoice>,
    /// The last one, if there are more pages.
    pub next: Option<ExternalId>,
}

/// An invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The card company's name for it.
    pub external: ExternalId,
    /// What stands on it; a draft has none.
    pub number: Option<String>,
    /// When it was made.
    pub at: Timestamp,
    /// How much it is about, with tax.
    pub amount: Money,
    /// How far it is.
    pub status: InvoiceStatus,
    /// Where it is as a file.
    pub pdf: Option<String>,
    /// Where it is as a page.
    pub page: Option<String>,
}

/// How far an invoice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvoiceStatus {
    /// It may still change.
    Draft,
    /// It is to be paid.
    Open,
    /// It is paid.
    Paid,
    /// It was a mistake.
    Void,
    /// It will not be paid.
    Uncollectible,
    /// What the card company calls otherwise.
    Other,
}

impl Cashier {
    /// The cards of a person that the card company keeps, the newest first; of a person whom it does not
    /// know there are none.
    ///
    /// # Errors
    /// What a part says.
    pub async fn cards(&self, account: AccountId) -> Result<Vec<OwnCard>, CashierError> {
        let Some(payer) = self.parts.payers.find(account).await? else { return Ok(Vec::new()) };
        let cards = match self.parts.payer_processor.cards(&payer).await {
            Err(PaymentError::NotFound) => Vec::new(),
            cards => cards?,
        };
        let recharge = self.parts.recharges.find(account).await?;
        let charged = recharge.filter(|recharge| recharge.switch == RechargeSwitch::On);
        let charged = charged.map(|recharge| recharge.card);
        let is_kept = charged.as_ref().is_some_and(|own| cards.iter().any(|card| card.external == *own));
        let role = |(place, card): (usize, &Card)| match (&charged, place) {
            (Some(own), _) if *own == card.external => CardRole::Charged,
            (_, 0) if !is_kept => CardRole::First,
            _ => CardRole::Spare,
        };
        Ok(cards.iter().enumerate().map(|each| OwnCard { card: each.1.clone(), role: role(each) }).collect())
    }

    /// Lets the card company forget a card of a person, and ends automatic purchases with it.
    ///
    /// # Errors
    /// [`CashierError::NotFound`] for a card that is not the person's, or not kept; else what a part
    /// says. After a crash in between, the message about the card ends automatic purchases.
    pub async fn remove_card(&self, account: AccountId, card: &ExternalId) -> Result<(), CashierError> {
        let cards = self.cards(account).await?;
        if !cards.iter().any(|own| own.card.external == *card) {
            return Err(CashierError::NotFound);
        }
        match self.parts.payer_processor.remove_card(card).await {
            // Somebody was faster.
            Err(PaymentError::NotFound | PaymentError::Declined) => return Err(CashierError::NotFound),
            removed => removed?,
        }
        match self.parts.recharges.of_card(card).await? {
            Some(recharge) => self.end_recharge(&recharge).await,
            None => Ok(()),
        }
    }

    /// The invoices of a person, the newest first, before one of them when given.
    ///
    /// # Errors
    /// [`CashierError::NotFound`] for an invoice that there is not; else what a part says.
    pub async fn invoices(
        &self,
        account: AccountId,
        (before, limit): (Option<ExternalId>, u32),
    ) -> Result<Invoices, CashierError> {
        let Some(payer) = self.parts.payers.find(account).await? else {
            return if before.is_some() { Err(CashierError::NotFound) } else { Ok(Invoices::default()) };
        };
        let is_first = before.is_none();
        match self.parts.payer_processor.invoices(InvoicePage { payer, before, limit }).await {
            Err(PaymentError::NotFound) if is_first => Ok(Invoices::default()),
            Err(PaymentError::NotFound | PaymentError::Declined) if !is_first => Err(CashierError::NotFound),
            invoices => Ok(invoices?),
        }
    }
}
