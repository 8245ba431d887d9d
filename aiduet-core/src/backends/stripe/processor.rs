//! The processor: our words to Stripe's and back.

use async_trait::async_trait;

use super::client::StripeClient;
use super::config::{AutomaticTax, StripeConfig, StripeConfigError};
use super::error::StripeError;
use super::form::Form;
use super::signature::{WebhookSecret, is_genuine};
use super::wire::{self, Minor, Reference};
use crate::clock::Timestamp;
use crate::id::{AccountId, RefundId, TopUpId};
use crate::ledger::ExternalId;
use crate::money::{Money, Rounding};
use crate::payment::{
    Card, CardMonth, CardUse, Checkout, CheckoutCloser, CheckoutRequest, Dispute, DisputeMovement,
    DisputeStage, Fee, Invoice, InvoicePage, InvoiceStatus, Invoices, Missed, MissedPage, PayerProcessor,
    Payment, PaymentError, PaymentEvent, PaymentEventKind, PaymentFact, PaymentMailbox, PaymentProcessor,
    PaymentStatus, PortalRequest, Refund, RefundRequest, RefundStatus, SignedPayload,
};

/// What the balance is kept in.
pub(super) const CURRENCY: &str = "usd";
/// What names of payments begin with, unlike those of pages.
const PAYMENT_PREFIX: &str = "pi_";
/// The most that Stripe gives.
const EVENTS_PER_PAGE: u32 = 100;
/// More cards than one person keeps.
const CARDS_PER_PAGE: u32 = 100;
/// The status of an answer about something that is not there.
const NOT_FOUND: u16 = 404;
/// More refunds than one payment has.
const REFUNDS_PER_PAGE: u32 = 100;
/// What the payer reads on the page and the receipt.
const PRODUCT: &str = "AI Duet credit";

/// [`PaymentProcessor`] over Stripe.
#[derive(Debug)]
pub struct StripeProcessor {
    pub(super) client: StripeClient,
    secrets: Vec<WebhookSecret>,
    tax: AutomaticTax,
}

impl StripeProcessor {
    /// The processor for a key and the secrets of its endpoint.
    ///
    /// # Errors
    /// [`StripeConfigError`], above all without a signing secret.
    pub fn new(config: &StripeConfig) -> Result<Self, StripeConfigError> {
        let secrets = config.secrets()?;
        Ok(Self { client: StripeClient::new(config)?, secrets, tax: config.automatic_tax })
    }

    /// A processor whose calls are carried otherwise than over the network.
    #[cfg(feature = "testing")]
    pub(crate) fn over(
        config: &StripeConfig,
        transport: std::sync::Arc<dyn super::Transport>,
    ) -> Result<Self, StripeConfigError> {
        let secrets = config.secrets()?;
        Ok(Self { client: StripeClient::over(config, transport)?, secrets, tax: config.automatic_tax })
    }

    async fn session(&self, id: &ExternalId) -> Result<wire::Session, StripeError> {
        self.client.get(&format!("/v1/checkout/sessions/{id}"), Form::new()).await
    }

    async fn intent(&self, id: &str) -> Result<wire::Intent, StripeError> {
        let charge = Form::new().with("expand[]", "latest_charge.balance_transaction");
        self.client.get(&format!("/v1/payment_intents/{id}"), charge).await
    }

    /// Whether something is of our mode and in our currency.
    fn is_ours(&self, found: (bool, &str)) -> bool {
        found == (self.client.mode.is_live(), CURRENCY)
    }

    /// A page that is complete without being paid: the bank of a slow method has not answered yet,
    /// or has refused.
    async fn unpaid(&self, session: &wire::Session) -> Result<PaymentStatus, StripeError> {
        let Some(intent) = &session.payment_intent else { return Ok(PaymentStatus::Processing) };
        let status = self.intent(intent.id()).await?.status;
        let has_failed = matches!(status.as_str(), "requires_payment_method" | "canceled");
        Ok(if has_failed { PaymentStatus::Closed } else { PaymentStatus::Processing })
    }

    async fn paid(&self, session: &wire::Session) -> Result<PaymentStatus, StripeError> {
        let currency = session.currency.as_deref().unwrap_or_default();
        if session.mode != "payment" || !self.is_ours((session.livemode, currency)) {
            return Ok(PaymentStatus::Unexpected);
        }
        let (Some(net), Some(total)) = (session.amount_subtotal, session.amount_total) else {
            return Ok(PaymentStatus::Unexpected);
        };
        let top_up = session.client_reference_id.as_deref().and_then(|id| id.parse().ok());
        // A discount is not something that we offer.
        let (Some(top_up), Some(payment), true) = (top_up, &session.payment_intent, total >= net) else {
            return Ok(PaymentStatus::Unexpected);
        };
        let fee = fee(self.intent(payment.id()).await?.latest_charge)?;
        let (net, tax) = (money(net)?, money(total.saturating_sub(net))?);
        let payer = session.customer.as_ref().map(|customer| parse(customer.id())).transpose()?;
        Ok(PaymentStatus::Paid(Payment { external: parse(payment.id())?, top_up, payer, net, tax, fee }))
    }

    /// How a payment stands that has no page: a card was charged while the payer was absent.
    async fn charge_status(&self, payment: &ExternalId) -> Result<PaymentStatus, StripeError> {
        let wire::Intent {
            livemode,
            status,
            currency,
            amount_received,
            customer,
            metadata,
            latest_charge,
            ..
        } = self.intent(&payment.to_string()).await?;
        let top_up = metadata.get("topup_id").and_then(|id| id.parse().ok());
        Ok(match (status.as_str(), top_up, amount_received) {
            ("succeeded", Some(top_up), Some(received)) if self.is_ours((livemode, &currency)) => {
                PaymentStatus::Paid(Payment {
                    external: payment.clone(),
                    top_up,
                    payer: customer.map(|customer| parse(customer.id())).transpose()?,
                    net: money(received)?,
                    tax: Money::ZERO,
                    fee: fee(latest_charge)?,
                })
            }
            ("processing", ..) => PaymentStatus::Processing,
            ("requires_action" | "requires_confirmation", ..) => PaymentStatus::Open,
            ("requires_payment_method" | "canceled", ..) => PaymentStatus::Closed,
            _ => PaymentStatus::Unexpected,
        })
    }

    /// The purchase that a payment is for.
    async fn top_up_of(&self, payment: Option<&Reference>) -> Result<Option<TopUpId>, StripeError> {
        let Some(payment) = payment else { return Ok(None) };
        let intent = self.intent(payment.id()).await?;
        let named = intent.metadata.get("topup_id").and_then(|id| id.parse().ok());
        Ok(named.filter(|_top_up| self.is_ours((intent.livemode, &intent.currency))))
    }

    async fn refund_of(&self, refund: wire::Refund) -> Result<Refund, StripeError> {
        let wire::Refund { id, metadata, status, amount, payment_intent } = refund;
        let status = match status.as_deref() {
            Some("failed" | "canceled") => RefundStatus::Failed,
            _ => RefundStatus::Accepted,
        };
        let top_up = self.top_up_of(payment_intent.as_ref()).await?;
        let order = metadata.get("refund_id").and_then(|id| id.parse().ok());
        Ok(Refund { external: parse(&id)?, order, top_up, amount: money(amount)?, status })
    }

    async fn dispute_of(&self, dispute: wire::Dispute) -> Result<Dispute, StripeError> {
        let wire::Dispute { id, status, payment_intent, balance_transactions } = dispute;
        let movement = |moved: wire::BalanceTransaction| {
            let (amount, fee) = (money(moved.amount)?, money(moved.fee)?);
            Ok(DisputeMovement { external: parse(&moved.id)?, amount, fee })
        };
        let movements = balance_transactions.into_iter().map(movement).collect::<Result<_, StripeError>>()?;
        let top_up = self.top_up_of(payment_intent.as_ref()).await?;
        Ok(Dispute { external: parse(&id)?, top_up, stage: stage(&status), movements })
    }

    /// A message in our words; `None` if it is not one, or of the other mode.
    fn event(&self, event: &wire::Event) -> Option<PaymentEvent> {
        let is_ours = event.object == "event" && event.livemode == self.client.mode.is_live();
        let id: ExternalId = event.id.parse().ok().filter(|_id| is_ours)?;
        // Of kinds that are not acted on, some have objects without a name.
        let object = event.data.object.id.parse();
        let kind = if object.is_ok() { kind(&event.kind) } else { PaymentEventKind::Other };
        let object = object.unwrap_or_else(|_nameless| id.clone());
        let at = Timestamp::from_millis(event.created.saturating_mul(1_000));
        Some(PaymentEvent { id, kind, object, at })
    }

    async fn is_card_gone(&self, card: &ExternalId) -> Result<bool, StripeError> {
        let path = format!("/v1/payment_methods/{card}");
        match self.client.get::<wire::PaymentMethod>(&path, Form::new()).await {
            Ok(found) => Ok(found.customer.is_none()),
            Err(StripeError::Refused { status: NOT_FOUND, .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn is_payer_gone(&self, payer: &ExternalId) -> Result<bool, StripeError> {
        match self.client.get::<wire::Customer>(&format!("/v1/customers/{payer}"), Form::new()).await {
            Ok(found) => Ok(found.deleted),
            Err(StripeError::Refused { status: NOT_FOUND, .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn facts(&self, event: &PaymentEvent) -> Result<PaymentFact, StripeError> {
        let object = &event.object;
        let of_top_up = |id: Option<TopUpId>| id.map_or(PaymentFact::Nothing, PaymentFact::TopUp);
        Ok(match event.kind {
            PaymentEventKind::Checkout => {
                let session = self.session(object).await?;
                of_top_up(session.client_reference_id.and_then(|id| id.parse().ok()))
            }
            PaymentEventKind::Payment => {
                let payment = Reference::Id(object.to_string());
                of_top_up(self.top_up_of(Some(&payment)).await?)
            }
            PaymentEventKind::Decline => {
                let payment = Reference::Id(object.to_string());
                let top_up = self.top_up_of(Some(&payment)).await?;
                top_up.map_or(PaymentFact::Nothing, PaymentFact::Declined)
            }
            PaymentEventKind::Refund => {
                let refund = self.client.get(&format!("/v1/refunds/{object}"), Form::new()).await?;
                PaymentFact::Refund(self.refund_of(refund).await?)
            }
            PaymentEventKind::Dispute => {
                let dispute = self.client.get(&format!("/v1/disputes/{object}"), Form::new()).await?;
                PaymentFact::Dispute(self.dispute_of(dispute).await?)
            }
            PaymentEventKind::Card if self.is_card_gone(object).await? => {
                PaymentFact::CardGone(object.clone())
            }
            PaymentEventKind::Payer if self.is_payer_gone(object).await? => {
                PaymentFact::PayerGone(object.clone())
            }
            PaymentEventKind::Card | PaymentEventKind::Payer | PaymentEventKind::Other => {
                PaymentFact::Nothing
            }
        })
    }
}

#[async_trait]
impl PaymentProcessor for StripeProcessor {
    async fn open_checkout(&self, request: CheckoutRequest) -> Result<Checkout, PaymentError> {
        let CheckoutRequest { top_up, amount, payer, card, return_url, cancel_url } = request;
        let form = Form::new()
            .with("mode", "payment")
            .with("customer", payer)
            .with("client_reference_id", top_up)
            .with("metadata[topup_id]", top_up)
            .with("payment_intent_data[metadata][topup_id]", top_up)
            .with("line_items[0][quantity]", 1)
            .with("line_items[0][price_data][currency]", CURRENCY)
            .with("line_items[0][price_data][unit_amount]", amount.cents(Rounding::Up))
            .with("line_items[0][price_data][product_data][name]", PRODUCT)
            .with("invoice_creation[enabled]", true)
            .with("adaptive_pricing[enabled]", false)
            .with("success_url", return_url)
            .with("cancel_url", cancel_url);
        let form = match card {
            CardUse::Once => form,
            CardUse::Kept => form.with("payment_intent_data[setup_future_usage]", "off_session"),
        };
        let form = match self.tax {
            AutomaticTax::Off => form,
            AutomaticTax::On => form
                .with("automatic_tax[enabled]", true)
                .with("tax_id_collection[enabled]", true)
                .with("customer_update[address]", "auto")
                .with("customer_update[name]", "auto"),
        };
        let key = format!("topup:{top_up}");
        let session: wire::Session = self.client.post("/v1/checkout/sessions", &key, form).await?;
        let url = session.url.ok_or(StripeError::Unreadable)?;
        Ok(Checkout { external: parse(&session.id)?, url })
    }

    async fn checkout_status(&self, checkout: &ExternalId) -> Result<PaymentStatus, PaymentError> {
        if checkout.to_string().starts_with(PAYMENT_PREFIX) {
            return Ok(self.charge_status(checkout).await?);
        }
        let session = self.session(checkout).await?;
        Ok(match (session.status.as_deref(), session.payment_status.as_str()) {
            (_, "paid") => self.paid(&session).await?,
            (Some("complete"), "unpaid") => self.unpaid(&session).await?,
            (Some("expired"), _) => PaymentStatus::Closed,
            (Some("open"), _) => PaymentStatus::Open,
            // For example free of charge, which no top-up is.
            _ => PaymentStatus::Unexpected,
        })
    }

    async fn refund(&self, request: RefundRequest) -> Result<Refund, PaymentError> {
        let RefundRequest { id, payment, amount } = request;
        let form = Form::new()
            .with("payment_intent", payment)
            .with("amount", amount.cents(Rounding::Down))
            .with("metadata[refund_id]", id);
        let refund = self.client.post("/v1/refunds", &format!("refund:{id}"), form).await?;
        Ok(self.refund_of(refund).await?)
    }

    async fn refundable(&self, payment: &ExternalId) -> Result<Money, PaymentError> {
        let intent = self.intent(&payment.to_string()).await?;
        let is_paid = intent.status == "succeeded" && self.is_ours((intent.livemode, &intent.currency));
        let left = match intent.latest_charge {
            Some(wire::Charge::Whole(charge)) if is_paid && !charge.disputed => {
                charge.amount.saturating_sub(charge.amount_refunded).max(0)
            }
            _ => 0,
        };
        Ok(money(left)?)
    }

    async fn find_refund(
        &self,
        payment: &ExternalId,
        order: RefundId,
    ) -> Result<Option<Refund>, PaymentError> {
        let query = Form::new().with("payment_intent", payment).with("limit", REFUNDS_PER_PAGE);
        let list: wire::List<wire::Refund> = self.client.get("/v1/refunds", query).await?;
        let name = order.to_string();
        let own = list.data.into_iter().find(|refund| refund.metadata.get("refund_id") == Some(&name));
        match own {
            Some(refund) => Ok(Some(self.refund_of(refund).await?)),
            None => Ok(None),
        }
    }

    fn verify(&self, payload: SignedPayload<'_>) -> Result<PaymentEvent, PaymentError> {
        let SignedPayload { body, signature, received_at } = payload;
        if !is_genuine(&self.secrets, signature, body, received_at) {
            return Err(PaymentError::BadSignature);
        }
        let event: wire::Event =
            serde_json::from_slice(body).map_err(|_shows_input| PaymentError::BadSignature)?;
        self.event(&event).ok_or(PaymentError::BadSignature)
    }

    async fn look_up(&self, event: &PaymentEvent) -> Result<PaymentFact, PaymentError> {
        Ok(self.facts(event).await?)
    }
}

#[async_trait]
impl PayerProcessor for StripeProcessor {
    async fn open_payer(&self, account: AccountId) -> Result<ExternalId, PaymentError> {
        let form = Form::new().with("metadata[account]", account);
        let customer: wire::Named =
            self.client.post("/v1/customers", &format!("cust:{account}"), form).await?;
        Ok(parse(&customer.id)?)
    }

    async fn open_portal(&self, request: PortalRequest) -> Result<String, PaymentError> {
        let PortalRequest { visit, payer, return_url } = request;
        let form = Form::new().with("customer", payer).with("return_url", return_url);
        let key = format!("portal:{visit}");
        let portal: wire::Portal = self.client.post("/v1/billing_portal/sessions", &key, form).await?;
        Ok(portal.url)
    }

    async fn close_payer(&self, payer: &ExternalId) -> Result<(), PaymentError> {
        match self.client.delete::<wire::Customer>(&format!("/v1/customers/{payer}")).await {
            Ok(wire::Customer { .. }) | Err(StripeError::Refused { status: NOT_FOUND, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn cards(&self, payer: &ExternalId) -> Result<Vec<Card>, PaymentError> {
        let query = Form::new().with("type", "card").with("limit", CARDS_PER_PAGE);
        let path = format!("/v1/customers/{payer}/payment_methods");
        let list: wire::List<wire::KeptCard> = self.client.get(&path, query).await?;
        Ok(list.data.into_iter().map(card).collect::<Result<_, StripeError>>()?)
    }

    async fn remove_card(&self, card: &ExternalId) -> Result<(), PaymentError> {
        // A card that was detached is never attached again, so its name is enough for a key.
        let path = format!("/v1/payment_methods/{card}/detach");
        let _detached: wire::Named = self.client.post(&path, &format!("detach:{card}"), Form::new()).await?;
        Ok(())
    }

    async fn invoices(&self, page: InvoicePage) -> Result<Invoices, PaymentError> {
        let InvoicePage { payer, before, limit } = page;
        let query = Form::new().with("customer", payer).with("limit", limit);
        let query = match before {
            Some(before) => query.with("starting_after", before),
            None => query,
        };
        let list: wire::List<wire::Invoice> = self.client.get("/v1/invoices", query).await?;
        let last = list.data.last().map(|invoice| parse(&invoice.id)).transpose()?;
        let next = last.filter(|_last| list.has_more);
        Ok(Invoices { list: list.data.into_iter().map(invoice).collect::<Result<_, StripeError>>()?, next })
    }
}

#[async_trait]
impl CheckoutCloser for StripeProcessor {
    async fn close_checkout(&self, checkout: &ExternalId) -> Result<(), PaymentError> {
        let path = format!("/v1/checkout/sessions/{checkout}/expire");
        let _closed: wire::Named =
            self.client.post(&path, &format!("expire:{checkout}"), Form::new()).await?;
        Ok(())
    }
}

#[async_trait]
impl PaymentMailbox for StripeProcessor {
    async fn missed(&self, page: MissedPage) -> Result<Missed, PaymentError> {
        let MissedPage { since, before } = page;
        let query = Form::new()
            .with("delivery_success", false)
            .with("created[gte]", since.seconds())
            .with("limit", EVENTS_PER_PAGE);
        let query = match before {
            Some(before) => query.with("starting_after", before),
            None => query,
        };
        let list: wire::List<wire::Event> = self.client.get("/v1/events", query).await?;
        let events: Vec<PaymentEvent> = list.data.iter().filter_map(|event| self.event(event)).collect();
        let last = list.data.last().map(|event| parse(&event.id)).transpose()?;
        Ok(Missed { events, next: last.filter(|_last| list.has_more) })
    }
}

fn card(kept: wire::KeptCard) -> Result<Card, StripeError> {
    let wire::KeptCard { id, card } = kept;
    let wire::CardFace { brand, last4, exp_month, exp_year } = card;
    let valid_until = CardMonth { year: exp_year, month: exp_month };
    Ok(Card { external: parse(&id)?, brand, last4, valid_until })
}

fn invoice(found: wire::Invoice) -> Result<Invoice, StripeError> {
    let wire::Invoice { id, number, created, total, status, invoice_pdf, hosted_invoice_url } = found;
    Ok(Invoice {
        external: parse(&id)?,
        number,
        at: Timestamp::from_millis(created.saturating_mul(1_000)),
        amount: money(total)?,
        status: match status.as_deref() {
            Some("draft") => InvoiceStatus::Draft,
            Some("open") => InvoiceStatus::Open,
            Some("paid") => InvoiceStatus::Paid,
            Some("void") => InvoiceStatus::Void,
            Some("uncollectible") => InvoiceStatus::Uncollectible,
            _ => InvoiceStatus::Other,
        },
        pdf: invoice_pdf,
        page: hosted_invoice_url,
    })
}

fn kind(name: &str) -> PaymentEventKind {
    let starts = |prefix: &str| name.starts_with(prefix);
    match () {
        () if starts("checkout.session.") => PaymentEventKind::Checkout,
        () if name == "payment_intent.payment_failed" => PaymentEventKind::Decline,
        () if starts("payment_intent.") => PaymentEventKind::Payment,
        () if starts("refund.") || starts("charge.refund.") => PaymentEventKind::Refund,
        () if starts("charge.dispute.") => PaymentEventKind::Dispute,
        () if name == "payment_method.detached" => PaymentEventKind::Card,
        () if name == "customer.deleted" => PaymentEventKind::Payer,
        () => PaymentEventKind::Other,
    }
}

/// What Stripe takes for a payment, once that is known.
fn fee(charge: Option<wire::Charge>) -> Result<Option<Fee>, StripeError> {
    let Some(wire::Charge::Whole(charge)) = charge else { return Ok(None) };
    let Some(moved) = charge.balance_transaction else { return Ok(None) };
    Ok(Some(Fee { external: parse(&moved.id)?, amount: money(moved.fee)? }))
}

fn stage(status: &str) -> DisputeStage {
    match status {
        "won" | "warning_closed" | "prevented" => DisputeStage::Won,
        "lost" => DisputeStage::Lost,
        warning if warning.starts_with("warning_") => DisputeStage::Inquiry,
        // A status that is not known yet stops spending until somebody has looked.
        _ => DisputeStage::Open,
    }
}

pub(super) fn money(cents: Minor) -> Result<Money, StripeError> {
    Money::try_from_cents(cents).map_err(|_too_large| StripeError::Unreadable)
}

pub(super) fn parse(id: &str) -> Result<ExternalId, StripeError> {
    id.parse().map_err(|_invalid| StripeError::Unreadable)
}
