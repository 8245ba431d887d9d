//! `aiduet billing`

use std::sync::Arc;

use aiduet_core::app;
use aiduet_core::id::{Entropy, SystemEntropy, TransferId};
use aiduet_core::payment::{RefundOrder, RefundState, RefundWish};
use serde_json::{Value, json};

use super::{Confirmed, Context, confirm, dollars};
use crate::cli::Billing;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(context: &Context, verb: Billing) -> Result<(), Failure> {
    let settings = context.settings()?.settings;
    let desk = context.desk().await?;
    let clock = super::clock();
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let payments = app::payments(&settings, &desk.stores, (&clock, &entropy));
    let payments = payments.map_err(|error| Failure::of(&error))?;
    let cashier = payments.map(|payments| payments.cashier);
    let cashier = cashier.ok_or_else(|| Failure::Usage("payment.stripe.secret_key is not set".to_owned()))?;
    let Billing::Refund { who, amount, id, dry_run, yes } = verb;
    let account = desk.user(&who.user).await?;
    let name = id.unwrap_or_else(|| TransferId::generate(clock.as_ref(), entropy.as_ref()).to_string());
    let wish = RefundWish { account: account.id, amount: dollars(&amount)?, name };
    let orders = if dry_run {
        cashier.plan_refund(&wish).await
    } else {
        let question = format!("Give back {} USD to {}?", wish.amount, account.id);
        confirm(Confirmed::from(yes), &question)?;
        let noted = desk.office.note_refund(&desk.act, account.id, wish.amount).await;
        noted.map_err(|error| Failure::of(&error))?;
        cashier.give_back(&wish).await
    };
    let orders = orders.map_err(|error| Failure::of(&error))?;
    output::list(context.form, &orders.iter().map(row).collect::<Vec<_>>())?;
    desk.close().await
}

fn row(order: &RefundOrder) -> Value {
    let (state, reference) = match &order.state {
        RefundState::Begun => ("begun", None),
        RefundState::Accepted(external) => ("accepted", Some(external.to_string())),
        RefundState::Failed => ("failed", None),
    };
    json!({
        "id": order.id.to_string(),
        "topup": order.top_up.to_string(),
        "amount": order.net.to_string(),
        "with_tax": order.gross.to_string(),
        "state": state,
        "reference": reference,
    })
}
