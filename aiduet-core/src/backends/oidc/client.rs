//! Calls to a provider: bounded, without redirects.

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Request, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::config::{OidcConfig, OidcConfigError};
use super::error::{OidcCode, OidcError};

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct OidcClient(Client);

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: String,
}

impl OidcClient {
    pub(super) fn new(config: &OidcConfig) -> Result<Self, OidcConfigError> {
        let http = Client::builder()
            .user_agent(concat!("aiduet/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .https_only(!config.is_local())
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .timeout(config.timeout)
            .build()
            .map_err(|error| OidcConfigError::Client { source: Box::new(error.without_url()) })?;
        Ok(Self(http))
    }

    /// Reads a document.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, OidcError> {
        self.call(Request::new(Method::GET, url)).await
    }

    /// Sends a form, with a credential that is worth a sign-in.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: Url,
        mut credential: HeaderValue,
        form: String,
    ) -> Result<T, OidcError> {
        let mut request = Request::new(Method::POST, url);
        credential.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, credential);
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form_type);
        *request.body_mut() = Some(form.into());
        self.call(request).await
    }

    async fn call<T: DeserializeOwned>(&self, mut request: Request) -> Result<T, OidcError> {
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let response = self.0.execute(request).await.map_err(|_shows_url| OidcError::Silent)?;
        let status = response.status();
        let body = read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_shows_input| OidcError::Unreadable);
        }
        let detail: ErrorBody = serde_json::from_slice(&body).unwrap_or_default();
        Err(OidcError::Answered { status: status.as_u16(), code: OidcCode::new(detail.error) })
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, OidcError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_shows_url| OidcError::Silent)? {
        if body.len().saturating_add(chunk.len()) > ANSWER_MAX {
            return Err(OidcError::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
