//! From the outbox to the mail server.

use std::sync::Arc;
use std::time::Duration;

use super::plain;
use super::server::{MailServer, Place, Protection, Turn};
use crate::account::Locale;
use crate::backends::memory::MemoryOutbox;
use crate::clock::{Clock, ManualClock};
use crate::id::NoticeId;
use crate::notify::{
    Courier, DedupKey, Notice, NoticeFilter, NoticeKind, NoticeState, Notifier, Outbox, Outgoing, Site,
};
use crate::testing::Factory;

struct Office {
    server: MailServer,
    outbox: Arc<dyn Outbox>,
    courier: Courier,
    clock: Arc<ManualClock>,
}

impl Office {
    /// One message waits, in Chinese.
    async fn open(turns: impl IntoIterator<Item = Turn>) -> Self {
        let server = MailServer::start(Protection::None, turns).await;
        let factory = Factory::new(1);
        let clock = Arc::clone(factory.clock());
        let outbox: Arc<dyn Outbox> = Arc::new(MemoryOutbox::default());
        let notice = Notice::PasswordChanged { at: factory.now() };
        let message = Outgoing {
            id: NoticeId::generate(clock.as_ref(), factory.entropy()),
            account: None,
            to: "ada@example.org".parse().unwrap(),
            locale: Locale::ZhCn,
            dedup: DedupKey::of(NoticeKind::PasswordChanged, &["1"]),
            notice,
            at: factory.now(),
        };
        outbox.put(message).await.unwrap();
        let notifier: Arc<dyn Notifier> = Arc::new(plain(&server));
        let (site, shared) = (Site::new("AI Duet", "https://app.example.com"), Arc::clone(&clock));
        let courier =
            Courier { outbox: Arc::clone(&outbox), notifier, site, clock: shared as Arc<dyn Clock> };
        Self { server, outbox, courier, clock }
    }

    async fn state(&self) -> NoticeState {
        let filter = NoticeFilter { account: None, kind: None, before: None, limit: 1 };
        self.outbox.list(filter).await.unwrap()[0].state
    }

    /// Delivers every ten seconds for a while.
    async fn work(&self, seconds: u64) {
        for _ in 0..seconds / 10 {
            self.courier.deliver_due().await.unwrap();
            self.clock.advance(Duration::from_secs(10));
        }
    }
}

#[tokio::test]
async fn a_message_arrives_once_in_the_language_of_the_person() {
    let office = Office::open([]).await;
    office.work(3_600).await;
    let taken = office.server.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].header("Content-Language"), Some("zh-CN"));
    assert!(matches!(office.state().await, NoticeState::Delivered { .. }));
}

#[tokio::test]
async fn a_server_that_says_later_gets_the_message_once_later() {
    let office = Office::open([
        Turn::Say(Place::Greeting, "421 busy"),
        Turn::Say(Place::Recipient, "451 later"),
        Turn::HangUp(Place::Data),
    ])
    .await;
    office.work(60).await;
    assert!(office.server.taken().is_empty());
    assert!(matches!(office.state().await, NoticeState::Waiting { .. }));
    office.work(3_600).await;
    assert_eq!(office.server.taken().len(), 1);
    assert!(matches!(office.state().await, NoticeState::Delivered { .. }));
}

#[tokio::test]
async fn a_refused_address_is_not_tried_again() {
    let office = Office::open([Turn::Say(Place::Recipient, "550 nobody")]).await;
    office.work(3_600).await;
    assert!(office.server.taken().is_empty());
    assert!(matches!(office.state().await, NoticeState::Bounced { .. }));
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_message_sends_it_twice_at_most_with_one_identifier() {
    let office = Office::open([Turn::HangUp(Place::Message); 5]).await;
    office.work(7_200).await;
    let taken = office.server.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].header("Message-ID"), taken[1].header("Message-ID"));
    assert!(matches!(office.state().await, NoticeState::Uncertain { .. }));
}

#[tokio::test]
async fn a_process_that_dies_before_it_writes_down_what_it_sent_sends_it_twice_at_most() {
    let office = Office::open([Turn::Silent(Place::Message); 5]).await;
    for sent in 1..=2 {
        // The process ends while it waits for the reply to the whole message.
        let mut delivery = Box::pin(office.courier.deliver_due());
        while office.server.taken().len() < sent {
            let waited = tokio::time::timeout(Duration::from_millis(10), delivery.as_mut()).await;
            assert!(waited.is_err(), "the server has not answered");
        }
        drop(delivery);
        office.clock.advance(Duration::from_mins(11));
    }
    office.work(7_200).await;
    let taken = office.server.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].header("Message-ID"), taken[1].header("Message-ID"));
    assert!(matches!(office.state().await, NoticeState::Uncertain { .. }));
}
