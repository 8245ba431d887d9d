//! Who is told what, in which language, how often.

use std::collections::BTreeMap;

use super::*;
use crate::account::Locale;
use crate::audit::AuditActor;
use crate::backends::memory::{
    MemoryAccounts, MemoryOutbox, MemoryPriceBook, MemoryPriceEditions, MemoryPublications,
};
use crate::id::AccountId;
use crate::notify::{LeaseRequest, Outbox, PolicyKind};
use crate::policy::Publication;
use crate::price::{EditionMark, EditionStep, PriceDraft, PriceSheet, PublishedPrices};
use crate::testing::Factory;
use crate::testing::price::{sheet_from, text_from};

const TEXTS: [&str; 3] = ["# Privacy\n> Less.\n", "# 隐私\n> 更少。\n", "# プライバシー\n> 減ります。\n"];

/// A job with everything that it looks at.
struct Stage {
    factory: Factory,
    outbox: Arc<MemoryOutbox>,
    prices: Arc<MemoryPriceBook>,
    news: News,
}

/// The second version of the privacy policy comes into force in 40 days.
fn stage() -> Stage {
    let factory = Factory::at(1, at("2026-12-01"));
    let versions = [
        (PolicyKind::Privacy, "2026-11-26", TEXTS),
        (PolicyKind::Privacy, "2027-01-10", TEXTS),
        (PolicyKind::Terms, "2027-01-10", TEXTS),
    ];
    let (outbox, accounts) = (Arc::new(MemoryOutbox::default()), Arc::new(MemoryAccounts::default()));
    let prices = Arc::new(MemoryPriceBook::new(PriceSheet::embedded().unwrap()));
    let news = News {
        publications: Arc::new(MemoryPublications::default()),
        policies: Policies::read(&versions).unwrap(),
        prices: Arc::<MemoryPriceBook>::clone(&prices),
        editions: Arc::new(MemoryPriceEditions::default()),
        accounts: Arc::<MemoryAccounts>::clone(&accounts),
        letters: Letters {
            accounts,
            outbox: Arc::<MemoryOutbox>::clone(&outbox),
            clock: Arc::<crate::clock::ManualClock>::clone(factory.clock()),
            entropy: Arc::new(crate::testing::SeededEntropy::new(2)),
        },
    };
    Stage { factory, outbox, prices, news }
}

fn at(day: &str) -> Timestamp {
    let moment: jiff::Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
    Timestamp::from_millis(moment.as_millisecond())
}

impl Stage {
    async fn person(&self, change: impl FnOnce(Account) -> Account) -> AccountId {
        self.factory.clock().advance(Duration::from_millis(1));
        let account = Account { email_verified_at: Some(self.factory.now()), ..self.factory.account() };
        let account = change(account);
        let id = account.id;
        self.news.accounts.insert(account, &[]).await.unwrap();
        id
    }

    async fn publish(&self, kind: PolicyKind) {
        let policy = self.news.policies.find(kind, "2027-01-10").unwrap();
        let publication = Publication::of(policy, AuditActor::System, self.factory.now());
        self.news.publications.publish(publication).await.unwrap();
    }

    async fn run(&self) -> u64 {
        self.news.run(self.factory.now()).await.unwrap().done
    }

    /// The letters since the last look: to whom, and what they say.
    async fn letters(&self) -> BTreeMap<AccountId, Vec<Notice>> {
        let now = self.factory.now();
        let until = now.plus(Duration::from_hours(24 * 365));
        let due = self.outbox.lease(LeaseRequest { now, until, limit: 10_000 }).await.unwrap();
        let mut letters: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for due in due {
            letters.entry(due.message.account.unwrap()).or_default().push(due.message.notice);
        }
        letters
    }
}

fn summary(notice: &Notice) -> &str {
    match notice {
        Notice::PolicyChange { summary, version, .. } if version == "2027-01-10" => summary,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_person_hears_once_of_a_version_in_the_own_language() {
    let stage = stage();
    let mut people = Vec::new();
    for locale in [Locale::En, Locale::ZhCn, Locale::Ja] {
        people.push(stage.person(|account| Account { locale, ..account }).await);
    }
    stage.person(|account| Account { email_verified_at: None, ..account }).await;
    let at = stage.factory.now();
    stage.person(|account| Account { state: AccountState::Closed { at }, ..account }).await;
    assert_eq!(stage.run().await, 0, "nothing is published");
    stage.publish(PolicyKind::Privacy).await;
    stage.publish(PolicyKind::Terms).await;
    stage.run().await;
    let letters = stage.letters().await;
    let told: Vec<_> = people.iter().map(|person| summary(&letters[person][0])).collect();
    assert_eq!(told, ["Less.", "更少。", "減ります。"]);
    assert!(letters.values().all(|letters| letters.len() == 1), "of the first terms there is no news");
    assert_eq!(letters.len(), 3);
    // Whoever comes in the meantime is told too, and nobody twice.
    let late = stage.person(|account| account).await;
    for _again in 0..2 {
        stage.factory.clock().advance(Duration::from_hours(24));
        stage.run().await;
    }
    assert_eq!(stage.letters().await.into_keys().collect::<Vec<_>>(), [late]);
    let progress = stage.news.publications.progress("privacy/2027-01-10").await.unwrap();
    assert_eq!(progress, Progress { through: Some(late), told: 4 });
}

#[tokio::test]
async fn who_confirms_the_address_within_a_day_hears_of_what_was_published_before() {
    let stage = stage();
    let hour = Duration::from_hours(1);
    let early = stage.person(|account| account).await;
    let slow = stage.person(|account| Account { email_verified_at: None, ..account }).await;
    let never = stage.person(|account| Account { email_verified_at: None, ..account }).await;
    let late = stage.person(|account| account).await;
    stage.publish(PolicyKind::Privacy).await;
    stage.run().await;
    let told = |letters: BTreeMap<AccountId, _>| letters.into_keys().collect::<Vec<_>>();
    assert_eq!(told(stage.letters().await), [early]);
    stage.factory.clock().advance(hour);
    let account = stage.news.accounts.find(slow).await.unwrap().unwrap();
    let confirmed = Account { email_verified_at: Some(stage.factory.now()), ..Account::clone(&account) };
    stage.news.accounts.update(&account, confirmed).await.unwrap();
    stage.run().await;
    assert_eq!(told(stage.letters().await), [slow]);
    stage.factory.clock().advance(hour * 24);
    stage.run().await;
    assert_eq!(told(stage.letters().await), [late], "nobody waits longer for {never}");
}

#[tokio::test]
async fn shortly_before_a_change_nobody_is_waited_for() {
    let stage = stage();
    stage.factory.clock().advance(at("2027-01-09").since(stage.factory.now()));
    stage.person(|account| Account { email_verified_at: None, ..account }).await;
    let person = stage.person(|account| account).await;
    stage.publish(PolicyKind::Privacy).await;
    stage.run().await;
    assert_eq!(stage.letters().await.into_keys().collect::<Vec<_>>(), [person]);
}

#[tokio::test]
async fn after_a_crash_before_the_progress_was_noted_nobody_hears_twice() {
    let stage = stage();
    for _ in 0..3 {
        stage.person(|account| account).await;
    }
    stage.publish(PolicyKind::Privacy).await;
    stage.run().await;
    assert_eq!(stage.letters().await.len(), 3);
    let publications = Arc::new(MemoryPublications::default());
    let restarted = Stage { news: News { publications, ..stage.news }, ..stage };
    restarted.publish(PolicyKind::Privacy).await;
    assert_eq!(restarted.run().await, 3);
    assert_eq!(restarted.letters().await.len(), 0);
}

#[tokio::test]
async fn a_batch_is_bounded_and_the_next_goes_on() {
    let stage = stage();
    for _ in 0..(BATCH + 50) {
        stage.person(|account| account).await;
    }
    stage.publish(PolicyKind::Privacy).await;
    assert_eq!((stage.run().await, stage.letters().await.len()), (600, 600));
    assert_eq!((stage.run().await, stage.letters().await.len()), (50, 50));
    assert_eq!((stage.run().await, stage.letters().await.len()), (0, 0));
}

#[tokio::test]
async fn what_is_in_force_is_no_news() {
    let stage = stage();
    stage.person(|account| account).await;
    stage.publish(PolicyKind::Privacy).await;
    stage.factory.clock().advance(at("2027-01-10").since(stage.factory.now()));
    assert_eq!(stage.run().await, 0);
}

/// A sheet of this day by which one model costs more and another goes.
fn changed(day: &str) -> String {
    let mut sheet: serde_json::Value = serde_json::from_str(&text_from(day)).unwrap();
    let models = sheet["models"].as_array_mut().unwrap();
    models.retain(|model| model["id"] != "gpt-5.6-luna");
    let dearer = models.iter_mut().find(|model| model["id"] == "gpt-5.6").unwrap();
    dearer["output_per_mtok"] = "1000".into();
    sheet.to_string()
}

#[tokio::test]
async fn people_hear_of_prices_before_they_change() {
    let stage = stage();
    let person = stage.person(|account| account).await;
    let now = stage.factory.now();
    stage.prices.publish(sheet_from("2027-02-01"), now).unwrap();
    assert_eq!(stage.run().await, 0, "no price changes");
    stage.prices.publish(PriceSheet::from_json(&changed("2027-03-01")).unwrap(), now).unwrap();
    stage.run().await;
    let letters = stage.letters().await;
    let [Notice::PriceChange { version, effective_at, raised, lowered, withdrawn }] =
        letters[&person].as_slice()
    else {
        panic!("{letters:?}");
    };
    assert_eq!((version.as_str(), *effective_at), ("20270301", at("2027-03-01")));
    assert_eq!((raised.as_slice(), lowered.len()), (["gpt-5.6".to_owned()].as_slice(), 0));
    assert_eq!(withdrawn.as_slice(), ["gpt-5.6-luna"]);
}

#[tokio::test]
async fn who_was_told_of_prices_hears_that_they_were_withdrawn() {
    let stage = stage();
    let (editions, factory) = (Arc::new(MemoryPriceEditions::default()), &stage.factory);
    let first = Arc::new(PriceSheet::embedded().unwrap());
    let prices = PublishedPrices::new(
        first,
        Arc::<MemoryPriceEditions>::clone(&editions),
        Arc::<crate::clock::ManualClock>::clone(factory.clock()),
    );
    let news = News {
        prices: Arc::new(prices),
        editions: Arc::<MemoryPriceEditions>::clone(&editions),
        ..stage.news
    };
    let stage = Stage { news, ..stage };
    let people = [stage.person(|account| account).await, stage.person(|account| account).await];
    let mark = || EditionMark { by: AuditActor::System, at: stage.factory.now() };
    let text = changed("2027-03-01");
    let PriceSheet { version, effective_from, .. } = PriceSheet::from_json(&text).unwrap();
    let draft = PriceDraft { version, effective_from, text, drafted: mark() };
    let digest = editions.draft(draft).await.unwrap().digest;
    editions.publish(EditionStep { version, digest, mark: mark() }, None).await.unwrap();
    assert_eq!(stage.run().await, 2);
    assert_eq!(stage.letters().await.len(), 2);
    editions.withdraw(EditionStep { version, digest, mark: mark() }).await.unwrap();
    stage.factory.clock().advance(Duration::from_secs(5));
    let late = stage.person(|account| account).await;
    stage.run().await;
    let letters = stage.letters().await;
    assert_eq!(letters.keys().copied().collect::<Vec<_>>(), people, "not {late}, who never heard of it");
    let withdrawn =
        Notice::PriceChangeWithdrawn { version: "20270301".to_owned(), effective_at: at("2027-03-01") };
    assert!(letters.values().all(|letters| *letters == [withdrawn.clone()]), "{letters:?}");
    stage.factory.clock().advance(Duration::from_hours(24));
    assert_eq!((stage.run().await, stage.letters().await.len()), (0, 0), "once");
}
