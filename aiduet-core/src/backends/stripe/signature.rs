//! The signature of messages: HMAC-SHA-256 over the time and the raw bytes.
//!
//! # Source
//! <https://docs.stripe.com/webhooks/signature>, read 2026-11-26.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::clock::Timestamp;
use crate::secret::Secret;

/// How far the time of a message may be from ours, in either direction, in seconds.
const TOLERANCE_SECONDS: u64 = 300;
/// The shortest secret that is believed to be one.
const SECRET_LENGTH_MIN: usize = 32;
/// More parts than any genuine header has.
const PARTS_MAX: usize = 32;

/// What messages are signed with.
#[derive(Debug)]
pub(super) struct WebhookSecret(Secret<String>);

impl WebhookSecret {
    /// A secret that can be one.
    pub(super) fn try_new(secret: Secret<String>) -> Option<Self> {
        let text = secret.expose();
        let is_secret = text.starts_with("whsec_")
            && text.len() >= SECRET_LENGTH_MIN
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_secret.then_some(Self(secret))
    }

    fn mac(&self, time: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        mac(self.0.expose(), time, body)
    }
}

/// A key of any length is one for HMAC, so this is never `None`.
fn mac(secret: &str, time: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    Some(mac.chain_update(time).chain_update(".").chain_update(body))
}

/// Whether one of the secrets signed these bytes at about this time.
pub(super) fn is_genuine(secrets: &[WebhookSecret], header: &str, body: &[u8], now: Timestamp) -> bool {
    let parts = || header.split(',').take(PARTS_MAX).filter_map(|part| part.trim().split_once('='));
    let mut times = parts().filter(|(key, _)| *key == "t").map(|(_, value)| value);
    let (Some(time), None) = (times.next(), times.next()) else { return false };
    let Some(seconds) = seconds(time) else { return false };
    if now.seconds().abs_diff(seconds) > TOLERANCE_SECONDS {
        return false;
    }
    let signatures: Vec<[u8; 32]> =
        parts().filter(|(key, _)| *key == "v1").filter_map(|(_, value)| from_hex(value)).collect();
    let is_signed = |secret: &WebhookSecret| {
        let mac = secret.mac(time, body);
        mac.is_some_and(|mac| signatures.iter().any(|one| mac.clone().verify_slice(one).is_ok()))
    };
    secrets.iter().any(is_signed)
}

/// Digits only: `+1` and ` 1` are not what was signed.
fn seconds(text: &str) -> Option<i64> {
    let is_number = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_seconds| is_number)
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    let digits = text.as_bytes().as_chunks::<2>();
    if text.len() != 64 || !digits.1.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(digits.0) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?;
    }
    Some(bytes)
}

/// Signs a message as Stripe would: the value of its header.
#[cfg(test)]
pub(super) fn sign(secret: &Secret<String>, body: &[u8], at: Timestamp) -> String {
    let time = at.seconds().to_string();
    let signature = mac(secret.expose(), &time, body).map(|mac| mac.finalize().into_bytes());
    let digits: String = signature.into_iter().flatten().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={digits}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_500);

    fn secret(text: &str) -> Secret<String> {
        Secret::new(format!("whsec_{text:0>32}"))
    }

    fn genuine(header: &str, body: &[u8]) -> bool {
        let secrets = [secret("a"), secret("b")].map(|secret| WebhookSecret::try_new(secret).unwrap());
        is_genuine(&secrets, header, body, NOW)
    }

    fn signed(text: &str) -> String {
        sign(&secret(text), BODY, NOW)
    }

    fn v1(header: &str) -> &str {
        header.split_once(",v1=").unwrap().1
    }

    /// The signature that the vendor's own library makes for these inputs.
    #[test]
    fn the_signature_is_the_one_that_stripe_makes() {
        let secret = Secret::new("whsec_test_secret".to_owned());
        let header = sign(&secret, b"{\"id\": \"evt_test\"}", Timestamp::from_millis(1_700_000_000_000));
        assert_eq!(
            header,
            "t=1700000000,v1=e984bd41c45a1f1ef349e5b5ecd272fcc342c4d1f84f05f9f0b61cdf1e0c6470"
        );
    }

    #[test]
    fn either_of_two_secrets_and_of_two_signatures_does() {
        assert!(genuine(&signed("a"), BODY));
        assert!(genuine(&signed("b"), BODY));
        let (good, other) = (signed("a"), signed("c"));
        assert!(genuine(&format!("{good},v1={}", v1(&other)), BODY));
        assert!(genuine(&format!("{other},v1={}", v1(&good)), BODY));
        assert!(genuine(&format!("v0=00,{good},v0=11"), BODY));
        assert!(genuine(&good.replace(',', ", "), BODY));
    }

    #[test]
    fn a_message_of_another_time_is_refused() {
        for (seconds, holds) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
            let at = Timestamp::from_millis(NOW.millis() + seconds * 1_000);
            assert_eq!(genuine(&sign(&secret("a"), BODY, at), BODY), holds, "{seconds}");
        }
    }

    #[test]
    fn what_was_not_signed_is_refused() {
        let good = signed("a");
        assert!(!genuine(&signed("c"), BODY));
        assert!(!genuine(&good, b"{\"id\":\"evt_1\",\"object\":\"event\" }"));
        assert!(!genuine(&good, &[BODY, b"\r\n"].concat()));
        assert!(!genuine(&good, &[b"\xef\xbb\xbf", BODY].concat()));
        let time = good.split_once(',').unwrap().0;
        for header in [
            String::new(),
            time.to_owned(),
            v1(&good).to_owned(),
            format!("v1={}", v1(&good)),
            format!("{time},v0={}", v1(&good)),
            format!("{time},v1="),
            format!("{time},v1={}", &v1(&good)[..62]),
            format!("{time},v1={}00", v1(&good)),
            format!("{time},{good}"),
            good.replace("t=", "t=+"),
            good.replace("t=", "t=0x"),
        ] {
            assert!(!genuine(&header, BODY), "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_is_accepted_by_chance(header in "[tv01=, 0-9a-f]{0,120}", body: Vec<u8>) {
            prop_assert!(!genuine(&header, &body));
        }

        #[test]
        fn one_changed_byte_is_noticed(place in 0..BODY.len(), flip in 1_u8..) {
            let mut body = BODY.to_vec();
            body[place] ^= flip;
            prop_assert!(!genuine(&signed("a"), &body));
        }
    }
}
