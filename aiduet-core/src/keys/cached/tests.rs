use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Semaphore;

use super::*;
use crate::backends::memory::MemoryKeys;
use crate::keys::{KeyState, PlainApiKey};
use crate::testing::Factory;

/// Counts the look-ups, and lets none through without a permit while `gated`.
#[derive(Debug)]
struct Watched {
    inner: MemoryKeys,
    asked: AtomicU32,
    gate: Option<Semaphore>,
    answered: Semaphore,
}

impl Watched {
    fn new(gate: Option<Semaphore>) -> Arc<Self> {
        let inner = MemoryKeys::default();
        Arc::new(Self { inner, asked: AtomicU32::new(0), gate, answered: Semaphore::new(0) })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl KeyStore for Watched {
    async fn insert(&self, key: ApiKey) -> Result<(), KeyError> {
        self.inner.insert(key).await
    }

    async fn find_by_hash(&self, hash: &ApiKeyHash) -> Result<Option<Arc<ApiKey>>, KeyError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = self.inner.find_by_hash(hash).await;
        self.answered.add_permits(1);
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        found
    }

    async fn find(&self, account: AccountId, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, KeyError> {
        self.inner.find(account, id).await
    }

    async fn list(&self, request: ListKeys) -> Result<Vec<Arc<ApiKey>>, KeyError> {
        self.inner.list(request).await
    }

    async fn update(&self, key: ApiKey) -> Result<(), KeyError> {
        self.inner.update(key).await
    }

    async fn touch(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), KeyError> {
        self.inner.touch(used).await
    }

    async fn delete(&self, account: AccountId, id: ApiKeyId) -> Result<(), KeyError> {
        self.inner.delete(account, id).await
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError> {
        self.inner.purge(before, limit).await
    }
}

struct Scene {
    factory: Factory,
    store: Arc<Watched>,
    cached: Arc<CachedKeys<Arc<Watched>>>,
}

impl Scene {
    fn new(gate: Option<Semaphore>, capacity: usize) -> Self {
        let factory = Factory::new(1);
        let store = Watched::new(gate);
        let clock: Arc<dyn Clock> = Arc::<crate::clock::ManualClock>::clone(factory.clock());
        let cached = Arc::new(CachedKeys::with_capacity(Arc::clone(&store), clock, capacity));
        Self { factory, store, cached }
    }

    async fn key(&self) -> (PlainApiKey, ApiKey) {
        let (plain, key) = self.factory.api_key(self.factory.account_id());
        self.store.insert(key.clone()).await.unwrap();
        (plain, key)
    }

    fn revoked(&self, key: &ApiKey) -> ApiKey {
        ApiKey { state: KeyState::Revoked { at: self.factory.now() }, ..key.clone() }
    }

    fn asked(&self) -> u32 {
        self.store.asked.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_key_is_believed_for_less_than_five_seconds() {
    let scene = Scene::new(None, 100);
    let (plain, key) = scene.key().await;
    let found = scene.cached.find_by_hash(&plain.hash()).await.unwrap();
    assert_eq!(found.as_deref(), Some(&key));
    // Another node revokes it.
    scene.store.update(scene.revoked(&key)).await.unwrap();
    scene.factory.clock().advance(LIFE - Duration::from_millis(1));
    assert_eq!(scene.cached.find_by_hash(&plain.hash()).await.unwrap().as_deref(), Some(&key));
    assert_eq!(scene.asked(), 1);
    scene.factory.clock().advance(Duration::from_millis(1));
    let found = scene.cached.find_by_hash(&plain.hash()).await.unwrap().unwrap();
    assert!(matches!(found.state, KeyState::Revoked { .. }));
    assert_eq!(scene.asked(), 2);
}

#[tokio::test]
async fn a_change_through_the_cache_is_seen_at_once() {
    let scene = Scene::new(None, 100);
    let (plain, key) = scene.key().await;
    let hash = plain.hash();
    assert!(scene.cached.find_by_hash(&hash).await.unwrap().is_some());
    scene.cached.update(scene.revoked(&key)).await.unwrap();
    let found = scene.cached.find_by_hash(&hash).await.unwrap().unwrap();
    assert!(matches!(found.state, KeyState::Revoked { .. }));
    scene.cached.delete(key.account, key.id).await.unwrap();
    assert_eq!(scene.cached.find_by_hash(&hash).await.unwrap(), None);
    scene.cached.insert(key.clone()).await.unwrap();
    assert_eq!(scene.cached.find_by_hash(&hash).await.unwrap().as_deref(), Some(&key));
}

#[tokio::test]
async fn an_unknown_key_is_not_remembered() {
    let scene = Scene::new(None, 100);
    let (plain, key) = scene.factory.api_key(scene.factory.account_id());
    assert_eq!(scene.cached.find_by_hash(&plain.hash()).await.unwrap(), None);
    scene.store.insert(key).await.unwrap();
    assert!(scene.cached.find_by_hash(&plain.hash()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_slow_look_up_does_not_bring_a_changed_key_back() {
    let scene = Scene::new(Some(Semaphore::new(0)), 100);
    let (plain, key) = scene.key().await;
    let hash = plain.hash();
    let tasks = tokio_util::task::TaskTracker::new();
    let cached = Arc::clone(&scene.cached);
    let slow = tasks.spawn(async move { cached.find_by_hash(&hash).await });
    // The store has read the key, but its answer is still on the way.
    scene.store.answered.acquire().await.unwrap().forget();
    scene.cached.update(scene.revoked(&key)).await.unwrap();
    scene.store.gate.as_ref().unwrap().add_permits(2);
    assert_eq!(slow.await.unwrap().unwrap().as_deref(), Some(&key), "it was read before the change");
    let found = scene.cached.find_by_hash(&hash).await.unwrap().unwrap();
    assert!(matches!(found.state, KeyState::Revoked { .. }));
}

#[tokio::test]
async fn the_age_of_a_key_counts_from_the_question() {
    let scene = Scene::new(Some(Semaphore::new(0)), 100);
    let (plain, key) = scene.key().await;
    let hash = plain.hash();
    let tasks = tokio_util::task::TaskTracker::new();
    let cached = Arc::clone(&scene.cached);
    let slow = tasks.spawn(async move { cached.find_by_hash(&hash).await });
    scene.store.answered.acquire().await.unwrap().forget();
    scene.store.update(scene.revoked(&key)).await.unwrap();
    scene.factory.clock().advance(LIFE);
    scene.store.gate.as_ref().unwrap().add_permits(2);
    assert!(slow.await.unwrap().unwrap().is_some());
    let found = scene.cached.find_by_hash(&hash).await.unwrap().unwrap();
    assert!(matches!(found.state, KeyState::Revoked { .. }));
}

#[tokio::test]
async fn memory_is_bounded_and_keeps_what_is_used() {
    let scene = Scene::new(None, 10);
    let (plain, _key) = scene.key().await;
    for _ in 0..100 {
        let (other, _key) = scene.key().await;
        scene.cached.find_by_hash(&other.hash()).await.unwrap();
        scene.cached.find_by_hash(&plain.hash()).await.unwrap();
        assert!(scene.cached.len() <= 10);
    }
    assert_eq!(scene.asked(), 101, "the key in use was asked for once");
}

async fn cached_keys() -> Option<CachedKeys<MemoryKeys>> {
    let clock: Arc<dyn Clock> = Arc::<crate::clock::ManualClock>::clone(Factory::new(0).clock());
    Some(CachedKeys::new(MemoryKeys::default(), clock))
}

mod conformance {
    use super::cached_keys;

    crate::key_store_conformance!(cached_keys);
}
