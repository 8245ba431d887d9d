//! A shared store is a store.

use std::sync::Arc;

use async_trait::async_trait;

use super::{ApiKey, ApiKeyHash, KeyError, KeyStore, ListKeys};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: KeyStore + ?Sized> KeyStore for Arc<T> {
    async fn insert(&self, key: ApiKey) -> Result<(), KeyError> {
        self.as_ref().insert(key).await
    }

    async fn find_by_hash(&self, hash: &ApiKeyHash) -> Result<Option<Arc<ApiKey>>, KeyError> {
        self.as_ref().find_by_hash(hash).await
    }

    async fn find(&self, account: AccountId, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, KeyError> {
        self.as_ref().find(account, id).await
    }

    async fn list(&self, request: ListKeys) -> Result<Vec<Arc<ApiKey>>, KeyError> {
        self.as_ref().list(request).await
    }

    async fn update(&self, key: ApiKey) -> Result<(), KeyError> {
        self.as_ref().update(key).await
    }

    async fn touch(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), KeyError> {
        self.as_ref().touch(used).await
    }

    async fn delete(&self, account: AccountId, id: ApiKeyId) -> Result<(), KeyError> {
        self.as_ref().delete(account, id).await
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError> {
        self.as_ref().purge(before, limit).await
    }
}
