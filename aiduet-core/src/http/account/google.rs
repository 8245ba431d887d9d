//! Signing in with Google: there, back, and linking to an account that exists.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{email, life, locale, welcome};
use super::call::is_sent_by_others;
use super::cookie;
use super::extract::bearer;
use super::problem::Problem;
use super::strict::Strict;
use super::view::EnteredView;
use crate::account::{Arrival, FlowRefusal, Return, SignIn, Visit};
use crate::app::App;
use crate::auth::{Flow, FlowPurpose};
use crate::secret::Secret;

const TAG: &str = "auth";
const DASHBOARD: &str = "/dashboard";
const RETURN_TO_MAX: usize = 512;

/// How people may sign in here.
#[derive(Serialize, ToSchema)]
#[schema(as = SignInMethods)]
pub(super) struct MethodsView {
    /// By address and password.
    password: bool,
    /// With Google.
    google: bool,
}

/// A sign-in with Google that waits for the password of the account here.
#[derive(Serialize, ToSchema)]
#[schema(as = PendingLink)]
pub(super) struct PendingView {
    /// The address that Google has verified.
    #[schema(format = Email)]
    email: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = Link)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkBody {
    #[schema(format = Password)]
    password: String,
    /// The address of the account, if it is another than that at Google.
    #[schema(format = Email)]
    email: Option<String>,
    /// Whether the session goes on for weeks; it does unless the person says otherwise.
    stay_signed_in: Option<bool>,
}

/// What a person wants of Google.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct BeginQuery {
    /// `true`: the terms and the privacy policy in force are accepted, so an account may be made.
    accept_policies: Option<bool>,
    /// `true`: to add Google to an account that exists.
    link: Option<bool>,
    /// Whether the session goes on for weeks; it does unless the person says otherwise.
    stay_signed_in: Option<bool>,
    /// The language of an account that is made: `en`, `zh-CN` or `ja`.
    locale: Option<String>,
    /// Where in the dashboard to go afterwards; `/` is its start.
    #[param(max_length = 512)]
    return_to: Option<String>,
}

/// What Google sends the browser back with; further parameters are passed over.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReturnQuery {
    code: Option<String>,
    state: Option<String>,
    /// Why there is no code (RFC 6749).
    error: Option<String>,
    /// Who sends the browser back (RFC 9207).
    iss: Option<String>,
}

impl BeginQuery {
    fn flow(self, app: &App, headers: &HeaderMap) -> Result<Flow, Problem> {
        let Self { accept_policies, link, stay_signed_in, locale: tag, return_to } = self;
        let purpose = match (link.unwrap_or_default(), accept_policies.unwrap_or_default()) {
            (true, _) => FlowPurpose::Link,
            (false, true) => FlowPurpose::SignUp,
            (false, false) => FlowPurpose::SignIn,
        };
        let return_to = return_to.unwrap_or_else(|| "/".to_owned());
        if !is_inside(&return_to) {
            return Err(Problem::field("return_to", "invalid_return_to"));
        }
        let parts = app.reception().parts();
        let device = cookie::device_token(headers);
        let mut flow = Flow::begin(purpose, parts.entropy.as_ref());
        flow.return_to = return_to;
        flow.life = life(stay_signed_in);
        flow.locale = tag.as_deref().map(locale).transpose()?.unwrap_or_default();
        flow.device = device.and_then(|token| parts.tokens.verify_device(token, app.clock().now()).ok());
        Ok(flow)
    }
}

/// Whether a text is a path of the dashboard with its query, and cannot be read as anything else:
/// no other host, no way up, nothing coded that decoding would make one.
fn is_inside(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~?=&+,:%".contains(&byte);
    let lower = path.to_ascii_lowercase();
    let leads_out =
        ["//", "..", "%2e", "%2f", "%5c", "%0", "%1", "%25"].iter().any(|part| lower.contains(part));
    path.starts_with('/') && path.len() <= RETURN_TO_MAX && path.bytes().all(plain) && !leads_out
}

/// How people may sign in here.
#[utoipa::path(
    get, path = "/methods", tag = TAG, operation_id = "list_sign_in_methods",
    security(()),
    responses((status = OK, body = MethodsView)),
)]
pub(super) async fn methods(State(app): State<App>) -> Json<MethodsView> {
    Json(MethodsView { password: true, google: app.reception().has_identity_provider() })
}

/// Sends a browser to Google.
///
/// For a link or an address, not for a script. What comes of it is told at the callback.
#[utoipa::path(
    get, path = "/google/start", tag = TAG, operation_id = "begin_google",
    security(()),
    params(BeginQuery),
    responses((
        status = SEE_OTHER, description = "To Google, or back to the dashboard with what is wrong.",
        headers(("Location" = String)),
    )),
)]
pub(super) async fn begin(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query<BeginQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    if !app.reception().has_identity_provider() {
        return Err(Problem::NOT_FOUND);
    }
    // Another site may not accept policies for the person, nor sign the person in.
    if is_sent_by_others(&headers) {
        return Ok(see_other(&format!("{DASHBOARD}/sign-in")));
    }
    let Query(asked) = query.map_err(|_refused| Problem::field("query", "invalid_request"))?;
    let flow = asked.flow(&app, &headers)?;
    match app.reception().begin_flow(&flow).await {
        Ok((url, cookie)) => {
            let mut response = see_other(&url);
            cookie::set_flow(response.headers_mut(), &cookie);
            Ok(response)
        }
        Err(error) => Ok(told(error.into(), Some(&flow))),
    }
}

/// Receives a browser that comes back from Google.
///
/// Signs the person in and sets the refresh cookie, or says in the address of the dashboard what is
/// wrong: `cancelled`, `expired`, `refused`, `unverified`, `policies`, `taken`, `busy` or `unavailable`.
#[utoipa::path(
    get, path = "/google/callback", tag = TAG, operation_id = "finish_google",
    security(()),
    params(ReturnQuery),
    responses((
        status = SEE_OTHER, description = "To the dashboard.", headers(("Location" = String)),
    )),
)]
pub(super) async fn finish(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    query: Result<Query<ReturnQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    if !app.reception().has_identity_provider() {
        return Err(Problem::NOT_FOUND);
    }
    // A parameter that comes twice counts as none.
    let ReturnQuery { code, state, error, iss } = query.map(|Query(query)| query).unwrap_or_default();
    let flow = app.reception().flow(cookie::flow(&headers));
    let answer = Return {
        flow: flow.as_ref(),
        state: state.as_deref(),
        code: code.as_deref(),
        error: error.as_deref(),
        issuer: iss.as_deref(),
    };
    let mut response = match app.reception().finish_flow(answer, &visit).await {
        Ok(arrival) => arrived(&app, &arrival, flow.as_ref()),
        Err(refusal) => told(refusal, flow.as_ref()),
    };
    cookie::clear_flow(response.headers_mut());
    Ok(response)
}

/// What waits to be linked in this browser.
#[utoipa::path(
    get, path = "/link", tag = TAG, operation_id = "get_pending_link",
    security(()),
    responses((status = OK, body = PendingView)),
)]
pub(super) async fn pending(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<PendingView>, Problem> {
    let link = app.reception().pending_link(cookie::link(&headers))?;
    Ok(Json(PendingView { email: link.email.expose().to_owned() }))
}

/// Links the sign-in with Google that waits in this browser to the account of a password, and signs
/// the person in.
///
/// Also sets the refresh cookie; the session that asks, if any, ends.
#[utoipa::path(
    post, path = "/link", tag = TAG, operation_id = "link_google",
    security(()),
    request_body = LinkBody,
    responses((status = OK, body = EnteredView)),
)]
pub(super) async fn link(
    State(app): State<App>,
    visit: Visit,
    head: Parts,
    Strict(body): Strict<LinkBody>,
) -> Result<Response, Problem> {
    let LinkBody { password, email: other, stay_signed_in } = body;
    let password = Secret::new(password);
    let reception = app.reception();
    let link = reception.pending_link(cookie::link(&head.headers))?;
    let address = other.as_deref().map(email).transpose()?.unwrap_or_else(|| link.email.clone());
    let attempt = SignIn {
        email: &address,
        password: &password,
        device_token: cookie::device_token(&head.headers),
        life: life(stay_signed_in),
    };
    let entered = reception.link(link, attempt, &visit).await?;
    if let Some(token) = bearer(&head)
        && let Ok(before) = reception.recognise(token).await
        && before.account.id == entered.person.account.id
    {
        reception.sign_out(&before, &visit).await?;
    }
    let mut response = welcome(&app, &entered);
    cookie::clear_link(response.headers_mut());
    Ok(response)
}

/// The page that takes the session up, or asks for the password that links.
fn arrived(app: &App, arrival: &Arrival, flow: Option<&Flow>) -> Response {
    let return_to = coded(flow);
    match arrival {
        Arrival::Entered(entered) => {
            let mut response = see_other(&format!("{DASHBOARD}/google?return_to={return_to}"));
            cookie::set(response.headers_mut(), entered, app.clock().now());
            response
        }
        Arrival::Link(cookie) => {
            // To the account that is signed in, or to the one that has the address.
            let is_own = flow.is_some_and(|flow| flow.purpose == FlowPurpose::Link);
            let whose = if is_own { "own" } else { "found" };
            let mut response = see_other(&format!("{DASHBOARD}/google?link={whose}&return_to={return_to}"));
            cookie::set_link(response.headers_mut(), cookie);
            response
        }
    }
}

/// The page that a person began at, with why it came to nothing.
fn told(refusal: FlowRefusal, flow: Option<&Flow>) -> Response {
    let page = match (refusal, flow.map(|flow| flow.purpose)) {
        (_, Some(FlowPurpose::Link)) => "settings/security",
        (FlowRefusal::Policies, _) | (_, Some(FlowPurpose::SignUp)) => "sign-up",
        (_, Some(FlowPurpose::SignIn) | None) => "sign-in",
    };
    let (code, return_to) = (refusal.as_str(), coded(flow));
    see_other(&format!("{DASHBOARD}/{page}?google={code}&return_to={return_to}"))
}

/// A path as a value of a query: [`is_inside`] leaves these few characters.
fn coded(flow: Option<&Flow>) -> String {
    let path = flow.map_or("/", |flow| flow.return_to.as_str());
    let pairs = [("%", "%25"), ("&", "%26"), ("+", "%2B"), ("?", "%3F"), ("=", "%3D")];
    pairs.iter().fold(path.to_owned(), |text, (plain, coded)| text.replace(plain, coded))
}

fn see_other(place: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(value) = HeaderValue::from_str(place) {
        response.headers_mut().insert(LOCATION, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::is_inside;

    /// SEC-T19.
    #[test]
    fn sec_t19_a_way_back_stays_inside() {
        for path in
            ["/", "/keys", "/settings/security", "/usage?from=2026-11-01&models=a%20b,c", "/requests/req_1"]
        {
            assert!(is_inside(path), "{path}");
        }
        let long = format!("/{}", "a".repeat(512));
        for path in [
            "",
            "keys",
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/%5cevil.example",
            "/%5Cevil.example",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/..//evil.example",
            "/../api/v1/auth/logout",
            "/%2e%2e/api",
            "/%2E%2e/api",
            "/.%2e/api",
            "/a/../../b",
            "/%252e%252e/",
            "/keys\r\nSet-Cookie: a=b",
            "/keys%0d%0aSet-Cookie:a=b",
            "/keys\u{0}",
            "/\tevil",
            "javascript:alert(1)",
            "/@evil.example",
            "/keys#x",
            "/k e",
            " /keys",
            "/键",
            "/;@evil.example",
            "/keys?next=//evil.example",
            "http:/evil.example",
            "/<script>",
            long.as_str(),
        ] {
            assert!(!is_inside(path), "{path:?}");
        }
    }
}
