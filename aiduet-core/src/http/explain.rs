//! `POST /v1/duet/explain`: what the duet would decide, and why.

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::dialect_of;
use super::edge::ClientAddress;
use super::error::{HttpError, Place, respond};
use super::proxy::read_json;
use super::reply::{rate_limit, tell};
use crate::app::App;
use crate::gateway::{Credentials, Estimate, ExplainRequest, Explained};
use crate::id::RequestId;

pub(super) async fn explain(State(app): State<App>, request: Request) -> Response {
    let id = app.gateway().new_request_id();
    let dialect = dialect_of(request.uri(), request.headers());
    let place = Place { dialect, endpoint: None, id };
    match ask(&app, id, request).await {
        Ok(explained) => {
            let mut response = tell(place, body(&explained));
            for standing in explained.standings {
                rate_limit(response.headers_mut(), dialect, standing, app.clock().now());
            }
            response
        }
        Err(error) => respond(place, &error),
    }
}

async fn ask(app: &App, id: RequestId, request: Request) -> Result<Explained, HttpError> {
    let address = ClientAddress::of(request.extensions());
    let (head, body) = request.into_parts();
    let caller = app.gateway().authenticate(Credentials { headers: &head.headers, address }).await?;
    let body = read_json(&head.headers, body, app.limits()).await?;
    Ok(app.gateway().explain(caller, ExplainRequest { id, headers: head.headers, body }).await?)
}

fn body(explained: &Explained) -> Value {
    let Estimate { endpoint, input_tokens, output_tokens_max, price_max } = explained.estimate;
    let estimate = json!({
        "endpoint": endpoint.as_str(),
        "input_tokens": input_tokens,
        "output_tokens_max": output_tokens_max,
        "price_max": price_max.to_string(),
        "price_max_nano": price_max,
    });
    let mut body = json!(explained.explanation);
    if let Some(members) = body.as_object_mut() {
        members.insert("estimate".to_owned(), estimate);
    }
    body
}
