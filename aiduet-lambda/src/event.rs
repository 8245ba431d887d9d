//! An HTTP event to the router, and its answer back.

use std::net::IpAddr;
use std::time::Duration;

use aiduet_core::app::App;
use aiduet_core::http::edge::PeerAddress;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::aws_lambda_events::encodings;
use lambda_http::request::RequestContext;
use tokio::time::{MissedTickBehavior, interval};
use tower::ServiceExt;

/// Answers events.
pub(crate) struct Handler {
    router: Router,
    app: App,
    heartbeat: Duration,
}

impl Handler {
    pub(crate) const fn new(router: Router, app: App, heartbeat: Duration) -> Self {
        Self { router, app, heartbeat }
    }

    /// Answers one event. While it does, this process says that it is alive: between two events
    /// it is frozen and cannot.
    pub(crate) async fn answer(&self, event: &str) -> ApiGatewayV2httpResponse {
        let mut beats = interval(self.heartbeat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answer = std::pin::pin!(self.route(event));
        loop {
            tokio::select! {
                answer = answer.as_mut() => return answer,
                _ = beats.tick() => self.beat().await,
            }
        }
    }

    async fn beat(&self) {
        if let Err(error) = self.app.custody().beat(self.app.node()).await {
            tracing::error!(%error, "heartbeat not written");
        }
    }

    async fn route(&self, event: &str) -> ApiGatewayV2httpResponse {
        // The error would show the event, which holds a prompt.
        let Ok(request) = lambda_http::request::from_str(event) else {
            tracing::error!("event is not an HTTP event of payload format 2.0");
            return refusal(StatusCode::BAD_REQUEST);
        };
        match self.router.clone().oneshot(into_request(request)).await {
            Ok(response) => into_answer(response).await,
        }
    }
}

fn into_request(request: lambda_http::Request) -> Request<Body> {
    let peer = source(&request);
    let (mut head, body) = request.into_parts();
    head.extensions = http::Extensions::new();
    if let Some(peer) = peer {
        head.extensions.insert(PeerAddress(peer));
    }
    let body = match body {
        encodings::Body::Text(text) => Body::from(text),
        encodings::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    Request::from_parts(head, body)
}

/// Who called, as the platform saw it.
fn source(request: &lambda_http::Request) -> Option<IpAddr> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}

async fn into_answer(response: Response) -> ApiGatewayV2httpResponse {
    let (mut head, body) = response.into_parts();
    let Ok(body) = body.collect().await else { return refusal(StatusCode::BAD_GATEWAY) };
    let mut answer = refusal(head.status);
    let cookies = head.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    answer.cookies = cookies.map(str::to_owned).collect();
    head.headers.remove(SET_COOKIE);
    answer.headers = head.headers;
    let bytes = body.to_bytes();
    let (body, coded) = match String::from_utf8(bytes.to_vec()) {
        Ok(text) => (encodings::Body::Text(text), false),
        Err(binary) => (encodings::Body::Binary(binary.into_bytes()), true),
    };
    answer.body = Some(body);
    answer.is_base64_encoded = coded;
    answer
}

/// An answer without a body.
fn refusal(status: StatusCode) -> ApiGatewayV2httpResponse {
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = i64::from(status.as_u16());
    answer
}

#[cfg(test)]
mod tests {
    use aiduet_core::app::AppBuilder;
    use aiduet_core::settings::{Layers, Origin};
    use serde_json::{Value, json};

    use super::*;

    async fn handler() -> Handler {
        let mut layers = Layers::default();
        for (key, text) in [("database.url", "memory:"), ("upstream.openai.kind", "simulated")] {
            layers.set_text(key, text, Origin::BuiltIn("test")).unwrap();
        }
        let settings = layers.finish(&|_| Err("no files".to_owned())).unwrap().settings;
        let app = AppBuilder::new(settings.clone()).build().await.unwrap();
        crate::handler(&app, &settings)
    }

    fn event(method: &str, path: &str, body: Option<&str>) -> String {
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": "api.example.com", "content-type": "application/json"},
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "api.example.com", "domainPrefix": "api",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "u"},
                "requestId": "r", "routeKey": "$default", "stage": "$default",
                "time": "25/Nov/2026:19:00:00 +0000", "timeEpoch": 1_795_633_200_000_u64,
            },
            "body": body,
            "isBase64Encoded": false,
        })
        .to_string()
    }

    fn json_of(answer: &ApiGatewayV2httpResponse) -> Value {
        match &answer.body {
            Some(encodings::Body::Text(text)) => serde_json::from_str(text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_http_event_goes_through_the_router() {
        let handler = handler().await;
        let health = handler.answer(&event("GET", "/health", None)).await;
        assert_eq!(health.status_code, 200);
        assert_eq!(health.body, Some(encodings::Body::Text("ok".to_owned())));
        let answer = handler.answer(&event("POST", "/v1/chat/completions", Some("{}"))).await;
        assert_eq!(answer.status_code, 401);
        assert_eq!(json_of(&answer)["error"]["code"], "missing_api_key");
        assert!(answer.headers.contains_key("x-request-id"));
    }

    #[tokio::test]
    async fn what_is_no_http_event_is_refused() {
        let handler = handler().await;
        for text in ["{}", r#"{"source":"aws.events"}"#, "[]", r#"{"version":"2.0","requestContext":7}"#] {
            assert_eq!(handler.answer(text).await.status_code, 400, "{text}");
        }
    }

    #[test]
    fn the_platform_names_the_client() {
        let request = lambda_http::request::from_str(&event("GET", "/health", None)).unwrap();
        assert_eq!(source(&request), Some("192.0.2.7".parse().unwrap()));
        let seen = into_request(request);
        assert_eq!(seen.extensions().get::<PeerAddress>(), Some(&PeerAddress("192.0.2.7".parse().unwrap())));
    }
}
