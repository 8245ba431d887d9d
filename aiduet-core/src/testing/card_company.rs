//! A card company on loopback, and a processor that calls it.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::backends::simulated::stripe::FakeStripe;
use crate::backends::stripe::{StripeConfig, StripeProcessor};
use crate::clock::Clock;
use crate::secret::Secret;

/// A card company on a socket, which ends when it is dropped.
#[derive(Debug)]
pub struct CardCompany {
    /// What happens there.
    pub stripe: FakeStripe,
    /// Calls it.
    pub processor: Arc<StripeProcessor>,
    _server: JoinSet<()>,
}

impl CardCompany {
    /// What it signs its messages with.
    fn secret() -> Secret<String> {
        Secret::new("whsec_0123456789abcdef0123456789abcdef".to_owned())
    }

    /// One whose processor repeats what failed at once.
    pub async fn open(clock: &Arc<dyn Clock>) -> Self {
        Self::with(clock, |_config| {}).await
    }

    /// One whose processor is set up in a particular way.
    pub async fn with(clock: &Arc<dyn Clock>, adapt: impl FnOnce(&mut StripeConfig)) -> Self {
        let stripe = FakeStripe::new(Arc::clone(clock), Self::secret());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("the listener has an address");
        let base = format!("http://{address}");
        let router = stripe.router(&base);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("the server never ends") });
        let mut config = StripeConfig::new(Secret::new("sk_test_1".to_owned()), vec![Self::secret()]);
        config.base_url = Some(base);
        config.retry_delay = Duration::from_millis(1);
        adapt(&mut config);
        let processor = StripeProcessor::new(&config).expect("the settings are sound");
        Self { stripe, processor: Arc::new(processor), _server: server }
    }
}
