//! A site with a person, and what the person's browser keeps.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::{App, AppBuilder, Stores};
use aiduet_core::backends::simulated::stripe::FakeStripe;
use aiduet_core::clock::{Clock, ManualClock};
use aiduet_core::http::edge::{PeerAddress, guarded};
use aiduet_core::http::router;
use aiduet_core::notify::LeaseRequest;
use aiduet_core::settings::{Settings, UpstreamKind};
use aiduet_core::testing::card_company::CardCompany;
use aiduet_core::testing::{Factory, SeededEntropy};
use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::databases::{Place, Store};

pub(super) const PASSWORD: &str = "kT9#vmq2zWx!7Lr-glue";
pub(super) const OTHER_PASSWORD: &str = "Wq4&hhz8-lantern-Ub3";
pub(super) const EMAIL: &str = "rosalind@example.com";

/// A site.
pub(super) struct Site {
    router: Router,
    pub(super) app: App,
    pub(super) factory: Factory,
    pub(super) stripe: FakeStripe,
    /// The card company; ends with the site.
    _company: CardCompany,
    _place: Place,
}

/// What a browser keeps, and from where it asks.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    pub(super) address: IpAddr,
    pub(super) cookies: Vec<(String, String)>,
    pub(super) access: Option<String>,
}

/// A message that left.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) kind: String,
    pub(super) to: String,
    pub(super) token: String,
    /// The whole message.
    pub(super) notice: Value,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    /// The code of a problem, or nothing.
    pub(super) fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text);
    }
}

impl Browser {
    pub(super) fn at(address: &str) -> Self {
        Self { address: address.parse().unwrap(), cookies: Vec::new(), access: None }
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(own, _)| own.contains(name)).map(|(_, value)| value.as_str())
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for value in headers.get_all("set-cookie") {
            let (name, rest) = value.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(own, _)| own != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

impl Site {
    pub(super) async fn open(store: Store) -> Self {
        Self::with(store, |_settings| {}).await
    }

    /// A site that is set up in a particular way.
    pub(super) async fn with(store: Store, adapt: impl FnOnce(&mut Settings)) -> Self {
        let place = store.place().await;
        let mut settings = Settings::default();
        place.write_to(&mut settings);
        settings.upstream.openai.kind = UpstreamKind::Simulated;
        settings.auth.hash_memory = 19 << 20;
        settings.auth.hash_passes = 2;
        settings.auth.even_time = Duration::ZERO;
        settings.auth.token_secret = Some("0123456789abcdef0123456789abcdef".to_owned().into());
        adapt(&mut settings);
        let factory = Factory::new(5);
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(factory.clock());
        let stores = Box::pin(Stores::ready(&settings.database, Arc::clone(&clock))).await.unwrap();
        let company = CardCompany::open(&clock).await;
        let app = AppBuilder::new(settings.clone())
            .processor(&company.processor)
            .clock(clock)
            .entropy(Arc::new(SeededEntropy::new(5)))
            .stores(stores)
            .build()
            .await
            .unwrap();
        let router = guarded(router(app.clone()), app.clone(), &settings.server);
        let stripe = company.stripe.clone();
        Self { router, app, factory, stripe, _company: company, _place: place }
    }

    /// A site where the person is registered and has confirmed the address.
    pub(super) async fn with_person(store: Store) -> Self {
        let site = Self::open(store).await;
        site.register(EMAIL).await;
        site
    }

    /// Registers a person and confirms the address.
    pub(super) async fn register(&self, email: &str) {
        let mut browser = Browser::at("198.51.100.1");
        let body = json!({"email": email, "password": PASSWORD, "accept_policies": true});
        self.post(&mut browser, "/auth/register", &body).await.expect(202);
        let mails = self.mails().await;
        let [mail] = mails.as_slice() else { panic!("{mails:?}") };
        assert_eq!((mail.kind.as_str(), mail.to.as_str()), ("verify_email", email));
        let token = json!({"token": mail.token});
        self.post(&mut browser, "/auth/verify-email", &token).await.expect(204);
        self.later(Duration::from_hours(1));
    }

    /// A browser in which the person is signed in.
    pub(super) async fn signed_in(&self, address: &str) -> Browser {
        let mut browser = Browser::at(address);
        self.sign_in(&mut browser, PASSWORD).await.expect(200);
        browser
    }

    pub(super) async fn sign_in(&self, browser: &mut Browser, password: &str) -> Reply {
        self.post(browser, "/auth/login", &json!({"email": EMAIL, "password": password})).await
    }

    pub(super) async fn refresh(&self, browser: &mut Browser) -> Reply {
        self.ask(browser, (Method::POST, "/auth/refresh"), None).await
    }

    pub(super) async fn post(&self, browser: &mut Browser, path: &str, body: &Value) -> Reply {
        self.ask(browser, (Method::POST, path), Some(body)).await
    }

    pub(super) async fn get(&self, browser: &mut Browser, path: &str) -> Reply {
        self.ask(browser, (Method::GET, path), None).await
    }

    /// Asks the account API and keeps what the browser would keep.
    pub(super) async fn ask(
        &self,
        browser: &mut Browser,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Reply {
        self.ask_with(browser, (method, path), (body, &[])).await
    }

    /// Asks with more headers.
    pub(super) async fn ask_with(
        &self,
        browser: &mut Browser,
        (method, path): (Method, &str),
        (body, headers): (Option<&Value>, &[(&str, &str)]),
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(access) = &browser.access {
            request = request.header("authorization", format!("Bearer {access}"));
        }
        if !browser.cookies.is_empty() {
            let pairs = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            request = request.header("cookie", pairs.collect::<Vec<_>>().join("; "));
        }
        let request = match body {
            Some(body) => {
                request.header("content-type", "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        let reply = self.send(browser.address, request.unwrap()).await;
        browser.keep(&reply.headers);
        let body: Value = serde_json::from_str(&reply.text).unwrap_or_default();
        if let Some(access) = body["access_token"].as_str() {
            browser.access = Some(access.to_owned());
        }
        reply
    }

    /// Asks for a file, whose body is read by whoever asks.
    pub(super) async fn download(&self, browser: &Browser, path: &str) -> Response<Body> {
        let access = format!("Bearer {}", browser.access.as_deref().unwrap());
        let request = Request::get(format!("/api/v1{path}")).header("authorization", access);
        self.answer(browser.address, request.body(Body::empty()).unwrap()).await
    }

    /// Sends any request.
    pub(super) async fn send(&self, from: IpAddr, request: Request<Body>) -> Reply {
        let (head, body) = self.answer(from, request).await.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn answer(&self, from: IpAddr, mut request: Request<Body>) -> Response<Body> {
        self.later(Duration::from_millis(1));
        request.extensions_mut().insert(PeerAddress(from));
        request.headers_mut().insert("host", "localhost".parse().unwrap());
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(super) fn later(&self, by: Duration) {
        self.factory.clock().advance(by);
    }

    /// The messages since the last look, oldest first.
    pub(super) async fn mails(&self) -> Vec<Mail> {
        let now = self.factory.now();
        let lease = LeaseRequest { now, until: now.plus(Duration::from_hours(24 * 365)), limit: 1_000 };
        let mut due = self.app.stores().outbox.lease(lease).await.unwrap();
        due.sort_by_key(|due| due.message.id);
        let mail = |due: aiduet_core::notify::Due| {
            let notice = serde_json::to_value(&due.message.notice).unwrap();
            Mail {
                kind: notice["kind"].as_str().unwrap().to_owned(),
                to: due.message.to.expose().to_owned(),
                token: notice["token"].as_str().unwrap_or_default().to_owned(),
                notice,
            }
        };
        due.into_iter().map(mail).collect()
    }

    /// The kinds of the messages since the last look.
    pub(super) async fn mailed(&self) -> Vec<String> {
        self.mails().await.into_iter().map(|mail| mail.kind).collect()
    }

    /// The events of the person, newest first.
    pub(super) async fn events(&self, browser: &mut Browser) -> Vec<String> {
        let log = self.get(browser, "/me/security-log").await.expect(200).json();
        let events = log["data"].as_array().unwrap().iter();
        events.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }
}
