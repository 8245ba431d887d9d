//! What tells an erased account that a restored database has brought back.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::id::{AccountId, Entropy};

/// HMAC-SHA-256 of the identifier of an erased account.
///
/// Who has the list learns nothing about an account whose identifier they do not have: 74 bits of it
/// are random.
///
/// # Wire shape
/// `v1 {key} {digest}`, each 64 hexadecimal digits. Tombstones of one installation share a key as long
/// as it is known, so that a search computes one HMAC for each account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tombstone {
    /// The key.
    pub key: [u8; 32],
    /// The HMAC.
    pub digest: [u8; 32],
}

/// The text is not a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tombstone is `v1` and two times 64 hexadecimal digits")]
pub struct InvalidTombstone;

impl Tombstone {
    /// A new key.
    pub fn new_key(entropy: &dyn Entropy) -> [u8; 32] {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        key
    }

    /// The tombstone of an account.
    pub fn of(account: AccountId, key: [u8; 32]) -> Self {
        // HMAC fills a key up with zeros to the length of a block (RFC 2104, section 2).
        let mut block = [0; 64];
        for (byte, of_key) in block.iter_mut().zip(key) {
            *byte = of_key;
        }
        let mut mac = <Hmac<Sha256> as Mac>::new(&block.into());
        mac.update(account.as_uuid().as_bytes());
        Self { key, digest: mac.finalize().into_bytes().into() }
    }
}

impl fmt::Display for Tombstone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v1")?;
        for bytes in [&self.key, &self.digest] {
            f.write_str(" ")?;
            for byte in bytes {
                write!(f, "{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Tombstone {
    type Err = InvalidTombstone;

    fn from_str(text: &str) -> Result<Self, InvalidTombstone> {
        let mut words = text.split_ascii_whitespace();
        let (Some("v1"), Some(key), Some(digest), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(InvalidTombstone);
        };
        Ok(Self { key: bytes(key)?, digest: bytes(digest)? })
    }
}

fn bytes(digits: &str) -> Result<[u8; 32], InvalidTombstone> {
    let is_hex = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|_pair| is_hex).ok_or(InvalidTombstone)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_invalid| InvalidTombstone)?;
    }
    Ok(bytes)
}

/// A file of tombstones, one a line, which lies where no backup of the database takes it along.
#[derive(Clone, Debug)]
pub struct TombstoneFile {
    path: PathBuf,
}

impl TombstoneFile {
    /// The file at a path; it is made with mode 0600 when the first tombstone comes.
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Adds a tombstone, unless it is there, and waits for the disk.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds something else.
    pub fn add(&self, tombstone: &Tombstone) -> std::io::Result<()> {
        let known = if self.path.try_exists()? { Self::read(&self.path)? } else { Vec::new() };
        if known.contains(tombstone) {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        file.write_all(format!("{tombstone}\n").as_bytes())?;
        file.sync_all()
    }

    /// The tombstones of a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line is not a tombstone.
    pub fn read(path: &Path) -> std::io::Result<Vec<Tombstone>> {
        let text = std::fs::read_to_string(path)?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| line.parse().map_err(std::io::Error::other)).collect()
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::Factory;

    #[test]
    fn a_tombstone_knows_its_account_and_no_other() {
        let factory = Factory::new(1);
        let (one, other) = (factory.account_id(), factory.account_id());
        let key = Tombstone::new_key(factory.entropy());
        let tombstone = Tombstone::of(one, key);
        assert_eq!(tombstone, Tombstone::of(one, key));
        assert_ne!(tombstone, Tombstone::of(other, key));
        assert_ne!(tombstone.digest, Tombstone::of(one, [0; 32]).digest);
        assert_eq!(tombstone.to_string().parse(), Ok(tombstone));
        for text in
            ["", "v1", "v2 00 00", &format!("{tombstone} more"), &tombstone.to_string().replace('a', "g")]
        {
            assert!(text.parse::<Tombstone>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_has_each_tombstone_once_and_is_the_owners() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tombstones");
        let file = TombstoneFile::at(path.clone());
        let factory = Factory::new(1);
        let [one, other] = [(), ()].map(|()| Tombstone::of(factory.account_id(), [7; 32]));
        for tombstone in [one, other, one] {
            file.add(&tombstone).unwrap();
        }
        assert_eq!(TombstoneFile::read(&path).unwrap(), [one, other]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "not a tombstone\n").unwrap();
        assert!(file.add(&one).is_err(), "what cannot be read is not written to");
    }
}
