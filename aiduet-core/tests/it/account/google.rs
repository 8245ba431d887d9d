//! Signing in with Google: who comes in, and who does not, however the provider or the browser lies.

use std::collections::HashMap;
use std::time::Duration;

use aiduet_core::account::{Account, AccountState, Locale};
use aiduet_core::notify::PolicyKind;
use http::Method;
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::deletion::run_job;
use super::identity_provider::{CLIENT, Draft, Person, Provider, RETURN, SECRET, Signature};
use super::site::{Browser, EMAIL, OTHER_PASSWORD, PASSWORD, Reply, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    sec_t09_a_person_signs_up_and_in_with_google
    sec_t09_forged_tokens_let_nobody_in
    sec_t09_only_the_browser_that_left_may_come_back_and_once
    sec_t09_an_address_that_google_has_not_verified_proves_nothing
    sec_t09_an_account_is_made_by_who_accepts_the_policies
    sec_t09_a_registered_address_is_linked_by_its_password_only
    sec_t09_the_password_of_who_registered_first_is_dead
    sec_t09_an_account_is_known_by_its_subject_and_not_by_its_address
    sec_t09_a_closed_account_stays_closed
    sec_t54_who_leaves_takes_the_link_to_google_along
    sec_t10_the_cookies_of_the_way_there_and_back
    sec_t13_unlinking_asks_for_a_fresh_sign_in_and_leaves_a_way_in
    another_google_account_is_linked_in_the_settings
    a_device_that_is_known_stays_known
    keys_of_the_provider_come_and_go
    a_provider_that_is_away_is_said_to_be
    another_site_cannot_begin_for_the_person
    without_a_client_there_is_no_google
}

const ROSALIND: Person = Person::new("1001", EMAIL);

/// A site whose people may come from a provider.
struct World {
    site: Site,
    provider: Provider,
}

impl World {
    async fn open(store: Store) -> Self {
        let provider = Provider::start().await;
        let issuer = provider.issuer.clone();
        let site = Site::with(store, |settings| {
            settings.server.public_url = Some("http://localhost".to_owned());
            settings.auth.google.issuer = issuer;
            settings.auth.google.client_id = Some(CLIENT.to_owned());
            settings.auth.google.client_secret = Some(SECRET.to_owned().into());
        });
        Self { site: site.await, provider }
    }

    /// Leaves for the provider; what the browser is sent there with.
    async fn leave(&self, browser: &mut Browser, query: &str) -> HashMap<String, String> {
        let reply = self.site.get(browser, &format!("/auth/google/start?{query}")).await.expect(303);
        sent(reply.header("location"))
    }

    /// Comes back from the provider: another site sends the browser, so cookies that are `Strict` stay out.
    async fn back(&self, browser: &mut Browser, query: &[(&str, &str)]) -> Reply {
        let kept = std::mem::take(&mut browser.cookies);
        browser.cookies = kept.iter().filter(|(name, _)| name.contains("flow")).cloned().collect();
        let access = browser.access.take();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let reply = self.site.get(browser, &format!("/auth/google/callback?{query}")).await;
        let own: Vec<_> = kept.into_iter().filter(|(name, _)| !name.contains("flow")).collect();
        let is_new = |name: &str, browser: &Browser| browser.cookies.iter().all(|(own, _)| own != name);
        let own: Vec<_> = own.into_iter().filter(|(name, _)| is_new(name, browser)).collect();
        browser.cookies.extend(own);
        browser.access = access;
        reply
    }

    /// There and back, with a token that `lie` changes; where the browser is sent then.
    async fn round(
        &self,
        browser: &mut Browser,
        (query, person): (&str, Person),
        lie: impl FnOnce(&mut Draft) + Send,
    ) -> String {
        let sent = self.leave(browser, query).await;
        let code = self.provider.code(&self.site.factory, (&sent, person), lie);
        let reply = self.back(browser, &[("code", &code), ("state", &sent["state"])]).await.expect(303);
        assert_eq!(browser.cookie("flow"), None, "a way is gone once");
        reply.header("location").to_owned()
    }

    /// There and back in all honesty.
    async fn come(&self, browser: &mut Browser, query: &str, person: Person) -> String {
        self.round(browser, (query, person), |_draft| {}).await
    }

    async fn account(&self, email: &str) -> Option<Account> {
        let found = self.site.app.stores().accounts.find_by_email(&email.parse().unwrap()).await.unwrap();
        found.map(|account| Account::clone(&account))
    }

    /// No account, so no session either; and nothing in the browser.
    async fn nobody_is_in(&self, browser: &Browser, what: &str) {
        assert_eq!(browser.cookie("refresh"), None, "{what}");
        assert_eq!(browser.cookie("link"), None, "{what}");
        assert!(self.site.app.stores().accounts.list(None, 10).await.unwrap().is_empty(), "{what}");
    }
}

fn sent(location: &str) -> HashMap<String, String> {
    let (_place, query) = location.split_once('?').unwrap();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A browser in a network of its own, since sign-ins are counted by network.
fn browser(number: u16) -> Browser {
    Browser::at(&format!("10.{}.{}.1", number >> 8, number & 255))
}

async fn sec_t09_a_person_signs_up_and_in_with_google(store: Store) {
    let world = World::open(store).await;
    let mut first = browser(1);
    let sent = world.leave(&mut first, "accept_policies=true&locale=ja&return_to=%2Fkeys%3Fa%3D1").await;
    for (name, value) in [
        ("kind", "web"),
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", RETURN),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(sent[name], value);
    }
    let code = world.provider.code(&world.site.factory, (&sent, ROSALIND), |_draft| {});
    let answer =
        [("code", code.as_str()), ("state", &sent["state"]), ("iss", &world.provider.issuer), ("hd", "x")];
    let reply = world.back(&mut first, &answer).await.expect(303);
    assert_eq!(reply.header("location"), "/dashboard/google?return_to=/keys%3Fa%3D1");
    let entered = world.site.refresh(&mut first).await.expect(200).json();
    let account = &entered["account"];
    assert_eq!((&account["email"], &account["email_verified"]), (&json!(EMAIL), &json!(true)));
    assert_eq!((&account["has_password"], &account["locale"]), (&json!(false), &json!("ja")));
    let mut events = world.site.events(&mut first).await;
    // All in one moment.
    events.sort();
    assert_eq!(events, ["authn_google_linked", "authn_login_success", "email_verified", "user_created"]);
    assert!(world.site.mailed().await.is_empty(), "the first sign-in is no surprise");
    let id = world.account(EMAIL).await.unwrap().id;
    let agreed = world.site.app.stores().consents.list(id).await.unwrap();
    let agreed: Vec<_> = agreed.iter().map(|consent| (consent.kind, consent.locale)).collect();
    assert_eq!(agreed, PolicyKind::ALL.map(|kind| (kind, Locale::Ja)));
    let consents = world.site.get(&mut first, "/me/consents").await.expect(200).json();
    assert_eq!(consents["outstanding"], json!([]));
    let own = world.site.get(&mut first, "/me/identities").await.expect(200).json();
    assert_eq!(own["data"][0]["issuer"], world.provider.issuer);
    assert!(own["data"][0].get("subject").is_none());
    // Again on another device, without accepting anything; the session is as short as was asked.
    let mut second = browser(2);
    let place = world.come(&mut second, "stay_signed_in=false", ROSALIND).await;
    assert_eq!(place, "/dashboard/google?return_to=/");
    world.site.refresh(&mut second).await.expect(200);
    assert_eq!(world.site.mailed().await, ["new_sign_in"]);
    assert_eq!(world.site.app.stores().accounts.list(None, 10).await.unwrap().len(), 1);
    world.site.later(Duration::from_hours(12));
    world.site.refresh(&mut second).await.refused(401, "unauthenticated");
    world.site.refresh(&mut first).await.expect(200);
}

type Lie = Box<dyn FnOnce(&mut Draft) + Send>;

/// What a token may not be, each with what is false about it.
fn lies() -> Vec<(&'static str, Lie)> {
    fn claim(name: &'static str, value: serde_json::Value) -> Lie {
        Box::new(move |draft| draft.claims[name] = value)
    }
    fn without(name: &'static str) -> Lie {
        Box::new(move |draft| drop(draft.claims.as_object_mut().unwrap().remove(name)))
    }
    fn time(name: &'static str, by: i64) -> Lie {
        Box::new(move |draft| draft.claims[name] = json!(draft.claims["iat"].as_i64().unwrap() + by))
    }
    fn signature(signature: Signature) -> Lie {
        Box::new(move |draft| draft.signature = signature)
    }
    vec![
        ("the key of another under our name", signature(Signature::Key(1))),
        ("a damaged signature", signature(Signature::Damaged)),
        ("the algorithm none", signature(Signature::None)),
        ("HS256 with the public key", signature(Signature::PublicKeyAsSecret)),
        ("another algorithm of the family", Box::new(|draft| draft.header.alg = Algorithm::RS512)),
        ("a key that is not published", Box::new(|draft| draft.header.kid = Some("other".to_owned()))),
        ("no key", Box::new(|draft| draft.header.kid = None)),
        ("another issuer", claim("iss", json!("https://accounts.google.com"))),
        ("another audience", claim("aud", json!("somebody else"))),
        ("another audience beside us", claim("aud", json!([CLIENT, "somebody else"]))),
        ("nobody", claim("aud", json!([]))),
        ("issued to another party", claim("azp", json!("somebody else"))),
        ("another nonce", claim("nonce", json!("x".repeat(43)))),
        ("expired", time("exp", 0)),
        ("issued long ago", time("iat", -301)),
        ("issued in the future", time("iat", 301)),
        ("not valid yet", time("nbf", 301)),
        ("an empty subject", claim("sub", json!(""))),
        ("a subject with a space", claim("sub", json!("1001 "))),
        ("a subject that is too long", claim("sub", json!("1".repeat(256)))),
        ("no issuer", without("iss")),
        ("no audience", without("aud")),
        ("no subject", without("sub")),
        ("no end", without("exp")),
        ("no beginning", without("iat")),
        ("no nonce", without("nonce")),
    ]
}

async fn sec_t09_forged_tokens_let_nobody_in(store: Store) {
    let world = World::open(store).await;
    for (number, (what, lie)) in (0..).zip(lies()) {
        let mut browser = browser(number);
        let place = world.round(&mut browser, ("accept_policies=true", ROSALIND), lie).await;
        assert_eq!(place, "/dashboard/sign-up?google=refused&return_to=/", "{what}");
        world.nobody_is_in(&browser, what).await;
    }
    // The rest is compared to this: at the edge of all times, with our name in a list.
    let mut browser = browser(999);
    let place = world
        .round(&mut browser, ("accept_policies=true", ROSALIND), |draft| {
            let now = draft.claims["iat"].as_i64().unwrap();
            draft.claims["iat"] = json!(now - 299);
            draft.claims["exp"] = json!(now + 1);
            draft.claims["aud"] = json!([CLIENT]);
        })
        .await;
    assert_eq!(place, "/dashboard/google?return_to=/");
    world.site.refresh(&mut browser).await.expect(200);
}

async fn sec_t09_only_the_browser_that_left_may_come_back_and_once(store: Store) {
    let world = World::open(store).await;
    let expired = "/dashboard/sign-in?google=expired&return_to=/";
    let person = (&world.leave(&mut browser(1), "accept_policies=true").await, ROSALIND);
    let code = world.provider.code(&world.site.factory, person, |_draft| {});
    let answer = [("code", code.as_str()), ("state", person.0["state"].as_str())];
    // A browser without the cookie, and one that left by itself: an attacker's link signs nobody in.
    let mut without = browser(2);
    assert_eq!(world.back(&mut without, &answer).await.expect(303).header("location"), expired);
    let mut other = browser(3);
    world.leave(&mut other, "accept_policies=true").await;
    let place = world.back(&mut other, &answer).await.expect(303).header("location").to_owned();
    assert_eq!(place, "/dashboard/sign-up?google=expired&return_to=/");
    world.nobody_is_in(&other, "another browser").await;
    // A state that was guessed, one that is missing, one that comes twice, a cookie that was changed.
    let mut own = browser(4);
    let sent = world.leave(&mut own, "").await;
    let code = world.provider.code(&world.site.factory, (&sent, ROSALIND), |_draft| {});
    let state = sent["state"].as_str();
    for answer in [
        vec![("code", code.as_str()), ("state", "guessed")],
        vec![("code", code.as_str())],
        vec![("code", code.as_str()), ("state", state), ("state", state)],
    ] {
        let mut own = own.clone();
        assert_eq!(world.back(&mut own, &answer).await.expect(303).header("location"), expired, "{answer:?}");
    }
    let mut changed = own.clone();
    changed.cookies.iter_mut().for_each(|(_, value)| value.insert(40, 'A'));
    let answer = [("code", code.as_str()), ("state", state)];
    assert_eq!(world.back(&mut changed, &answer).await.expect(303).header("location"), expired);
    // Another provider's answer, a refusal, and a person who went back.
    for (more, told) in [
        (("iss", "https://evil.example"), "refused"),
        (("error", "server_error"), "refused"),
        (("error", "access_denied"), "cancelled"),
    ] {
        let mut own = own.clone();
        let place = world.back(&mut own, &[answer[0], answer[1], more]).await.expect(303);
        assert_eq!(place.header("location"), format!("/dashboard/sign-in?google={told}&return_to=/"));
    }
    assert_eq!(world.provider.codes_asked(), 0, "the provider was not even asked");
    // Ten minutes.
    let mut late = own.clone();
    world.site.later(Duration::from_mins(10));
    assert_eq!(world.back(&mut late, &answer).await.expect(303).header("location"), expired);
    world.nobody_is_in(&late, "too late").await;
    // Once: the same answer with the cookie that a thief has kept, then the code on a way of its own.
    let mut own = browser(5);
    let sent = world.leave(&mut own, "accept_policies=true").await;
    let mut thief = own.clone();
    let code = world.provider.code(&world.site.factory, (&sent, ROSALIND), |_draft| {});
    let answer = [("code", code.as_str()), ("state", sent["state"].as_str())];
    world.back(&mut own, &answer).await.expect(303);
    world.site.refresh(&mut own).await.expect(200);
    let place = world.back(&mut thief, &answer).await.expect(303);
    assert_eq!(place.header("location"), "/dashboard/sign-up?google=expired&return_to=/");
    let sent = world.leave(&mut thief, "").await;
    let answer = [("code", code.as_str()), ("state", sent["state"].as_str())];
    let place = world.back(&mut thief, &answer).await.expect(303);
    assert_eq!(place.header("location"), "/dashboard/sign-in?google=refused&return_to=/");
    assert_eq!(thief.cookie("refresh"), None);
    let account = world.account(EMAIL).await.unwrap();
    assert_eq!(world.site.app.stores().sessions.list(account.id).await.unwrap().len(), 1);
}

async fn sec_t09_an_address_that_google_has_not_verified_proves_nothing(store: Store) {
    let world = World::open(store).await;
    let unverified = Person { verified: false, ..ROSALIND };
    let told = "/dashboard/sign-up?google=unverified&return_to=/";
    let lies: [(&str, Lie); 4] = [
        ("not verified", Box::new(|_draft| {})),
        ("not said", Box::new(|draft| drop(draft.claims.as_object_mut().unwrap().remove("email_verified")))),
        ("no address", Box::new(|draft| draft.claims["email"] = json!(null))),
        ("not one", Box::new(|draft| draft.claims["email"] = json!("rosalind"))),
    ];
    for (number, (what, lie)) in (0..).zip(lies) {
        let mut browser = browser(number);
        let person = if number < 2 { unverified } else { ROSALIND };
        let place = world.round(&mut browser, ("accept_policies=true", person), lie).await;
        assert_eq!(place, told, "{what}");
        world.nobody_is_in(&browser, what).await;
    }
    // Nor does it lead to the account that has it.
    world.site.register(EMAIL).await;
    let mut browser = browser(9);
    assert_eq!(world.come(&mut browser, "accept_policies=true", unverified).await, told);
    assert_eq!((browser.cookie("refresh"), browser.cookie("link")), (None, None));
}

async fn sec_t09_an_account_is_made_by_who_accepts_the_policies(store: Store) {
    let world = World::open(store).await;
    let mut browser = browser(1);
    let told = "/dashboard/sign-up?google=policies&return_to=/billing";
    assert_eq!(world.come(&mut browser, "return_to=/billing", ROSALIND).await, told);
    assert_eq!(world.come(&mut browser, "accept_policies=false&return_to=/billing", ROSALIND).await, told);
    world.nobody_is_in(&browser, "policies").await;
    let place = world.come(&mut browser, "accept_policies=true&return_to=/billing", ROSALIND).await;
    assert_eq!(place, "/dashboard/google?return_to=/billing");
}

async fn sec_t09_a_registered_address_is_linked_by_its_password_only(store: Store) {
    let world = World::open(store).await;
    let site = &world.site;
    site.register(EMAIL).await;
    let mut browser = browser(1);
    let place = world.come(&mut browser, "return_to=/keys", ROSALIND).await;
    assert_eq!(place, "/dashboard/google?link=found&return_to=/keys");
    assert_eq!(browser.cookie("refresh"), None);
    site.refresh(&mut browser).await.refused(401, "unauthenticated");
    let waits = site.get(&mut browser, "/auth/link").await.expect(200).json();
    assert_eq!(waits, json!({"email": EMAIL}));
    let wrong = json!({"password": "wrong, and wrong again"});
    site.post(&mut browser, "/auth/link", &wrong).await.refused(401, "wrong_credentials");
    assert_eq!(
        world.come(&mut self::browser(2), "", ROSALIND).await,
        "/dashboard/google?link=found&return_to=/"
    );
    // Not with what another browser keeps, nor too late.
    let right = json!({"password": PASSWORD});
    site.post(&mut self::browser(3), "/auth/link", &right).await.refused(400, "nothing_to_link");
    let mut late = browser.clone();
    let entered = site.post(&mut browser, "/auth/link", &right).await.expect(200).json();
    assert_eq!(entered["account"]["email"], EMAIL);
    assert_eq!(browser.cookie("link"), None);
    site.later(Duration::from_mins(10));
    site.post(&mut late, "/auth/link", &right).await.refused(400, "nothing_to_link");
    assert!(site.events(&mut browser).await.contains(&"authn_google_linked".to_owned()));
    assert_eq!(site.mailed().await[0], "google_linked");
    // From now on without.
    let mut again = self::browser(4);
    assert_eq!(world.come(&mut again, "", ROSALIND).await, "/dashboard/google?return_to=/");
    let entered = site.refresh(&mut again).await.expect(200).json();
    assert_eq!(entered["account"]["has_password"], true);
    site.sign_in(&mut self::browser(5), PASSWORD).await.expect(200);
}

async fn sec_t09_the_password_of_who_registered_first_is_dead(store: Store) {
    let world = World::open(store).await;
    let site = &world.site;
    let mut stranger = browser(1);
    let body = json!({"email": EMAIL, "password": PASSWORD, "name": "Not me", "accept_policies": true});
    site.post(&mut stranger, "/auth/register", &body).await.expect(202);
    let token = json!({"token": site.mails().await[0].token});
    let mut owner = browser(2);
    let told = "/dashboard/sign-up?google=policies&return_to=/";
    assert_eq!(
        world.come(&mut owner, "", ROSALIND).await,
        told,
        "what a stranger accepted counts for nobody"
    );
    let place = world.come(&mut owner, "accept_policies=true", ROSALIND).await;
    assert_eq!(place, "/dashboard/google?return_to=/");
    let account = site.refresh(&mut owner).await.expect(200).json()["account"].clone();
    assert_eq!((&account["name"], &account["has_password"]), (&json!(null), &json!(false)));
    site.sign_in(&mut stranger, PASSWORD).await.refused(401, "wrong_credentials");
    site.post(&mut stranger, "/auth/verify-email", &token).await.refused(400, "invalid_link");
    site.sign_in(&mut stranger, PASSWORD).await.refused(401, "wrong_credentials");
    assert_eq!(site.app.stores().accounts.list(None, 10).await.unwrap().len(), 1);
}

async fn sec_t09_an_account_is_known_by_its_subject_and_not_by_its_address(store: Store) {
    let world = World::open(store).await;
    let mut owner = browser(1);
    world.come(&mut owner, "accept_policies=true", ROSALIND).await;
    let own = world.site.refresh(&mut owner).await.expect(200).json()["account"]["id"].clone();
    // The owner has a new address at Google; somebody else gets the old one there.
    let moved = Person::new("1001", "rosalind@example.org");
    let mut moved_browser = browser(2);
    world.come(&mut moved_browser, "", moved).await;
    let entered = world.site.refresh(&mut moved_browser).await.expect(200).json();
    assert_eq!((&entered["account"]["id"], &entered["account"]["email"]), (&own, &json!(EMAIL)));
    let heir = Person::new("2002", EMAIL);
    let mut heirs = browser(3);
    let place = world.come(&mut heirs, "accept_policies=true", heir).await;
    assert_eq!(place, "/dashboard/google?link=found&return_to=/");
    let body = json!({"password": PASSWORD});
    world.site.post(&mut heirs, "/auth/link", &body).await.refused(401, "wrong_credentials");
    assert_eq!(heirs.cookie("refresh"), None);
}

async fn sec_t09_a_closed_account_stays_closed(store: Store) {
    let world = World::open(store).await;
    world.come(&mut browser(1), "accept_policies=true", ROSALIND).await;
    let account = world.account(EMAIL).await.unwrap();
    let closed = Account { state: AccountState::Closed { at: world.site.factory.now() }, ..account.clone() };
    world.site.app.stores().accounts.update(&account, closed).await.unwrap();
    let mut browser = browser(2);
    let place = world.come(&mut browser, "", ROSALIND).await;
    assert_eq!(place, "/dashboard/sign-in?google=refused&return_to=/");
    assert_eq!(browser.cookie("refresh"), None);
    // Nor is anything linked to one whose address nobody has confirmed.
    let closed = Account {
        email: "closed@example.com".parse().unwrap(),
        email_verified_at: None,
        state: AccountState::Closed { at: world.site.factory.now() },
        ..world.site.factory.account()
    };
    let id = closed.id;
    world.site.app.stores().accounts.insert(closed, &[]).await.unwrap();
    let person = Person::new("2002", "closed@example.com");
    let place = world.come(&mut browser, "accept_policies=true", person).await;
    assert_eq!(place, "/dashboard/sign-up?google=refused&return_to=/");
    assert_eq!(world.site.app.stores().identities.list(id).await.unwrap(), []);
}

async fn sec_t54_who_leaves_takes_the_link_to_google_along(store: Store) {
    let world = World::open(store).await;
    let World { site, provider } = &world;
    let mut owner = browser(1);
    world.come(&mut owner, "accept_policies=true", ROSALIND).await;
    site.refresh(&mut owner).await.expect(200);
    let kept = site.get(&mut owner, "/me/data-inventory").await.expect(200).json();
    let own = kept["data"].as_array().unwrap().iter().find(|each| each["category"] == "identities");
    assert_eq!(own.unwrap()["count"], 1);
    let left = world.account(EMAIL).await.unwrap().id;
    let wish = json!({"email": EMAIL, "unused_credit": "forfeit"});
    site.post(&mut owner, "/account/deletion", &wish).await.expect(202);
    // Whoever has no password changes the mind by coming with Google again, until the time is over.
    world.come(&mut owner, "", ROSALIND).await;
    let entered = site.refresh(&mut owner).await.expect(200).json();
    assert_eq!(entered["account"]["state"], "deleting");
    site.later(Duration::from_hours(7 * 24));
    run_job(site).await;
    let identities = &site.app.stores().identities;
    assert_eq!(identities.list(left).await.unwrap(), []);
    assert_eq!(identities.find(&provider.issuer, "1001").await.unwrap(), None);
    let place = world.come(&mut browser(2), "", ROSALIND).await;
    assert_eq!(place, "/dashboard/sign-up?google=policies&return_to=/", "nobody knows the person any more");
    let mut again = browser(3);
    world.come(&mut again, "accept_policies=true", ROSALIND).await;
    site.refresh(&mut again).await.expect(200);
    assert_ne!(world.account(EMAIL).await.unwrap().id, left);
}

async fn sec_t10_the_cookies_of_the_way_there_and_back(store: Store) {
    let world = World::open(store).await;
    let mut browser = browser(1);
    let reply = world.site.get(&mut browser, "/auth/google/start?accept_policies=true").await.expect(303);
    let flow = reply.header("set-cookie").to_owned();
    assert!(flow.starts_with("__Host-aiduet_flow="), "{flow}");
    assert!(flow.ends_with("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"), "{flow}");
    assert!(flow.len() < 4_096);
    let sent = sent(reply.header("location"));
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(sent[name].len(), 43, "256 bits in base64");
        assert!(!flow.contains(&sent[name]), "the cookie holds what it follows from");
    }
    let code = world.provider.code(&world.site.factory, (&sent, ROSALIND), |_draft| {});
    let reply = world.back(&mut browser, &[("code", &code), ("state", &sent["state"])]).await.expect(303);
    let cookies: Vec<&str> =
        reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let [refresh, device, gone] = cookies.as_slice() else { panic!("{cookies:?}") };
    let attributes = "; Max-Age=2592000; Path=/api/v1/auth; Secure; HttpOnly; SameSite=Strict";
    assert!(refresh.starts_with("__Secure-aiduet_refresh=") && refresh.ends_with(attributes), "{refresh}");
    assert!(device.starts_with("__Host-aiduet_device="), "{device}");
    assert_eq!(*gone, "__Host-aiduet_flow=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
    let place = reply.header("location");
    assert!(!place.contains(&code) && !place.contains(&sent["state"]), "{place}");
}

async fn sec_t13_unlinking_asks_for_a_fresh_sign_in_and_leaves_a_way_in(store: Store) {
    let world = World::open(store).await;
    let site = &world.site;
    let mut owner = browser(1);
    world.come(&mut owner, "accept_policies=true", ROSALIND).await;
    site.refresh(&mut owner).await.expect(200);
    let own = site.get(&mut owner, "/me/identities").await.expect(200).json();
    let path = format!("/me/identities/{}", own["data"][0]["id"].as_str().unwrap());
    site.ask(&mut owner, (Method::DELETE, &path), None).await.refused(409, "last_way_in");
    site.ask(&mut owner, (Method::DELETE, "/me/identities/idn_1"), None).await.refused(404, "not_found");
    // SEC-T27: that of another is not there.
    let mut other = browser(2);
    world.come(&mut other, "accept_policies=true", Person::new("2002", "other@example.com")).await;
    site.refresh(&mut other).await.expect(200);
    site.ask(&mut other, (Method::DELETE, &path), None).await.refused(404, "not_found");
    // With a password, which a mail sets.
    site.mails().await;
    site.post(&mut owner, "/auth/password/forgot", &json!({"email": EMAIL})).await.expect(202);
    let body = json!({"token": site.mails().await.pop().unwrap().token, "password": OTHER_PASSWORD});
    site.post(&mut owner, "/auth/password/reset", &body).await.expect(204);
    world.come(&mut owner, "", ROSALIND).await;
    site.refresh(&mut owner).await.expect(200);
    site.later(Duration::from_mins(14));
    let mut elsewhere = browser(3);
    world.come(&mut elsewhere, "", ROSALIND).await;
    site.refresh(&mut elsewhere).await.expect(200);
    site.later(Duration::from_mins(1));
    site.refresh(&mut owner).await.expect(200);
    site.ask(&mut owner, (Method::DELETE, &path), None).await.refused(403, "reauth_required");
    site.mails().await;
    // Signing in with Google once more is as good as the password.
    world.come(&mut owner, "return_to=/settings/security", ROSALIND).await;
    site.refresh(&mut owner).await.expect(200);
    site.ask(&mut owner, (Method::DELETE, &path), None).await.expect(204);
    site.ask(&mut owner, (Method::DELETE, &path), None).await.refused(404, "not_found");
    assert!(site.mailed().await.contains(&"google_unlinked".to_owned()));
    site.get(&mut elsewhere, "/me").await.refused(401, "unauthenticated");
    site.get(&mut owner, "/me").await.expect(200);
    let place = world.come(&mut browser(4), "accept_policies=true", ROSALIND).await;
    assert_eq!(place, "/dashboard/google?link=found&return_to=/", "Google lets nobody in any more");
}

async fn another_google_account_is_linked_in_the_settings(store: Store) {
    let world = World::open(store).await;
    let site = &world.site;
    site.register(EMAIL).await;
    let mut owner = site.signed_in("192.0.2.1").await;
    let private = Person::new("3003", "private@example.org");
    let query = "link=true&return_to=/settings/security";
    let place = world.come(&mut owner, query, private).await;
    assert_eq!(place, "/dashboard/google?link=own&return_to=/settings/security");
    let mut before = owner.clone();
    // Without the address it would be that of the account at Google, which there is not.
    site.post(&mut owner, "/auth/link", &json!({"password": PASSWORD}))
        .await
        .refused(401, "wrong_credentials");
    let body = json!({"password": PASSWORD, "email": EMAIL});
    site.post(&mut owner, "/auth/link", &body).await.expect(200);
    site.get(&mut before, "/me").await.refused(401, "unauthenticated");
    site.get(&mut owner, "/me").await.expect(200);
    // One of Google's is enough, and belongs to one account.
    let place = world.come(&mut owner, query, private).await;
    assert_eq!(place, "/dashboard/settings/security?google=taken&return_to=/settings/security");
    site.later(Duration::from_mins(1));
    world.come(&mut owner, query, Person::new("4004", "other@example.org")).await;
    site.post(&mut owner, "/auth/link", &body).await.refused(409, "identity_taken");
    let mut visitor = browser(7);
    world.come(&mut visitor, "", private).await;
    let entered = site.refresh(&mut visitor).await.expect(200).json();
    assert_eq!(entered["account"]["email"], EMAIL);
}

async fn a_device_that_is_known_stays_known(store: Store) {
    let world = World::open(store).await;
    let mut own = browser(1);
    world.come(&mut own, "accept_policies=true", ROSALIND).await;
    let device = own.cookie("device").map(str::to_owned);
    assert!(device.is_some());
    world.come(&mut own, "", ROSALIND).await;
    assert!(world.site.mailed().await.is_empty(), "no news");
    world.come(&mut browser(2), "", ROSALIND).await;
    assert_eq!(world.site.mailed().await, ["new_sign_in"]);
}

async fn keys_of_the_provider_come_and_go(store: Store) {
    let world = World::open(store).await;
    let provider = &world.provider;
    let with = |number: usize, kid: &'static str| {
        move |draft: &mut Draft| {
            draft.signature = Signature::Key(number);
            draft.header.kid = Some(kid.to_owned());
        }
    };
    let enter = async |number: u16, key: usize, kid: &'static str| {
        let mut browser = browser(number);
        world.round(&mut browser, ("accept_policies=true", ROSALIND), with(key, kid)).await;
        browser.cookie("refresh").is_some()
    };
    assert!(enter(1, 0, "first").await);
    assert!(enter(2, 0, "first").await);
    assert_eq!(provider.keys_read(), 1, "they are kept");
    // A new key is found without waiting for the hour, but a name that somebody made up is not asked for each time.
    provider.publish(&[(0, "first"), (1, "second")]);
    assert!(!enter(3, 1, "second").await, "within the same minute");
    world.site.later(Duration::from_mins(1));
    assert!(enter(4, 1, "second").await);
    assert_eq!(provider.keys_read(), 2);
    for number in 5..9 {
        assert!(!enter(number, 1, "made up").await);
    }
    assert_eq!(provider.keys_read(), 2);
    // One that is withdrawn is good for an hour at most.
    provider.publish(&[(1, "second")]);
    assert!(enter(10, 0, "first").await);
    world.site.later(Duration::from_hours(1));
    assert!(!enter(11, 0, "first").await);
    assert!(enter(12, 1, "second").await);
}

async fn a_provider_that_is_away_is_said_to_be(store: Store) {
    let world = World::open(store).await;
    let World { site, provider } = world;
    drop(provider);
    let reply = site.get(&mut browser(1), "/auth/google/start?return_to=/keys").await.expect(303);
    assert_eq!(reply.header("location"), "/dashboard/sign-in?google=unavailable&return_to=/keys");
    let reply = site.get(&mut browser(1), "/auth/google/start?link=true").await.expect(303);
    assert_eq!(reply.header("location"), "/dashboard/settings/security?google=unavailable&return_to=/");
    site.get(&mut browser(1), "/auth/methods").await.expect(200);
}

async fn another_site_cannot_begin_for_the_person(store: Store) {
    let world = World::open(store).await;
    let start = (Method::GET, "/auth/google/start?accept_policies=true");
    for (from, place) in [
        ("cross-site", "/dashboard/sign-in"),
        ("same-site", "/dashboard/sign-in"),
        ("same-origin", "http://127.0.0.1:"),
        ("none", "http://127.0.0.1:"),
    ] {
        let headers = [("sec-fetch-site", from)];
        let reply = world.site.ask_with(&mut browser(1), start.clone(), (None, &headers)).await.expect(303);
        assert!(reply.header("location").starts_with(place), "{from}");
    }
    for query in
        ["return_to=//evil.example", "return_to=https://evil.example", "return_to=%2F%5Cevil.example"]
    {
        let reply = world.site.get(&mut browser(1), &format!("/auth/google/start?{query}")).await;
        reply.refused(400, "invalid_request");
        assert_eq!(reply.json()["errors"][0]["code"], "invalid_return_to");
    }
    let reply = world.site.get(&mut browser(1), "/auth/google/start?next=/keys").await;
    reply.refused(400, "invalid_request");
}

async fn without_a_client_there_is_no_google(store: Store) {
    let site = Site::open(store).await;
    let mut browser = browser(1);
    let methods = site.get(&mut browser, "/auth/methods").await.expect(200).json();
    assert_eq!(methods, json!({"password": true, "google": false}));
    for path in ["/auth/google/start", "/auth/google/callback?code=1&state=2"] {
        site.get(&mut browser, path).await.refused(404, "not_found");
    }
    let world = World::open(store).await;
    let methods = world.site.get(&mut browser, "/auth/methods").await.expect(200).json();
    assert_eq!(methods["google"], true);
}
