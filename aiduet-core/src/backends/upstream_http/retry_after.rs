//! How long a provider asks to wait.

use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderValue, RETRY_AFTER};

use crate::clock::Timestamp;

/// Longer than this is not believed.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads `retry-after-ms`, else `retry-after` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |value: &HeaderValue| value.to_str().ok().map(|text| text.trim().to_owned());
    let millis =
        headers.get("retry-after-ms").and_then(text).and_then(|text| whole(&text)).map(Duration::from_millis);
    let wait = millis.or_else(|| {
        let text = headers.get(RETRY_AFTER).and_then(text)?;
        whole(&text).map(Duration::from_secs).or_else(|| until(&text, now))
    });
    wait.map(|wait| wait.min(LONGEST))
}

/// A whole number; a fraction is rounded up, because waiting less than asked is an error.
fn whole(text: &str) -> Option<u64> {
    let (number, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if number.is_empty() || !digits(number) || !digits(fraction) {
        return None;
    }
    let more = u64::from(fraction.bytes().any(|byte| byte != b'0'));
    number.parse::<u64>().ok().map(|number| number.saturating_add(more))
}

/// From now to a date such as `Sun, 06 Nov 1994 08:49:37 GMT`; nothing if it has passed.
fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        // Sun, 06 Nov 1994 08:49:37 GMT
        retry_after(&headers, Timestamp::from_millis(784_111_777_000))
    }

    #[test]
    fn every_way_to_ask_for_patience_is_understood() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(read(&[("retry-after", "0.5")]), Some(Duration::from_secs(1)));
        assert_eq!(
            read(&[("retry-after", "7"), ("retry-after-ms", "250")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")]), Some(Duration::from_mins(1)));
        assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(read(&[("retry-after", "99999999999")]), Some(LONGEST));
        for text in ["", "-1", "soon", "1e9", "99999999999999999999999"] {
            assert_eq!(read(&[("retry-after", text)]), None, "{text}");
        }
    }
}
