//! One newtype per identifier, and where their randomness comes from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Clock;

/// Where randomness comes from.
///
/// # Contract
/// Every call fills the whole buffer. Implementations for production draw from the operating
/// system and do not fail: a process without randomness stops.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "without randomness no key or identifier may be made")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives no randomness");
    }
}

/// The text is not an identifier of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} identifier")]
pub struct IdError {
    kind: &'static str,
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Wire shape
        #[doc = concat!("`", $prefix, "_` and 32 hexadecimal digits of a time-ordered UUID (version 7, RFC 9562).")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new identifier from the time and randomness.
            pub fn generate(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
                let mut random = [0_u8; 10];
                entropy.fill(&mut random);
                let millis = clock.now().millis().max(0).unsigned_abs();
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// Takes an identifier that was stored.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The smallest identifier that is made at a moment: where a search by time begins.
            pub const fn first_of(at: crate::clock::Timestamp) -> Self {
                let millis = at.millis();
                let millis = if millis < 0 { 0 } else { millis.unsigned_abs() as u128 };
                Self(Uuid::from_u128(millis << 80))
            }

            /// The identifier as it is stored.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// The prefix of the text form.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|digits| digits.len() == 32)
                    .and_then(|digits| Uuid::try_parse(digits).ok())
                    .map(Self)
                    .ok_or(IdError { kind: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

identifiers! {
    /// The owner of a balance and of keys.
    AccountId = "acct";
    /// A stored API key.
    ApiKeyId = "key";
    /// One request to the gateway; also the name of its receipt.
    RequestId = "req";
    /// Funds set aside for a request.
    HoldId = "hold";
    /// One immutable posting.
    TransferId = "tr";
    /// A promotional credit with its own expiry.
    LotId = "lot";
    /// A prepaid purchase.
    TopUpId = "topup";
    /// An order to give a payment back.
    RefundId = "refund";
    /// A running process of the gateway.
    NodeId = "node";
    /// A message to a person.
    NoticeId = "notice";
    /// A sign-in of a person on a device.
    SessionId = "sess";
    /// Something that happened to the security of an account.
    SecurityEventId = "sev";
    /// The deletion of an account; also the number of its receipt.
    DeletionId = "del";
    /// An account elsewhere by which a person signs in.
    IdentityId = "idn";
    /// An export of everything that is kept about a person.
    ExportId = "exp";
    /// Something that an operator did.
    AuditEntryId = "aud";
    /// Something that waits for a second operator.
    ApprovalId = "appr";
}

/// Derives the identifier of a consequence from the identifier of its cause.
///
/// The same cause and label give the same result on every node, which makes a replay visible.
/// The first 8 bytes (time order) are kept; the rest are SHA-256 of cause and label.
pub fn derive(cause: Uuid, label: &str) -> Uuid {
    let mut bytes = *cause.as_bytes();
    let digest = Sha256::new().chain_update(cause.as_bytes()).chain_update(label.as_bytes()).finalize();
    for (byte, new) in bytes.iter_mut().skip(8).zip(digest.iter()) {
        *byte = *new;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl HoldId {
    /// The hold of a request: `step` 0 is the first, each extension has the next number.
    pub fn of_request(request: RequestId, step: u32) -> Self {
        Self(derive(request.as_uuid(), &format!("hold:{step}")))
    }
}
