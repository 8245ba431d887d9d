//! `aiduet doctor`: everything that the server needs, checked one by one.

use std::time::Duration;

use aiduet_core::app::Stores;
use aiduet_core::backends::redis::RedisLimiter;
use aiduet_core::ledger::Audit;
use aiduet_core::settings::{Loaded, TrustedProxies};
use serde::Serialize;

use super::Context;
use crate::failure::{Failure, with_causes};
use crate::output;

const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    passed: bool,
    detail: String,
}

impl Finding {
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, passed: true, detail: detail.into() }
    }

    fn bad(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, passed: false, detail: detail.into() }
    }
}

pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let findings = match context.settings() {
        Err(failure) => vec![Finding::bad("configuration", failure.to_string())],
        Ok(loaded) => {
            let mut findings = vec![Finding::good("configuration", "valid")];
            findings.extend(settings(&loaded));
            findings.extend(database(&loaded).await);
            findings.extend(redis(&loaded).await);
            findings
        }
    };
    output::list(context.form, &findings)?;
    if findings.iter().all(|finding| finding.passed) { Ok(()) } else { Err(Failure::Problems) }
}

fn settings(loaded: &Loaded) -> Vec<Finding> {
    let settings = &loaded.settings;
    let mut findings = Vec::new();
    for (vendor, upstream) in settings.upstream.vendors() {
        let check = match vendor {
            aiduet_core::provider::Vendor::Anthropic => "upstream.anthropic",
            aiduet_core::provider::Vendor::OpenAi => "upstream.openai",
        };
        if upstream.is_usable() {
            findings.push(Finding::good(check, format!("configured ({:?})", upstream.kind).to_lowercase()));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::bad("upstream", "no upstream has an api_key"));
    }
    let behind_cloudflare = settings.server.trusted_proxies == TrustedProxies::Cloudflare;
    if behind_cloudflare && !settings.server.listen.ip().is_loopback() {
        let advice = "other customers of Cloudflare share its addresses: use a tunnel to loopback, or mTLS";
        findings.push(Finding::bad("trusted_proxies", advice));
    } else {
        findings.push(Finding::good("trusted_proxies", "plausible"));
    }
    findings
}

async fn redis(loaded: &Loaded) -> Option<Finding> {
    let url = loaded.settings.redis.url.as_ref()?;
    Some(match RedisLimiter::new(url, super::clock()) {
        Err(error) => Finding::bad("redis", error.to_string()),
        Ok(limiter) if limiter.answers().await => Finding::good("redis", "answers"),
        Ok(_silent) => Finding::bad("redis", "no answer in time: limits would hold for each node by itself"),
    })
}

async fn database(loaded: &Loaded) -> Vec<Finding> {
    let opening = Stores::open(&loaded.settings.database, super::clock());
    let stores = match tokio::time::timeout(PATIENCE, opening).await {
        Err(_elapsed) => return vec![Finding::bad("database", "no answer in time")],
        Ok(Err(error)) => return vec![Finding::bad("database", with_causes(&error))],
        Ok(Ok(stores)) => stores,
    };
    let system = stores.base.as_ref().map_or("memory", |base| base.system());
    let mut findings = vec![Finding::good("database", system)];
    match stores.check().await {
        Ok(()) => {
            findings.push(Finding::good("migrations", "current"));
            findings.push(books(stores.audit.as_ref()).await);
        }
        Err(error) => findings.push(Finding::bad("migrations", with_causes(&error))),
    }
    if let Err(error) = stores.close().await {
        findings.push(Finding::bad("database", with_causes(&error)));
    }
    findings
}

async fn books(audit: &dyn Audit) -> Finding {
    match audit.verify().await {
        Ok(violations) if violations.is_empty() => Finding::good("ledger", "the books are right"),
        Ok(violations) => {
            let broken: Vec<_> = violations.iter().map(|violation| violation.invariant).collect();
            Finding::bad("ledger", format!("broken: {}", broken.join(", ")))
        }
        Err(error) => Finding::bad("ledger", with_causes(&error)),
    }
}
