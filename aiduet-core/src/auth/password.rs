//! Passwords become hashes, slowly and not too many at once.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, KeyId, Params, ParamsBuilder, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{HashError, NewPassword, Pepper, PlainPassword};
use crate::class::Source;
use crate::id::Entropy;
use crate::secret::Secret;

const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
/// One lane: a hash is one task for one core.
const LANES: u32 = 1;

/// How much work one hash is.
///
/// # Source
/// RFC 9106, section 4 (second recommended option); the floors are those of the OWASP password storage
/// cheat sheet and ASVS 5.0, appendix C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    memory_kib: u32,
    passes: u32,
}

/// A hash would be too cheap to resist guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password hash needs at least 19 MiB and 2 passes, 46 MiB and 1 pass, or 12 MiB and 3 passes")]
pub struct HashCostTooLow;

impl HashCost {
    /// 64 MiB and 3 passes: about 0.1 s on a server's core.
    pub const STANDARD: Self = Self { memory_kib: 65_536, passes: 3 };

    /// The least that is allowed: 19 MiB and 2 passes, for small machines.
    pub const FLOOR: Self = Self { memory_kib: 19_456, passes: 2 };

    /// A cost of so many KiB of memory and so many passes over it.
    ///
    /// # Errors
    /// [`HashCostTooLow`].
    pub const fn new(memory_kib: u32, passes: u32) -> Result<Self, HashCostTooLow> {
        let enough = (memory_kib >= 19_456 && passes >= 2)
            || (memory_kib >= 47_104 && passes >= 1)
            || (memory_kib >= 12_288 && passes >= 3);
        if enough { Ok(Self { memory_kib, passes }) } else { Err(HashCostTooLow) }
    }

    /// A cost below the floor, for tests that hash very often.
    #[cfg(feature = "testing")]
    pub const fn for_tests() -> Self {
        Self { memory_kib: 64, passes: 1 }
    }
}

/// How a [`PasswordHasher`] works.
#[derive(Clone, Debug)]
pub struct HasherConfig {
    /// How much work one hash is.
    pub cost: HashCost,
    /// New hashes are made with the first; the others are for hashes of before.
    pub peppers: Vec<Pepper>,
    /// So many hashes are made at the same time; each takes the memory of its cost.
    pub running_max: usize,
    /// So many wait for their turn.
    pub waiting_max: usize,
    /// So long.
    pub patience: Duration,
}

impl Default for HasherConfig {
    /// One hash at a time for each core, 32 waiting for at most 5 seconds.
    fn default() -> Self {
        Self {
            cost: HashCost::STANDARD,
            peppers: Vec::new(),
            running_max: std::thread::available_parallelism().map_or(1, usize::from),
            waiting_max: 32,
            patience: Duration::from_secs(5),
        }
    }
}

/// What a comparison of a password with a hash says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password, or there is none.
    Wrong,
    /// It is this one.
    Right,
    /// It is this one, and the hash should be made anew: cost or pepper have changed.
    RightButOutdated,
}

/// Makes and compares password hashes: argon2id, version 19, away from the threads that serve
/// requests, and never more at once than memory and cores allow.
///
/// # Wire shape
/// `$argon2id$v=19$m=65536,t=3,p=1,keyid=…$salt$tag` (PHC string), where `keyid` names the pepper.
#[derive(Debug)]
pub struct PasswordHasher {
    params: Params,
    peppers: Arc<[Pepper]>,
    entropy: Arc<dyn Entropy>,
    running: Arc<Semaphore>,
    /// Running and waiting.
    admitted: Arc<Semaphore>,
    patience: Duration,
}

/// The right to make one hash now.
#[derive(Debug)]
struct Turn {
    _running: OwnedSemaphorePermit,
    _admitted: OwnedSemaphorePermit,
}

impl PasswordHasher {
    /// A hasher that draws its salts from `entropy`.
    ///
    /// # Errors
    /// [`HashError::Unusable`] when the algorithm does not take the cost.
    pub fn new(config: HasherConfig, entropy: Arc<dyn Entropy>) -> Result<Self, HashError> {
        let HasherConfig { cost, peppers, running_max, waiting_max, patience } = config;
        let running_max = running_max.clamp(1, Semaphore::MAX_PERMITS);
        let admitted_max = running_max.saturating_add(waiting_max).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            params: params(cost, peppers.first())?,
            peppers: peppers.into(),
            entropy,
            running: Arc::new(Semaphore::new(running_max)),
            admitted: Arc::new(Semaphore::new(admitted_max)),
            patience,
        })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// [`HashError::Busy`], [`HashError::Unusable`].
    pub async fn hash(&self, password: &NewPassword) -> Result<Secret<String>, HashError> {
        self.rehash(password.plain()).await
    }

    /// A hash of today's cost and pepper for a password that was just found right.
    ///
    /// # Errors
    /// [`HashError::Busy`], [`HashError::Unusable`].
    pub async fn rehash(&self, password: &PlainPassword) -> Result<Secret<String>, HashError> {
        let turn = self.take_turn().await?;
        let (password, params, peppers) = (password.clone(), self.params.clone(), Arc::clone(&self.peppers));
        let salt = self.salt()?;
        blocking(move || {
            let _turn = turn;
            let hasher = argon2(params, peppers.first())?;
            let hash = hasher.hash_password(password.as_bytes(), &salt).map_err(unusable)?;
            Ok(Secret::new(hash.to_string()))
        })
        .await
    }

    /// Whether a password is the one of a hash. Without a hash the same work is done, so that the
    /// time tells nobody whether there is an account.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(
        &self,
        password: &PlainPassword,
        stored: Option<&Secret<String>>,
    ) -> Result<Verdict, HashError> {
        let turn = self.take_turn().await?;
        let (password, today, peppers) = (password.clone(), self.params.clone(), Arc::clone(&self.peppers));
        let stored = stored.cloned();
        let salt = self.salt()?;
        blocking(move || {
            let _turn = turn;
            let Some(stored) = stored else {
                let hasher = argon2(today, peppers.first())?;
                hasher.hash_password(password.as_bytes(), &salt).map_err(unusable)?;
                return Ok(Verdict::Wrong);
            };
            compare(&password, stored.expose(), &today, &peppers)
        })
        .await
    }

    async fn take_turn(&self) -> Result<Turn, HashError> {
        let busy = || HashError::Busy { retry_after: self.patience };
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_full| busy())?;
        let running = Arc::clone(&self.running).acquire_owned();
        match tokio::time::timeout(self.patience, running).await {
            Ok(Ok(running)) => Ok(Turn { _running: running, _admitted: admitted }),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    fn salt(&self) -> Result<SaltString, HashError> {
        let mut salt = [0_u8; SALT_BYTES];
        self.entropy.fill(&mut salt);
        SaltString::encode_b64(&salt).map_err(unusable)
    }
}

fn compare(
    password: &PlainPassword,
    stored: &str,
    today: &Params,
    peppers: &[Pepper],
) -> Result<Verdict, HashError> {
    let hash = PasswordHash::new(stored).map_err(unusable)?;
    let params = Params::try_from(&hash).map_err(unusable)?;
    let id = params.keyid();
    let pepper = peppers.iter().find(|pepper| pepper.id().as_bytes() == id);
    if pepper.is_none() && !id.is_empty() {
        return Err(HashError::UnknownPepper { id: String::from_utf8_lossy(id).into_owned() });
    }
    let hasher = argon2(params.clone(), pepper)?;
    match hasher.verify_password(password.as_bytes(), &hash) {
        Ok(()) if params == *today => Ok(Verdict::Right),
        Ok(()) => Ok(Verdict::RightButOutdated),
        Err(argon2::password_hash::Error::Password) => Ok(Verdict::Wrong),
        Err(error) => Err(unusable(error)),
    }
}

fn params(cost: HashCost, pepper: Option<&Pepper>) -> Result<Params, HashError> {
    let mut builder = ParamsBuilder::new();
    builder.m_cost(cost.memory_kib).t_cost(cost.passes).p_cost(LANES).output_len(TAG_BYTES);
    if let Some(pepper) = pepper {
        builder.keyid(KeyId::new(pepper.id().as_bytes()).map_err(unusable)?);
    }
    builder.build().map_err(unusable)
}

fn argon2(params: Params, pepper: Option<&Pepper>) -> Result<Argon2<'_>, HashError> {
    let secret = pepper.map_or(&[][..], Pepper::secret);
    Argon2::new_with_secret(secret, Algorithm::Argon2id, Version::V0x13, params).map_err(unusable)
}

fn unusable<E: Into<Source>>(error: E) -> HashError {
    HashError::Unusable { source: error.into() }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
) -> Result<T, HashError> {
    tokio::task::spawn_blocking(work).await.map_err(unusable)?
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
