//! The command line: nouns and verbs. Secrets are never arguments, which everyone can see in the
//! list of processes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A prepaid gateway to Anthropic and OpenAI models.
#[derive(Debug, Parser)]
#[command(name = "aiduet", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// The configuration file [default: /etc/aiduet/aiduet.toml if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Why, in one line, for the audit log
    #[arg(long, global = true, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Log more: -v debug, -vv trace
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything at once, with a simulated provider, an account and a key
    Demo(Demo),
    /// Start the server
    Serve(Serve),
    /// Bring the database up to date
    Migrate {
        #[command(subcommand)]
        verb: Option<Migrate>,
    },
    /// Look at the configuration
    #[command(subcommand)]
    Config(Config),
    /// Accounts
    #[command(subcommand)]
    User(User),
    /// API keys
    #[command(subcommand)]
    Keys(Keys),
    /// Money
    #[command(subcommand)]
    Ledger(Ledger),
    /// Payments
    #[command(subcommand)]
    Billing(Billing),
    /// Models and prices
    #[command(subcommand)]
    Models(Models),
    /// Background work
    #[command(subcommand)]
    Jobs(Jobs),
    /// The end of what is kept about requests and people
    #[command(subcommand)]
    Retention(Retention),
    /// What is left of those who have left
    #[command(subcommand)]
    Privacy(Privacy),
    /// Everything that is kept about a person, for those who ask otherwise than by the API
    #[command(subcommand)]
    Export(Export),
    /// What people agree to, and how far they have been told of changes
    #[command(subcommand)]
    Policy(Policy),
    /// Sheets of prices: what was drafted, what it changes, and from when it is charged
    #[command(subcommand)]
    Prices(Prices),
    /// What waits for a second operator
    #[command(subcommand)]
    Approvals(Approvals),
    /// What operators did
    #[command(subcommand)]
    Audit(Audit),
    /// Check everything that the server needs
    Doctor,
    /// Ask a running server whether it is ready
    Healthcheck(Healthcheck),
    /// Print the OpenAPI document of the account API
    Openapi,
    /// What this program is
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where clients connect [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// The directory of the database
    #[arg(long, value_name = "DIRECTORY", default_value = "aiduet-data")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Check configuration and database, then stop
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Apply what is missing (the default)
    Up {
        /// Only say what is missing
        #[arg(long)]
        dry_run: bool,
    },
    /// Say what is applied
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Say whether the configuration can be used
    Check,
    /// Print every value and where it came from
    Show {
        /// Secrets are always redacted
        #[arg(long)]
        redacted: bool,
    },
    /// Print a commented configuration file
    Example,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make an account
    Create {
        /// The e-mail address
        email: String,
        /// A display name
        #[arg(long)]
        name: Option<String>,
        /// The language of mails and pages: en, zh-CN or ja
        #[arg(long, default_value = "en")]
        locale: String,
        /// Make an operator
        #[arg(long)]
        operator: bool,
    },
    /// Print accounts, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Only accounts older than this one
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
    /// Print an account
    Show(Who),
    /// Grant credit, for a reason (--reason); above 100 USD a day a second operator must agree
    Credit {
        #[command(flatten)]
        who: Who,
        /// How much, such as 5.00
        amount: String,
        /// A name of this grant; the same name grants once only [default: a new one]
        #[arg(long)]
        id: Option<String>,
        /// When the rest lapses, such as 90d [default: never]
        #[arg(long, value_name = "DURATION")]
        expires: Option<String>,
        /// Grant also what needs a second operator; the audit log says so
        #[arg(long)]
        break_glass: bool,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Make an operator of an account, or a user again
    Role {
        #[command(flatten)]
        who: Who,
        /// Which role
        role: RoleName,
    },
    /// Stop an account from spending, and end its sessions
    Freeze {
        #[command(flatten)]
        who: Who,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let an account spend again
    Unfreeze(Who),
    /// Print the accounts that are to be deleted, the first due first
    Deletions {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Ask a second operator to have an account erased, without time to change the mind
    Erase {
        #[command(flatten)]
        who: Who,
        /// Erase it now and alone; the audit log says so
        #[arg(long)]
        break_glass: bool,
        /// Only say what would be erased
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// Write an archive of everything that is kept about a person
    User {
        /// The account, by e-mail address or identifier
        #[arg(long, value_name = "E-MAIL|ID")]
        email: String,
        /// Where to; a new file [default: the standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// What an account may do.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum RoleName {
    /// Use the service.
    User,
    /// Act on the accounts of others.
    Operator,
}

/// An account.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// The account, by e-mail address or identifier
    #[arg(value_name = "E-MAIL|ID")]
    pub(crate) user: String,
}

/// A key of an account.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The key, by identifier
    #[arg(value_name = "KEY-ID")]
    pub(crate) key: String,
    /// The account, by e-mail address or identifier
    #[arg(long, value_name = "E-MAIL|ID")]
    pub(crate) user: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key; it is printed once and never again
    Create(Box<CreateKey>),
    /// Print the keys of an account, newest first
    List {
        /// The account, by e-mail address or identifier
        #[arg(long, value_name = "E-MAIL|ID")]
        user: String,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Print a key and what it has spent
    Show(Which),
    /// Switch a key off
    Disable(Which),
    /// Switch a key on again
    Enable(Which),
    /// Make a key that takes the place of another
    Rotate {
        #[command(flatten)]
        which: Which,
        /// How long the old one still works
        #[arg(long, value_name = "DURATION", default_value = "24h")]
        overlap: String,
    },
    /// Delete a key
    Delete {
        #[command(flatten)]
        which: Which,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Say whether a key, read from the standard input, may be used
    Verify,
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    /// The account, by e-mail address or identifier
    #[arg(long, value_name = "E-MAIL|ID")]
    pub(crate) user: String,
    /// What to call it
    #[arg(long, default_value = "command line")]
    pub(crate) name: String,
    /// When it stops, such as 90d [default: never]
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires: Option<String>,
    /// Most it may spend per day, such as 5.00
    #[arg(long, value_name = "USD")]
    pub(crate) limit_day: Option<String>,
    /// Most it may spend per week
    #[arg(long, value_name = "USD")]
    pub(crate) limit_week: Option<String>,
    /// Most it may spend per month
    #[arg(long, value_name = "USD")]
    pub(crate) limit_month: Option<String>,
    /// Most it may ever spend
    #[arg(long, value_name = "USD")]
    pub(crate) limit_total: Option<String>,
    /// Requests per minute
    #[arg(long, value_name = "NUMBER")]
    pub(crate) requests_per_minute: Option<u32>,
    /// Tokens per minute
    #[arg(long, value_name = "NUMBER")]
    pub(crate) tokens_per_minute: Option<u64>,
    /// Requests at the same time
    #[arg(long, value_name = "NUMBER")]
    pub(crate) concurrency: Option<u32>,
    /// Models it may use, separated by commas
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    pub(crate) models: Vec<String>,
    /// Endpoints it may use, such as messages,chat_completions
    #[arg(long, value_name = "ENDPOINTS", value_delimiter = ',')]
    pub(crate) endpoints: Vec<String>,
    /// Networks it may be used from, such as 10.0.0.0/8
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',')]
    pub(crate) networks: Vec<String>,
    /// What the duet does for it, such as {"pin_role":"plan","families":["anthropic"]}
    #[arg(long, value_name = "JSON")]
    pub(crate) duet: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Print the balance of an account
    Balance(Who),
    /// Check that the books are right
    Verify,
    /// Hold a day against the records of the card company and the cost reports of providers, and keep what comes of it
    Reconcile {
        /// Which day (UTC), such as 2026-11-25 [default: yesterday]
        #[arg(long, value_name = "DAY")]
        day: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Billing {
    /// Give unused credit back to the cards that paid it, the newest purchase first
    Refund {
        #[command(flatten)]
        who: Who,
        /// How much of the balance, such as 5.00; the tax on it goes back besides
        amount: String,
        /// A name of this refund; the same name gives back once only [default: a new one]
        #[arg(long)]
        id: Option<String>,
        /// Only say what would be given back
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// Print the models in force with their prices
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// Print what there is to do and what came of it the last time
    List,
    /// Do a job now
    Run {
        /// Which, as `list` names it
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Retention {
    /// Say how old the oldest usage is, and how much is overdue
    Status,
    /// Delete what was kept long enough
    Run {
        /// Only say what is overdue
        #[arg(long)]
        dry_run: bool,
        /// Also when so much is overdue that the clock may have jumped
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Privacy {
    /// Erase again what a restored backup has brought back
    Erase {
        /// The list of tombstones
        #[arg(long, value_name = "FILE")]
        from_tombstones: PathBuf,
        /// Only say which accounts would be erased
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Print the tombstones of erased accounts, newest first, to be kept outside the backups
    Tombstones,
    /// Print the receipts of erasures, newest first
    Receipts {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Only receipts older than this one
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Print the versions of this program, what was published, and how many people were told
    List,
    /// Ask a second operator to publish a version: from then on people are told of it by mail
    Publish {
        /// privacy or terms
        kind: String,
        /// Which, such as 2026-12-26
        version: String,
        /// It takes nothing from anybody, so it needs no 30 days
        #[arg(long)]
        harmless: bool,
        /// Publish it now and alone; the audit log says so
        #[arg(long)]
        break_glass: bool,
    },
    /// Write to the next people now; the server does so every minute
    Notify,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Prices {
    /// Print the sheets, the latest first, and what became of them
    List,
    /// Keep a sheet, in place of an earlier draft of its day; this changes no price
    Draft {
        /// The sheet, in the format of the one that comes with the program
        file: PathBuf,
    },
    /// Print what a sheet changes against the one in force: model, class, old, new
    Diff {
        /// A version, such as 20261224, or a sheet that was not drafted
        #[arg(value_name = "VERSION|FILE")]
        sheet: String,
    },
    /// Ask a second operator to publish a sheet: it counts from its day, a minute later at the earliest
    Publish(PriceChange),
    /// Ask a second operator to withdraw the sheet that was published last, before it counts
    Withdraw(PriceChange),
}

/// What is to become of a sheet.
#[derive(Debug, Args)]
pub(crate) struct PriceChange {
    /// Which, such as 20261224
    pub(crate) version: u32,
    /// The digest of the text that was read, as `list` prints it [default: that of the text now]
    #[arg(long, value_name = "DIGEST")]
    pub(crate) sha256: Option<String>,
    /// Do it now and alone; the audit log says so
    #[arg(long)]
    pub(crate) break_glass: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Approvals {
    /// Print what was asked for, newest first, and what came of it
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Grant what another operator asked for
    Grant {
        /// Which
        id: String,
    },
    /// Refuse what another operator asked for, or take back what you did
    Refuse {
        /// Which
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Print what operators did, newest first
    List(AuditFilter),
    /// Check that nothing in the log was changed or removed
    Verify {
        /// The head that an earlier check printed: shows also whether the end was cut off
        #[arg(long, value_name = "NUMBER:SEAL")]
        head: Option<String>,
    },
}

/// Which entries of the audit log.
#[derive(Debug, Args)]
pub(crate) struct AuditFilter {
    /// Only what this one did: an account, host:USER or system
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only this kind of action
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only what was done to this one, by identifier
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// Only what is not older, such as 7d
    #[arg(long, value_name = "DURATION")]
    pub(crate) since: Option<String>,
    /// Only entries with a smaller number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) before: Option<u64>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Healthcheck {
    /// What to ask [default: /readyz of the configured admin listener]
    #[arg(long)]
    pub(crate) url: Option<String>,
}
