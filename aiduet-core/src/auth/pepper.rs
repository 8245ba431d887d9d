//! A secret that goes into every password hash and is not in the database.

use zeroize::Zeroize;

use crate::secret::Secret;

const BYTES: usize = 32;
/// What a key identifier in a PHC string may hold.
const ID_BYTES_MAX: usize = 8;

/// A secret that goes into every password hash: who has only the database cannot guess passwords.
#[derive(Clone, Debug)]
pub struct Pepper {
    id: String,
    secret: Secret<Vec<u8>>,
}

/// The text is not a pepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pepper is an identifier of 1 to 8 letters and digits, a colon, and 64 hexadecimal digits")]
pub struct InvalidPepper;

impl Pepper {
    /// Reads a pepper.
    ///
    /// # Wire shape
    /// `{id}:{64 hexadecimal digits}`, for example `p1:` and the output of `openssl rand -hex 32`.
    ///
    /// # Errors
    /// [`InvalidPepper`].
    pub fn parse(text: &str) -> Result<Self, InvalidPepper> {
        let (id, digits) = text.trim().split_once(':').ok_or(InvalidPepper)?;
        let is_name = (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let mut secret = Vec::with_capacity(BYTES);
        for pair in digits.as_bytes().chunks(2) {
            let is_hex = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
            let byte = std::str::from_utf8(pair).ok().filter(|_pair| is_hex);
            let byte = byte.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            if let Some(byte) = byte {
                secret.push(byte);
            }
        }
        if !is_name || secret.len() != BYTES || digits.len() != BYTES * 2 {
            secret.zeroize();
            return Err(InvalidPepper);
        }
        Ok(Self { id: id.to_owned(), secret: Secret::new(secret) })
    }

    /// Its name, which is kept with each hash that was made with it.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> &[u8] {
        self.secret.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pepper_has_a_name_and_32_bytes() {
        let digits = "0f".repeat(32);
        let pepper = Pepper::parse(&format!("p1:{digits}\n")).unwrap();
        assert_eq!((pepper.id(), pepper.secret()), ("p1", [15_u8; 32].as_slice()));
        assert!(!format!("{pepper:?}").contains("0f"));
        for text in ["", "p1", &digits, &format!(":{digits}"), &format!("p1:{digits}0f"), "p1:0f"] {
            assert_eq!(Pepper::parse(text).unwrap_err(), InvalidPepper, "{text}");
        }
        assert!(Pepper::parse(&format!("p1:{}", "+f".repeat(32))).is_err());
        assert!(Pepper::parse(&format!("ninechars:{digits}")).is_err());
    }
}
