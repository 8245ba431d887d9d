//! The events that nearly all of a stream is made of: one more piece of a block.

use std::borrow::Cow;

/// A piece of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// What the block is.
    pub(crate) kind: PieceKind,
    /// The place of the block, or of the item that it is part of.
    pub(crate) index: u32,
    /// The place of the part within its item; zero where there are no parts.
    pub(crate) part: u32,
    /// The piece.
    pub(crate) text: Cow<'a, str>,
}

/// What a piece is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PieceKind {
    /// Text of the answer.
    Text,
    /// Shown reasoning.
    Thought,
    /// The input of a call.
    Input,
}
