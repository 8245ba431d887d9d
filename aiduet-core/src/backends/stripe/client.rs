//! Calls to Stripe: pinned version, bounded answers, and repeats that are made once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use reqwest::{Client, Request, Url};
use serde::de::DeserializeOwned;

use super::config::{StripeConfig, StripeConfigError};
use super::error::{Refusal, StripeCode, StripeError};
use super::form::Form;
use super::wire::{ErrorBody, ErrorDetail};
use super::{API_VERSION, config::Mode};

/// Attempts of one call, all with the same identifier.
const ATTEMPTS: u32 = 4;
/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 1 << 20;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");
const VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// Carries calls.
#[async_trait]
pub(crate) trait Transport: fmt::Debug + Send + Sync + 'static {
    /// The answer; `None`: none came, or not all of it.
    async fn carry(&self, request: Request) -> Option<Answer>;
}

/// An answer to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Whether it says that the same call may succeed later.
    pub(crate) should_retry: Option<bool>,
    /// As far as it is read: what is longer is cut, and cannot be read.
    pub(crate) body: Vec<u8>,
}

#[async_trait]
impl Transport for Client {
    async fn carry(&self, request: Request) -> Option<Answer> {
        // An error shows the URL.
        let mut response = self.execute(request).await.ok()?;
        let status = response.status();
        let should_retry = response.headers().get(SHOULD_RETRY).map(|value| value.as_bytes() == b"true");
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            let room = ANSWER_MAX.saturating_sub(body.len());
            body.extend(chunk.iter().take(room));
            if chunk.len() > room {
                break;
            }
        }
        Some(Answer { status, should_retry, body })
    }
}

/// Speaks to Stripe.
#[derive(Debug)]
pub(super) struct StripeClient {
    transport: Arc<dyn Transport>,
    base: Url,
    credential: HeaderValue,
    retry_delay: Duration,
    pub(super) mode: Mode,
}

impl StripeClient {
    /// Over the network.
    pub(super) fn new(config: &StripeConfig) -> Result<Self, StripeConfigError> {
        let http = Client::builder()
            .user_agent(concat!("aiduet/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .https_only(config.base()?.scheme() == "https")
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .tcp_nodelay(true)
            .timeout(config.timeout)
            .build()
            .map_err(|error| StripeConfigError::Client { source: Box::new(error.without_url()) })?;
        Self::over(config, Arc::new(http))
    }

    pub(super) fn over(
        config: &StripeConfig,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, StripeConfigError> {
        let (base, mode) = (config.base()?, config.mode()?);
        let bearer = format!("Bearer {}", config.secret_key.expose());
        let mut credential =
            HeaderValue::try_from(bearer).map_err(|_invalid| StripeConfigError::MalformedKey)?;
        credential.set_sensitive(true);
        Ok(Self { transport, base, credential, retry_delay: config.retry_delay, mode })
    }

    /// Reads an object.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: Form) -> Result<T, StripeError> {
        let mut request = Request::new(Method::GET, query.into_query(self.url(path)));
        self.authorise(request.headers_mut());
        self.call(&request).await
    }

    /// Gives a command. The same `key` again has no second effect, for at least a day.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        form: Form,
    ) -> Result<T, StripeError> {
        let mut request = Request::new(Method::POST, self.url(path));
        self.authorise(request.headers_mut());
        let key = HeaderValue::try_from(key).map_err(|_invalid| StripeError::Unreadable)?;
        request.headers_mut().insert(IDEMPOTENCY_KEY, key);
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form_type);
        *request.body_mut() = Some(form.into_body().into());
        self.call(&request).await
    }

    /// Ends an object. Said again it has no second effect, so it needs no identifier.
    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, StripeError> {
        let mut request = Request::new(Method::DELETE, self.url(path));
        self.authorise(request.headers_mut());
        self.call(&request).await
    }

    /// Paths are made of constants and of identifiers that Stripe gave.
    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    fn authorise(&self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.credential.clone());
        headers.insert(VERSION, HeaderValue::from_static(API_VERSION));
    }

    async fn call<T: DeserializeOwned>(&self, request: &Request) -> Result<T, StripeError> {
        let mut delay = self.retry_delay;
        let mut attempt = 1_u32;
        loop {
            let (error, may_repeat) = match self.attempt(request).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            if !may_repeat || attempt >= ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(delay).await;
            delay = delay.saturating_mul(2);
            attempt = attempt.saturating_add(1);
        }
    }

    /// One attempt; on failure also whether another one may succeed.
    async fn attempt<T: DeserializeOwned>(&self, request: &Request) -> Result<T, (StripeError, bool)> {
        let request = request.try_clone().ok_or((StripeError::Unreadable, false))?;
        let answer = self.transport.carry(request).await.ok_or((StripeError::Silent, true))?;
        let Answer { status, should_retry, body } = answer;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_shows_input| (StripeError::Unreadable, false));
        }
        let passing = matches!(status, StatusCode::CONFLICT | StatusCode::FAILED_DEPENDENCY)
            || status == StatusCode::TOO_MANY_REQUESTS
            || status.is_server_error();
        let detail = serde_json::from_slice::<ErrorBody>(&body)
            .unwrap_or_else(|_unreadable| ErrorBody { error: ErrorDetail::default() });
        Err((refused(status, detail.error), should_retry.unwrap_or(passing)))
    }
}

fn refused(status: StatusCode, detail: ErrorDetail) -> StripeError {
    let ErrorDetail { kind, code, decline_code, advice_code, payment_intent } = detail;
    let told = |code: Option<String>| StripeCode::new(&code.unwrap_or_default());
    let code = StripeCode::new(&code.unwrap_or(kind));
    if status == StatusCode::PAYMENT_REQUIRED {
        let (reason, advice) = (told(decline_code), told(advice_code));
        let payment = payment_intent.map(|payment| payment.id().to_owned());
        return StripeError::Declined(Box::new(Refusal { code, reason, advice, payment }));
    }
    StripeError::Refused { status: status.as_u16(), code }
}
