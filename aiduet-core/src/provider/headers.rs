//! Which headers of a client reach a provider.

use http::HeaderMap;
use http::header::HeaderName;

use crate::dialect::{Dialect, Endpoint};

/// Feature headers of the Anthropic API. `anthropic-workspace-id` and
/// `anthropic-user-profile-id` choose who pays and are not among them.
const ANTHROPIC: [HeaderName; 2] =
    [HeaderName::from_static("anthropic-version"), HeaderName::from_static("anthropic-beta")];

/// Feature headers of the OpenAI API. `openai-organization` and `openai-project` choose who pays
/// and are not among them.
const OPENAI: [HeaderName; 1] = [HeaderName::from_static("openai-beta")];

/// The headers of a client's request that may go upstream: the feature headers of the endpoint's
/// dialect, each value as it was sent and in its order. Everything else stays here: credentials,
/// cookies, addresses, traces, the client's name.
///
/// Clients write the values, so they are marked as sensitive: `Debug` does not show them.
pub fn forwardable(endpoint: Endpoint, headers: &HeaderMap) -> HeaderMap {
    let names: &[HeaderName] = match endpoint.dialect() {
        Dialect::OpenAi => &OPENAI,
        Dialect::Anthropic => &ANTHROPIC,
    };
    let mut passed = HeaderMap::new();
    for name in names {
        for value in headers.get_all(name) {
            let mut value = value.clone();
            value.set_sensitive(true);
            passed.append(name.clone(), value);
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// What a client may send, with the value of each name its own.
    fn all() -> HeaderMap {
        let names = [
            "accept",
            "accept-encoding",
            "anthropic-beta",
            "anthropic-organization-id",
            "anthropic-user-profile-id",
            "anthropic-version",
            "anthropic-workspace-id",
            "authorization",
            "baggage",
            "cf-connecting-ip",
            "connection",
            "content-length",
            "content-type",
            "cookie",
            "forwarded",
            "host",
            "idempotency-key",
            "openai-beta",
            "openai-organization",
            "openai-project",
            "proxy-authorization",
            "te",
            "traceparent",
            "tracestate",
            "transfer-encoding",
            "upgrade",
            "user-agent",
            "x-aiduet-exact",
            "x-api-key",
            "x-forwarded-for",
            "x-real-ip",
            "x-stainless-os",
        ];
        names
            .into_iter()
            .map(|name| (HeaderName::from_static(name), HeaderValue::from_static(name)))
            .collect()
    }

    #[test]
    fn only_feature_headers_of_the_dialect_pass() {
        for endpoint in Endpoint::ALL {
            let passed = forwardable(endpoint, &all());
            let mut names: Vec<&str> = passed.keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            let expected: &[&str] = match endpoint.dialect() {
                Dialect::OpenAi => &["openai-beta"],
                Dialect::Anthropic => &["anthropic-beta", "anthropic-version"],
            };
            assert_eq!(names, expected, "{endpoint:?}");
        }
    }

    #[test]
    fn several_values_stay_as_they_were_sent_and_are_not_shown() {
        let mut headers = HeaderMap::new();
        for value in ["b-2, a-1", "c-3", "a-1"] {
            headers.append("anthropic-beta", HeaderValue::from_static(value));
        }
        let passed = forwardable(Endpoint::Messages, &headers);
        let values: Vec<_> = passed.get_all("anthropic-beta").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(values, [b"b-2, a-1".as_slice(), b"c-3", b"a-1"]);
        assert!(!format!("{passed:?}").contains("a-1"));
    }
}
