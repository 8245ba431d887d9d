//! What a request asks for, as far as route, price and hold depend on it.

use std::fmt;

use super::fault::RequestFault;
use super::json::{Braces, Kind, Scanner, Span};
use crate::usage::{Modifiers, ServiceTier};

/// Longest model name that is looked up, in bytes.
const MODEL_BYTES_MAX: usize = 256;

/// The field in which a client lists models to fall back on. It is the gateway's own and never
/// goes to a provider.
pub(super) const FALLBACKS: &str = "models";

/// Most models that a client may fall back on.
pub const FALLBACKS_MAX: usize = 8;

/// The model name that a client wrote: text of a request, so it is compared and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelName(Box<str>);

impl ModelName {
    /// The name, for looking it up only.
    pub const fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModelName")
    }
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The model; `None` when the client leaves the choice to the gateway.
    pub model: Option<ModelName>,
    /// Models to fall back on, in order, when that one cannot serve or fails.
    pub fallbacks: Vec<ModelName>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// The output limit of one choice, in tokens, reasoning included.
    pub output_limit: Option<u64>,
    /// How many answers are asked for; the output limit holds for each.
    pub choices: u64,
    /// What changes the price.
    pub modifiers: Modifiers,
    /// Upper bound of web searches that are billed by the call.
    pub web_searches: u64,
    /// Part of the prompt is to be cached for the long life.
    pub long_cache: bool,
    /// The client asks for usage at the end of a stream.
    pub wants_usage: bool,
    /// How many separate inputs there are (embeddings), each of which may be as long as the model
    /// takes; one elsewhere.
    pub inputs: u64,
    /// Upper bound of the prompt, in tokens: the bytes of the body where it is text, and a fixed
    /// number for each image and for what a search may find
    /// (`docs/decisions/0008-images-and-searches.md`); `u64::MAX` (whatever the model takes) with
    /// documents and sound.
    pub input_tokens_bound: u64,
    /// What the prompt probably has, in tokens: a quarter of its bytes, without the data of images
    /// and documents, each of which counts as [`MEDIA_TOKENS`].
    pub input_tokens_guess: u64,
    pub(super) media: Media,
    pub(super) spans: Spans,
}

/// What an image or document counts in a guess, in tokens.
pub const MEDIA_TOKENS: u64 = 1_500;

/// The most that one image counts, in tokens: at OpenAI 2,833 and 5,667 for each of at most eight
/// tiles on gpt-4o-mini; every other model, and every Claude model, counts less.
/// Source: <https://platform.openai.com/docs/guides/images-vision>.
pub(super) const IMAGE_TOKENS_MAX: u64 = 50_000;

/// What the searches of one answer are taken to add to its prompt, in tokens: the window that
/// OpenAI gives to web search.
/// Source: <https://platform.openai.com/docs/guides/tools-web-search>.
pub(super) const SEARCH_TOKENS: u64 = 128_000;

/// Parts of the prompt that are not text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Media {
    /// Images.
    images: u64,
    /// Documents and sound.
    documents: u64,
    /// Bytes of the body that all of them take.
    bytes: usize,
    /// The provider adds to the prompt without a bound: further passes.
    pub(super) open_ended: bool,
    /// Tokens that the provider adds: schemas that the body only names, what searches find.
    pub(super) implied_tokens: u64,
}

/// Where the bytes are that may have to change on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    /// Offset behind the first brace of the body, and whether the object is empty.
    pub(super) body: Option<Braces>,
    pub(super) model: Option<Span>,
    /// The whole member that lists fallbacks, key included.
    pub(super) fallbacks: Option<Span>,
    pub(super) output_limits: Vec<Span>,
    pub(super) store: Option<Span>,
    pub(super) stream_options: Option<Options>,
    pub(super) end_users: Vec<Span>,
}

/// The options of a stream as the client wrote them.
#[derive(Clone, Debug)]
pub(super) enum Options {
    /// `null`.
    Null(Span),
    /// An object that says nothing about usage.
    Silent(Braces),
    /// An object that does: where its value is.
    Spoken(Span),
}

impl Default for RequestHead {
    fn default() -> Self {
        Self {
            model: None,
            fallbacks: Vec::new(),
            stream: false,
            output_limit: None,
            choices: 1,
            modifiers: Modifiers::default(),
            web_searches: 0,
            long_cache: false,
            wants_usage: false,
            inputs: 1,
            input_tokens_bound: 0,
            input_tokens_guess: 0,
            media: Media::default(),
            spans: Spans::default(),
        }
    }
}

impl RequestHead {
    /// The upper bound of the prompt, in tokens, when the tools that a provider runs itself are left
    /// out.
    pub const fn input_tokens_bound_without_tools(&self) -> u64 {
        match self.input_tokens_bound {
            u64::MAX => u64::MAX,
            bound => bound.saturating_sub(self.media.implied_tokens),
        }
    }

    /// Whether the client names its own user, whose name does not reach a provider.
    pub const fn names_user(&self) -> bool {
        !self.spans.end_users.is_empty()
    }
}

/// What the fields of both dialects have in common.
impl RequestHead {
    pub(super) fn read_model(&mut self, scanner: &mut Scanner<'_>) -> Result<(), RequestFault> {
        let kind = scanner.peek()?;
        let start = scanner.offset();
        if kind == Kind::Null {
            return scanner.pass();
        }
        self.model = Some(read_name(scanner)?);
        self.spans.model = Some(start..scanner.offset());
        Ok(())
    }

    /// Reads the list of models to fall back on; to be called before anything else of the member.
    pub(super) fn read_fallbacks(&mut self, scanner: &mut Scanner<'_>) -> Result<(), RequestFault> {
        let start = scanner.key_start();
        let fallbacks = &mut self.fallbacks;
        scanner.optional(|list| {
            list.array(|item| {
                if fallbacks.len() == FALLBACKS_MAX {
                    return Err(RequestFault::invalid("at most 8 models"));
                }
                fallbacks.push(read_name(item)?);
                Ok(())
            })
        })?;
        self.spans.fallbacks = Some(start..scanner.offset());
        Ok(())
    }

    pub(super) fn read_stream(&mut self, scanner: &mut Scanner<'_>) -> Result<(), RequestFault> {
        self.stream = scanner.optional(Scanner::boolean)?.unwrap_or(false);
        Ok(())
    }

    /// Reads an output limit; of several names of it the largest holds.
    pub(super) fn read_output_limit(
        &mut self,
        scanner: &mut Scanner<'_>,
        least: u64,
    ) -> Result<(), RequestFault> {
        scanner.peek()?;
        let start = scanner.offset();
        if let Some(limit) = scanner.optional(Scanner::unsigned)? {
            if limit < least {
                return Err(RequestFault::invalid("the limit is too low"));
            }
            self.output_limit = self.output_limit.max(Some(limit));
        }
        self.spans.output_limits.push(start..scanner.offset());
        Ok(())
    }

    pub(super) fn read_store(&mut self, scanner: &mut Scanner<'_>) -> Result<(), RequestFault> {
        scanner.peek()?;
        let start = scanner.offset();
        scanner.optional(Scanner::boolean)?;
        self.spans.store = Some(start..scanner.offset());
        Ok(())
    }

    /// Reads the client's name of its own user.
    pub(super) fn read_end_user(&mut self, scanner: &mut Scanner<'_>) -> Result<(), RequestFault> {
        let kind = scanner.peek()?;
        let span = scanner.skip()?;
        match kind {
            Kind::String => self.spans.end_users.push(span),
            Kind::Null => {}
            Kind::Object | Kind::Array | Kind::Number | Kind::Bool => {
                return Err(RequestFault::invalid("expected a string"));
            }
        }
        Ok(())
    }

    /// Takes note of an image that takes so many bytes of the body.
    pub(super) const fn note_image(&mut self, bytes: usize) {
        self.media.images = self.media.images.saturating_add(1);
        self.media.bytes = self.media.bytes.saturating_add(bytes);
    }

    /// Takes note of a document or a sound that takes so many bytes of the body.
    pub(super) const fn note_document(&mut self, bytes: usize) {
        self.media.documents = self.media.documents.saturating_add(1);
        self.media.bytes = self.media.bytes.saturating_add(bytes);
    }

    /// Takes note of a tool that searches, at most so many times.
    pub(super) const fn note_searches(&mut self, most: u64) {
        self.web_searches = self.web_searches.saturating_add(most);
        self.media.implied_tokens = self.media.implied_tokens.saturating_add(SEARCH_TOKENS);
    }

    /// Sets the bounds of the prompt once everything is read.
    pub(super) fn bound_input(&mut self, body_bytes: usize) {
        let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let Media { images, documents, bytes, open_ended, implied_tokens } = self.media;
        let text = count(body_bytes.saturating_sub(bytes));
        let bound =
            text.saturating_add(implied_tokens).saturating_add(images.saturating_mul(IMAGE_TOKENS_MAX));
        self.input_tokens_bound = if documents > 0 || open_ended { u64::MAX } else { bound };
        let media = images.saturating_add(documents).saturating_mul(MEDIA_TOKENS);
        self.input_tokens_guess = text.div_ceil(4).saturating_add(media);
    }
}

fn read_name(scanner: &mut Scanner<'_>) -> Result<ModelName, RequestFault> {
    let name = scanner.string()?.decode();
    if name.len() > MODEL_BYTES_MAX {
        return Err(RequestFault::invalid("the name is too long"));
    }
    Ok(ModelName(name.into()))
}

/// Reads a choice among known words; `null` is `None`.
///
/// # Errors
/// An unknown word or another type, as unsupported: it may change the price.
pub(super) fn read_choice<T: Copy>(
    scanner: &mut Scanner<'_>,
    words: &[(&str, T)],
) -> Result<Option<T>, RequestFault> {
    let Some(word) = scanner.optional(Scanner::string)? else { return Ok(None) };
    let known = words.iter().find(|(name, _meaning)| word.is(name));
    known.map(|(_name, meaning)| Some(*meaning)).ok_or_else(RequestFault::unpriced)
}

/// Reads a service tier from the words of a dialect.
pub(super) fn read_tier(
    scanner: &mut Scanner<'_>,
    head: &mut RequestHead,
    words: &[(&str, ServiceTier)],
) -> Result<(), RequestFault> {
    head.modifiers.tier = read_choice(scanner, words)?.unwrap_or_default();
    Ok(())
}

/// Reads past a field that is refused unless it says nothing: `null`, `false`, an empty list.
pub(super) fn refuse_unless_empty(
    scanner: &mut Scanner<'_>,
    fault: RequestFault,
) -> Result<(), RequestFault> {
    let empty = match scanner.peek()? {
        Kind::Null => scanner.pass().map(|()| true),
        Kind::Bool => scanner.boolean().map(|yes| !yes),
        Kind::Array => scanner.array(|item| item.pass()).map(|items| items == 0),
        Kind::Object | Kind::String | Kind::Number => scanner.pass().map(|()| false),
    }?;
    if empty { Ok(()) } else { Err(fault) }
}

/// Reads `{…, "ttl": …}` of a cache mark. Any life but the `short` one counts as the long one.
pub(super) fn read_cache_mark(
    scanner: &mut Scanner<'_>,
    head: &mut RequestHead,
    short: &str,
) -> Result<(), RequestFault> {
    if scanner.peek()? != Kind::Object {
        return scanner.pass();
    }
    scanner.object(&["ttl"], |scanner, _ttl| {
        if let Some(life) = scanner.optional(Scanner::string)? {
            head.long_cache |= !life.is(short);
        }
        Ok(())
    })?;
    Ok(())
}
