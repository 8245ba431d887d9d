//! A provider of OpenID Connect on a socket that lies as it is told to.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use aiduet_core::testing::Factory;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

pub(super) const CLIENT: &str = "duet client";
pub(super) const SECRET: &str = "s3cret:+ with signs";
pub(super) const RETURN: &str = "http://localhost/api/v1/auth/google/callback";

/// Two keys: one that the provider publishes at first, and another.
static KEYS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [rsa_key(), rsa_key()]);

/// PKCS #1, which is what PKCS #8 holds after 26 bytes for a key of 2,048 bits.
fn rsa_key() -> Vec<u8> {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    pair.serialize_der()[26..].to_vec()
}

fn signing_key(number: usize) -> EncodingKey {
    EncodingKey::from_rsa_der(&KEYS[number])
}

/// The public half, as a provider publishes it.
fn public_key(number: usize, kid: &str) -> Value {
    let mut jwk =
        serde_json::to_value(Jwk::from_encoding_key(&signing_key(number), Algorithm::RS256).unwrap());
    let jwk = jwk.as_mut().unwrap();
    jwk["kid"] = json!(kid);
    jwk["use"] = json!("sig");
    jwk.take()
}

/// A person at the provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) subject: &'static str,
    pub(super) email: &'static str,
    pub(super) verified: bool,
}

impl Person {
    pub(super) const fn new(subject: &'static str, email: &'static str) -> Self {
        Self { subject, email, verified: true }
    }
}

/// A token before it is signed, for a lie to change.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) header: Header,
    pub(super) claims: Value,
    pub(super) signature: Signature,
}

/// How a token is signed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signature {
    /// With the key of this number.
    Key(usize),
    /// HS256, with the public key as the secret.
    PublicKeyAsSecret,
    /// Not at all, and the header says so.
    None,
    /// With the published key, and then one character is changed.
    Damaged,
}

/// A code that was given out.
#[derive(Debug)]
struct Code {
    challenge: String,
    token: String,
}

#[derive(Debug, Default)]
struct Inside {
    codes: HashMap<String, Code>,
    keys: Vec<Value>,
    keys_read: usize,
    codes_asked: usize,
}

/// The provider; ends with its value.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) issuer: String,
    inside: Arc<Mutex<Inside>>,
    _running: JoinSet<()>,
}

impl Provider {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inside = Arc::new(Mutex::new(Inside { keys: vec![public_key(0, "first")], ..Inside::default() }));
        let metadata = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize?kind=web"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { Json(metadata) }))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&inside));
        let mut running = JoinSet::new();
        running.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, inside, _running: running }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// How often its keys were read.
    pub(super) fn keys_read(&self) -> usize {
        self.lock().keys_read
    }

    /// How often a code was brought.
    pub(super) fn codes_asked(&self) -> usize {
        self.lock().codes_asked
    }

    /// Publishes these keys and no others.
    pub(super) fn publish(&self, keys: &[(usize, &str)]) {
        let mut inside = self.lock();
        inside.keys = keys.iter().map(|(number, kid)| public_key(*number, kid)).collect();
        // What we cannot use does not keep us from what we can.
        inside.keys.push(json!({"kty": "EC", "kid": "curve", "crv": "P-256", "x": "AA", "y": "AA"}));
        inside.keys.push(json!({"kty": "new", "alg": "of tomorrow"}));
    }

    /// A code for a person whom the browser was sent here for, with a token that `lie` changes.
    pub(super) fn code(
        &self,
        factory: &Factory,
        (sent, person): (&HashMap<String, String>, Person),
        lie: impl FnOnce(&mut Draft),
    ) -> String {
        let now = factory.now().seconds();
        let Person { subject, email, verified } = person;
        let mut draft = Draft {
            header: Header { kid: Some("first".to_owned()), ..Header::new(Algorithm::RS256) },
            claims: json!({
                "iss": self.issuer, "sub": subject, "aud": CLIENT, "iat": now, "exp": now + 3_600,
                "nonce": sent["nonce"], "azp": CLIENT, "email": email, "email_verified": verified,
            }),
            signature: Signature::Key(0),
        };
        lie(&mut draft);
        let mut inside = self.lock();
        let code = format!("code/{}+{}", inside.codes.len(), &sent["state"][..8]);
        let minted = Code { challenge: sent["code_challenge"].clone(), token: signed(&draft) };
        inside.codes.insert(code.clone(), minted);
        code
    }
}

fn signed(draft: &Draft) -> String {
    let Draft { header, claims, signature } = draft;
    match signature {
        Signature::Key(number) => encode(header, claims, &signing_key(*number)).unwrap(),
        Signature::PublicKeyAsSecret => {
            let n = public_key(0, "first")["n"].as_str().unwrap().to_owned();
            let header = Header { alg: Algorithm::HS256, ..header.clone() };
            encode(&header, claims, &EncodingKey::from_secret(n.as_bytes())).unwrap()
        }
        Signature::None => {
            let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let header = json!({"alg": "none", "kid": header.kid});
            format!("{}.{}.", part(header), part(claims.clone()))
        }
        Signature::Damaged => {
            let token = encode(header, claims, &signing_key(0)).unwrap();
            let (before, signature) = token.rsplit_once('.').unwrap();
            let other = if signature.starts_with('A') { "B" } else { "A" };
            format!("{before}.{other}{}", &signature[1..])
        }
    }
}

type Shared = State<Arc<Mutex<Inside>>>;

async fn keys(State(inside): Shared) -> Json<Value> {
    let mut inside = inside.lock().unwrap();
    inside.keys_read += 1;
    Json(json!({"keys": inside.keys}))
}

/// Takes a code once, from the client alone, with the verifier of its challenge.
async fn token(State(inside): Shared, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let mut inside = inside.lock().unwrap();
    inside.codes_asked += 1;
    let refused = |code: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": code})));
    let expected = "duet+client:s3cret%3A%2B+with+signs";
    if headers["authorization"] != format!("Basic {}", STANDARD.encode(expected)) {
        return refused("invalid_client");
    }
    assert_eq!((form["grant_type"].as_str(), form["redirect_uri"].as_str()), ("authorization_code", RETURN));
    let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    match inside.codes.remove(&form["code"]) {
        Some(code) if code.challenge == verifier => (
            StatusCode::OK,
            Json(json!({"id_token": code.token, "access_token": "unused", "token_type": "Bearer"})),
        ),
        _ => refused("invalid_grant"),
    }
}
