//! What must not be started, however well-formed it is.

use std::time::Duration;

use super::error::SettingsError;
use super::payment::PaymentSettings;
use super::proxies::TrustedProxies;
use super::sections::{LogLevel, Settings};
use crate::money::Money;

/// Refuses dangerous values and combinations.
pub(super) fn refuse(settings: &Settings) -> Result<(), SettingsError> {
    let Settings { server, gateway, telemetry, database, routing, .. } = settings;
    let public = !server.listen.ip().is_loopback();
    let limits = &server.limits;
    let rules = [
        (
            public && server.trusted_proxies == TrustedProxies::None && !server.allow_public_plain_http,
            "server.listen",
            "keys would cross the network unencrypted: listen on loopback behind a proxy that speaks TLS, \
             or name that proxy in server.trusted_proxies, or say server.allow_public_plain_http = true",
        ),
        (
            public && telemetry.level == LogLevel::Trace,
            "telemetry.level",
            "trace is for one's own machine, not for a public listener",
        ),
        (
            public && server.admin_listen == server.listen,
            "server.admin_listen",
            "metrics and probes must not be public: give them an address of their own",
        ),
        (
            gateway.margin_bp.0 < 10_000,
            "gateway.margin_bp",
            "below 10000 every request would be sold at a loss",
        ),
        (
            gateway.heartbeat.is_zero() || gateway.dead_after < gateway.heartbeat.saturating_mul(2),
            "gateway.dead_after",
            "must be at least twice gateway.heartbeat, or the holds of living processes would be taken",
        ),
        (
            routing.deadline < Duration::from_secs(1) || routing.patience < Duration::from_secs(1),
            "routing.deadline",
            "a provider needs a second at least; so does routing.patience",
        ),
        (
            has_name_twice(settings),
            "upstream.more",
            "each upstream needs a name of its own; `anthropic` and `openai` are those of the two above",
        ),
        (gateway.stream_hold_tokens == 0, "gateway.stream_hold_tokens", "a stream must hold something"),
        (gateway.keep_alive < Duration::from_secs(1), "gateway.keep_alive", "at least one second"),
        (database.max_connections == 0, "database.max_connections", "at least one connection is needed"),
        (
            limits.connections_max == 0 || limits.in_flight_max == 0 || limits.http2_streams_max == 0,
            "server.limits",
            "a limit of zero would refuse everyone",
        ),
        (
            limits.header_bytes_max < 8 << 10,
            "server.limits.header_bytes_max",
            "at least 8KiB, or official clients are refused",
        ),
    ];
    match rules
        .into_iter()
        .chain(privacy_rules(settings))
        .chain(mail_rules(settings))
        .chain(payment_rules(&settings.payment))
        .chain(google_rules(settings))
        .find(|(broken, ..)| *broken)
    {
        Some((_, key, reason)) => Err(SettingsError::Unsafe { key, reason }),
        None => Ok(()),
    }
}

type Rule = (bool, &'static str, &'static str);

/// What the published policy promises.
fn privacy_rules(settings: &Settings) -> [Rule; 2] {
    let Settings { retention, privacy, .. } = settings;
    [
        (
            !(1..=crate::privacy::USAGE_DAYS_MAX).contains(&retention.usage_days),
            "retention.usage_days",
            "request records are kept for 1 to 90 days; the published policy promises at most 90",
        ),
        (
            privacy.deletion_days > super::privacy::DELETION_DAYS_MAX,
            "privacy.deletion_days",
            "who leaves is erased after 30 days at the latest",
        ),
    ]
}

fn mail_rules(settings: &Settings) -> [Rule; 3] {
    let Settings { server, mail, .. } = settings;
    let is_sent = mail.url.is_some() && !mail.is_console();
    [
        (
            mail.is_console() && !server.listen.ip().is_loopback(),
            "mail.url",
            "console: prints links that sign people in; it is for one's own machine, not for a public listener",
        ),
        (
            is_sent && (mail.from.is_none() || server.public_url.is_none()),
            "mail.url",
            "mails need an address they come from (mail.from) and a place their links lead to (server.public_url)",
        ),
        (mail.timeout < Duration::from_secs(1), "mail.timeout", "a mail server needs a second at least"),
    ]
}

/// What is dangerous where money comes in.
fn payment_rules(payment: &PaymentSettings) -> [Rule; 2] {
    [
        (
            payment.stripe.secret_key.is_some() && payment.stripe.webhook_secret.is_none(),
            "payment.stripe.webhook_secret",
            "without it anybody could send messages that credit themselves",
        ),
        (
            payment.topup_min <= Money::ZERO || payment.topup_max < payment.topup_min,
            "payment.topup_min",
            "must be above zero, and not above payment.topup_max",
        ),
    ]
}

/// What signing in with Google needs.
fn google_rules(settings: &Settings) -> [Rule; 2] {
    let google = &settings.auth.google;
    [
        (
            google.client_id.is_some() != google.client_secret.is_some(),
            "auth.google.client_secret",
            "client_id and client_secret belong together: give both, or neither",
        ),
        (
            google.client_id.is_some() && settings.server.public_url.is_none(),
            "auth.google.client_id",
            "browsers have to come back: say in server.public_url where the dashboard is",
        ),
    ]
}

fn has_name_twice(settings: &Settings) -> bool {
    let standard = settings.upstream.vendors().map(|(vendor, _settings)| vendor.as_str());
    let mut names: Vec<&str> = settings.upstream.more.iter().map(|more| more.name.as_str()).collect();
    names.extend(standard);
    names.sort_unstable();
    names.windows(2).any(|pair| matches!(pair, [left, right] if left == right))
}
