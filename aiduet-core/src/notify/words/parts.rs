//! What a message consists of, in no language yet.

use super::format::money;
use super::{Action, Label, Note, Reason, Value};
use crate::clock::Timestamp;
use crate::money::Money;
use crate::notify::{KeyLabel, LinkToken, Notice, NoticeKind, Page, SpendSpan};

type Fact = (Label, Value);

const fn time(label: Label, at: Timestamp) -> Fact {
    (label, Value::Time(at))
}

fn text(label: Label, text: impl Into<String>) -> Fact {
    (label, Value::Text(text.into()))
}

fn key(key: &KeyLabel) -> Fact {
    text(Label::Key, format!("{} (…{})", key.name, key.last4))
}

fn amount(label: Label, amount: Money) -> Fact {
    text(label, money(amount))
}

/// Names of models, if there are any.
fn models((label, models): (Label, &Vec<String>)) -> Option<Fact> {
    (!models.is_empty()).then(|| (label, Value::List(models.clone())))
}

/// Of how much spending a person wants to be told.
fn spending(span: SpendSpan, set: Money) -> Fact {
    match span {
        SpendSpan::Day => amount(Label::DailyAlert, set),
        SpendSpan::Month => amount(Label::Budget, set),
    }
}

/// The labelled values.
pub(super) fn facts(notice: &Notice) -> Vec<Fact> {
    match notice {
        Notice::VerifyEmail { expires_at, .. }
        | Notice::ConfirmEmail { expires_at, .. }
        | Notice::ResetPassword { expires_at, .. }
        | Notice::ExportReady { expires_at } => vec![time(Label::WorksUntil, *expires_at)],
        Notice::AlreadyRegistered { at }
        | Notice::PasswordChanged { at }
        | Notice::PasswordLocked { at }
        | Notice::GoogleLinked { at }
        | Notice::GoogleUnlinked { at }
        | Notice::SessionsRevoked { at }
        | Notice::DeletionCancelled { at } => vec![time(Label::When, *at)],
        Notice::EmailChanged { new_address, expires_at, at, .. } => vec![
            text(Label::NewAddress, new_address.as_str()),
            time(Label::When, *at),
            time(Label::WorksUntil, *expires_at),
        ],
        Notice::NewSignIn { at, device, network } => {
            let network = network.as_ref().map(|network| text(Label::Network, network));
            [time(Label::When, *at), text(Label::Device, device)].into_iter().chain(network).collect()
        }
        Notice::KeyCreated { key: label, at } | Notice::KeyDeleted { key: label, at } => {
            vec![key(label), time(Label::When, *at)]
        }
        Notice::KeyLeaked { key: label, found_at, at } => {
            // Links in our messages lead to us.
            let found =
                found_at.as_ref().map(|place| text(Label::FoundAt, place.trim_start_matches("https://")));
            [key(label), time(Label::When, *at)].into_iter().chain(found).collect()
        }
        Notice::KeyRotated { key: label, works_until: until }
        | Notice::KeyExpiring { key: label, expires_at: until } => {
            vec![key(label), time(Label::WorksUntil, *until)]
        }
        Notice::LowBalance { available, threshold } => {
            vec![amount(Label::Available, *available), amount(Label::Threshold, *threshold)]
        }
        Notice::SpendAlert { span, spent, amount: set, at, .. } => {
            vec![amount(Label::Spent, *spent), spending(*span, *set), time(Label::When, *at)]
        }
        Notice::BalanceEmpty { available, needed, at } => {
            vec![amount(Label::Available, *available), amount(Label::Needed, *needed), time(Label::When, *at)]
        }
        Notice::TopUpReceipt { top_up, amount: credited, tax, at } => vec![
            text(Label::Receipt, top_up.to_string()),
            amount(Label::Credited, *credited),
            amount(Label::Tax, *tax),
            time(Label::When, *at),
        ],
        Notice::RechargeToConfirm { amount: charge, at } | Notice::RechargeStopped { amount: charge, at } => {
            vec![amount(Label::Charge, *charge), time(Label::When, *at)]
        }
        Notice::CardGone { at } => vec![time(Label::When, *at)],
        Notice::RefundReceipt { amount: refunded, at } => {
            vec![amount(Label::Refunded, *refunded), time(Label::When, *at)]
        }
        Notice::PolicyChange { version, effective_at, .. } => {
            vec![text(Label::Version, version), time(Label::EffectiveFrom, *effective_at)]
        }
        Notice::PriceChange { version, effective_at, raised, lowered, withdrawn } => {
            let lists = [(Label::Withdrawn, withdrawn), (Label::Raised, raised), (Label::Lowered, lowered)];
            let change = [text(Label::Version, version), time(Label::EffectiveFrom, *effective_at)];
            change.into_iter().chain(lists.into_iter().filter_map(models)).collect()
        }
        Notice::PriceChangeWithdrawn { version, effective_at } => {
            vec![text(Label::Version, version), time(Label::AnnouncedFor, *effective_at)]
        }
        Notice::DeletionStarted { erase_at, .. } => vec![time(Label::ErasedOn, *erase_at)],
        Notice::DeletionDone { at, receipt } => vec![time(Label::When, *at), text(Label::Receipt, receipt)],
    }
}

/// The one thing to do, where, and with which token.
pub(super) fn action(notice: &Notice) -> Option<(Action, Page, Option<&LinkToken>)> {
    Some(match notice {
        Notice::VerifyEmail { token, .. } => (Action::ConfirmAddress, Page::VerifyEmail, Some(token)),
        Notice::ConfirmEmail { token, .. } => (Action::ConfirmAddress, Page::ConfirmEmail, Some(token)),
        Notice::ResetPassword { token, .. } => (Action::SetPassword, Page::ResetPassword, Some(token)),
        Notice::EmailChanged { token, .. } => (Action::UndoChange, Page::UndoEmail, Some(token)),
        Notice::ExportReady { .. } => (Action::Download, Page::Export, None),
        Notice::DeletionStarted { token, .. } => (Action::KeepAccount, Page::CancelDeletion, Some(token)),
        Notice::AlreadyRegistered { .. } => (Action::SignIn, Page::SignIn, None),
        Notice::PasswordChanged { .. } | Notice::PasswordLocked { .. } => {
            (Action::AskReset, Page::ForgotPassword, None)
        }
        Notice::GoogleLinked { .. }
        | Notice::GoogleUnlinked { .. }
        | Notice::NewSignIn { .. }
        | Notice::SessionsRevoked { .. } => (Action::ReviewSecurity, Page::Security, None),
        Notice::KeyCreated { .. }
        | Notice::KeyRotated { .. }
        | Notice::KeyDeleted { .. }
        | Notice::KeyLeaked { .. }
        | Notice::KeyExpiring { .. } => (Action::OpenKeys, Page::Keys, None),
        Notice::LowBalance { .. } | Notice::BalanceEmpty { .. } => (Action::TopUp, Page::Billing, None),
        Notice::RechargeToConfirm { .. } => (Action::ConfirmCharge, Page::Billing, None),
        Notice::SpendAlert { .. }
        | Notice::TopUpReceipt { .. }
        | Notice::RechargeStopped { .. }
        | Notice::CardGone { .. }
        | Notice::RefundReceipt { .. } => (Action::OpenBilling, Page::Billing, None),
        Notice::PolicyChange { policy, .. } => (Action::ReadPolicy, Page::Policy(*policy), None),
        Notice::PriceChange { .. } | Notice::PriceChangeWithdrawn { .. } => {
            (Action::SeePrices, Page::Pricing, None)
        }
        Notice::DeletionCancelled { .. } => (Action::SignIn, Page::SignIn, None),
        Notice::DeletionDone { .. } => return None,
    })
}

/// What to do if something is not as it should be.
pub(super) const fn note(kind: NoticeKind) -> Option<Note> {
    match kind {
        NoticeKind::VerifyEmail
        | NoticeKind::AlreadyRegistered
        | NoticeKind::ResetPassword
        | NoticeKind::ConfirmEmail => Some(Note::IgnoreIt),
        NoticeKind::PasswordChanged
        | NoticeKind::EmailChanged
        | NoticeKind::GoogleLinked
        | NoticeKind::GoogleUnlinked
        | NoticeKind::NewSignIn
        | NoticeKind::ExportReady
        | NoticeKind::DeletionStarted
        | NoticeKind::DeletionCancelled => Some(Note::NotYou),
        NoticeKind::KeyCreated | NoticeKind::KeyRotated => Some(Note::NotYourKey),
        NoticeKind::PasswordLocked
        | NoticeKind::SessionsRevoked
        | NoticeKind::KeyDeleted
        | NoticeKind::KeyLeaked
        | NoticeKind::KeyExpiring
        | NoticeKind::LowBalance
        | NoticeKind::SpendAlert
        | NoticeKind::BalanceEmpty
        | NoticeKind::TopUpReceipt
        | NoticeKind::RechargeToConfirm
        | NoticeKind::RechargeStopped
        | NoticeKind::CardGone
        | NoticeKind::RefundReceipt
        | NoticeKind::PolicyChange
        | NoticeKind::PriceChange
        | NoticeKind::PriceChangeWithdrawn
        | NoticeKind::DeletionDone => None,
    }
}

/// Why it is sent.
pub(super) const fn reason(kind: NoticeKind) -> Reason {
    match kind {
        NoticeKind::VerifyEmail
        | NoticeKind::AlreadyRegistered
        | NoticeKind::ResetPassword
        | NoticeKind::ConfirmEmail => Reason::AddressEntered,
        NoticeKind::PasswordChanged
        | NoticeKind::PasswordLocked
        | NoticeKind::EmailChanged
        | NoticeKind::GoogleLinked
        | NoticeKind::GoogleUnlinked
        | NoticeKind::SessionsRevoked => Reason::Security,
        NoticeKind::KeyCreated | NoticeKind::KeyRotated | NoticeKind::KeyDeleted | NoticeKind::KeyLeaked => {
            Reason::Key
        }
        NoticeKind::NewSignIn
        | NoticeKind::KeyExpiring
        | NoticeKind::LowBalance
        | NoticeKind::SpendAlert
        | NoticeKind::BalanceEmpty => Reason::Chosen,
        NoticeKind::TopUpReceipt
        | NoticeKind::RechargeToConfirm
        | NoticeKind::RechargeStopped
        | NoticeKind::CardGone
        | NoticeKind::RefundReceipt => Reason::Payment,
        NoticeKind::PolicyChange | NoticeKind::PriceChange | NoticeKind::PriceChangeWithdrawn => {
            Reason::Terms
        }
        NoticeKind::ExportReady
        | NoticeKind::DeletionStarted
        | NoticeKind::DeletionCancelled
        | NoticeKind::DeletionDone => Reason::Asked,
    }
}
