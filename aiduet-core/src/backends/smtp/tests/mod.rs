//! Against a mail server on loopback, over real sockets.

mod outbox;
mod server;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{MailServer as Address, Sender, SmtpConfig, SmtpConfigError, SmtpNotifier};
use crate::account::Locale;
use crate::clock::Timestamp;
use crate::id::NoticeId;
use crate::notify::{DeliveryError, FailureCode, Mail, NoticeKind, Notifier};
use server::{MailServer, Place, Protection, Turn};

/// Long enough for a busy machine, where silence is not what is tested.
const PATIENCE: Duration = Duration::from_secs(30);

fn mail() -> Mail {
    Mail {
        id: NoticeId::from_uuid(uuid::Uuid::from_u128(7)),
        kind: NoticeKind::PasswordChanged,
        to: "ada@example.org".parse().unwrap(),
        locale: Locale::Ja,
        subject: "パスワードが変更されました".to_owned(),
        text: "行。\n.点で始まる行\n".to_owned(),
        html: "<p>行。</p>".to_owned(),
        created_at: Timestamp::from_millis(1_795_633_200_123),
    }
}

fn config(scheme: &str, user: &str, server: &MailServer, patience: Duration) -> SmtpConfig {
    let url = format!("{scheme}://{user}localhost:{}", server.address.port());
    let sender = Sender::new("AI Duet", &"no-reply@example.com".parse().unwrap()).unwrap();
    let address = Address::parse(&url).unwrap();
    SmtpConfig { patience, roots: vec![server.root.clone()], ..SmtpConfig::new(address, sender) }
}

fn plain(server: &MailServer) -> SmtpNotifier {
    SmtpNotifier::new(config("smtp+plain", "", server, PATIENCE)).unwrap()
}

#[tokio::test]
async fn a_message_arrives_as_text_and_html_with_the_headers_of_its_notice() {
    let server = MailServer::start(Protection::None, []).await;
    plain(&server).deliver(&mail()).await.unwrap();
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    let taken = &taken[0];
    assert!(taken.from.starts_with("<no-reply@example.com>") && taken.to == "<ada@example.org>");
    let id = format!("<{}@example.com>", mail().id);
    assert_eq!(taken.header("Message-ID"), Some(id.as_str()));
    assert_eq!(taken.header("Date"), Some("Wed, 25 Nov 2026 19:00:00 +0000"));
    assert_eq!(taken.header("Content-Language"), Some("ja"));
    assert_eq!(taken.header("Auto-Submitted"), Some("auto-generated"));
    assert_eq!(taken.header("To"), Some("ada@example.org"));
    assert!(taken.header("From").unwrap().contains("<no-reply@example.com>"));
    assert!(taken.header("Content-Type").unwrap().starts_with("multipart/alternative"));
    assert!(taken.data.contains("text/plain") && taken.data.contains("text/html"));
    assert!(taken.data.is_ascii(), "written so that every server can pass it on");
}

#[tokio::test]
async fn the_same_message_is_written_the_same_way_twice() {
    let server = MailServer::start(Protection::None, []).await;
    for _ in 0..2 {
        plain(&server).deliver(&mail()).await.unwrap();
    }
    let taken = server.taken();
    assert_eq!(taken[0].data, taken[1].data);
}

#[tokio::test]
async fn starttls_encrypts_before_name_and_password_are_said() {
    let server = MailServer::start(Protection::StartTls, []).await;
    let notifier = SmtpNotifier::new(config("smtp", "ada:p%40ss@", &server, PATIENCE)).unwrap();
    notifier.deliver(&mail()).await.unwrap();
    let taken = server.taken();
    assert!(taken[0].encrypted);
    let sign_in = BASE64_STANDARD.decode(taken[0].sign_in.as_ref().unwrap()).unwrap();
    assert_eq!(sign_in, b"\0ada\0p@ss");
}

#[tokio::test]
async fn tls_encrypts_from_the_first_byte() {
    let server = MailServer::start(Protection::Tls, []).await;
    SmtpNotifier::new(config("smtps", "", &server, PATIENCE)).unwrap().deliver(&mail()).await.unwrap();
    assert!(server.taken()[0].encrypted);
}

#[tokio::test]
async fn a_server_that_offers_no_encryption_gets_no_mail() {
    let server = MailServer::start(Protection::None, []).await;
    let notifier = SmtpNotifier::new(config("smtp", "ada:secret@", &server, PATIENCE)).unwrap();
    let refused = notifier.deliver(&mail()).await;
    assert!(matches!(refused, Err(DeliveryError::NotNow { code: FailureCode::Tls })), "{refused:?}");
    assert!(server.taken().is_empty());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    for (protection, scheme) in [(Protection::StartTls, "smtp"), (Protection::Tls, "smtps")] {
        let server = MailServer::start(protection, []).await;
        let stranger = MailServer::start(protection, []).await;
        let mut config = config(scheme, "", &server, PATIENCE);
        config.roots = vec![stranger.root.clone()];
        let refused = SmtpNotifier::new(config).unwrap().deliver(&mail()).await;
        assert!(matches!(refused, Err(DeliveryError::NotNow { .. })), "{refused:?}");
        assert!(server.taken().is_empty());
    }
}

#[tokio::test]
async fn a_root_certificate_that_is_none_is_refused() {
    let server = MailServer::start(Protection::None, []).await;
    let mut config = config("smtps", "", &server, PATIENCE);
    config.roots = vec![b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec()];
    assert!(matches!(SmtpNotifier::new(config), Err(SmtpConfigError::Certificates)));
}

/// What the sender makes of a turn.
async fn outcome(turn: Turn, user: &str, patience: Duration) -> Result<(), DeliveryError> {
    let server = MailServer::start(Protection::None, [turn]).await;
    SmtpNotifier::new(config("smtp+plain", user, &server, patience)).unwrap().deliver(&mail()).await
}

#[tokio::test]
async fn replies_say_whether_to_try_again() {
    let later = [
        (Place::Greeting, "421 busy", 421),
        (Place::Sender, "451 later", 451),
        (Place::Recipient, "450 ada@example.org is greylisted", 450),
        (Place::Data, "452 full", 452),
        (Place::Message, "451 later", 451),
    ];
    for (place, text, code) in later {
        let result = outcome(Turn::Say(place, text), "", PATIENCE).await;
        assert!(
            matches!(result, Err(DeliveryError::NotNow { code: FailureCode::Reply(reply) }) if reply == code),
            "{text}: {result:?}"
        );
    }
    for (place, text, code) in [(Place::Recipient, "550 nobody", 550), (Place::Message, "554 spam", 554)] {
        let result = outcome(Turn::Say(place, text), "", PATIENCE).await;
        assert!(
            matches!(result, Err(DeliveryError::Bounced { code: FailureCode::Reply(reply) }) if reply == code),
            "{text}: {result:?}"
        );
    }
}

#[tokio::test]
async fn what_the_operator_has_to_mend_never_counts_against_the_receiver() {
    let ours = [
        (Place::Greeting, "554 no service"),
        (Place::SignIn, "535 wrong password of ada"),
        (Place::Sender, "550 not your domain"),
        (Place::Recipient, "530 sign in first"),
    ];
    for (place, text) in ours {
        let result = outcome(Turn::Say(place, text), "ada:secret@", PATIENCE).await;
        let Err(error @ DeliveryError::Misconfigured { .. }) = result else { panic!("{text}: {result:?}") };
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(&text[..3]), "{shown}");
        for quoted in ["ada", "secret", &text[4..]] {
            assert!(!shown.contains(quoted), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_early_is_tried_again_and_one_that_breaks_at_the_end_is_unknown() {
    for place in [Place::Greeting, Place::Sender, Place::Recipient, Place::Data] {
        let result = outcome(Turn::HangUp(place), "", PATIENCE).await;
        assert!(matches!(result, Err(DeliveryError::NotNow { .. })), "{place:?}: {result:?}");
    }
    let result = outcome(Turn::HangUp(Place::Message), "", PATIENCE).await;
    assert!(matches!(result, Err(DeliveryError::Unknown)), "{result:?}");
}

#[tokio::test]
async fn silence_ends_and_after_the_message_its_outcome_is_unknown() {
    let short = Duration::from_millis(300);
    for place in [Place::Greeting, Place::Recipient] {
        let result = outcome(Turn::Silent(place), "", short).await;
        assert!(
            matches!(result, Err(DeliveryError::NotNow { code: FailureCode::Timeout })),
            "{place:?}: {result:?}"
        );
    }
    let result = outcome(Turn::Silent(Place::Message), "", short).await;
    assert!(matches!(result, Err(DeliveryError::Unknown)), "{result:?}");
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let sender = Sender::new("AI Duet", &"no-reply@example.com".parse().unwrap()).unwrap();
    let address = Address::parse(&format!("smtp+plain://127.0.0.1:{port}")).unwrap();
    let result = SmtpNotifier::new(SmtpConfig::new(address, sender)).unwrap().deliver(&mail()).await;
    assert!(matches!(result, Err(DeliveryError::NotNow { code: FailureCode::Connect })), "{result:?}");
}

#[tokio::test]
async fn an_address_that_mail_cannot_be_sent_to_bounces() {
    let server = MailServer::start(Protection::None, []).await;
    for address in ["a\"b@example.org", "ä@example.org"] {
        let mail = Mail { to: address.parse().unwrap(), ..mail() };
        let result = plain(&server).deliver(&mail).await;
        assert!(
            matches!(result, Err(DeliveryError::Bounced { code: FailureCode::Unwritable })),
            "{address}: {result:?}"
        );
    }
}
