//! English.

use super::{Action, Label, Language, Note, Reason};
use crate::notify::{Notice, PolicyKind, SpendSpan};

pub(super) struct English;

const fn policy(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Privacy => "privacy policy",
        PolicyKind::Terms => "terms of service",
    }
}

const UNLINKED: &str =
    "Your account can no longer be entered with your Google account. Other sessions were ended.";
const MODELS_GO: &str = "Some models will no longer be offered; prices of others may change. Requests before the date shown are served at the present prices.";
const PRICES_CHANGE: &str = "The prices of some models will change. Requests before the date shown are charged at the present prices.";
const WITHDRAWN: &str = "A change of models or prices was announced for the date shown. It was withdrawn: nothing of it comes into force.";
const TO_CONFIRM: &str = "Your balance is low and we tried to recharge it as you agreed, but your bank wants to hear from you first. Open billing and confirm the charge. Until then nothing is charged.";
const UNFUNDED: &str = "A request was refused because your available balance does not cover it, and others like it are refused until it does. Under billing you can top up, or switch on automatic recharge: then your card is charged before the balance is used up. You get at most one such message in 24 hours.";
const LEAKED: &str = "One of your API keys was found where others can read it. We have disabled it at once. Create a new one, and remove the old one from where it was published.";
const STOPPED: &str = "Your balance is low and we tried to recharge it as you agreed, but your card was refused. We do not try again: automatic recharge is switched off, and nothing was charged. Top up by hand, or check your card and switch it on again.";
const CARD_GONE: &str = "The card that you chose for automatic recharge is no longer kept by our payment processor, so automatic recharge is switched off, and nothing is charged. Top up by hand; if a card is kept then, you can switch it on again.";

const fn spending(span: SpendSpan, step: u8) -> &'static str {
    match (span, step) {
        (SpendSpan::Day, _) => {
            "Your spending of today (UTC) has reached the amount of which you want to be told. This message stops nothing."
        }
        (SpendSpan::Month, 100..) => {
            "Your spending of this month (UTC) has reached your monthly budget. This message stops nothing."
        }
        (SpendSpan::Month, _) => {
            "Your spending of this month (UTC) has reached a part of your monthly budget. This message stops nothing."
        }
    }
}

impl Language for English {
    fn subject(&self, notice: &Notice, name: &str) -> String {
        let text = match notice {
            Notice::VerifyEmail { .. } => "Confirm your e-mail address",
            Notice::AlreadyRegistered { .. } => "You already have an account",
            Notice::ResetPassword { .. } => "Set a new password",
            Notice::PasswordChanged { .. } => "Your password was changed",
            Notice::PasswordLocked { .. } => "Signing in by password is switched off",
            Notice::ConfirmEmail { .. } => "Confirm your new e-mail address",
            Notice::EmailChanged { .. } => "Your e-mail address was changed",
            Notice::GoogleLinked { .. } => "Signing in with Google was added",
            Notice::GoogleUnlinked { .. } => "Signing in with Google was removed",
            Notice::NewSignIn { .. } => "New sign-in to your account",
            Notice::SessionsRevoked { .. } => "You were signed out for your safety",
            Notice::KeyCreated { .. } => "An API key was created",
            Notice::KeyRotated { .. } => "An API key was replaced",
            Notice::KeyDeleted { .. } => "An API key was deleted",
            Notice::KeyLeaked { .. } => "An API key was found in public and disabled",
            Notice::KeyExpiring { .. } => "An API key expires soon",
            Notice::SpendAlert { span: SpendSpan::Day, .. } => "Your spending today has reached your alert",
            Notice::SpendAlert { span: SpendSpan::Month, step, .. } => {
                return format!("{name}: {step} % of your monthly budget is used");
            }
            Notice::LowBalance { .. } => "Your balance is low",
            Notice::BalanceEmpty { .. } => "A request was refused: your balance is too low",
            Notice::TopUpReceipt { .. } => "Receipt for your top-up",
            Notice::RechargeToConfirm { .. } => "Confirm the recharge of your balance",
            Notice::RechargeStopped { .. } | Notice::CardGone { .. } => "Automatic recharge is switched off",
            Notice::RefundReceipt { .. } => "Your refund",
            Notice::PolicyChange { policy: kind, .. } => {
                return format!("{name}: our {} will change", policy(*kind));
            }
            Notice::PriceChange { withdrawn, .. } if !withdrawn.is_empty() => "Models and prices will change",
            Notice::PriceChange { .. } => "Prices will change",
            Notice::PriceChangeWithdrawn { .. } => "A change of prices will not come",
            Notice::ExportReady { .. } => "Your data archive is ready",
            Notice::DeletionStarted { .. } => "Your account will be deleted",
            Notice::DeletionCancelled { .. } => "Your account will not be deleted",
            Notice::DeletionDone { .. } => "Your account was deleted",
        };
        format!("{name}: {text}")
    }

    fn body(&self, notice: &Notice) -> &'static str {
        match notice {
            Notice::VerifyEmail { .. } => {
                "Someone, we hope you, opened an account with this address. Confirm it to finish. The link works once."
            }
            Notice::AlreadyRegistered { .. } => {
                "Someone tried to open an account with this address, but it has one already. If it was you, sign in, or set a new password if you have forgotten yours."
            }
            Notice::ResetPassword { .. } => {
                "Someone, we hope you, asked for a new password for your account. The link works once."
            }
            Notice::PasswordChanged { .. } => {
                "The password of your account was changed, and all other sessions were ended."
            }
            Notice::PasswordLocked { .. } => {
                "There were very many wrong passwords for your account, so signing in by password is switched off until you set a new one. Your API keys work on."
            }
            Notice::ConfirmEmail { .. } => {
                "This address is to become the address of your account. Confirm it to make the change. The link works once."
            }
            Notice::EmailChanged { .. } => {
                "Your account has a new e-mail address. If you did not do this, take it back: the link below works until the time shown."
            }
            Notice::GoogleLinked { .. } => "Your account can now also be entered with your Google account.",
            Notice::GoogleUnlinked { .. } => UNLINKED,
            Notice::NewSignIn { .. } => {
                "Someone signed in to your account on a device or browser that we have not seen before."
            }
            Notice::SessionsRevoked { .. } => {
                "A sign-in of yours was used twice, which happens when it was copied. We have ended it on every device. Please sign in again and look at your sessions."
            }
            Notice::KeyCreated { .. } => "A new API key can spend from your balance.",
            Notice::KeyRotated { .. } => "An API key has a successor. The old one stops at the time shown.",
            Notice::KeyDeleted { .. } => "An API key was deleted and no longer works.",
            Notice::KeyLeaked { .. } => LEAKED,
            Notice::KeyExpiring { .. } => {
                "One of your API keys stops at the time shown. Replace it before then so that your programs work on."
            }
            Notice::SpendAlert { span, step, .. } => spending(*span, *step),
            Notice::LowBalance { .. } => {
                "Your available balance has fallen below your threshold. Requests are refused when it is used up. This message stops nothing."
            }
            Notice::BalanceEmpty { .. } => UNFUNDED,
            Notice::TopUpReceipt { .. } => {
                "Thank you. Your payment was received and credited to your balance."
            }
            Notice::RechargeToConfirm { .. } => TO_CONFIRM,
            Notice::RechargeStopped { .. } => STOPPED,
            Notice::CardGone { .. } => CARD_GONE,
            Notice::RefundReceipt { .. } => {
                "A refund was sent to your original means of payment. It can take a few days to arrive."
            }
            Notice::PolicyChange { .. } => {
                "The page shows the whole text and the differences. If you do not agree, you can delete your account until then."
            }
            Notice::PriceChange { withdrawn, .. } if !withdrawn.is_empty() => MODELS_GO,
            Notice::PriceChange { .. } => PRICES_CHANGE,
            Notice::PriceChangeWithdrawn { .. } => WITHDRAWN,
            Notice::ExportReady { .. } => {
                "The archive with your data is ready. Sign in to download it, once, until the time shown. It is put together while you download it, and kept nowhere."
            }
            Notice::DeletionStarted { .. } => {
                "As you asked, your account will be deleted. Your API keys have stopped and all sessions were ended. Until the date shown you can change your mind; after it your data is erased, and bookkeeping records are kept without your name for as long as the law asks."
            }
            Notice::DeletionCancelled { .. } => {
                "The deletion of your account was cancelled. API keys stay disabled until you enable them."
            }
            Notice::DeletionDone { .. } => {
                "Your account was deleted and your data erased. Bookkeeping records are kept without your name for as long as the law asks. This is the last message to this address."
            }
        }
    }

    fn policy_change(&self, kind: PolicyKind) -> String {
        format!("Our {} will change. In short:", policy(kind))
    }

    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::When => "Time",
            Label::WorksUntil => "Works until",
            Label::Key => "API key",
            Label::FoundAt => "Found at",
            Label::Device => "Device",
            Label::Network => "Network",
            Label::NewAddress => "New address",
            Label::Available => "Available balance",
            Label::Needed => "The request needed",
            Label::Spent => "Spent",
            Label::DailyAlert => "Your daily alert",
            Label::Budget => "Your monthly budget",
            Label::Threshold => "Your threshold",
            Label::Charge => "Charge",
            Label::Credited => "Credited",
            Label::Tax => "Tax",
            Label::Refunded => "Refunded",
            Label::Receipt => "Receipt",
            Label::Version => "Version",
            Label::EffectiveFrom => "In force from",
            Label::AnnouncedFor => "Announced for",
            Label::Raised => "Higher prices",
            Label::Lowered => "Lower prices",
            Label::Withdrawn => "No longer offered",
            Label::ErasedOn => "Erased on",
        }
    }

    fn action(&self, action: Action) -> &'static str {
        match action {
            Action::ConfirmAddress => "Confirm address",
            Action::SignIn => "Sign in",
            Action::SetPassword => "Set new password",
            Action::AskReset => "Reset password",
            Action::UndoChange => "Take the change back",
            Action::ReviewSecurity => "Review sessions",
            Action::OpenKeys => "Open API keys",
            Action::TopUp => "Top up",
            Action::ConfirmCharge => "Confirm charge",
            Action::OpenBilling => "Open billing",
            Action::ReadPolicy => "Read the text",
            Action::SeePrices => "See prices",
            Action::Download => "Download",
            Action::KeepAccount => "Keep my account",
        }
    }

    fn note(&self, note: Note) -> &'static str {
        match note {
            Note::IgnoreIt => "If it was not you, ignore this message: nothing happens without the link.",
            Note::NotYou => "If it was not you, set a new password at once and end all sessions.",
            Note::NotYourKey => "If it was not you, delete the key, set a new password and end all sessions.",
        }
    }

    fn reason(&self, reason: Reason, name: &str) -> String {
        let why = match reason {
            Reason::AddressEntered => "this address was entered there",
            Reason::Security => {
                "it is about the security of your account; such messages cannot be turned off"
            }
            Reason::Key => "it is about your API keys; such messages cannot be turned off",
            Reason::Chosen => "your notification settings say so; you can turn it off there",
            Reason::Payment => "a payment concerns your account",
            Reason::Terms => "you have an account; such messages cannot be turned off",
            Reason::Asked => "you asked for it",
        };
        format!("You get this from {name} because {why}.")
    }

    fn signature(&self, name: &str, url: &str) -> String {
        format!("{name} · {url} · Please do not reply to this message.")
    }

    fn comma(&self) -> &'static str {
        ", "
    }
}
