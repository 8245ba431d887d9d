//! What a message says before it is laid out as text or HTML: the parts are the same in every
//! language, the words are each language's own.

mod en;
mod format;
mod ja;
mod parts;
mod zh;

use self::format::{moment, one_line};
use super::{LinkToken, Notice, Page, PolicyKind, Site};
use crate::account::Locale;
use crate::clock::Timestamp;

/// The parts of a message; all plain text.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) subject: String,
    pub(super) paragraphs: Vec<String>,
    /// Labelled values.
    pub(super) facts: Vec<(String, String)>,
    /// The one thing to do: a label and an address.
    pub(super) action: Option<(String, String)>,
    /// What to do if it was not you.
    pub(super) note: Option<String>,
    /// Why the person gets it.
    pub(super) reason: String,
    pub(super) signature: String,
}

/// The words of a language.
trait Language: Sync {
    fn subject(&self, notice: &Notice, name: &str) -> String;
    fn body(&self, notice: &Notice) -> &'static str;
    /// The sentence before the summary of a change.
    fn policy_change(&self, kind: PolicyKind) -> String;
    fn label(&self, label: Label) -> &'static str;
    fn action(&self, action: Action) -> &'static str;
    fn note(&self, note: Note) -> &'static str;
    fn reason(&self, reason: Reason, name: &str) -> String;
    fn signature(&self, name: &str, url: &str) -> String;
    /// Between the items of a list.
    fn comma(&self) -> &'static str;
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    When,
    WorksUntil,
    Key,
    FoundAt,
    Device,
    Network,
    NewAddress,
    Available,
    Needed,
    Threshold,
    Spent,
    DailyAlert,
    Budget,
    Credited,
    Charge,
    Tax,
    Refunded,
    Receipt,
    Version,
    EffectiveFrom,
    AnnouncedFor,
    Raised,
    Lowered,
    Withdrawn,
    ErasedOn,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    ConfirmAddress,
    SignIn,
    SetPassword,
    AskReset,
    UndoChange,
    ReviewSecurity,
    OpenKeys,
    TopUp,
    OpenBilling,
    ConfirmCharge,
    ReadPolicy,
    SeePrices,
    Download,
    KeepAccount,
}

/// What to do if something is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Note {
    /// Nothing: without the link nothing happens.
    IgnoreIt,
    /// Secure the account.
    NotYou,
    /// Disable the key.
    NotYourKey,
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// Somebody entered the address.
    AddressEntered,
    /// It is about the security of the account.
    Security,
    /// It is about an API key.
    Key,
    /// The person has chosen it.
    Chosen,
    /// Money moved.
    Payment,
    /// The terms change for everyone.
    Terms,
    /// The person has asked for it.
    Asked,
}

/// What a notice says in a language.
pub(super) fn copy(notice: &Notice, locale: Locale, site: &Site) -> Copy {
    let language: &dyn Language = match locale {
        Locale::En => &en::English,
        Locale::ZhCn => &zh::Chinese,
        Locale::Ja => &ja::Japanese,
    };
    let name = site.name();
    let shown = |value: Value| match value {
        Value::Text(text) => one_line(&text),
        Value::Time(at) => moment(at, locale),
        Value::List(items) => {
            items.iter().map(|item| one_line(item)).collect::<Vec<_>>().join(language.comma())
        }
    };
    let told = |(action, page, token): (Action, Page, Option<&LinkToken>)| {
        (language.action(action).to_owned(), site.link(page, token))
    };
    Copy {
        subject: one_line(&language.subject(notice, name)),
        paragraphs: paragraphs(notice, language),
        facts: parts::facts(notice)
            .into_iter()
            .map(|(label, value)| (language.label(label).to_owned(), shown(value)))
            .collect(),
        action: parts::action(notice).map(told),
        note: parts::note(notice.kind()).map(|note| language.note(note).to_owned()),
        reason: language.reason(parts::reason(notice.kind()), name),
        signature: language.signature(name, site.url()),
    }
}

fn paragraphs(notice: &Notice, language: &dyn Language) -> Vec<String> {
    let body = language.body(notice).to_owned();
    match notice {
        Notice::PolicyChange { policy, summary, .. } => {
            vec![language.policy_change(*policy), summary.clone(), body]
        }
        _ => vec![body],
    }
}

/// A value in no language yet.
#[derive(Debug)]
enum Value {
    Text(String),
    Time(Timestamp),
    List(Vec<String>),
}
