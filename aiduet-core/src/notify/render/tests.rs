//! Every message in every language.

use super::*;
use crate::account::{EmailAddress, Locale};
use crate::clock::Timestamp;
use crate::id::{AccountId, NoticeId, TopUpId};
use crate::money::Money;
use crate::notify::{
    DedupKey, KeyLabel, LinkToken, MaskedAddress, Notice, NoticeKind, PolicyKind, SpendSpan,
};

const LOCALES: [Locale; 3] = [Locale::En, Locale::ZhCn, Locale::Ja];
const TOKEN: &str = "dG9rZW4tb2YtdGhpcy1saW5r";
const AT: Timestamp = Timestamp::from_millis(1_795_608_000_000);
const LATER: Timestamp = Timestamp::from_millis(1_795_694_400_000);

fn site() -> Site {
    Site::new("AI Duet", "https://app.example.com")
}

fn address() -> EmailAddress {
    "someone@example.com".parse().unwrap()
}

fn price_change(version: &str, raised: &[&str], withdrawn: &[&str]) -> Notice {
    let names = |models: &[&str]| models.iter().map(ToString::to_string).collect();
    Notice::PriceChange {
        version: version.to_owned(),
        effective_at: LATER,
        raised: names(raised),
        lowered: Vec::new(),
        withdrawn: names(withdrawn),
    }
}

/// One notice of each kind.
fn samples() -> Vec<Notice> {
    let token = || LinkToken::new(TOKEN.to_owned()).unwrap();
    let key = || KeyLabel { name: "laptop <b>&".to_owned(), last4: "x7Qa".to_owned() };
    let money = Money::from_nanos;
    vec![
        Notice::VerifyEmail { token: token(), expires_at: LATER },
        Notice::AlreadyRegistered { at: AT },
        Notice::ResetPassword { token: token(), expires_at: LATER },
        Notice::PasswordChanged { at: AT },
        Notice::PasswordLocked { at: AT },
        Notice::ConfirmEmail { token: token(), expires_at: LATER },
        Notice::EmailChanged {
            new_address: MaskedAddress::of(&"new@example.org".parse().unwrap()),
            token: token(),
            expires_at: LATER,
            at: AT,
        },
        Notice::GoogleLinked { at: AT },
        Notice::GoogleUnlinked { at: AT },
        Notice::NewSignIn {
            at: AT,
            device: "Firefox, Linux".to_owned(),
            network: Some("192.0.2.0/24".to_owned()),
        },
        Notice::SessionsRevoked { at: AT },
        Notice::KeyCreated { key: key(), at: AT },
        Notice::KeyRotated { key: key(), works_until: LATER },
        Notice::KeyDeleted { key: key(), at: AT },
        Notice::KeyLeaked {
            key: key(),
            found_at: Some("https://github.com/octo/repository".to_owned()),
            at: AT,
        },
        Notice::KeyExpiring { key: key(), expires_at: LATER },
        Notice::LowBalance { available: money(3_200_000_000), threshold: money(5_000_000_000) },
        Notice::SpendAlert {
            span: SpendSpan::Month,
            step: 75,
            spent: money(76_120_000_000),
            amount: money(100_000_000_000),
            at: AT,
        },
        Notice::BalanceEmpty { available: money(421_000), needed: money(42_000_000), at: AT },
        Notice::TopUpReceipt {
            top_up: TopUpId::from_uuid(uuid::Uuid::nil()),
            amount: money(20_000_000_000),
            tax: money(3_800_000_000),
            at: AT,
        },
        Notice::RechargeToConfirm { amount: money(20_000_000_000), at: AT },
        Notice::RechargeStopped { amount: money(20_000_000_000), at: AT },
        Notice::CardGone { at: AT },
        Notice::RefundReceipt { amount: money(7_500_000_000), at: AT },
        Notice::PolicyChange {
            policy: PolicyKind::Privacy,
            version: "2027-01-01".to_owned(),
            summary: "Shorter retention.\nOne sub-processor less.".to_owned(),
            effective_at: LATER,
        },
        price_change("2027-01", &["Claude Opus", "GPT"], &[]),
        Notice::PriceChangeWithdrawn { version: "20270101".to_owned(), effective_at: LATER },
        Notice::ExportReady { expires_at: LATER },
        Notice::DeletionStarted { token: token(), erase_at: LATER },
        Notice::DeletionCancelled { at: AT },
        Notice::DeletionDone { at: AT, receipt: "er-1".to_owned() },
    ]
}

fn rendered(notice: Notice, locale: Locale) -> Mail {
    let message = Outgoing {
        id: NoticeId::from_uuid(uuid::Uuid::nil()),
        account: Some(AccountId::from_uuid(uuid::Uuid::nil())),
        to: address(),
        locale,
        dedup: DedupKey::of(notice.kind(), &[]),
        notice,
        at: AT,
    };
    render(&message, &site()).unwrap()
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let kinds: Vec<NoticeKind> = samples().iter().map(Notice::kind).collect();
    assert_eq!(kinds, NoticeKind::ALL);
    for kind in NoticeKind::ALL {
        assert_eq!(NoticeKind::from_code(kind.as_str()), Some(*kind));
    }
}

#[test]
fn every_message_reads_as_it_should() {
    for locale in LOCALES {
        let mut all = String::new();
        for notice in samples() {
            let Mail { kind, subject, text, .. } = rendered(notice, locale);
            all.push_str(&format!("==== {}\nSubject: {subject}\n\n{text}\n", kind.as_str()));
        }
        insta::assert_snapshot!(format!("texts_{}", locale.as_str()), all);
    }
}

#[test]
fn the_page_says_the_same_as_the_text() {
    let mail = rendered(samples().swap_remove(0), Locale::ZhCn);
    insta::assert_snapshot!("page", mail.html);
    for (notice, again) in samples().into_iter().zip(samples()) {
        let copy = copy(&notice, Locale::Ja, &site());
        let mail = rendered(again, Locale::Ja);
        for paragraph in copy.paragraphs {
            assert!(mail.text.contains(&paragraph) && mail.html.contains(&paragraph), "{paragraph}");
        }
    }
}

/// No image, script, style sheet or tracker from elsewhere; every link is ours, and a token is
/// in the fragment only.
#[test]
fn links_lead_to_us_and_nothing_is_loaded() {
    for locale in LOCALES {
        for notice in samples() {
            let kind = notice.kind();
            let has_token = format!("{notice:?}").contains("token");
            let mail = rendered(notice, locale);
            for body in [&mail.text, &mail.html] {
                for url in body.split("http").skip(1).filter(|rest| rest.contains("://")) {
                    assert!(url.starts_with("s://app.example.com"), "{kind:?}: {url}");
                }
                let tokens = body.matches(TOKEN).count();
                assert_eq!(body.matches(&format!("#token={TOKEN}")).count(), tokens, "{kind:?}");
                assert_eq!(tokens > 0, has_token, "{kind:?}");
            }
            for forbidden in ["<img", "<script", "<link", "src=", "@import", "url("] {
                assert!(!mail.html.contains(forbidden), "{kind:?}: {forbidden}");
            }
            assert!(!mail.subject.contains(TOKEN) && !format!("{mail:?}").contains(TOKEN));
            assert!(!format!("{mail:?}").contains("example.com"), "addresses are not for logs");
        }
    }
}

#[test]
fn text_of_people_is_escaped_and_stays_on_its_line() {
    let name = "a\r\nBcc: x@example.org\u{202e}<img src=x onerror=y>".to_owned();
    let key = KeyLabel { name, last4: "1234".to_owned() };
    let mail = rendered(Notice::KeyCreated { key, at: AT }, Locale::En);
    assert!(mail.html.contains("&#60;img src=x"), "{}", mail.html);
    assert!(!mail.html.contains("<img"));
    assert!(mail.text.contains("API key: a  Bcc: x@example.org<img"), "{}", mail.text);
    assert!(!mail.subject.contains(['\r', '\n']));
}

/// A day, and a budget that is used up, have words of their own.
#[test]
fn spending_reads_as_it_should() {
    for locale in LOCALES {
        let mut all = String::new();
        for (span, step) in [(SpendSpan::Day, 100), (SpendSpan::Month, 50), (SpendSpan::Month, 100)] {
            let (spent, amount) = (Money::from_nanos(12_340_000_000), Money::from_nanos(10_000_000_000));
            let notice = Notice::SpendAlert { span, step, spent, amount, at: AT };
            let Mail { subject, text, .. } = rendered(notice, locale);
            all.push_str(&format!("Subject: {subject}\n\n{text}\n"));
        }
        insta::assert_snapshot!(format!("spending_{}", locale.as_str()), all);
    }
}

/// Models that go have words of their own.
#[test]
fn the_end_of_models_reads_as_it_should() {
    for locale in LOCALES {
        let notice = price_change("20270201", &["claude-opus-5"], &["gpt-5", "o3"]);
        let Mail { subject, text, .. } = rendered(notice, locale);
        insta::assert_snapshot!(
            format!("withdrawn_{}", locale.as_str()),
            format!("Subject: {subject}\n\n{text}")
        );
    }
}

/// A sentence that was not translated would look the same in two languages.
#[test]
fn each_language_has_words_of_its_own() {
    for notice in samples() {
        let copies = LOCALES.map(|locale| copy(&notice, locale, &site()));
        let [en, zh, ja] = &copies;
        for (a, b) in [(en, zh), (en, ja), (zh, ja)] {
            assert_ne!(a.subject, b.subject);
            assert_ne!(a.reason, b.reason);
            assert_ne!(a.paragraphs.first(), b.paragraphs.first());
            let labels = |copy: &Copy| copy.action.clone().map(|(label, _url)| label);
            assert!(labels(a).is_none() || labels(a) != labels(b), "{:?}", labels(a));
        }
        let kana = |text: &str| text.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c));
        let han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(en.paragraphs.iter().all(|text| text.is_ascii()), "{:?}", en.paragraphs);
        assert!(zh.paragraphs.iter().take(1).all(|text| han(text) && !kana(text)));
        assert!(ja.paragraphs.iter().take(1).all(|text| kana(text)));
    }
}
