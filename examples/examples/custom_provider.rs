//! A provider of one's own: it answers from this process, and the gateway meters and bills it like
//! any other.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use aiduet_core::app::AppBuilder;
use aiduet_core::gateway::Upstream;
use aiduet_core::http::router;
use aiduet_core::ledger::UpstreamName;
use aiduet_core::money::Money;
use aiduet_core::provider::{Provider, ProviderError, UpstreamCall, UpstreamReply, Vendor};
use aiduet_core::settings::Settings;
use aiduet_examples::{Failure, new_customer, post};
use async_trait::async_trait;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::stream;

const QUESTION: &str = r#"{
    "model": "gpt-4.1-mini",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello?"}]
}"#;

/// What it says to everything. The gateway reads `usage` to bill the call.
const ANSWER: &str = r#"{
    "id": "chatcmpl-parrot", "object": "chat.completion", "created": 0, "model": "gpt-4.1-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello!"}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
}"#;

/// Says the same to everybody.
#[derive(Debug)]
struct Parrot;

#[async_trait]
impl Provider for Parrot {
    async fn send(&self, call: UpstreamCall) -> Result<UpstreamReply, ProviderError> {
        // `call.body` holds the client's JSON; it is content, so it has no `Debug`.
        let _bytes = call.body.expose();
        Ok(UpstreamReply {
            status: StatusCode::OK,
            is_event_stream: false,
            upstream_request_id: None,
            retry_after: None,
            body: Box::pin(stream::iter([Ok(Bytes::from_static(ANSWER.as_bytes()))])),
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut settings = Settings::default();
    settings.database.url = Some("memory:".to_owned().into());
    let name = UpstreamName::parse("parrot").ok_or("not a name of an upstream")?;
    let parrot = Upstream::new(name, Vendor::OpenAi, Arc::new(Parrot));
    let app = AppBuilder::new(settings).upstreams(vec![parrot]).build().await?;

    let key = new_customer(&app, Money::try_from_cents(100)?).await?;
    let answer = post(&router(app.clone()), &key, ("/v1/chat/completions", QUESTION)).await?;
    println!("{}\n{}", answer.status, answer.body);
    // 9 × 0.40 USD and 2 × 1.60 USD per million tokens.
    println!("cost {} USD", answer.header("x-aiduet-cost"));
    app.close().await;
    if answer.header("x-aiduet-cost") == "0.000006800" { Ok(()) } else { Err("the bill is wrong".into()) }
}
