//! Who sells credit, from the settings.

use std::sync::Arc;

use super::mail::site;
use super::{BuildError, Stores};
use crate::clock::Clock;
use crate::id::Entropy;
use crate::notify::Letters;
use crate::payment::{
    CardCharger, Cashier, CashierParts, CheckoutCloser, PayerProcessor, PaymentMailbox, PaymentProcessor,
    PaymentRecords, PurchaseTax, Recharger, Reconciler, TopUpRules,
};
use crate::settings::{PaymentSettings, Settings, StripeSettings};

/// A card company, by what it does.
#[derive(Clone, Debug)]
pub(super) struct CardCompany {
    pub(super) processor: Arc<dyn PaymentProcessor>,
    pub(super) payers: Arc<dyn PayerProcessor>,
    pub(super) closer: Arc<dyn CheckoutCloser>,
    pub(super) mailbox: Arc<dyn PaymentMailbox>,
    pub(super) charger: Arc<dyn CardCharger>,
    pub(super) records: Arc<dyn PaymentRecords>,
}

impl CardCompany {
    pub(super) fn of<P: CompleteProcessor>(processor: &Arc<P>) -> Self {
        Self {
            processor: Arc::<P>::clone(processor),
            payers: Arc::<P>::clone(processor),
            closer: Arc::<P>::clone(processor),
            mailbox: Arc::<P>::clone(processor),
            charger: Arc::<P>::clone(processor),
            records: Arc::<P>::clone(processor),
        }
    }
}

/// All that a card company does.
pub trait CompleteProcessor:
    PaymentProcessor + PayerProcessor + CheckoutCloser + PaymentMailbox + CardCharger + PaymentRecords
{
}

impl<P> CompleteProcessor for P where
    P: PaymentProcessor + PayerProcessor + CheckoutCloser + PaymentMailbox + CardCharger + PaymentRecords
{
}

/// Who sells credit, to people who are there and to people who are not.
#[derive(Clone, Debug)]
pub struct Payments {
    /// At a page of the card company.
    pub cashier: Arc<Cashier>,
    /// By a card that is kept; `None` where the card company computes tax, which it does on its pages
    /// alone.
    pub recharger: Option<Arc<Recharger>>,
    /// Who holds the books against the records of the card company.
    pub reconciler: Arc<Reconciler>,
}

/// Who sells credit by the settings, for programs that serve nothing; `None` where no card company is
/// configured.
///
/// # Errors
/// [`BuildError::Payment`], [`BuildError::UnknownProcessor`].
pub fn payments(
    settings: &Settings,
    stores: &Stores,
    (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
) -> Result<Option<Payments>, BuildError> {
    payments_of(settings, None, (stores, clock, entropy))
}

/// Who writes to the owners of accounts.
pub(super) fn letters(stores: &Stores, (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>)) -> Letters {
    Letters {
        accounts: Arc::clone(&stores.accounts),
        outbox: Arc::clone(&stores.outbox),
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
    }
}

/// Who sells credit; `None` where no card company is given or configured.
pub(super) fn payments_of(
    settings: &Settings,
    given: Option<CardCompany>,
    (stores, clock, entropy): (&Stores, &Arc<dyn Clock>, &Arc<dyn Entropy>),
) -> Result<Option<Payments>, BuildError> {
    let PaymentSettings { topup_min, topup_max, stripe: configured } = &settings.payment;
    let company = match given {
        Some(company) => Some(company),
        None => stripe(configured)?,
    };
    let tax = if configured.automatic_tax { PurchaseTax::OnPage } else { PurchaseTax::None };
    let rules = TopUpRules { amount_min: *topup_min, amount_max: *topup_max, tax, ..TopUpRules::default() };
    Ok(company.map(|CardCompany { processor, payers, closer, mailbox, charger, records }| {
        let parts = CashierParts {
            processor,
            payer_processor: payers,
            closer,
            mailbox,
            top_ups: Arc::clone(&stores.top_ups),
            declines: Arc::clone(&stores.declines),
            refunds: Arc::clone(&stores.refunds),
            payers: Arc::clone(&stores.payers),
            departed: Arc::clone(&stores.departed),
            recharges: Arc::clone(&stores.recharges),
            ledger: Arc::clone(&stores.ledger),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            letters: letters(stores, (clock, entropy)),
            site: site(settings),
        };
        let cashier = Arc::new(Cashier::new(parts, rules));
        let recharger =
            (!configured.automatic_tax).then(|| Arc::new(Recharger::new(Arc::clone(&cashier), charger)));
        let reconciler = Arc::new(Reconciler {
            cashier: Arc::clone(&cashier),
            records,
            journal: Arc::clone(&stores.journal),
            reports: Arc::clone(&stores.reconciliations),
        });
        Payments { cashier, recharger, reconciler }
    }))
}

/// Without a key no credit is sold.
#[cfg(feature = "stripe")]
fn stripe(settings: &StripeSettings) -> Result<Option<CardCompany>, BuildError> {
    use crate::backends::stripe::{AutomaticTax, StripeConfig, StripeProcessor};
    let Some(key) = &settings.secret_key else { return Ok(None) };
    let secrets = settings.webhook_secret.iter().chain(&settings.webhook_secret_previous);
    let mut config = StripeConfig::new(key.clone(), secrets.cloned().collect());
    config.base_url.clone_from(&settings.base_url);
    config.automatic_tax = if settings.automatic_tax { AutomaticTax::On } else { AutomaticTax::Off };
    let processor = StripeProcessor::new(&config);
    let processor = processor.map_err(|error| BuildError::Payment { source: Box::new(error) })?;
    Ok(Some(CardCompany::of(&Arc::new(processor))))
}

#[cfg(not(feature = "stripe"))]
fn stripe(settings: &StripeSettings) -> Result<Option<CardCompany>, BuildError> {
    if settings.secret_key.is_some() { Err(BuildError::UnknownProcessor) } else { Ok(None) }
}
