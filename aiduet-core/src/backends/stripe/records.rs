//! What Stripe has on file of our money.

use async_trait::async_trait;

use super::error::StripeError;
use super::form::Form;
use super::processor::{CURRENCY, StripeProcessor, money, parse};
use super::wire;
use crate::clock::Timestamp;
use crate::money::Money;
use crate::payment::{Movement, MovementCause, MovementPage, Movements, PaymentError, PaymentRecords};

/// The most that Stripe gives.
const PER_PAGE: u32 = 100;

#[async_trait]
impl PaymentRecords for StripeProcessor {
    async fn movements(&self, page: MovementPage) -> Result<Movements, PaymentError> {
        let MovementPage { from, to, before } = page;
        let query = Form::new()
            .with("created[gte]", from.seconds())
            .with("created[lt]", to.seconds())
            .with("limit", PER_PAGE)
            .with("expand[]", "data.source");
        let query = match before {
            Some(before) => query.with("starting_after", before),
            None => query,
        };
        let found: wire::List<wire::Line> = self.client.get("/v1/balance_transactions", query).await?;
        let last = found.data.last().map(|line| parse(&line.id)).transpose()?;
        let list = found.data.iter().map(movement).collect::<Result<_, StripeError>>()?;
        Ok(Movements { list, next: last.filter(|_last| found.has_more) })
    }

    async fn balance(&self) -> Result<Money, PaymentError> {
        let wire::Balance { available, pending } = self.client.get("/v1/balance", Form::new()).await?;
        let ours = available.iter().chain(&pending).filter(|part| part.currency == CURRENCY);
        Ok(money(ours.fold(0, |sum, part| part.amount.saturating_add(sum)))?)
    }
}

fn movement(line: &wire::Line) -> Result<Movement, StripeError> {
    let wire::Line { id, kind, amount, fee, created, source } = line;
    let cause = match source {
        Some(wire::Source { id, object, payment_intent }) => match (object.as_str(), payment_intent) {
            ("charge", Some(payment)) => MovementCause::Payment(parse(payment.id())?),
            ("refund", _) => MovementCause::Refund(parse(id)?),
            ("dispute", _) => MovementCause::Dispute(parse(id)?),
            ("payout", _) => MovementCause::Payout(parse(id)?),
            _ => MovementCause::Other,
        },
        None if kind == "stripe_fee" => MovementCause::Fee,
        None => MovementCause::Other,
    };
    let at = Timestamp::from_millis(created.saturating_mul(1_000));
    Ok(Movement { external: parse(id)?, cause, amount: money(*amount)?, fee: money(*fee)?, at })
}
