//! Keys in addresses: addresses are in the logs of everybody on the way, so such a key is no secret.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::error::{HttpError, respond};
use super::{dialect_of, place};
use crate::app::App;
use crate::keys::PlainApiKey;

/// Refuses requests with a key in their address, and disables the key.
pub(super) async fn refuse(State(app): State<App>, request: Request, next: Next) -> Response {
    let keys = keys_in(request.uri().query().unwrap_or_default());
    if keys.is_empty() {
        return next.run(request).await;
    }
    for key in keys {
        if let Err(error) = app.reception().disable_leaked_key(&key, None).await {
            tracing::error!(target: "aiduet::security", %error, "a key that was in an address is not disabled");
        }
    }
    respond(place(&app, dialect_of(request.uri(), request.headers())), &HttpError::KeyInUrl)
}

/// The well-formed keys in a query.
fn keys_in(query: &str) -> Vec<PlainApiKey> {
    let values = query.split(['&', ';', '=', '+']).flat_map(|text| text.split("%20"));
    values.filter_map(|text| PlainApiKey::parse(text).ok()).collect()
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::Factory;

    #[test]
    fn keys_are_found_wherever_they_stand() {
        let key = PlainApiKey::generate(Factory::new(1).entropy());
        let text = key.expose().to_owned();
        for query in [
            text.clone(),
            format!("key={text}"),
            format!("a=b&auth=Bearer%20{text}"),
            format!("a=Bearer+{text}&b"),
        ] {
            assert_eq!(keys_in(&query).len(), 1, "{query}");
        }
        assert_eq!(keys_in(&format!("a={text}&b={text}")).len(), 2);
        for query in ["", "beta=true", "key=sk-duet-0", "key=sk-ant-1"] {
            assert!(keys_in(query).is_empty(), "{query}");
        }
    }
}
