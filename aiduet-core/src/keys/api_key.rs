//! The key itself: text, digest, limits, state.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::duet::DuetOverrides;
use crate::id::{AccountId, ApiKeyId, Entropy};
use crate::money::Money;
use crate::price::ModelId;

const PREFIX: &str = "sk-duet-";
const RANDOM_BYTES: usize = 32;
/// 32 bytes in base62 take 43 digits: 62⁴³ > 2²⁵⁶.
const RANDOM_DIGITS: usize = 43;
/// A 32-bit checksum takes 6 digits.
const CHECK_DIGITS: usize = 6;
/// As many digits as fit into 32 bits.
const GROUP_DIGITS: usize = 5;
/// 62⁵.
const GROUP: u64 = 916_132_832;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API key as its owner holds it; exists only while it is made or checked.
///
/// # Wire shape
/// `sk-duet-`, 43 base62 digits of 32 random bytes, 6 base62 digits of the CRC-32 (IEEE) of
/// everything before.
pub struct PlainApiKey(Zeroizing<String>);

/// The text is not a key: wrong prefix, length, alphabet or checksum. Found without a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed API key")]
pub struct MalformedKey;

impl PlainApiKey {
    /// Makes a new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut random = Zeroizing::new([0_u8; RANDOM_BYTES]);
        entropy.fill(random.as_mut());
        let mut text = Zeroizing::new(format!("{PREFIX}{}", base62(random.as_ref(), RANDOM_DIGITS).as_str()));
        let check = crc32fast::hash(text.as_bytes());
        text.push_str(&base62(&check.to_be_bytes(), CHECK_DIGITS));
        Self(text)
    }

    /// Reads a key and verifies its checksum.
    ///
    /// # Errors
    /// [`MalformedKey`] for anything that [`generate`](Self::generate) cannot have made.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let digits = text.strip_prefix(PREFIX).ok_or(MalformedKey)?;
        if digits.len() != RANDOM_DIGITS + CHECK_DIGITS || !digits.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return Err(MalformedKey);
        }
        let (body, check) = text.split_at_checked(text.len() - CHECK_DIGITS).ok_or(MalformedKey)?;
        if base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECK_DIGITS).as_str() != check {
            return Err(MalformedKey);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The digest under which the key is stored and looked up.
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The first 12 characters, which are kept to recognise the key by.
    pub fn prefix(&self) -> &str {
        self.0.get(..12).unwrap_or_default()
    }

    /// The last 4 characters, which are kept to recognise the key by.
    pub fn last4(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }

    /// The whole key, to be shown to its owner once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlainApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainApiKey([redacted])")
    }
}

/// Writes a big-endian number of whole 32-bit words in base62 with a fixed count of digits.
fn base62(number: &[u8], digits: usize) -> Zeroizing<String> {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    let mut words: Zeroizing<Vec<u32>> = Zeroizing::new(number.chunks(4).map(word).collect());
    let mut text = Zeroizing::new(vec![b'0'; digits]);
    for group in text.rchunks_mut(GROUP_DIGITS) {
        let mut rest = divide(&mut words);
        for digit in group.iter_mut().rev() {
            let index = usize::try_from(rest % 62).unwrap_or_default();
            *digit = ALPHABET.get(index).copied().unwrap_or(b'0');
            rest /= 62;
        }
    }
    Zeroizing::new(text.iter().map(|byte| char::from(*byte)).collect())
}

/// Divides a number by 62⁵ and returns the remainder: five digits at a time.
fn divide(words: &mut [u32]) -> u64 {
    let mut remainder = 0_u64;
    for word in words {
        let value = remainder << 32 | u64::from(*word);
        *word = u32::try_from(value / GROUP).unwrap_or(u32::MAX);
        remainder = value % GROUP;
    }
    remainder
}

/// SHA-256 of a key: what is stored and looked up. Resists guessing at 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKeyHash([u8; 32]);

impl ApiKeyHash {
    /// Takes a stored digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(..)")
    }
}

/// A stored key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// Who pays.
    pub account: AccountId,
    /// SHA-256 of the key.
    pub hash: ApiKeyHash,
    /// The first 12 characters of the key.
    pub prefix: String,
    /// The last 4 characters of the key.
    pub last4: String,
    /// What its owner calls it; at most 80 characters, no control characters.
    pub name: String,
    /// Whether it may be used.
    pub state: KeyState,
    /// What it may be used for.
    pub limits: KeyLimits,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum KeyState {
    /// Yes.
    Active,
    /// No, but it can be switched on again.
    Disabled {
        /// Since when.
        at: Timestamp,
    },
    /// Replaced by rotation; works until the overlap ends.
    Rotated {
        /// The last moment it works.
        until: Timestamp,
    },
    /// Never again.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}

/// What a key may be used for. `None` and empty lists mean: no limit of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyLimits {
    /// Spending.
    pub spend: SpendLimits,
    /// Requests per minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens per minute (prompt bound plus output limit).
    pub tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    pub concurrency: Option<u32>,
    /// Models by catalogue identifier.
    pub models: Vec<ModelId>,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Networks the client must be in.
    pub networks: Vec<IpNet>,
    /// What the duet does for this key.
    pub duet: DuetOverrides,
}

/// Most that a key may spend per calendar period in UTC; weeks begin on Monday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpendLimits {
    /// Per day.
    pub day: Option<Money>,
    /// Per week.
    pub week: Option<Money>,
    /// Per month.
    pub month: Option<Money>,
    /// Ever.
    pub total: Option<Money>,
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
