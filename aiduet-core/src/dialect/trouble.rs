//! Errors of a provider that are the operator's trouble, although their status does not say so.

use serde_json::Value;

/// Types and codes by which the providers say that the account behind the credential has run out
/// of credit or met its own spend limit.
///
/// # Source
/// OpenAI API reference, "Error codes"; Anthropic API reference, "Errors"; read 2026-11-24.
const CREDIT_CODES: [&str; 8] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "enforced_spend_limit_reached",
    "linked_organization_spend_limit_reached",
    "billing_error",
];

/// How Anthropic words it in a plain `invalid_request_error`.
const CREDIT_MESSAGE: &str = "credit balance is too low";

/// Whether an error body says that the operator's account is out of credit. Such an error must
/// not reach the caller, who would take it for their own balance.
pub fn is_credit_trouble(body: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
    let Some(error) = body.get("error") else { return false };
    let text = |pointer| error.pointer(pointer).and_then(Value::as_str);
    let mut named = ["/type", "/code", "/details/error_code"].into_iter().filter_map(text);
    named.any(|name| CREDIT_CODES.contains(&name))
        || text("/message").is_some_and(|text| text.contains(CREDIT_MESSAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_empty_account_is_told_from_the_callers_mistake() {
        for body in [
            r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"credit_balance_exhausted"}}"#,
            r#"{"type":"error","error":{"type":"billing_error","message":"m"}}"#,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
            r#"{"error":{"message":"m","type":"insufficient_quota","code":429,"details":"d"}}"#,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API"}}"#,
        ] {
            assert!(is_credit_trouble(body.as_bytes()), "{body}");
        }
        for body in [
            r#"{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            r#"{"error":null}"#,
            "<html>",
            "",
        ] {
            assert!(!is_credit_trouble(body.as_bytes()), "{body}");
        }
    }
}
