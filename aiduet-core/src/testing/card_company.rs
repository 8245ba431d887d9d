//! A card company on loopback or in this process, a processor that calls it, and what goes on there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};
use reqwest::Request;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::SeededEntropy;
use crate::backends::simulated::stripe::{Delivery, FakeCall, FakeError, FakeStripe, Verdict};
use crate::backends::stripe::{Answer, StripeConfig, StripeProcessor, Transport};
use crate::clock::Clock;
use crate::secret::Secret;

/// A card company, whose socket, if it has one, ends when it is dropped.
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
        let mut config = Self::config();
        config.base_url = Some(base);
        adapt(&mut config);
        let processor = StripeProcessor::new(&config).expect("the settings are sound");
        Self { stripe, processor: Arc::new(processor), _server: server }
    }

    /// One in this process, for when there are many.
    pub fn within(clock: &Arc<dyn Clock>, adapt: impl FnOnce(&mut StripeConfig)) -> Self {
        let stripe = FakeStripe::new(Arc::clone(clock), Self::secret());
        let mut config = Self::config();
        adapt(&mut config);
        let processor = StripeProcessor::over(&config, Arc::new(Within(stripe.clone())));
        let processor = Arc::new(processor.expect("the settings are sound"));
        Self { stripe, processor, _server: JoinSet::new() }
    }

    fn config() -> StripeConfig {
        let mut config = StripeConfig::new(Secret::new("sk_test_1".to_owned()), vec![Self::secret()]);
        config.retry_delay = Duration::from_millis(1);
        config
    }
}

/// Calls that never leave the process; others run before each of them and before its answer.
#[derive(Debug)]
struct Within(FakeStripe);

#[async_trait]
impl Transport for Within {
    async fn carry(&self, request: Request) -> Option<Answer> {
        tokio::task::yield_now().await;
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let query = request.url().query().unwrap_or_default().as_bytes();
        let form = if request.method() == Method::GET { query } else { body };
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
        let answer = self.0.call(&FakeCall::of(request.method(), request.url().path(), (form, key)));
        // What it says may be old when it arrives.
        tokio::task::yield_now().await;
        let status = StatusCode::from_u16(answer.status).ok()?;
        Some(Answer { status, should_retry: None, body: answer.body.to_string().into_bytes() })
    }
}

/// What goes on at a card company: payers, banks and the operator do at random what they can, the same
/// for the same seed.
#[derive(Debug)]
pub struct Story {
    entropy: SeededEntropy,
    /// What can be paid, or was.
    pub pages: Vec<String>,
    refunds: Vec<String>,
    /// Pages whose payer has no complaint that is undecided or was heard.
    content: Vec<String>,
    /// Complaints, each with its page.
    disputes: Vec<(String, String)>,
}

impl Story {
    /// Nothing yet.
    pub const fn new(seed: u64) -> Self {
        Self {
            entropy: SeededEntropy::new(seed),
            pages: Vec::new(),
            refunds: Vec::new(),
            content: Vec::new(),
            disputes: Vec::new(),
        }
    }

    /// There is another page.
    pub fn open(&mut self, page: String) {
        self.content.push(page.clone());
        self.pages.push(page);
    }

    /// A number below a bound.
    pub fn below(&self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        let number = self.entropy.next_u64().checked_rem(bound).unwrap_or_default();
        usize::try_from(number).unwrap_or_default()
    }

    /// Something happens, or is tried in vain; whether it happens.
    pub fn go_on(&mut self, stripe: &FakeStripe) -> bool {
        let page = self.pages[self.below(self.pages.len())].clone();
        let done = match self.below(13) {
            0..3 => stripe.pay(&page),
            3 => stripe.pay_slowly(&page),
            4 => stripe.confirm(&page),
            5 => stripe.fail(&page),
            6 => stripe.expire(&page),
            7 => {
                let cents = i64::try_from(self.below(900)).unwrap_or_default().saturating_add(100);
                stripe.refund_by_hand(&page, cents).map(|refund| self.refunds.push(refund))
            }
            8 => self.refunds.last().ok_or(FakeError).and_then(|refund| stripe.fail_refund(refund)),
            9 => self.complain(|page| stripe.dispute(page)),
            10 => self.complain(|page| stripe.inquire(page)),
            11 => self.disputes.last().ok_or(FakeError).and_then(|(dispute, _page)| stripe.escalate(dispute)),
            _ => {
                let verdict = [Verdict::Won, Verdict::Lost, Verdict::Prevented][self.below(3)];
                self.decide(stripe, verdict)
            }
        };
        done.is_ok()
    }

    /// The bank decides about the latest complaint; a payer who was not heard may complain again.
    fn decide(&mut self, stripe: &FakeStripe, verdict: Verdict) -> Result<(), FakeError> {
        let (dispute, page) = self.disputes.last().ok_or(FakeError)?;
        stripe.decide(dispute, verdict)?;
        if verdict != Verdict::Lost {
            self.content.push(page.clone());
        }
        Ok(())
    }

    /// The first one who can complain does.
    fn complain(&mut self, complain: impl Fn(&str) -> Result<String, FakeError>) -> Result<(), FakeError> {
        let filed =
            self.content.iter().enumerate().find_map(|(place, page)| Some((place, complain(page).ok()?)));
        let (place, dispute) = filed.ok_or(FakeError)?;
        let page = self.content.remove(place);
        self.disputes.push((dispute, page));
        Ok(())
    }

    /// Adds messages to those that wait, each one to five times, and mixes all of them.
    pub fn pile(&self, waiting: &mut Vec<Delivery>, news: &[Delivery]) {
        for one in news {
            waiting.extend(std::iter::repeat_n(one.clone(), self.below(5).saturating_add(1)));
        }
        for place in (1..waiting.len()).rev() {
            waiting.swap(place, self.below(place.saturating_add(1)));
        }
    }
}
