//! The API keys of a person: made, changed, replaced and revoked by their owner.

use std::time::Duration;

use super::{Reception, ReceptionError, SignedIn, Visit};
use crate::auth::{KeyEvent, SecurityEvent, SecurityEventKind};
use crate::clock::Timestamp;
use crate::id::ApiKeyId;
use crate::keys::{ApiKey, KeyAspect, KeyCreation, KeyError, KeyLimits, KeyState, PlainApiKey};
use crate::limit::{Guard, Subject};
use crate::notify::{KeyLabel, Notice};

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct KeyWish {
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub limits: KeyLimits,
    /// When it stops by itself.
    pub expires_at: Option<Timestamp>,
}

/// What the client calls a request that makes a key, and a digest of the request.
#[derive(Clone, Copy, Debug)]
pub struct KeyRequest {
    /// SHA-256 of the name.
    pub token: [u8; 32],
    /// SHA-256 of the request.
    pub wish: [u8; 32],
}

/// A key that was made.
#[derive(Debug)]
pub struct IssuedKey {
    /// As it is stored.
    pub key: ApiKey,
    /// Its text, to be shown once; none when the request was sent again.
    pub plain: Option<PlainApiKey>,
}

/// What is to be different; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// The name.
    pub name: Option<String>,
    /// The limits, all of them.
    pub limits: Option<KeyLimits>,
    /// On or off.
    pub state: Option<KeySwitch>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySwitch {
    /// The key may be used.
    On,
    /// Not for now.
    Off,
}

impl Reception {
    /// Makes a key. The same request again finds the key that was made, without its text.
    ///
    /// # Errors
    /// [`ReceptionError::RequestReused`] when another request was called the same;
    /// [`ReceptionError::Key`].
    pub async fn issue_key(
        &self,
        person: &SignedIn,
        (wish, request): (KeyWish, Option<KeyRequest>),
        visit: &Visit,
    ) -> Result<IssuedKey, ReceptionError> {
        let account = person.account.id;
        let mut id = ApiKeyId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref());
        if let Some(KeyRequest { token, wish }) = request {
            let creation = KeyCreation { account, token, wish, key: id, at: self.now() };
            let known = self.parts.creations.begin(creation).await?;
            if known.wish != wish {
                return Err(ReceptionError::RequestReused);
            }
            if let Some(key) = self.parts.keys.find(account, known.key).await? {
                return Ok(IssuedKey { key: ApiKey::clone(&key), plain: None });
            }
            id = known.key;
        }
        let KeyWish { name, limits, expires_at } = wish;
        let plain = PlainApiKey::generate(self.parts.entropy.as_ref());
        let key = ApiKey {
            id,
            account,
            hash: plain.hash(),
            prefix: plain.prefix().to_owned(),
            last4: plain.last4().to_owned(),
            name,
            state: KeyState::Active,
            limits,
            created_at: self.now(),
            expires_at,
            last_used_at: None,
        };
        self.parts.keys.insert(key.clone()).await?;
        self.record_key((person, visit), SecurityEventKind::KeyCreated, (id, Vec::new())).await?;
        let notice = Notice::KeyCreated { key: label(&key), at: self.now() };
        self.tell(&person.account, notice, &[&id.to_string()]).await?;
        Ok(IssuedKey { key, plain: Some(plain) })
    }

    /// Changes a key.
    ///
    /// # Errors
    /// [`ReceptionError::Key`] when the person has no such key, [`ReceptionError::KeyEnded`].
    pub async fn change_key(
        &self,
        person: &SignedIn,
        (id, change): (ApiKeyId, KeyChange),
        visit: &Visit,
    ) -> Result<ApiKey, ReceptionError> {
        let old = self.living_key(person, id).await?;
        let KeyChange { name, limits, state } = change;
        let state = match (state, old.state) {
            (None, state) | (Some(KeySwitch::Off), state @ KeyState::Disabled { .. }) => state,
            (Some(_), KeyState::Rotated { .. }) => return Err(ReceptionError::KeyEnded),
            (Some(KeySwitch::On), _) => KeyState::Active,
            (Some(KeySwitch::Off), _) => KeyState::Disabled { at: self.now() },
        };
        let key = ApiKey {
            name: name.unwrap_or_else(|| old.name.clone()),
            limits: limits.unwrap_or_else(|| old.limits.clone()),
            state,
            ..old.clone()
        };
        self.parts.keys.update(key.clone()).await?;
        let changed = KeyAspect::between(&old, &key);
        self.record_key((person, visit), SecurityEventKind::KeyUpdated, (id, changed)).await?;
        Ok(key)
    }

    /// Makes a successor of a key, which itself works for some more time. The successor is there
    /// before the key begins to end.
    ///
    /// # Errors
    /// [`ReceptionError::Key`] when the person has no such key, [`ReceptionError::KeyEnded`] when it
    /// cannot be used any more.
    pub async fn rotate_key(
        &self,
        person: &SignedIn,
        (id, overlap): (ApiKeyId, Duration),
        visit: &Visit,
    ) -> Result<IssuedKey, ReceptionError> {
        let old = self.living_key(person, id).await?;
        let now = self.now();
        if old.check(now).is_err() || matches!(old.state, KeyState::Rotated { .. }) {
            return Err(ReceptionError::KeyEnded);
        }
        let plain = PlainApiKey::generate(self.parts.entropy.as_ref());
        let key = ApiKey {
            id: ApiKeyId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
            hash: plain.hash(),
            prefix: plain.prefix().to_owned(),
            last4: plain.last4().to_owned(),
            created_at: now,
            last_used_at: None,
            ..old.clone()
        };
        self.parts.keys.insert(key.clone()).await?;
        let works_until = now.plus(overlap);
        self.parts
            .keys
            .update(ApiKey { state: KeyState::Rotated { until: works_until }, ..old.clone() })
            .await?;
        self.record_key((person, visit), SecurityEventKind::KeyCreated, (key.id, Vec::new())).await?;
        self.record_key((person, visit), SecurityEventKind::KeyRotated, (id, Vec::new())).await?;
        let notice = Notice::KeyRotated { key: label(&old), works_until };
        self.tell(&person.account, notice, &[&old.id.to_string()]).await?;
        Ok(IssuedKey { key, plain: Some(plain) })
    }

    /// Revokes a key for good: it stops at once.
    ///
    /// # Errors
    /// [`ReceptionError::Key`] when the person has no such key.
    pub async fn revoke_key(
        &self,
        person: &SignedIn,
        id: ApiKeyId,
        visit: &Visit,
    ) -> Result<(), ReceptionError> {
        let old = self.living_key(person, id).await?;
        let at = self.now();
        self.parts.keys.update(ApiKey { state: KeyState::Revoked { at }, ..old.clone() }).await?;
        self.record_key((person, visit), SecurityEventKind::KeyRevoked, (id, Vec::new())).await?;
        let notice = Notice::KeyDeleted { key: label(&old), at };
        self.tell(&person.account, notice, &[&id.to_string()]).await
    }

    /// Takes the word of somebody who holds a key that it is no secret any more, and disables it.
    ///
    /// # Errors
    /// [`ReceptionError::Throttled`]; those of [`disable_leaked_key`](Self::disable_leaked_key).
    pub async fn report_leaked_key(&self, plain: &PlainApiKey, visit: &Visit) -> Result<(), ReceptionError> {
        self.count(Guard::Report, Subject::address(visit.address)).await?;
        self.disable_leaked_key(plain, None).await.map(drop)
    }

    /// Disables a key that others may have read, such as one in the address of a request, and
    /// tells its owner, also where it was found. Without effect for one that does not work anyway.
    /// Returns whether there is or was such a key.
    ///
    /// # Errors
    /// [`ReceptionError::Key`], [`ReceptionError::Outbox`].
    pub async fn disable_leaked_key(
        &self,
        plain: &PlainApiKey,
        found_at: Option<String>,
    ) -> Result<bool, ReceptionError> {
        let Some(key) = self.parts.keys.find_by_hash(&plain.hash()).await? else { return Ok(false) };
        if key.check(self.now()).is_err() {
            return Ok(true);
        }
        let at = self.now();
        self.parts.keys.update(ApiKey { state: KeyState::Disabled { at }, ..ApiKey::clone(&key) }).await?;
        let found = KeyEvent { id: key.id, session: None, changed: vec![KeyAspect::Disabled] };
        let event = self.event(key.account, SecurityEventKind::KeyLeaked);
        self.log_event(SecurityEvent { key: Some(found), ..event }).await?;
        tracing::warn!(target: "aiduet::security", key_id = %key.id, "a key that others may have read was disabled");
        let Some(owner) = self.parts.accounts.find(key.account).await? else { return Ok(true) };
        let notice = Notice::KeyLeaked { key: label(&key), found_at, at };
        self.tell(&owner, notice, &[&key.id.to_string(), &at.to_string()]).await?;
        Ok(true)
    }

    /// Records what its owner did with a key.
    async fn record_key(
        &self,
        (person, visit): (&SignedIn, &Visit),
        kind: SecurityEventKind,
        (id, changed): (ApiKeyId, Vec<KeyAspect>),
    ) -> Result<(), ReceptionError> {
        let key = KeyEvent { id, session: Some(person.session.id), changed };
        self.log_event(SecurityEvent { key: Some(key), ..self.visited(person.account.id, kind, visit) }).await
    }

    async fn living_key(&self, person: &SignedIn, id: ApiKeyId) -> Result<ApiKey, ReceptionError> {
        let found = self.parts.keys.find(person.account.id, id).await?;
        let found = found.filter(|key| !matches!(key.state, KeyState::Revoked { .. }));
        Ok(ApiKey::clone(found.ok_or(KeyError::NotFound { id })?.as_ref()))
    }
}

fn label(key: &ApiKey) -> KeyLabel {
    KeyLabel { name: key.name.clone(), last4: key.last4.clone() }
}
