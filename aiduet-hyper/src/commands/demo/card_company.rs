//! The card company of a demonstration: in this process, on an address of its own. No card, no money.

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::App;
use aiduet_core::auth::OpaqueToken;
use aiduet_core::backends::simulated::stripe::{Delivery, FakeStripe};
use aiduet_core::clock::SystemClock;
use aiduet_core::id::SystemEntropy;
use aiduet_core::payment::SignedPayload;
use aiduet_core::secret::Secret;
use aiduet_core::settings::StripeSettings;
use tokio::net::TcpListener;
use tokio::time::interval;

use crate::failure::Failure;

/// How soon it says what happened.
const DELIVER_EVERY: Duration = Duration::from_millis(250);

/// A card company that listens.
#[derive(Debug)]
pub(super) struct CardCompany {
    stripe: FakeStripe,
    listener: TcpListener,
    base: String,
}

impl CardCompany {
    /// Opens it, and makes it the one of the settings, which name none.
    pub(super) async fn open(settings: &mut StripeSettings) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let secret = format!("whsec_{}", OpaqueToken::generate(&SystemEntropy).expose());
        let stripe = FakeStripe::again(Arc::new(SystemClock::new()), Secret::new(secret.clone()));
        settings.secret_key = Some(Secret::new("sk_test_demo".to_owned()));
        settings.webhook_secret = Some(Secret::new(secret));
        settings.base_url = Some(base.clone());
        Ok(Self { stripe, listener, base })
    }

    /// Serves its API and its pages, and tells the gateway what happens there; never ends.
    pub(super) async fn run(self, app: App) {
        let Self { stripe, listener, base } = self;
        let telling = async {
            let mut every = interval(DELIVER_EVERY);
            loop {
                every.tick().await;
                tell(&app, &stripe).await;
            }
        };
        let (served, ()) = tokio::join!(axum::serve(listener, stripe.router(&base)), telling);
        if let Err(error) = served {
            tracing::error!(%error, "the simulated card company has ended");
        }
    }
}

/// What is not taken now is learnt when the purchase is asked about.
async fn tell(app: &App, stripe: &FakeStripe) {
    let Some(cashier) = app.cashier() else { return };
    for Delivery { body, signature } in stripe.deliveries() {
        let received_at = app.clock().now();
        let payload = SignedPayload { body: &body, signature: &signature, received_at };
        if let Err(error) = cashier.receive(payload).await {
            tracing::warn!(%error, "a message of the simulated card company was not taken");
        }
    }
}
