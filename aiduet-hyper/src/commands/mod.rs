//! One module per noun.

mod approvals;
mod audit;
mod billing;
mod config;
mod demo;
mod doctor;
mod export;
mod healthcheck;
mod jobs;
mod keys;
mod ledger;
mod migrate;
mod models;
mod openapi;
mod policy;
mod prices;
mod privacy;
mod retention;
mod serve;
mod user;
mod version;

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use aiduet_core::account::{Account, EmailAddress};
use aiduet_core::app::{self, Stores};
use aiduet_core::audit::{AuditAction, AuditActor, AuditReason, AuditSubject};
use aiduet_core::clock::{Clock, SystemClock};
use aiduet_core::id::{AccountId, SystemEntropy, TransferId};
use aiduet_core::money::Money;
use aiduet_core::operator::{Act, Office};
use aiduet_core::settings::{Loaded, Settings};
use aiduet_core::telemetry::{self, Sink};

use crate::cli::{Cli, Command};
use crate::config::Given;
use crate::failure::Failure;
use crate::output::Form;
use crate::process::os_user;

/// Why, when nobody says.
const UNSAID: &str = "command line";

/// What every command needs to know of the command line.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) given: Given,
    pub(crate) form: Form,
    /// Why, for the audit log.
    pub(crate) reason: Option<String>,
}

/// The place of somebody who acts at the command line: what is kept, and where acts are written down.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) stores: Stores,
    pub(crate) office: Office,
    pub(crate) act: Act,
}

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let mut given = Given { file: cli.config, ..Given::default() };
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => Some("error"),
        (false, 0) => None,
        (false, 1) => Some("debug"),
        (false, _) => Some("trace"),
    };
    if let Some(level) = level {
        given.flags.push(("telemetry.level", "-v/-q", level.to_owned()));
    }
    let context =
        Context { given, form: if cli.json { Form::Json } else { Form::Table }, reason: cli.reason };
    match cli.command {
        Command::Demo(options) => Box::pin(demo::run(context, options)).await,
        Command::Serve(options) => Box::pin(serve::run(context, options)).await,
        Command::Migrate { verb } => migrate::run(&context, verb).await,
        Command::Config(verb) => config::run(&context, verb),
        Command::User(verb) => user::run(&context, verb).await,
        Command::Keys(verb) => keys::run(&context, verb).await,
        Command::Billing(verb) => billing::run(&context, verb).await,
        Command::Ledger(verb) => ledger::run(&context, verb).await,
        Command::Models(verb) => models::run(&context, verb).await,
        Command::Jobs(verb) => jobs::run(&context, verb).await,
        Command::Retention(verb) => retention::run(&context, verb).await,
        Command::Privacy(verb) => privacy::run(&context, verb).await,
        Command::Export(verb) => export::run(&context, verb).await,
        Command::Policy(verb) => policy::run(&context, verb).await,
        Command::Prices(verb) => prices::run(&context, verb).await,
        Command::Approvals(verb) => approvals::run(&context, verb).await,
        Command::Audit(verb) => audit::run(&context, verb).await,
        Command::Doctor => doctor::run(&context).await,
        Command::Healthcheck(options) => healthcheck::run(&context, options).await,
        Command::Openapi => openapi::run(),
        Command::Version => version::run(&context),
    }
}

impl Context {
    /// The settings, with logs started beside the output.
    pub(crate) fn settings(&self) -> Result<Loaded, Failure> {
        let mut given = self.given.clone();
        // A command has something to say only when it goes wrong.
        given.built_in.push(("telemetry.level", "warn".to_owned()));
        given.built_in.push(("telemetry.log_format", "text".to_owned()));
        let loaded = crate::config::load(&given)?;
        telemetry::start(loaded.settings.telemetry, Sink::Stderr);
        Ok(loaded)
    }

    /// The stores of a migrated database.
    pub(crate) async fn stores(&self) -> Result<Stores, Failure> {
        Self::stores_of(&self.settings()?.settings).await
    }

    async fn stores_of(settings: &Settings) -> Result<Stores, Failure> {
        Stores::ready(&settings.database, clock()).await.map_err(|error| Failure::of(&error))
    }
}

impl Context {
    /// The stores, with whom the audit log names.
    pub(crate) async fn desk(&self) -> Result<Desk, Failure> {
        let reason = self.reason.as_deref().unwrap_or(UNSAID).parse::<AuditReason>();
        let reason = reason
            .map_err(|_invalid| Failure::Usage("--reason is one line of 3 to 200 characters".to_owned()))?;
        let user =
            os_user().ok_or_else(|| Failure::Failed("the user of this process is unknown".to_owned()))?;
        let settings = self.settings()?.settings;
        let stores = Self::stores_of(&settings).await?;
        let office = app::office(&stores, &settings.duet.config(), (clock(), Arc::new(SystemEntropy)));
        let act = Act { actor: AuditActor::Host(user), reason: Some(reason), request: None };
        Ok(Desk { stores, office, act })
    }
}

impl Context {
    /// Whether the command line says why; what a second operator reads must not be left out.
    pub(crate) fn says_why(&self) -> Result<(), Failure> {
        match self.reason {
            Some(_) => Ok(()),
            None => Err(Failure::Usage("say why: --reason TEXT".to_owned())),
        }
    }
}

/// A name for something that is asked for once.
pub(crate) fn new_name() -> String {
    TransferId::generate(clock().as_ref(), &SystemEntropy).as_uuid().simple().to_string()
}

impl Desk {
    /// Writes down what is about to be done; without that it must not be done.
    pub(crate) async fn record(
        &self,
        action: AuditAction,
        subject: impl Into<AuditSubject>,
    ) -> Result<(), Failure> {
        let recorded = self.office.record(&self.act, action, Some(subject.into())).await;
        recorded.map(drop).map_err(|error| Failure::of(&error))
    }

    /// Writes down what is about to be done to nobody in particular.
    pub(crate) async fn note(&self, action: AuditAction) -> Result<(), Failure> {
        let recorded = self.office.record(&self.act, action, None).await;
        recorded.map(drop).map_err(|error| Failure::of(&error))
    }

    /// The account with an address or identifier.
    pub(crate) async fn user(&self, text: &str) -> Result<Arc<Account>, Failure> {
        find_user(&self.stores, text).await
    }

    /// Closes what is open.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.stores.close().await.map_err(|error| Failure::of(&error))
    }
}

/// The time of the operating system.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// Finds an account by address or identifier.
pub(crate) async fn find_user(stores: &Stores, text: &str) -> Result<Arc<Account>, Failure> {
    let found = if let Ok(id) = text.parse::<AccountId>() {
        stores.accounts.find(id).await
    } else {
        let email: EmailAddress = text.parse().map_err(|_invalid| {
            Failure::Usage("expected an e-mail address or an account identifier".to_owned())
        })?;
        stores.accounts.find_by_email(&email).await
    };
    found
        .map_err(|error| Failure::of(&error))?
        .ok_or_else(|| Failure::NotFound("there is no such account".to_owned()))
}

/// Reads dollars, with or without the currency.
pub(crate) fn dollars(text: &str) -> Result<Money, Failure> {
    let number = text.trim().strip_suffix("USD").unwrap_or(text).trim();
    let amount: Money = number.parse().map_err(|error| Failure::Usage(format!("{error}")))?;
    if amount <= Money::ZERO {
        return Err(Failure::Usage("expected an amount above zero".to_owned()));
    }
    Ok(amount)
}

/// Reads a duration such as `90d`.
pub(crate) fn duration(text: &str) -> Result<Duration, Failure> {
    aiduet_core::settings::parse_duration(text)
        .ok_or_else(|| Failure::Usage("expected a duration such as 30s, 12h or 90d".to_owned()))
}

/// Asks before something is done that cannot be undone.
pub(crate) fn confirm(said_yes: Confirmed, question: &str) -> Result<(), Failure> {
    if said_yes == Confirmed::Yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{question} Say --yes to do it without being asked.")));
    }
    let mut err = std::io::stderr().lock();
    write!(err, "{question} Type yes: ")?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::Failed("nothing was done".to_owned())) }
}

/// Whether the command line says yes already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// It does.
    Yes,
    /// It must be asked for.
    Unsaid,
}

impl From<bool> for Confirmed {
    fn from(flag: bool) -> Self {
        if flag { Self::Yes } else { Self::Unsaid }
    }
}
