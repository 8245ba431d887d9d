//! A whole gateway in memory: an account with a dollar, a key, one question, what it cost.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use aiduet_core::app::AppBuilder;
use aiduet_core::http::router;
use aiduet_core::money::Money;
use aiduet_core::settings::{Settings, UpstreamKind};
use aiduet_examples::{Failure, new_customer, post};

const QUESTION: &str = r#"{
    "model": "gpt-4.1-mini",
    "messages": [{"role": "user", "content": "Who sings the second voice?"}]
}"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut settings = Settings::default();
    settings.database.url = Some("memory:".to_owned().into());
    settings.upstream.openai.kind = UpstreamKind::Simulated;
    let app = AppBuilder::new(settings).build().await?;

    let key = new_customer(&app, Money::try_from_cents(100)?).await?;
    // `axum::serve(listener, router)` would put the same router on a socket.
    let answer = post(&router(app.clone()), &key, ("/v1/chat/completions", QUESTION)).await?;
    println!("{}\n{}", answer.status, answer.body);
    println!("cost {} USD, {} USD left", answer.header("x-aiduet-cost"), answer.header("x-aiduet-balance"));

    // Waits for settlements of clients that left; here there are none.
    app.close().await;
    if answer.status.is_success() { Ok(()) } else { Err("the question was not answered".into()) }
}
