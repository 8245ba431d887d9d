//! `aiduet demo`: everything at once, on this machine.

mod card_company;

use std::net::SocketAddr;
use std::path::Path;

use std::sync::Arc;

use aiduet_core::account::{Account, EmailAddress, Role};
use aiduet_core::app::{App, Stores};
use aiduet_core::auth::{OpaqueToken, PlainPassword};
use aiduet_core::id::{AccountId, SystemEntropy, TransferId, derive};
use aiduet_core::keys::{KeyLimits, PlainApiKey};
use aiduet_core::ledger::{Entry, Promotion};
use aiduet_core::money::Money;
use aiduet_core::provider::Vendor;
use aiduet_core::settings::{Origin, Settings, UpstreamKind, UpstreamSettings};
use aiduet_core::telemetry::{self, Sink};

use self::card_company::CardCompany;
use super::{Context, keys, user};
use crate::boot;
use crate::cli::Demo;
use crate::failure::Failure;
use crate::output;

const EMAIL: &str = "demo@aiduet.example";
const OPENAI_MODEL: &str = "gpt-5.4-mini";
const ANTHROPIC_MODEL: &str = "claude-haiku-4-5";

/// Variables that other tools read their credentials from, and what they mean here.
const CREDENTIALS: [(&str, &str, &str); 2] = [
    ("ANTHROPIC_API_KEY", "upstream.anthropic.api_key", "upstream.anthropic.kind"),
    ("OPENAI_API_KEY", "upstream.openai.api_key", "upstream.openai.kind"),
];

pub(super) async fn run(context: Context, options: Demo) -> Result<(), Failure> {
    let Context { mut given, form: _, reason: _ } = context;
    let Demo { listen, data } = options;
    make_private_directory(&data)?;
    given.built_in.extend([
        ("database.url", format!("sqlite://{}", data.join("aiduet.db").display())),
        ("telemetry.log_format", "text".to_owned()),
        ("telemetry.level", "warn".to_owned()),
        ("server.drain_delay", "0s".to_owned()),
        ("server.shutdown_grace", "5s".to_owned()),
    ]);
    given.built_in.extend(providers(|name| std::env::var_os(name)?.into_string().ok()));
    // Its links sign people in: only whoever started a demonstration on this machine sees them.
    if listen.as_deref().is_none_or(is_loopback) {
        given.built_in.push(("mail.url", "console:".to_owned()));
    }
    if let Some(listen) = listen {
        given.flags.push(("server.listen", "--listen", listen));
    }
    let loaded = crate::config::load(&given)?;
    let mut settings = loaded.settings.clone();
    let unsaid = loaded.origin("server.admin_listen") == &Origin::Default;
    if unsaid && settings.server.listen.ip().is_loopback() {
        settings.server.admin_listen = settings.server.listen;
    }
    telemetry::start(settings.telemetry, Sink::Stderr);
    // Whoever can reach its pages buys without money: only on this machine.
    let is_local = settings.server.listen.ip().is_loopback();
    let company = match &settings.payment.stripe.secret_key {
        None if is_local => Some(CardCompany::open(&mut settings.payment.stripe).await?),
        _ => None,
    };
    let ready = boot::prepare(settings.clone()).await?;
    let guest = open_account(&ready.app, &settings).await?;
    let balance = ready.app.ledger().balance(guest.account).await.map_err(|error| Failure::of(&error))?;
    let mut text = welcome(&ready, &settings.upstream, balance.available, &guest)?;
    if company.is_some() {
        text.push_str(&purchase_lines(&format!("http://{}", ready.listeners.address()?), &guest));
    }
    text.push_str("\nPress Ctrl-C to stop.\n");
    output::line(&text)?;
    let Some(company) = company else { return ready.run().await };
    let app = ready.app.clone();
    tokio::select! {
        ended = ready.run() => ended,
        () = company.run(app) => Ok(()),
    }
}

/// How credit is bought of the simulated card company.
fn purchase_lines(url: &str, guest: &Guest) -> String {
    let password = guest.password.expose();
    format!(
        "\nCredit: this begins a purchase of 20 USD; open the checkout_url that it prints and pay (no card, no money):\n\n\
         curl -s {url}/api/v1/billing/topups -H \"authorization: Bearer $(curl -s {url}/api/v1/auth/login \
         -H 'content-type: application/json' -d '{{\"email\":\"{EMAIL}\",\"password\":\"{password}\"}}' \
         | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\" -H 'content-type: application/json' \
         -d '{{\"amount\":\"20.00\"}}'\n"
    )
}

fn is_loopback(listen: &str) -> bool {
    listen.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
}

/// With a credential, the vendor's API; with none at all, a simulation of both.
fn providers(variable: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (name, key, _kind) in CREDENTIALS {
        if let Some(credential) = variable(name).filter(|text| !text.is_empty()) {
            found.push((key, credential));
        }
    }
    if found.is_empty() {
        found.extend(CREDENTIALS.map(|(_name, _key, kind)| (kind, "simulated".to_owned())));
    }
    found
}

fn make_private_directory(path: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}

/// Who tries the demonstration.
struct Guest {
    account: AccountId,
    key: PlainApiKey,
    password: OpaqueToken,
}

/// The account of the demonstration, with its credit once, and a new key and password each time:
/// the old ones cannot be shown again.
async fn open_account(app: &App, settings: &Settings) -> Result<Guest, Failure> {
    let stores = app.stores();
    let email: EmailAddress = EMAIL.parse().map_err(|error| Failure::Failed(format!("{error}")))?;
    let found = stores.accounts.find_by_email(&email).await.map_err(|error| Failure::of(&error))?;
    let account = match found {
        Some(account) => account,
        None => {
            let account = user::new_account(EMAIL, Some("Demo".to_owned()), "en", Role::User)?;
            stores.accounts.insert(account.clone(), &[]).await.map_err(|error| Failure::of(&error))?;
            Arc::new(account)
        }
    };
    let password = OpaqueToken::generate(&SystemEntropy);
    set_password(app, &account, &password).await?;
    let account = account.id;
    grant(stores, account, settings).await?;
    let (stored, key) = keys::new_key(account, "demo", KeyLimits::default(), None)?;
    stores.keys.insert(stored).await.map_err(|error| Failure::of(&error))?;
    Ok(Guest { account, key, password })
}

async fn set_password(app: &App, account: &Account, password: &OpaqueToken) -> Result<(), Failure> {
    let hasher = &app.reception().parts().hasher;
    let hash = hasher.rehash(&PlainPassword::new(password.expose())).await;
    let changed = Account { password: Some(hash.map_err(|error| Failure::of(&error))?), ..account.clone() };
    app.stores().accounts.update(account, changed).await.map_err(|error| Failure::of(&error))
}

async fn grant(stores: &Stores, account: AccountId, settings: &Settings) -> Result<(), Failure> {
    let balance = stores.ledger.balance(account).await.map_err(|error| Failure::of(&error))?;
    if balance.credited > Money::ZERO {
        return Ok(());
    }
    let promotion = Promotion {
        id: TransferId::from_uuid(derive(account.as_uuid(), "demo")),
        account,
        amount: settings.demo.credit,
        external: None,
        expires_at: None,
        at: super::clock().now(),
    };
    stores.ledger.post(vec![Entry::grant(promotion)]).await.map_err(|error| Failure::of(&error))
}

fn welcome(
    ready: &boot::Ready,
    upstream: &UpstreamSettings,
    balance: Money,
    guest: &Guest,
) -> Result<String, Failure> {
    let url = format!("http://{}", ready.listeners.address()?);
    let admin = ready.listeners.admin_address()?;
    let app: &App = &ready.app;
    let Guest { account: _, key, password } = guest;
    let (key, password) = (key.expose(), password.expose());
    let vendors: Vec<Vendor> = app.gateway().vendors().collect();
    let simulated = upstream.vendors().iter().all(|(_, vendor)| vendor.kind == UpstreamKind::Simulated);
    let source = if simulated { "simulated (no network)" } else { "the real API of each provider below" };
    let mut text = format!(
        "AI Duet is ready at {url}\n\n  Dashboard  {url}/dashboard\n  Sign-in    {EMAIL}\n  Password   {password}\n  API key    {key}\n  Balance    {balance} USD\n  Provider   {source}\n  Metrics    http://{admin}/metrics\n"
    );
    if vendors.contains(&Vendor::OpenAi) {
        text.push_str(&openai_lines(&url, key));
    }
    if vendors.contains(&Vendor::Anthropic) {
        text.push_str(&anthropic_lines(&url, key));
    }
    text.push_str(&duet_lines(&url, key));
    text.push_str(&format!(
        "\nBalance, and the receipt of a request (its id is in the header x-request-id):\n\n\
         curl -s {url}/v1/credits -H 'authorization: Bearer {key}'\n\n\
         curl -s \"{url}/v1/generation?id=$(curl -s -o /dev/null -D - {url}/v1/{probe} | sed -n 's/^x-request-id: //p' | tr -d '\\r')\" -H 'authorization: Bearer {key}'\n",
        probe = receipt_probe(&vendors, key),
    ));
    if simulated {
        text.push_str(
            "\nReal providers: start again with ANTHROPIC_API_KEY and/or OPENAI_API_KEY in the environment.\n",
        );
    }
    Ok(text)
}

fn openai_lines(url: &str, key: &str) -> String {
    format!(
        "\nOpenAI dialect, then the same as a stream:\n\n\
         curl -s {url}/v1/chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' \
         -d '{{\"model\":\"{OPENAI_MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n\n\
         curl -sN {url}/v1/chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' \
         -d '{{\"model\":\"{OPENAI_MODEL}\",\"stream\":true,\"stream_options\":{{\"include_usage\":true}},\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n"
    )
}

fn anthropic_lines(url: &str, key: &str) -> String {
    format!(
        "\nAnthropic dialect, then the same as a stream:\n\n\
         curl -s {url}/v1/messages -H 'x-api-key: {key}' -H 'anthropic-version: 2023-06-01' -H 'content-type: application/json' \
         -d '{{\"model\":\"{ANTHROPIC_MODEL}\",\"max_tokens\":256,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n\n\
         curl -sN {url}/v1/messages -H 'x-api-key: {key}' -H 'anthropic-version: 2023-06-01' -H 'content-type: application/json' \
         -d '{{\"model\":\"{ANTHROPIC_MODEL}\",\"max_tokens\":256,\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n"
    )
}

/// No model is named; the headers of the answer say which one answered, in which role, and why.
fn duet_lines(url: &str, key: &str) -> String {
    format!(
        "\nNo model named: the duet picks one, and says why (role and reason are printed below the answer):\n\n\
         curl -s {url}/v1/chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' \
         -d '{{\"messages\":[{{\"role\":\"user\",\"content\":\"Write a Rust function that parses a CSV file.\"}}]}}' \
         -w '\\n\\n%header{{x-aiduet-model}}: role %header{{x-aiduet-role}}, %header{{x-aiduet-reason}}\\n'\n"
    )
}

/// A call whose receipt can be shown.
fn receipt_probe(vendors: &[Vendor], key: &str) -> String {
    if vendors.contains(&Vendor::OpenAi) {
        format!(
            "chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' \
             -d '{{\"model\":\"{OPENAI_MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
        )
    } else {
        format!(
            "messages -H 'x-api-key: {key}' -H 'anthropic-version: 2023-06-01' -H 'content-type: application/json' \
             -d '{{\"model\":\"{ANTHROPIC_MODEL}\",\"max_tokens\":64,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_means_the_real_api_and_none_means_a_simulation() {
        let nothing = providers(|_| None);
        assert_eq!(nothing.len(), 2);
        assert!(nothing.iter().all(|(key, text)| key.ends_with(".kind") && text == "simulated"));
        let one = providers(|name| (name == "OPENAI_API_KEY").then(|| "sk-1".to_owned()));
        assert_eq!(one, [("upstream.openai.api_key", "sk-1".to_owned())]);
        let empty = providers(|_| Some(String::new()));
        assert_eq!(empty.len(), 2, "an empty variable is no credential");
    }
}
