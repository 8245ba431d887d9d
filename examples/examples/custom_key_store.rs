//! A key store of one's own, held to the same suite as the built-in ones (`cargo test` runs it),
//! inside a gateway that has everything else in memory.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::{Arc, Mutex, PoisonError};

use aiduet_core::app::{AppBuilder, Stores};
use aiduet_core::clock::{SystemClock, Timestamp};
use aiduet_core::http::router;
use aiduet_core::id::{AccountId, ApiKeyId};
use aiduet_core::keys::{ApiKey, ApiKeyHash, KeyError, KeyState, KeyStore, ListKeys};
use aiduet_core::money::Money;
use aiduet_core::settings::{Settings, UpstreamKind};
use aiduet_examples::{Failure, new_customer, post};
use async_trait::async_trait;

/// Keys in one list: enough for a household.
#[derive(Debug, Default)]
struct ListedKeys(Mutex<Vec<Arc<ApiKey>>>);

impl ListedKeys {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<Arc<ApiKey>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl KeyStore for ListedKeys {
    async fn insert(&self, key: ApiKey) -> Result<(), KeyError> {
        self.with(|keys| {
            let taken = |kept: &&Arc<ApiKey>| kept.id == key.id || kept.hash == key.hash;
            match keys.iter().find(taken) {
                Some(kept) if kept.id == key.id && kept.hash == key.hash => Ok(()),
                Some(_) => Err(KeyError::AlreadyExists { id: key.id }),
                None => {
                    keys.push(Arc::new(key));
                    Ok(())
                }
            }
        })
    }

    async fn find_by_hash(&self, hash: &ApiKeyHash) -> Result<Option<Arc<ApiKey>>, KeyError> {
        Ok(self.with(|keys| keys.iter().find(|key| key.hash == *hash).cloned()))
    }

    async fn find(&self, account: AccountId, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, KeyError> {
        Ok(self.with(|keys| keys.iter().find(|key| key.id == id && key.account == account).cloned()))
    }

    async fn list(&self, request: ListKeys) -> Result<Vec<Arc<ApiKey>>, KeyError> {
        let ListKeys { account, before, limit } = request;
        let mut found: Vec<_> = self.with(|keys| {
            let wanted = |key: &&Arc<ApiKey>| key.account == account && before.is_none_or(|id| key.id < id);
            keys.iter().filter(wanted).cloned().collect()
        });
        found.sort_by_key(|key| std::cmp::Reverse(key.id));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn update(&self, key: ApiKey) -> Result<(), KeyError> {
        let ApiKey { id, account, name, state, limits, .. } = key;
        self.with(|keys| {
            let mut own = keys.iter_mut().filter(|kept| kept.id == id && kept.account == account);
            let kept = own.next().ok_or(KeyError::NotFound { id })?;
            *kept = Arc::new(ApiKey { name, state, limits, ..ApiKey::clone(kept) });
            Ok(())
        })
    }

    async fn touch(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), KeyError> {
        self.with(|keys| {
            for (id, at) in used {
                let mut earlier = keys.iter_mut().filter(|key| key.id == *id && key.last_used_at < Some(*at));
                if let Some(key) = earlier.next() {
                    Arc::make_mut(key).last_used_at = Some(*at);
                }
            }
        });
        Ok(())
    }

    async fn delete(&self, account: AccountId, id: ApiKeyId) -> Result<(), KeyError> {
        self.with(|keys| {
            let before = keys.len();
            keys.retain(|key| key.id != id || key.account != account);
            if keys.len() < before { Ok(()) } else { Err(KeyError::NotFound { id }) }
        })
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError> {
        let mut left = u64::from(limit);
        self.with(|keys| {
            keys.retain(|key| {
                let goes = left > 0 && matches!(key.state, KeyState::Revoked { at } if at < before);
                left -= u64::from(goes);
                !goes
            });
        });
        Ok(u64::from(limit) - left)
    }
}

const QUESTION: &str = r#"{"model": "text-embedding-3-small", "input": "Hello?"}"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut settings = Settings::default();
    settings.database.url = Some("memory:".to_owned().into());
    settings.upstream.openai.kind = UpstreamKind::Simulated;
    let stores = Stores::open(&settings.database, Arc::new(SystemClock::new())).await?;
    let stores = Stores { keys: Arc::new(ListedKeys::default()), ..stores };
    let app = AppBuilder::new(settings).stores(stores).build().await?;

    let key = new_customer(&app, Money::try_from_cents(100)?).await?;
    let answer = post(&router(app.clone()), &key, ("/v1/embeddings", QUESTION)).await?;
    println!("{} for {} USD", answer.status, answer.header("x-aiduet-cost"));
    app.close().await;
    if answer.status.is_success() { Ok(()) } else { Err("the call was not answered".into()) }
}

#[cfg(test)]
mod tests {
    use super::ListedKeys;

    async fn empty() -> Option<ListedKeys> {
        Some(ListedKeys::default())
    }

    aiduet_core::key_store_conformance!(empty);
}
