//! How entries are sealed.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::AuditEntry;
use crate::id::RequestId;

/// The seal of an entry: SHA-256 over the seal of the entry before it and every field of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditDigest([u8; 32]);

/// What fields are written after; another way of writing them gets another name.
const DOMAIN: &[u8] = b"aiduet audit 1";

impl AuditDigest {
    /// Stands before the first entry.
    pub const START: Self = Self([0; 32]);

    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The seal of the entry with this number, when `self` is that of the entry before it.
    ///
    /// Every field is preceded by its length, and a missing one differs from an empty one, so no two
    /// entries are written alike.
    #[must_use]
    pub fn after(&self, sequence: u64, entry: &AuditEntry) -> Self {
        let AuditEntry { id, at, actor, action, subject, reference, amount, reason, request } = entry;
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.0);
        hash.update(sequence.to_be_bytes());
        for field in [
            Some(id.to_string()),
            Some(at.millis().to_string()),
            Some(actor.to_string()),
            Some(action.as_str().to_owned()),
            subject.as_ref().map(ToString::to_string),
            reference.as_ref().map(ToString::to_string),
            amount.map(|amount| amount.nanos().to_string()),
            reason.as_ref().map(|reason| reason.as_str().to_owned()),
            request.as_ref().map(RequestId::to_string),
        ] {
            let Some(text) = field else {
                hash.update([0]);
                continue;
            };
            hash.update([1]);
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        }
        Self(hash.finalize().into())
    }
}

/// In hexadecimal.
impl fmt::Display for AuditDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The newest entry at some time. Kept elsewhere, it proves later that nothing before it was changed
/// or cut off.
///
/// # Wire shape
/// The number and the seal in hexadecimal, joined by `:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Its number.
    pub sequence: u64,
    /// Its seal.
    pub digest: AuditDigest,
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.digest)
    }
}

/// The text is not the head of an audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the number of an entry and 64 hexadecimal digits, joined by a colon")]
pub struct InvalidAuditHead;

impl FromStr for AuditHead {
    type Err = InvalidAuditHead;

    fn from_str(text: &str) -> Result<Self, InvalidAuditHead> {
        let (sequence, digits) = text.split_once(':').ok_or(InvalidAuditHead)?;
        let sequence = sequence.parse().map_err(|_not_a_number| InvalidAuditHead)?;
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidAuditHead);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_not_text| InvalidAuditHead)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_not_hexadecimal| InvalidAuditHead)?;
        }
        Ok(Self { sequence, digest: AuditDigest(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = AuditHead { sequence: 17, digest: AuditDigest([0xa5; 32]) };
        assert_eq!(head.to_string().parse(), Ok(head));
        for text in
            ["", "17", "17:", "x:00", &format!("17:{}", "zz".repeat(32)), &format!("17:{}", "+1".repeat(32))]
        {
            assert_eq!(text.parse::<AuditHead>(), Err(InvalidAuditHead), "{text}");
        }
    }
}
