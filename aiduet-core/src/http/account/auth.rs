//! Signing up, in and out; forgotten passwords; links of mails.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cookie;
use super::extract::{Person, bearer};
use super::problem::Problem;
use super::strict::Strict;
use super::view::{AccessView, EnteredView};
use crate::account::{EmailAddress, Entered, Locale, Registration, SignIn, SignedIn, Visit};
use crate::app::App;
use crate::auth::SessionLife;
use crate::secret::Secret;

const TAG: &str = "auth";

#[derive(Deserialize, ToSchema)]
#[schema(as = Register)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterBody {
    #[schema(format = Email)]
    email: String,
    #[schema(format = Password)]
    password: String,
    name: Option<String>,
    /// `en`, `zh-CN` or `ja`.
    locale: Option<String>,
    /// Must be `true`: the terms and the privacy policy in force.
    accept_policies: bool,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = SignIn)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    #[schema(format = Email)]
    email: String,
    #[schema(format = Password)]
    password: String,
    /// Whether the session goes on for weeks; it does unless the person says otherwise.
    stay_signed_in: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = EmailAddress)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailBody {
    #[schema(format = Email)]
    pub(super) email: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = LinkToken)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    pub(super) token: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = Password)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    #[schema(format = Password)]
    pub(super) password: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordReset)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetBody {
    token: String,
    #[schema(format = Password)]
    password: String,
}

pub(super) fn email(text: &str) -> Result<EmailAddress, Problem> {
    text.parse().map_err(|_invalid| Problem::field("/email", "invalid_email"))
}

/// A session goes on for weeks unless the person says otherwise.
pub(super) const fn life(stay_signed_in: Option<bool>) -> SessionLife {
    match stay_signed_in {
        Some(false) => SessionLife::Short,
        Some(true) | None => SessionLife::Long,
    }
}

pub(super) fn locale(tag: &str) -> Result<Locale, Problem> {
    Locale::from_tag(tag).ok_or(Problem::field("/locale", "invalid_locale"))
}

/// A display name: short, and nothing in it that changes how the rest of a page reads.
pub(super) fn name(text: String) -> Result<String, Problem> {
    let turns =
        |c: char| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = !text.chars().any(|c| c.is_control() || turns(c));
    let fits = (1..=80).contains(&text.chars().count()) && !text.trim().is_empty();
    if plain && fits { Ok(text) } else { Err(Problem::field("/name", "invalid_name")) }
}

/// Signs a person up.
///
/// The answer is the same whether or not the address has an account.
#[utoipa::path(
    post, path = "/register", tag = TAG, operation_id = "register",
    security(()),
    request_body = RegisterBody,
    responses((status = ACCEPTED, description = "Whatever comes of it is in the mail.")),
)]
pub(super) async fn register(
    State(app): State<App>,
    visit: Visit,
    Strict(body): Strict<RegisterBody>,
) -> Result<StatusCode, Problem> {
    let RegisterBody { email: address, password, name: text, locale: tag, accept_policies } = body;
    let password = Secret::new(password);
    if !accept_policies {
        return Err(Problem::field("/accept_policies", "policies_not_accepted"));
    }
    let address = email(&address)?;
    let text = text.map(name).transpose()?;
    let locale = tag.as_deref().map(locale).transpose()?.unwrap_or_default();
    let person = Registration { email: &address, password: &password, name: text.as_deref(), locale };
    app.reception().register(person, &visit).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Confirms an address by the token of a mail.
#[utoipa::path(
    post, path = "/verify-email", tag = TAG, operation_id = "verify_email",
    security(()),
    request_body = TokenBody,
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn verify_email(
    State(app): State<App>,
    visit: Visit,
    Strict(TokenBody { token }): Strict<TokenBody>,
) -> Result<StatusCode, Problem> {
    app.reception().verify_email(&token, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends the mail that confirms an address again.
#[utoipa::path(
    post, path = "/verify-email/resend", tag = TAG, operation_id = "resend_verification",
    security(()),
    request_body = EmailBody,
    responses((status = ACCEPTED, description = "Whatever comes of it is in the mail.")),
)]
pub(super) async fn resend_verification(
    State(app): State<App>,
    visit: Visit,
    Strict(body): Strict<EmailBody>,
) -> Result<StatusCode, Problem> {
    app.reception().resend_verification(&email(&body.email)?, &visit).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Signs a person in by password.
///
/// Also sets the refresh cookie.
#[utoipa::path(
    post, path = "/login", tag = TAG, operation_id = "sign_in",
    security(()),
    request_body = SignInBody,
    responses((status = OK, body = EnteredView)),
)]
pub(super) async fn sign_in(
    State(app): State<App>,
    visit: Visit,
    headers: http::HeaderMap,
    Strict(body): Strict<SignInBody>,
) -> Result<Response, Problem> {
    let SignInBody { email: address, password, stay_signed_in } = body;
    let password = Secret::new(password);
    let attempt = SignIn {
        email: &email(&address)?,
        password: &password,
        device_token: cookie::device_token(&headers),
        life: life(stay_signed_in),
    };
    let entered = app.reception().sign_in(attempt, &visit).await?;
    Ok(welcome(&app, &entered))
}

/// Exchanges the refresh cookie for a new access token and a new cookie.
///
/// A cookie that is used twice ends its session.
#[utoipa::path(
    post, path = "/refresh", tag = TAG, operation_id = "refresh",
    security(("refresh_cookie" = [])),
    responses((status = OK, body = EnteredView)),
)]
pub(super) async fn refresh(
    State(app): State<App>,
    visit: Visit,
    headers: http::HeaderMap,
) -> Result<Response, Problem> {
    let token = cookie::refresh_token(&headers).ok_or(Problem::UNAUTHENTICATED)?;
    match app.reception().refresh(token, &visit).await {
        Ok(entered) => Ok(welcome(&app, &entered)),
        Err(error) => {
            let problem = Problem::from(error);
            let mut response = problem.into_response();
            if problem == Problem::UNAUTHENTICATED {
                cookie::clear(response.headers_mut());
            }
            Ok(response)
        }
    }
}

/// Ends the session.
///
/// Never fails, so that nobody stays signed in for want of a token.
#[utoipa::path(
    post, path = "/logout", tag = TAG, operation_id = "sign_out",
    security(()),
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn sign_out(State(app): State<App>, visit: Visit, head: Parts) -> Result<Response, Problem> {
    if let Some(person) = leaving(&app, &visit, &head).await {
        app.reception().sign_out(&person, &visit).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookie::clear(response.headers_mut());
    // Not the cookies: the device stays known.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

/// Whose session ends: that of the access token, or of the cookie when the token has expired.
async fn leaving(app: &App, visit: &Visit, head: &Parts) -> Option<SignedIn> {
    if let Some(token) = bearer(head)
        && let Ok(person) = app.reception().recognise(token).await
    {
        return Some(person);
    }
    let token = cookie::refresh_token(&head.headers)?;
    app.reception().refresh(token, visit).await.ok().map(|entered| entered.person)
}

/// Takes the password again, for what is sensitive.
#[utoipa::path(
    post, path = "/reauth", tag = TAG, operation_id = "reauthenticate",
    request_body = PasswordBody,
    responses((status = OK, body = AccessView)),
)]
pub(super) async fn reauthenticate(
    State(app): State<App>,
    visit: Visit,
    Person(person): Person,
    Strict(body): Strict<PasswordBody>,
) -> Result<Response, Problem> {
    let password = Secret::new(body.password);
    let access = app.reception().reauthenticate(&person, &password, &visit).await?;
    Ok(Json(AccessView::of(access.expose().to_owned())).into_response())
}

/// Sends a mail for a new password.
///
/// The answer is the same whether or not the address has an account.
#[utoipa::path(
    post, path = "/password/forgot", tag = TAG, operation_id = "forgot_password",
    security(()),
    request_body = EmailBody,
    responses((status = ACCEPTED, description = "Whatever comes of it is in the mail.")),
)]
pub(super) async fn forgot_password(
    State(app): State<App>,
    visit: Visit,
    Strict(body): Strict<EmailBody>,
) -> Result<StatusCode, Problem> {
    app.reception().forgot_password(&email(&body.email)?, &visit).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets a new password by the token of a mail.
#[utoipa::path(
    post, path = "/password/reset", tag = TAG, operation_id = "reset_password",
    security(()),
    request_body = ResetBody,
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn reset_password(
    State(app): State<App>,
    visit: Visit,
    Strict(ResetBody { token, password }): Strict<ResetBody>,
) -> Result<StatusCode, Problem> {
    let password = Secret::new(password);
    app.reception().reset_password(&token, &password, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirms a new address by the token that went there.
#[utoipa::path(
    post, path = "/email/confirm", tag = TAG, operation_id = "confirm_email",
    security(()),
    request_body = TokenBody,
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn confirm_email(
    State(app): State<App>,
    visit: Visit,
    Strict(TokenBody { token }): Strict<TokenBody>,
) -> Result<StatusCode, Problem> {
    app.reception().confirm_email(&token, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a change of address back by the token that went to the address of before.
#[utoipa::path(
    post, path = "/email/undo", tag = TAG, operation_id = "undo_email",
    security(()),
    request_body = TokenBody,
    responses((status = NO_CONTENT, description = "Done.")),
)]
pub(super) async fn undo_email(
    State(app): State<App>,
    visit: Visit,
    Strict(TokenBody { token }): Strict<TokenBody>,
) -> Result<StatusCode, Problem> {
    app.reception().undo_email(&token, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn welcome(app: &App, entered: &Entered) -> Response {
    let mut response = Json(EnteredView::from(entered)).into_response();
    cookie::set(response.headers_mut(), entered, app.clock().now());
    response
}
