//! Charging a kept card while the payer is absent.

use async_trait::async_trait;

use super::error::{Refusal, StripeError};
use super::form::Form;
use super::processor::{CURRENCY, StripeProcessor, parse};
use super::wire;
use crate::id::TopUpId;
use crate::ledger::ExternalId;
use crate::money::Rounding;
use crate::payment::{
    CardCharger, ChargeRequest, Charged, Checkout, ConfirmationRequest, PaymentError, Repeat,
};

/// The most that Stripe lists at once: more payments than one person makes in a day.
const INTENTS_PER_PAGE: u32 = 100;

/// What a card is never charged again after.
///
/// # Source
/// <https://docs.stripe.com/declines/codes>, read 2026-11-26: codes whose advice is another card.
const FINAL: [&str; 9] = [
    "do_not_try_again",
    "expired_card",
    "invalid_account",
    "lost_card",
    "pickup_card",
    "restricted_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "stolen_card",
];

#[async_trait]
impl CardCharger for StripeProcessor {
    async fn saved_card(&self, payer: &ExternalId) -> Result<Option<ExternalId>, PaymentError> {
        let query = Form::new().with("type", "card").with("limit", 1);
        let path = format!("/v1/customers/{payer}/payment_methods");
        let list: wire::List<wire::Named> = self.client.get(&path, query).await?;
        Ok(list.data.first().map(|card| parse(&card.id)).transpose()?)
    }

    async fn charge(&self, request: ChargeRequest) -> Result<Charged, PaymentError> {
        let ChargeRequest { top_up, amount, payer, card } = request;
        let form = Form::new()
            .with("amount", amount.cents(Rounding::Up))
            .with("currency", CURRENCY)
            .with("customer", payer)
            .with("payment_method", card)
            .with("payment_method_types[]", "card")
            .with("off_session", true)
            .with("confirm", true)
            .with("metadata[topup_id]", top_up);
        let key = format!("recharge:{top_up}");
        match self.client.post::<wire::Intent>("/v1/payment_intents", &key, form).await {
            Ok(intent) => Ok(made(&intent)?),
            Err(StripeError::Declined(refusal)) => Ok(refused(&refusal)?),
            Err(error) => Err(error.into()),
        }
    }

    async fn find_charge(
        &self,
        payer: &ExternalId,
        top_up: TopUpId,
    ) -> Result<Option<ExternalId>, PaymentError> {
        let query = Form::new().with("customer", payer).with("limit", INTENTS_PER_PAGE);
        let list: wire::List<wire::Intent> = self.client.get("/v1/payment_intents", query).await?;
        let name = top_up.to_string();
        let own = list.data.iter().find(|intent| intent.metadata.get("topup_id") == Some(&name));
        Ok(own.map(|intent| parse(&intent.id)).transpose()?)
    }

    async fn open_confirmation(&self, request: ConfirmationRequest) -> Result<Checkout, PaymentError> {
        let ConfirmationRequest { top_up, payment, card, return_url } = request;
        let form = Form::new().with("payment_method", card).with("return_url", &return_url);
        let path = format!("/v1/payment_intents/{payment}/confirm");
        let intent: wire::Intent = self.client.post(&path, &format!("confirm:{top_up}"), form).await?;
        let redirect = intent.next_action.and_then(|action| action.redirect_to_url);
        // Without a page the bank has changed its mind, and the payment says how it stands.
        let url = redirect.map_or(return_url, |redirect| redirect.url);
        Ok(Checkout { external: payment, url })
    }
}

/// Some banks say only in the payment that they want to hear from the payer.
fn made(intent: &wire::Intent) -> Result<Charged, StripeError> {
    let payment = parse(&intent.id)?;
    Ok(match intent.status.as_str() {
        "requires_action" | "requires_confirmation" => Charged::NeedsConfirmation { payment },
        "requires_payment_method" => Charged::Refused { repeat: Repeat::Later },
        _ => Charged::Made { payment },
    })
}

fn refused(refusal: &Refusal) -> Result<Charged, StripeError> {
    let Refusal { code, reason, advice, payment } = refusal;
    if let ("authentication_required", Some(payment)) = (code.as_str(), payment) {
        return Ok(Charged::NeedsConfirmation { payment: parse(payment)? });
    }
    let is_final = [code, reason, advice].into_iter().any(|told| FINAL.contains(&told.as_str()));
    Ok(Charged::Refused { repeat: if is_final { Repeat::Never } else { Repeat::Later } })
}
