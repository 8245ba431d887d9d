//! Values that must not be shown: credentials and peppers.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A secret: `Debug` prints nothing of it, it is not `Serialize`, and it is wiped on drop.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes a value under protection.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one use it exists for.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Compares in constant time; the length is not hidden.
impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl<T: Zeroize + From<String>> From<String> for Secret<T> {
    fn from(value: String) -> Self {
        Self(T::from(value))
    }
}
