//! GitHub on loopback, as far as it reports keys that it found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Publishes two keys, of which one is in use, and signs reports; ends when it is dropped.
#[derive(Debug)]
pub struct FakeGithub {
    /// Where the keys are.
    pub keys_url: String,
    current: EcdsaKeyPair,
    old: EcdsaKeyPair,
    state: Arc<State>,
    _server: JoinSet<()>,
}

#[derive(Debug, Default)]
struct State {
    asked: AtomicU32,
    silent: AtomicBool,
}

impl FakeGithub {
    /// The name of the key in use.
    pub const CURRENT: &str = "now";
    /// The name of the key of before.
    pub const OLD: &str = "before";

    /// One with new keys.
    pub async fn open() -> Self {
        let [current, old] = [(); 2].map(|()| {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("the machine has randomness")
        });
        let list = json!({ "public_keys": [
            published(Self::CURRENT, &current),
            published(Self::OLD, &old),
        ]});
        let state = Arc::new(State::default());
        let kept = Arc::clone(&state);
        let answer = async move || {
            kept.asked.fetch_add(1, Ordering::AcqRel);
            if kept.silent.load(Ordering::Acquire) {
                Err(StatusCode::BAD_GATEWAY)
            } else {
                Ok(list.to_string())
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("the listener has an address");
        let router = Router::new().route("/keys", get(answer));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("the server never ends") });
        Self { keys_url: format!("http://{address}/keys"), current, old, state, _server: server }
    }

    /// Signs with the key in use.
    pub fn sign(&self, body: &[u8]) -> String {
        signed(&self.current, body)
    }

    /// Signs with the key of before.
    pub fn sign_with_old(&self, body: &[u8]) -> String {
        signed(&self.old, body)
    }

    /// From now on it fails when it is asked for its keys.
    pub fn fail(&self) {
        self.state.silent.store(true, Ordering::Release);
    }

    /// It answers again.
    pub fn recover(&self) {
        self.state.silent.store(false, Ordering::Release);
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> u32 {
        self.state.asked.load(Ordering::Acquire)
    }
}

fn published(name: &str, pair: &EcdsaKeyPair) -> Value {
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a key has a form");
    let text = STANDARD.encode(der.as_ref());
    let (begin, end) = text.split_at(64);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{begin}\n{end}\n-----END PUBLIC KEY-----\n");
    json!({ "key_identifier": name, "key": pem, "is_current": name == FakeGithub::CURRENT })
}

fn signed(pair: &EcdsaKeyPair, body: &[u8]) -> String {
    STANDARD.encode(pair.sign(&SystemRandom::new(), body).expect("a key signs"))
}
