use std::collections::HashSet;

use super::*;
use crate::account::EmailAddress;
use crate::auth::{PasswordContext, PasswordRules};
use crate::testing::SeededEntropy;

const TYPED: &str = "kT9#vmq2zWx!7Lr";

fn pepper(id: &str, byte: &str) -> Pepper {
    Pepper::parse(&format!("{id}:{}", byte.repeat(32))).unwrap()
}

fn hasher(cost: HashCost, peppers: Vec<Pepper>) -> PasswordHasher {
    let config = HasherConfig { cost, peppers, ..HasherConfig::default() };
    PasswordHasher::new(config, Arc::new(SeededEntropy::new(1))).unwrap()
}

fn cheap(peppers: Vec<Pepper>) -> PasswordHasher {
    hasher(HashCost::for_tests(), peppers)
}

fn new_password() -> NewPassword {
    let email: EmailAddress = "someone@example.com".parse().unwrap();
    PasswordRules::new(&[]).check(TYPED, PasswordContext { email: &email, name: None }).unwrap()
}

fn typed(text: &str) -> PlainPassword {
    PlainPassword::new(text)
}

/// SEC-T02: the form of the hash.
#[tokio::test]
async fn a_hash_is_argon2id_with_the_configured_cost_and_names_its_pepper() {
    let hash = hasher(HashCost::STANDARD, vec![pepper("p1", "0f")]).hash(&new_password()).await.unwrap();
    let expected = "$argon2id$v=19$m=65536,t=3,p=1,keyid=";
    assert!(hash.expose().starts_with(expected), "{}", hash.expose());
    let parts: Vec<&str> = hash.expose().split('$').collect();
    // 16 and 32 bytes in base64 without padding.
    assert_eq!((parts[4].len(), parts[5].len()), (22, 43));
    assert!(hash.expose().len() <= 255, "the column takes no more");
}

/// SEC-T02: salts.
#[tokio::test]
async fn ten_thousand_hashes_have_salts_of_their_own() {
    let hasher = cheap(Vec::new());
    let mut salts = HashSet::new();
    for _ in 0..10_000 {
        let hash = hasher.rehash(&typed(TYPED)).await.unwrap();
        salts.insert(hash.expose().split('$').nth(4).unwrap().to_owned());
    }
    assert_eq!(salts.len(), 10_000);
}

/// SEC-T02: the pepper.
#[tokio::test]
async fn another_pepper_fails_and_a_missing_one_is_an_error() {
    let hash = cheap(vec![pepper("p1", "0f")]).hash(&new_password()).await.unwrap();
    let same = cheap(vec![pepper("p1", "0f")]).verify(&typed(TYPED), Some(&hash)).await.unwrap();
    assert_eq!(same, Verdict::Right);
    let other = cheap(vec![pepper("p1", "1e")]).verify(&typed(TYPED), Some(&hash)).await.unwrap();
    assert_eq!(other, Verdict::Wrong);
    let missing = cheap(Vec::new()).verify(&typed(TYPED), Some(&hash)).await;
    assert!(matches!(missing, Err(HashError::UnknownPepper { id }) if id == "p1"));
}

/// SEC-T02: the floor.
#[test]
fn a_cost_below_the_floor_is_refused() {
    for (memory, passes) in [(19_455, 2), (19_456, 1), (47_103, 1), (12_287, 3), (0, 99)] {
        assert_eq!(HashCost::new(memory, passes), Err(HashCostTooLow), "{memory} {passes}");
    }
    for (memory, passes) in [(19_456, 2), (47_104, 1), (12_288, 3), (65_536, 3)] {
        assert!(HashCost::new(memory, passes).is_ok(), "{memory} {passes}");
    }
}

#[tokio::test]
async fn only_the_same_password_is_right() {
    let hasher = cheap(Vec::new());
    let hash = hasher.hash(&new_password()).await.unwrap();
    assert_eq!(hasher.verify(&typed(TYPED), Some(&hash)).await.unwrap(), Verdict::Right);
    let full_width: String = "ｋＴ９#ｖｍｑ２ｚＷｘ!７Ｌｒ".to_owned();
    assert_eq!(hasher.verify(&typed(&full_width), Some(&hash)).await.unwrap(), Verdict::Right);
    for other in ["", "kT9#vmq2zWx!7L", "kT9#vmq2zWx!7Lr ", "kt9#vmq2zwx!7lr"] {
        assert_eq!(hasher.verify(&typed(other), Some(&hash)).await.unwrap(), Verdict::Wrong, "{other}");
    }
    assert_eq!(hasher.verify(&typed(TYPED), None).await.unwrap(), Verdict::Wrong);
    let nonsense = Secret::new("nonsense".to_owned());
    let unusable = hasher.verify(&typed(TYPED), Some(&nonsense)).await;
    assert!(matches!(unusable, Err(HashError::Unusable { .. })));
}

/// SEC-T03: when a hash is made anew.
#[tokio::test]
async fn a_hash_of_another_cost_or_pepper_is_outdated() {
    let plain = cheap(Vec::new()).hash(&new_password()).await.unwrap();
    let old_pepper = cheap(vec![pepper("p1", "0f")]).hash(&new_password()).await.unwrap();
    let today = cheap(vec![pepper("p2", "1e"), pepper("p1", "0f")]);
    for old in [&plain, &old_pepper] {
        assert_eq!(today.verify(&typed(TYPED), Some(old)).await.unwrap(), Verdict::RightButOutdated);
        assert_eq!(today.verify(&typed("another"), Some(old)).await.unwrap(), Verdict::Wrong);
    }
    let dearer = hasher(HashCost::FLOOR, Vec::new());
    assert_eq!(dearer.verify(&typed(TYPED), Some(&plain)).await.unwrap(), Verdict::RightButOutdated);
    let anew = today.rehash(&typed(TYPED)).await.unwrap();
    assert_eq!(today.verify(&typed(TYPED), Some(&anew)).await.unwrap(), Verdict::Right);
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_queue_full_or_waits_too_long_is_told_to_come_back() {
    let config = HasherConfig { running_max: 1, waiting_max: 1, ..HasherConfig::default() };
    let hasher = PasswordHasher::new(config, Arc::new(SeededEntropy::new(1))).unwrap();
    let running = hasher.take_turn().await.unwrap();
    let patience = Duration::from_secs(5);
    let (waited, turned_away) = tokio::join!(hasher.take_turn(), hasher.take_turn());
    assert!(matches!(waited, Err(HashError::Busy { retry_after }) if retry_after == patience));
    assert!(matches!(turned_away, Err(HashError::Busy { .. })));
    drop(running);
    assert!(hasher.take_turn().await.is_ok());
}
