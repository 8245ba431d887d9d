//! Who sells credit, from the settings.

use std::sync::Arc;

use super::{BuildError, Stores};
use crate::clock::Clock;
use crate::id::Entropy;
use crate::payment::{Cashier, CashierParts, PaymentProcessor, TopUpRules};
use crate::settings::{PaymentSettings, StripeSettings};

/// The cashier; `None` where no card company is given or configured.
pub(super) fn cashier(
    settings: &PaymentSettings,
    given: Option<Arc<dyn PaymentProcessor>>,
    (stores, clock, entropy): (&Stores, &Arc<dyn Clock>, &Arc<dyn Entropy>),
) -> Result<Option<Cashier>, BuildError> {
    let processor = match given {
        Some(processor) => Some(processor),
        None => stripe(&settings.stripe)?,
    };
    let rules = TopUpRules {
        amount_min: settings.topup_min,
        amount_max: settings.topup_max,
        ..TopUpRules::default()
    };
    Ok(processor.map(|processor| {
        let parts = CashierParts {
            processor,
            top_ups: Arc::clone(&stores.top_ups),
            ledger: Arc::clone(&stores.ledger),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
        };
        Cashier::new(parts, rules)
    }))
}

/// Without a key no credit is sold.
#[cfg(feature = "stripe")]
fn stripe(settings: &StripeSettings) -> Result<Option<Arc<dyn PaymentProcessor>>, BuildError> {
    use crate::backends::stripe::{AutomaticTax, StripeConfig, StripeProcessor};
    let Some(key) = &settings.secret_key else { return Ok(None) };
    let secrets = settings.webhook_secret.iter().chain(&settings.webhook_secret_previous);
    let mut config = StripeConfig::new(key.clone(), secrets.cloned().collect());
    config.base_url.clone_from(&settings.base_url);
    config.automatic_tax = if settings.automatic_tax { AutomaticTax::On } else { AutomaticTax::Off };
    let processor = StripeProcessor::new(&config);
    let processor = processor.map_err(|error| BuildError::Payment { source: Box::new(error) })?;
    Ok(Some(Arc::new(processor)))
}

#[cfg(not(feature = "stripe"))]
fn stripe(settings: &StripeSettings) -> Result<Option<Arc<dyn PaymentProcessor>>, BuildError> {
    if settings.secret_key.is_some() { Err(BuildError::UnknownProcessor) } else { Ok(None) }
}
