//! Whether the log is what was appended.

use super::{AuditDigest, AuditError, AuditHead, AuditLink, AuditLog, Audited};

/// Entries that are read at once.
const BATCH: u32 = 1_000;
/// After so many faults the rest is not told.
const FAULTS_MAX: usize = 20;

/// What [`verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many entries there are.
    pub entries: u64,
    /// The newest one, to be kept elsewhere; `None` for an empty log and where it cannot be read.
    pub head: Option<AuditHead>,
    /// What is wrong; empty when all is well. At most 20.
    pub faults: Vec<AuditFault>,
}

/// A place that is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditFault {
    /// Its number.
    pub sequence: u64,
    /// What is wrong with it.
    pub kind: AuditFaultKind,
}

/// What is wrong with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditFaultKind {
    /// There is no entry.
    Missing,
    /// The entry is not the one that was sealed here.
    Changed,
}

impl AuditFaultKind {
    /// The code in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
        }
    }
}

/// Reads the whole log and compares every seal.
///
/// A log of which the end was cut off is whole in itself, and so is one that was written anew from some
/// entry on: that shows only against a head that was kept elsewhere, from an earlier check or from the
/// log of the process, which names the seal of every entry.
///
/// # Errors
/// [`AuditError::Unavailable`].
pub async fn verify(log: &dyn AuditLog, kept: Option<AuditHead>) -> Result<AuditCheck, AuditError> {
    let mut reader = Reader { kept, last: 0, seal: Some(AuditDigest::START), check: AuditCheck::default() };
    loop {
        let links = log.links(reader.last, BATCH).await?;
        if links.is_empty() {
            return Ok(reader.finish());
        }
        for link in links {
            reader.read(link);
        }
    }
}

/// How far a log is read.
struct Reader {
    kept: Option<AuditHead>,
    /// The number of the place before.
    last: u64,
    /// The seal there; `None` where it cannot be known.
    seal: Option<AuditDigest>,
    check: AuditCheck,
}

impl Reader {
    fn read(&mut self, link: AuditLink) {
        let AuditLink { sequence, audited } = link;
        let expected = self.last.saturating_add(1);
        if sequence != expected {
            self.fault(expected, AuditFaultKind::Missing);
            self.seal = None;
        }
        self.check.entries = self.check.entries.saturating_add(1);
        let is_sealed = audited.as_ref().is_some_and(|audited| self.fits(audited));
        if !is_sealed {
            self.fault(sequence, AuditFaultKind::Changed);
        }
        self.last = sequence;
        self.seal = audited.map(|audited| audited.digest);
        self.check.head = self.seal.map(|digest| AuditHead { sequence, digest });
    }

    /// Whether the entry is the one that was sealed. After a gap its seal cannot be compared.
    fn fits(&self, audited: &Audited) -> bool {
        let Audited { sequence, digest, entry } = audited;
        let is_sealed = self.seal.is_none_or(|before| before.after(*sequence, entry) == *digest);
        let is_kept = |head: &AuditHead| head.sequence != *sequence || head.digest == *digest;
        is_sealed && self.kept.as_ref().is_none_or(is_kept)
    }

    fn fault(&mut self, sequence: u64, kind: AuditFaultKind) {
        if self.check.faults.len() < FAULTS_MAX {
            self.check.faults.push(AuditFault { sequence, kind });
        }
    }

    fn finish(mut self) -> AuditCheck {
        if self.kept.is_some_and(|head| head.sequence > self.last) {
            self.fault(self.last.saturating_add(1), AuditFaultKind::Missing);
        }
        self.check
    }
}
