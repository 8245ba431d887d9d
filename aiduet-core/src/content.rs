//! Request and response text: held in memory, passed on, never shown.

use bytes::Bytes;

/// Bytes that a client or a provider wrote: prompts, answers, tool data.
///
/// The type has no `Debug`, `Display`, `Serialize`, `Hash` or `PartialEq`, so that its bytes
/// cannot reach a log, an error, a column or an assertion message by accident. The one way to
/// the bytes is [`expose`](Content::expose), which is easy to find in a review.
///
/// ```compile_fail
/// let content = aiduet_core::content::Content::from_static(b"a prompt");
/// println!("{content:?}");
/// ```
///
/// ```compile_fail
/// let content = aiduet_core::content::Content::from_static(b"a prompt");
/// let text = content.to_string();
/// ```
///
/// ```compile_fail
/// let content = aiduet_core::content::Content::from_static(b"a prompt");
/// tracing::info!(?content);
/// ```
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "content must not be printable")]
pub struct Content(Bytes);

impl Content {
    /// Takes bytes under protection.
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Takes constant bytes under protection.
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }

    /// The bytes, for parsing and forwarding only.
    pub const fn expose(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, given up to the socket they are for.
    pub fn into_exposed(self) -> Bytes {
        self.0
    }

    /// Length in bytes.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Says how long the content is and nothing else, so that types that hold it can have `Debug`.
pub(crate) fn describe(content: &Content) -> impl std::fmt::Debug + '_ {
    ByteCount(content.len())
}

struct ByteCount(usize);

impl std::fmt::Debug for ByteCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0)
    }
}
