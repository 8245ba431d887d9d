//! What people agreed to.

use aiduet_core::notify::PolicyKind;
use aiduet_core::policy::Policies;
use serde_json::{Value, json};

use super::site::{Browser, PASSWORD, Site};
use crate::databases::{Store, on_each_store};

on_each_store! {
    whoever_signs_up_agrees_to_what_is_in_force
    without_agreeing_nobody_signs_up
    a_consent_is_asked_for_and_given
    only_what_is_in_force_or_will_be_is_agreed_to
    nobody_sees_the_consents_of_another
}

async fn consents(site: &Site, browser: &mut Browser) -> Value {
    site.get(browser, "/me/consents").await.expect(200).json()
}

async fn whoever_signs_up_agrees_to_what_is_in_force(store: Store) {
    let site = Site::open(store).await;
    let registered_at = site.factory.now();
    let mut browser = Browser::at("192.0.2.1");
    let body =
        json!({"email": "hanako@example.com", "password": PASSWORD, "locale": "ja", "accept_policies": true});
    site.post(&mut browser, "/auth/register", &body).await.expect(202);
    let email = "hanako@example.com".parse().unwrap();
    let account = site.app.stores().accounts.find_by_email(&email).await.unwrap().unwrap();
    let agreed = site.app.stores().consents.list(account.id).await.unwrap();
    let policies = Policies::embedded().unwrap();
    assert_eq!(agreed.len(), PolicyKind::ALL.len());
    for (consent, kind) in agreed.iter().zip(PolicyKind::ALL) {
        let policy = policies.in_force(kind, registered_at).unwrap();
        assert_eq!((consent.kind, consent.version.as_str()), (kind, policy.version));
        assert_eq!(consent.digest, policy.text(account.locale).digest, "of the text in Japanese");
        assert_eq!((consent.at, consent.account), (account.created_at, account.id));
    }
    // Once more before the address is confirmed: the first time counts.
    site.later(std::time::Duration::from_hours(1));
    site.post(&mut browser, "/auth/register", &body).await.expect(202);
    assert_eq!(site.app.stores().consents.list(account.id).await.unwrap(), agreed);
}

async fn without_agreeing_nobody_signs_up(store: Store) {
    let site = Site::open(store).await;
    let mut browser = Browser::at("192.0.2.1");
    for accept in [json!(false), json!(null), json!("true"), json!(1)] {
        let body = json!({"email": "hanako@example.com", "password": PASSWORD, "accept_policies": accept});
        site.post(&mut browser, "/auth/register", &body).await.expect(400);
    }
    assert_eq!(site.app.stores().accounts.list(None, 10).await.unwrap(), []);
}

async fn a_consent_is_asked_for_and_given(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let list = consents(&site, &mut browser).await;
    assert_eq!(list["outstanding"], json!([]));
    let privacy = list["data"][0].clone();
    assert_eq!((&privacy["kind"], &privacy["version"]), (&json!("privacy"), &json!("2026-11-26")));
    let shown = site.get(&mut browser, "/policies/privacy/2026-11-26?locale=en").await.expect(200).json();
    assert_eq!(privacy["sha256"], shown["sha256"]);
    // Again, in another language: the first time counts, and nothing happened.
    let again = json!({"kind": "privacy", "version": "2026-11-26", "locale": "zh-CN"});
    assert_eq!(site.post(&mut browser, "/me/consents", &again).await.expect(201).json(), privacy);
    assert!(!site.events(&mut browser).await.contains(&"policy_accepted".to_owned()));
    // An account that an operator made has agreed to nothing yet.
    let account = site.factory.account();
    site.app.stores().accounts.insert(account.clone(), &[]).await.unwrap();
    let mut made = browser.clone();
    made.access = Some(access_of(&site, &account).await);
    let list = consents(&site, &mut made).await;
    assert_eq!(list["data"], json!([]));
    let kinds: Vec<_> =
        list["outstanding"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["privacy", "terms"]);
    let give = json!({"kind": "terms", "version": "2026-11-26"});
    let given = site.post(&mut made, "/me/consents", &give).await.expect(201).json();
    assert_eq!(given["locale"], account.locale.as_str());
    let list = consents(&site, &mut made).await;
    assert_eq!((&list["data"], list["outstanding"].as_array().unwrap().len()), (&json!([given]), 1));
    assert!(site.events(&mut made).await.contains(&"policy_accepted".to_owned()));
}

/// An access token for an account that has no password.
async fn access_of(site: &Site, account: &aiduet_core::account::Account) -> String {
    use aiduet_core::auth::{AccessClaims, NewSession, OpaqueToken, Session, SessionLife};
    use aiduet_core::id::SessionId;
    let parts = site.app.reception().parts();
    let now = site.factory.now();
    let id = SessionId::generate(site.factory.clock().as_ref(), site.factory.entropy());
    let token = OpaqueToken::generate(site.factory.entropy()).digest();
    let session = Session::begin(NewSession { id, account: account.id, life: SessionLife::Long, token }, now);
    parts.sessions.open(session).await.unwrap();
    let claims = AccessClaims { account: account.id, session: id, authenticated_at: now };
    parts.tokens.issue(claims, now).unwrap().expose().clone()
}

async fn only_what_is_in_force_or_will_be_is_agreed_to(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    for (body, code) in [
        (json!({"kind": "cookies", "version": "2026-11-26"}), "invalid_policy"),
        (json!({"kind": "privacy", "version": "2020-01-01"}), "policy_not_in_force"),
        (json!({"kind": "privacy", "version": ""}), "policy_not_in_force"),
        (json!({"kind": "privacy", "version": "2026-11-26", "locale": "fr"}), "invalid_locale"),
    ] {
        let reply = site.post(&mut browser, "/me/consents", &body).await;
        reply.refused(400, "invalid_request");
        assert_eq!(reply.json()["errors"][0]["code"], code);
    }
    for body in [json!({"kind": "privacy"}), json!({"kind": "privacy", "version": "2026-11-26", "at": 1})] {
        site.post(&mut browser, "/me/consents", &body).await.refused(400, "malformed_body");
    }
    assert_eq!(consents(&site, &mut browser).await["data"].as_array().unwrap().len(), 2);
    for path in ["/me/consents"] {
        site.get(&mut Browser::at("192.0.2.1"), path).await.refused(401, "unauthenticated");
    }
}

async fn nobody_sees_the_consents_of_another(store: Store) {
    let site = Site::with_person(store).await;
    let mut browser = site.signed_in("192.0.2.1").await;
    let before = consents(&site, &mut browser).await;
    let account = site.factory.account();
    site.app.stores().accounts.insert(account.clone(), &[]).await.unwrap();
    let mut other = Browser::at("192.0.2.2");
    other.access = Some(access_of(&site, &account).await);
    let give = json!({"kind": "terms", "version": "2026-11-26"});
    site.post(&mut other, "/me/consents", &give).await.expect(201);
    assert_eq!(consents(&site, &mut other).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(consents(&site, &mut browser).await, before);
}
