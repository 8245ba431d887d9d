//! `aiduet healthcheck`: for containers that have no shell.

use std::time::Duration;

use axum::body::Body;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Context;
use crate::cli::Healthcheck;
use crate::failure::Failure;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(context: &Context, options: Healthcheck) -> Result<(), Failure> {
    let url = match options.url {
        Some(url) => url,
        None => {
            format!("http://{}/readyz", crate::config::load(&context.given)?.settings.server.admin_listen)
        }
    };
    let status = tokio::time::timeout(PATIENCE, ask(&url))
        .await
        .map_err(|_elapsed| Failure::Failed("no answer in time".to_owned()))??;
    crate::output::object(
        context.form,
        &serde_json::json!({"ready": status.is_success(), "status": status.as_u16()}),
    )?;
    if status.is_success() { Ok(()) } else { Err(Failure::Problems) }
}

async fn ask(url: &str) -> Result<StatusCode, Failure> {
    let usage = || Failure::Usage("expected a URL such as http://127.0.0.1:9090/readyz".to_owned());
    let uri: Uri = url.parse().map_err(|_invalid| usage())?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(usage)?;
    let failed = |error: hyper::Error| Failure::Failed(format!("no answer: {error}"));
    let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(hyper::header::HOST, authority.as_str())
        .body(Body::empty())
        .map_err(|_invalid| usage())?;
    let answer = async { sender.send_request(request).await.map_err(failed) };
    tokio::select! {
        answer = answer => Ok(answer?.status()),
        ended = connection => Err(Failure::Failed(ended.err().map_or_else(|| "closed".to_owned(), |error| error.to_string()))),
    }
}
