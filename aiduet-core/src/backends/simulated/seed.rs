//! Numbers and identifiers that follow from the request alone.

use sha2::{Digest, Sha256};

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Where everything that looks random comes from: the same request gives the same answer.
#[derive(Clone, Copy)]
pub(super) struct Seed([u8; 32]);

impl Seed {
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part.len().to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// A seed of its own for one part of the answer.
    pub(super) fn child(&self, label: &str, index: u64) -> Self {
        Self::of([self.0.as_slice(), label.as_bytes(), &index.to_le_bytes()])
    }

    pub(super) const fn dice(self) -> Dice {
        Dice { seed: self, round: 0, left: Vec::new() }
    }

    /// A prefix and so many letters and digits.
    pub(super) fn name(&self, prefix: &str, length: usize) -> String {
        let mut dice = self.child(prefix, 0).dice();
        let letters = (0..length).map(|_| char::from(dice.pick(ALPHANUMERIC).copied().unwrap_or(b'0')));
        prefix.chars().chain(letters).collect()
    }
}

/// An endless row of numbers from a seed.
pub(super) struct Dice {
    seed: Seed,
    round: u64,
    left: Vec<u8>,
}

impl Dice {
    pub(super) fn byte(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.left.pop() {
                return byte;
            }
            self.left = self.seed.child("dice", self.round).0.to_vec();
            self.round = self.round.wrapping_add(1);
        }
    }

    /// One of the values; `None` only where there are none.
    pub(super) fn pick<'a, T>(&mut self, values: &'a [T]) -> Option<&'a T> {
        let number = usize::from(u16::from_le_bytes([self.byte(), self.byte()]));
        values.get(number.checked_rem(values.len())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_names_and_other_parts_give_others() {
        let (one, same) = (Seed::of([b"ab".as_slice(), b"c"]), Seed::of([b"ab".as_slice(), b"c"]));
        let other = Seed::of([b"a".as_slice(), b"bc"]);
        assert_eq!(one.name("msg_", 24), same.name("msg_", 24));
        assert_ne!(one.name("msg_", 24), other.name("msg_", 24));
        assert_eq!(one.name("msg_", 24).len(), 28);
    }
}
