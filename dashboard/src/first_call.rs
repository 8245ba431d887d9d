// cargo add reqwest serde_json
// cargo add tokio --features macros,rt-multi-thread
use serde_json::{Value, json};

async fn ask(gateway: &str, key: &str) -> Result<String, Box<dyn std::error::Error>> {
    let body = json!({
        "model": "gpt-5.4-mini",
        "messages": [{"role": "user", "content": "Hello"}],
    });
    let request = reqwest::Client::builder()
        .build()?
        .post(format!("{gateway}/v1/chat/completions"))
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await?.error_for_status()?.text().await?;
    let answer: Value = serde_json::from_str(&answer)?;
    let text = answer.pointer("/choices/0/message/content").and_then(Value::as_str);
    Ok(text.unwrap_or_default().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", ask("http://127.0.0.1:8080", &std::env::var("AIDUET_API_KEY")?).await?);
    Ok(())
}
