//! Which endpoint of a vendor serves a request.

use super::openai::chat;
use super::openai::model::{Gpt, Tools, is_on_responses_only};
use crate::content::Content;
use crate::dialect::Endpoint;
use crate::provider::Vendor;

/// The endpoint that serves a request of this client with this model.
///
/// Claude answers on Messages. GPT answers a client of its own vendor on the endpoint that was
/// called, where the model can: newer ones take tools while they reason on Responses only, and
/// some exist nowhere else. Everyone else is served on Responses, which keeps reasoning.
pub fn upstream_endpoint(client: Endpoint, vendor: Vendor, model: &str, body: &Content) -> Endpoint {
    match (vendor, client) {
        (_, Endpoint::Embeddings | Endpoint::CountTokens) => client,
        (Vendor::OpenAi, Endpoint::InputTokens) => client,
        (Vendor::Anthropic, _) => Endpoint::Messages,
        (Vendor::OpenAi, Endpoint::Responses | Endpoint::Messages) => Endpoint::Responses,
        (Vendor::OpenAi, Endpoint::ChatCompletions) => {
            let reasons_beside_tools =
                matches!(Gpt::of(model), Gpt::Reasons { tools: Tools::OnResponses, .. })
                    && chat::reasons_beside_tools(body.expose());
            if is_on_responses_only(model) || reasons_beside_tools { Endpoint::Responses } else { client }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn tools_beside_reasoning_go_where_the_model_takes_them() {
        let tools = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
        for (client, vendor, model, members, upstream) in [
            (Endpoint::Messages, Vendor::OpenAi, "gpt-5.6", tools.to_owned(), Endpoint::Responses),
            (Endpoint::Messages, Vendor::Anthropic, "claude-opus-5", String::new(), Endpoint::Messages),
            (Endpoint::Responses, Vendor::Anthropic, "claude-opus-5", String::new(), Endpoint::Messages),
            (
                Endpoint::ChatCompletions,
                Vendor::Anthropic,
                "claude-opus-5",
                tools.to_owned(),
                Endpoint::Messages,
            ),
            (Endpoint::ChatCompletions, Vendor::OpenAi, "gpt-5.6", tools.to_owned(), Endpoint::Responses),
            (Endpoint::ChatCompletions, Vendor::OpenAi, "gpt-6.1-sol", tools.to_owned(), Endpoint::Responses),
            (
                Endpoint::ChatCompletions,
                Vendor::OpenAi,
                "gpt-5.6",
                String::from(r#""n":2"#),
                Endpoint::ChatCompletions,
            ),
            (
                Endpoint::ChatCompletions,
                Vendor::OpenAi,
                "gpt-5.6",
                format!(r#""reasoning_effort":"none",{tools}"#),
                Endpoint::ChatCompletions,
            ),
            (
                Endpoint::ChatCompletions,
                Vendor::OpenAi,
                "gpt-5.6",
                r#""tools":[]"#.to_owned(),
                Endpoint::ChatCompletions,
            ),
            (Endpoint::ChatCompletions, Vendor::OpenAi, "gpt-5", tools.to_owned(), Endpoint::ChatCompletions),
            (
                Endpoint::ChatCompletions,
                Vendor::OpenAi,
                "gpt-5.2-pro",
                String::from(r#""n":1"#),
                Endpoint::Responses,
            ),
            (
                Endpoint::Embeddings,
                Vendor::OpenAi,
                "text-embedding-3-small",
                String::new(),
                Endpoint::Embeddings,
            ),
        ] {
            let body = Content::new(Bytes::from(format!("{{{members}}}")));
            assert_eq!(
                upstream_endpoint(client, vendor, model, &body),
                upstream,
                "{client:?} {model} {members}"
            );
        }
    }
}
