//! What the examples share: an account with credit and a key, and one question to a router.
//!
//! Each file in `examples/` is a program of its own that ends by itself.

use std::error::Error;

use aiduet_core::app::App;
use aiduet_core::clock::{Clock, SystemClock};
use aiduet_core::id::{AccountId, ApiKeyId, SystemEntropy, TransferId};
use aiduet_core::keys::{ApiKey, KeyLimits, KeyState, PlainApiKey};
use aiduet_core::ledger::{Entry, Promotion};
use aiduet_core::money::Money;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt;

/// Whatever goes wrong ends an example.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Makes an account with credit, and a key for it.
///
/// # Errors
/// Those of the ledger and the key store.
pub async fn new_customer(app: &App, credit: Money) -> Result<PlainApiKey, Failure> {
    let (clock, entropy) = (SystemClock::new(), SystemEntropy);
    let account = AccountId::generate(&clock, &entropy);
    let grant = Promotion {
        id: TransferId::generate(&clock, &entropy),
        account,
        amount: credit,
        external: None,
        expires_at: None,
        at: clock.now(),
    };
    app.stores().ledger.post(vec![Entry::grant(grant)]).await?;
    let plain = PlainApiKey::generate(&entropy);
    let key = new_key(&plain, account, ApiKeyId::generate(&clock, &entropy));
    app.stores().keys.insert(ApiKey { created_at: clock.now(), ..key }).await?;
    Ok(plain)
}

fn new_key(plain: &PlainApiKey, account: AccountId, id: ApiKeyId) -> ApiKey {
    ApiKey {
        id,
        account,
        hash: plain.hash(),
        prefix: plain.prefix().to_owned(),
        last4: plain.last4().to_owned(),
        name: "example".to_owned(),
        state: KeyState::Active,
        limits: KeyLimits::default(),
        created_at: SystemClock::new().now(),
        expires_at: None,
        last_used_at: None,
    }
}

/// A whole answer of a router.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends a JSON body to a path of a router and reads the whole answer. No socket is involved.
///
/// # Errors
/// When the request cannot be built or the answer cannot be read.
pub async fn post(router: &Router, key: &PlainApiKey, (path, body): (&str, &str)) -> Result<Answer, Failure> {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", key.expose()))
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))?;
    let response = router.clone().oneshot(request).await?;
    let (head, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_BYTES_MAX).await?;
    Ok(Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec())? })
}
