//! A provider's refusal of a request, in the client's dialect.

use bytes::Bytes;
use serde_json::json;

use super::reply::{Complaint, Subject};
use super::{anthropic, openai};
use crate::content::Content;
use crate::dialect::{Dialect, Endpoint};

/// What a client is told when the provider's own words cannot be read.
const UNREADABLE: &str = "The provider refused the request.";

/// Translates the body of a 4xx status that is about the request itself. The provider's message
/// passes: it may quote the request, so it is never logged or stored. All other trouble of the
/// provider is told in words of ours, which is not the work of this module.
pub fn refusal(
    client: Endpoint,
    upstream: Endpoint,
    status: u16,
    (body, request_id): (&Content, &str),
) -> Content {
    let read = match upstream.dialect() {
        Dialect::OpenAi => openai::error::read_error(body.expose()),
        Dialect::Anthropic => anthropic::read_error(body.expose()),
    };
    let complaint = read.filter(|complaint| !complaint.message.is_empty());
    let complaint =
        complaint.unwrap_or_else(|| Complaint { subject: Subject::Request, message: UNREADABLE.to_owned() });
    let told = match client.dialect() {
        Dialect::OpenAi => json!({"error": openai::error::write_error(&complaint)}),
        Dialect::Anthropic => {
            let error = anthropic::write_error(&complaint, status);
            json!({"type": "error", "error": error, "request_id": request_id})
        }
    };
    Content::new(Bytes::from(told.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(client: Endpoint, upstream: Endpoint, body: &str) -> String {
        let body = Content::new(Bytes::copy_from_slice(body.as_bytes()));
        String::from_utf8(refusal(client, upstream, 400, (&body, "req_1")).expose().to_vec()).unwrap()
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_as_each_client_looks_for_it() {
        let openai = r#"{"error":{"message":"Your input exceeds the context window","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#;
        let anthropic = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"},"request_id":"req_x"}"#;
        let messages = told(Endpoint::Messages, Endpoint::Responses, openai);
        assert!(
            messages.contains(r#""message":"prompt is too long: Your input exceeds"#)
                && messages.contains("req_1")
        );
        for client in [Endpoint::ChatCompletions, Endpoint::Responses] {
            let told = told(client, Endpoint::Messages, anthropic);
            assert!(
                told.contains(r#""code":"context_length_exceeded""#)
                    && told.contains("prompt is too long: 9")
            );
            assert!(!told.contains("req_x"));
        }
    }

    #[test]
    fn other_refusals_keep_their_message() {
        let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"tools.0: bad"}}"#;
        assert_eq!(
            told(Endpoint::ChatCompletions, Endpoint::Messages, body),
            r#"{"error":{"code":null,"message":"tools.0: bad","param":null,"type":"invalid_request_error"}}"#
        );
        assert!(told(Endpoint::Messages, Endpoint::ChatCompletions, "<html>").contains(UNREADABLE));
    }
}
