//! Sheets of prices as operators draft, publish and withdraw them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{EditionError, PriceVersion};
use crate::audit::AuditActor;
use crate::clock::Timestamp;

/// From its publication to the first moment at which a sheet may count. Within this time every node has
/// read it, or turns calls away.
pub const TAKE_OVER: Duration = Duration::from_mins(1);

/// Sheets that operators draft, and what became of them.
///
/// # Contract
/// Each method is one atomic, durable operation. A draft may be replaced; what was published is never
/// changed. Published sheets follow each other by version, and only the last of them is withdrawn.
#[async_trait]
pub trait PriceEditions: fmt::Debug + Send + Sync + 'static {
    /// Keeps a draft in place of an earlier one of its version, and returns what is kept: the same text
    /// again is the same draft.
    ///
    /// # Errors
    /// [`EditionError::Exists`] when the version was published with another text, or withdrawn;
    /// [`EditionError::Unavailable`].
    async fn draft(&self, draft: PriceDraft) -> Result<PriceEdition, EditionError>;

    /// An edition with its text.
    ///
    /// # Errors
    /// [`EditionError::Unavailable`].
    async fn find(&self, version: PriceVersion) -> Result<Option<EditionFile>, EditionError>;

    /// At most `limit` editions, the latest version first.
    ///
    /// # Errors
    /// [`EditionError::Unavailable`].
    async fn list(&self, limit: u32) -> Result<Vec<PriceEdition>, EditionError>;

    /// At most `limit` editions that were published and not withdrawn, the latest version first.
    ///
    /// # Errors
    /// [`EditionError::Unavailable`].
    async fn standing(&self, limit: u32) -> Result<Vec<PriceEdition>, EditionError>;

    /// Publishes a draft behind the sheet that was published last, and returns it as it is kept: done
    /// again it is the same publication.
    ///
    /// # Errors
    /// Those of [`PriceEdition::published`]; [`EditionError::Unavailable`].
    async fn publish(
        &self,
        step: EditionStep,
        after: Option<PriceVersion>,
    ) -> Result<PriceEdition, EditionError>;

    /// Withdraws the sheet that was published last, before it counts: done again it changes nothing.
    ///
    /// # Errors
    /// Those of [`PriceEdition::withdrawn`]; [`EditionError::Unavailable`].
    async fn withdraw(&self, step: EditionStep) -> Result<PriceEdition, EditionError>;
}

/// SHA-256 of the text of a sheet.
///
/// # Wire shape
/// 64 digits in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SheetDigest([u8; 32]);

impl SheetDigest {
    /// The digest of a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for SheetDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest in hexadecimal")]
pub struct InvalidDigest;

impl FromStr for SheetDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_digit) {
            return Err(InvalidDigest);
        }
        let mut bytes = [0; 32];
        for (place, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_foreign| InvalidDigest)?;
            *place = u8::from_str_radix(digits, 16).map_err(|_foreign| InvalidDigest)?;
        }
        Ok(Self(bytes))
    }
}

/// A sheet that an operator writes down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceDraft {
    /// Its version, which is its day.
    pub version: PriceVersion,
    /// From when it is meant to be in force.
    pub effective_from: Timestamp,
    /// The sheet in the format of the embedded file.
    pub text: String,
    /// By whom, and when.
    pub drafted: EditionMark,
}

/// Who did something to an edition, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditionMark {
    /// Who.
    pub by: AuditActor,
    /// When.
    pub at: Timestamp,
}

/// A sheet, and what became of it; its text is kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceEdition {
    /// Its version, which is its day.
    pub version: PriceVersion,
    /// The digest of its text.
    pub digest: SheetDigest,
    /// From when it is meant to be in force.
    pub effective_from: Timestamp,
    /// By whom it was written, and when.
    pub drafted: EditionMark,
    /// Its publication.
    pub published: Option<PricePublication>,
    /// By whom it was withdrawn after its publication, and when.
    pub withdrawn: Option<EditionMark>,
}

/// The publication of a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricePublication {
    /// By whom, and when.
    pub mark: EditionMark,
    /// From when the sheet counts.
    pub in_force_from: Timestamp,
}

/// An edition with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditionFile {
    /// What became of it.
    pub edition: PriceEdition,
    /// The sheet in the format of the embedded file.
    pub text: String,
}

/// Something that is done to an edition of which somebody has read the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditionStep {
    /// Which.
    pub version: PriceVersion,
    /// The text that was agreed on.
    pub digest: SheetDigest,
    /// By whom, and when.
    pub mark: EditionMark,
}

impl PriceEdition {
    /// The publication, unless it was withdrawn.
    pub fn standing(&self) -> Option<&PricePublication> {
        self.published.as_ref().filter(|_publication| self.withdrawn.is_none())
    }

    /// What becomes of the edition of this version when a draft comes.
    ///
    /// # Errors
    /// [`EditionError::Exists`].
    pub fn redrafted(before: Option<&Self>, draft: &PriceDraft) -> Result<Self, EditionError> {
        let PriceDraft { version, effective_from, text, drafted } = draft;
        let digest = SheetDigest::of(text);
        match before {
            Some(kept) if kept.digest == digest && kept.withdrawn.is_none() => Ok(kept.clone()),
            Some(kept) if kept.published.is_some() => Err(EditionError::Exists { version: *version }),
            Some(_) | None => Ok(Self {
                version: *version,
                digest,
                effective_from: *effective_from,
                drafted: drafted.clone(),
                published: None,
                withdrawn: None,
            }),
        }
    }

    /// What becomes of an edition by its publication behind `after`, among all that there are.
    ///
    /// # Errors
    /// [`EditionError::NotFound`]; [`EditionError::Changed`] for another text; [`EditionError::Exists`]
    /// when it was withdrawn; [`EditionError::Overtaken`] when another sheet than `after` was published
    /// last.
    pub fn published(
        all: &[Self],
        step: &EditionStep,
        after: Option<PriceVersion>,
    ) -> Result<Self, EditionError> {
        let edition = Self::agreed(all, step)?;
        let version = edition.version;
        if edition.withdrawn.is_some() {
            return Err(EditionError::Exists { version });
        }
        if edition.published.is_some() {
            return Ok(edition.clone());
        }
        let last = Self::last(all);
        let last_version = last.map(|(edition, _publication)| edition.version);
        if last_version != after || last_version.is_some_and(|last| version <= last) {
            return Err(EditionError::Overtaken);
        }
        let mark = step.mark.clone();
        // However clocks differ, sheets follow each other.
        let behind =
            last.map(|(_edition, publication)| publication.in_force_from.plus(Duration::from_millis(1)));
        let soonest = edition.effective_from.max(mark.at.plus(TAKE_OVER));
        let in_force_from = behind.map_or(soonest, |behind| behind.max(soonest));
        Ok(Self { published: Some(PricePublication { mark, in_force_from }), ..edition.clone() })
    }

    /// What becomes of an edition by its withdrawal, among all that there are.
    ///
    /// # Errors
    /// [`EditionError::NotFound`]; [`EditionError::Changed`] for another text;
    /// [`EditionError::NotPublished`]; [`EditionError::NotLast`] when another sheet follows it;
    /// [`EditionError::InForce`] when it counts, or nearly.
    pub fn withdrawn(all: &[Self], step: &EditionStep) -> Result<Self, EditionError> {
        let edition = Self::agreed(all, step)?;
        if edition.withdrawn.is_some() {
            return Ok(edition.clone());
        }
        let publication = edition.published.as_ref().ok_or(EditionError::NotPublished)?;
        if Self::last(all).is_some_and(|(last, _publication)| last.version != edition.version) {
            return Err(EditionError::NotLast);
        }
        if publication.in_force_from < step.mark.at.plus(TAKE_OVER) {
            return Err(EditionError::InForce);
        }
        Ok(Self { withdrawn: Some(step.mark.clone()), ..edition.clone() })
    }

    /// The sheet that was published last and not withdrawn.
    pub fn last(all: &[Self]) -> Option<(&Self, &PricePublication)> {
        let standing = all.iter().filter_map(|edition| Some((edition, edition.standing()?)));
        standing.max_by_key(|(edition, _publication)| edition.version)
    }

    fn agreed<'a>(all: &'a [Self], step: &EditionStep) -> Result<&'a Self, EditionError> {
        let version = step.version;
        let found = all.iter().find(|edition| edition.version == version);
        let edition = found.ok_or(EditionError::NotFound { version })?;
        if edition.digest == step.digest { Ok(edition) } else { Err(EditionError::Changed { version }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = SheetDigest::of("{}");
        assert_eq!(digest.to_string(), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in ["", "44", &digest.to_string().to_uppercase(), &"+1".repeat(32), &"é".repeat(32)] {
            assert_eq!(text.parse::<SheetDigest>(), Err(InvalidDigest), "{text}");
        }
    }
}
