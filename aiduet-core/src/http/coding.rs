//! Content codings: bodies are taken as they are, so none is taken but `identity`.

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, HeaderValue};

/// Whether a body comes as it is: without a content coding, or with `identity` only.
///
/// # Wire shape
/// Each field is a list, in which empty elements count for nothing; case makes no difference.
///
/// # Source
/// RFC 9110, sections 5.6.1.2, 8.4 and 8.4.1.
pub(super) fn is_identity(headers: &HeaderMap) -> bool {
    let mut codings = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    codings.all(|coding| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    })
}

/// Tells, beside a 415, that a body with a content coding is taken nowhere here (RFC 9110, section
/// 15.5.16).
pub(super) fn name_accepted(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_body_as_it_is_may_say_so() {
        for values in
            [&[][..], &[""], &["identity"], &["Identity"], &[" identity , identity"], &[",", "identity,,"]]
        {
            assert!(is_identity(&headers(values)), "{values:?}");
        }
    }

    #[test]
    fn no_coding_hides_behind_another_one() {
        for values in [
            &["gzip"][..],
            &["x-gzip"],
            &["deflate"],
            &["br"],
            &["zstd"],
            &["GZIP"],
            &["novel"],
            &["*"],
            &["identity;q=1"],
            &["identity, gzip"],
            &["gzip, identity"],
            &["identity", "gzip"],
            &["", "br"],
            &["identity identity"],
        ] {
            assert!(!is_identity(&headers(values)), "{values:?}");
        }
        let mut binary = HeaderMap::new();
        binary.insert(CONTENT_ENCODING, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(!is_identity(&binary));
    }
}
