//! What clients write into requests beside the words of their users: the data file.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memmem::Finder;
use serde::Deserialize;

use super::error::DuetDataError;
use super::phrases::{AnyOf, Conjunction, Phrases};

/// A program whose signals are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    /// Claude Code.
    ClaudeCode,
    /// Codex.
    Codex,
    /// Cline.
    Cline,
    /// Roo Code.
    Roo,
    /// Cursor.
    Cursor,
    /// opencode.
    #[serde(rename = "opencode")]
    OpenCode,
    /// aider.
    Aider,
    /// Anybody's agent.
    Custom,
}

impl Client {
    /// The name in reasons.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude_code",
            Self::Codex => "codex",
            Self::Cline => "cline",
            Self::Roo => "roo",
            Self::Cursor => "cursor",
            Self::OpenCode => "opencode",
            Self::Aider => "aider",
            Self::Custom => "custom",
        }
    }
}

/// A call that a client makes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Helper {
    /// Whether a quota is left.
    Quota,
    /// Whether the topic has changed.
    Topic,
    /// A title for a conversation.
    Title,
    /// Tags for a conversation.
    Tags,
    /// What the user may ask next.
    FollowUps,
    /// A line for a commit.
    CommitLine,
    /// What the user may type next.
    Suggestion,
}

impl Helper {
    /// The name in reasons.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Topic => "topic",
            Self::Title => "title",
            Self::Tags => "tags",
            Self::FollowUps => "follow_ups",
            Self::CommitLine => "commit_line",
            Self::Suggestion => "suggestion",
        }
    }
}

/// What a marker means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meaning {
    PlanOn,
    PlanOff,
    Plan,
    Review,
    Code,
    PreferCode,
    NeverCode,
}

/// Where a marker holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// Until another one comes.
    #[default]
    Lasting,
    /// In the last message of a person only.
    Last,
}

/// A text by which a client shows its mode.
#[derive(Debug)]
pub(super) struct Marker {
    pub(super) client: Client,
    pub(super) meaning: Meaning,
    pub(super) scope: Scope,
    /// Tags of the blocks in which it may stand.
    tags: BTreeSet<String>,
    pub(super) in_system_message: bool,
    pub(super) in_outcome_of: Option<String>,
    pub(super) in_system_prompt: bool,
    heading: Option<String>,
    starts: Vec<String>,
    pub(super) all: Conjunction,
}

impl Marker {
    /// Whether it may stand in blocks with this tag.
    pub(super) fn is_in(&self, tag: &str) -> bool {
        self.tags.contains(tag)
    }

    /// Whether it is a line below a heading, which every message of the client has.
    pub(super) const fn is_standing(&self) -> bool {
        self.heading.is_some()
    }

    /// Whether a text begins with it, or has it below its last heading.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = match &self.heading {
            None => text,
            Some(heading) => match last_line(text, heading) {
                Some(below) => below,
                None => return false,
            },
        };
        self.starts_text(text)
    }

    pub(super) fn starts_text(&self, text: &str) -> bool {
        let text = bare(text);
        self.starts.iter().any(|start| text.starts_with(start.as_str()))
    }

    pub(super) const fn has_starts(&self) -> bool {
        !self.starts.is_empty()
    }
}

/// What stands below the last line that is this heading.
fn last_line<'t>(text: &'t str, heading: &str) -> Option<&'t str> {
    let at = text.rmatch_indices(heading).map(|(at, _heading)| at).find(|at| {
        let before = text.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with('\n')
    })?;
    let below = text.get(at + heading.len()..)?;
    below.starts_with(['\n', '\r']).then_some(below)
}

/// Text without the marks of a heading.
fn bare(text: &str) -> &str {
    text.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '#')
}

/// Which call of a client it is, when that stands there.
#[derive(Debug)]
pub(super) struct HelperSign {
    pub(super) kind: Helper,
    pub(super) without_tools: bool,
    pub(super) in_sole: bool,
    pub(super) in_last: bool,
    pub(super) starts: Vec<String>,
    /// What the system prompt says, if that alone tells.
    pub(super) prompted: Option<Conjunction>,
    /// What the user says: first the list with the longest phrases, which hardly any text has.
    pub(super) said: Vec<AnyOf>,
}

/// A block that is not marked by a tag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanMarks {
    pub(super) open: Opening,
    #[serde(default)]
    pub(super) close: Option<String>,
}

/// The text that opens a block. What finds it is made once: that takes longer than to look through a message.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Opening(Finder<'static>);

impl From<String> for Opening {
    fn from(text: String) -> Self {
        Self(Finder::new(&text).into_owned())
    }
}

impl Opening {
    /// Where it stands in a text.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let start = self.0.find(text.as_bytes())?;
        Some(start..start + self.0.needle().len())
    }
}

/// The blocks that harnesses write.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Blocks {
    pub(super) tags: Vec<String>,
    pub(super) wrappers: Vec<String>,
    pub(super) answers: Vec<String>,
    pub(super) remarks: Vec<String>,
    #[serde(default)]
    pub(super) spans: Vec<SpanMarks>,
}

/// The tools by which coding clients are known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolNames {
    edit: Vec<String>,
    edit_types: Vec<String>,
    coding: Vec<String>,
    pub(super) text_edits: Vec<String>,
    pub(super) shell_edits: Vec<String>,
}

impl ToolNames {
    pub(super) fn edits(&self, name: &str) -> bool {
        self.edit.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    pub(super) fn is_edit_type(&self, kind: &str) -> bool {
        self.edit_types.iter().any(|known| kind.starts_with(known.as_str()))
    }

    pub(super) fn is_coding(&self, name: &str) -> bool {
        self.coding.iter().any(|known| known == name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientsFile {
    version: u32,
    revision: String,
    blocks: Blocks,
    tools: ToolNames,
    text_clients: Vec<String>,
    markers: Vec<MarkerFile>,
    helpers: Vec<HelperFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkerFile {
    client: Client,
    r#in: Vec<String>,
    #[serde(default)]
    starts: Vec<String>,
    #[serde(default)]
    all: Vec<Vec<String>>,
    heading: Option<String>,
    call: Option<String>,
    #[serde(default)]
    scope: Scope,
    says: Meaning,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HelperFile {
    kind: Helper,
    r#in: Vec<HelperPlace>,
    tools: HelperTools,
    #[serde(default)]
    starts: Vec<String>,
    #[serde(default)]
    all: Vec<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HelperPlace {
    SystemPrompt,
    Sole,
    Last,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HelperTools {
    None,
    Any,
}

const VERSION: u32 = 1;

/// What is known about clients.
#[derive(Debug)]
pub struct Clients {
    revision: String,
    pub(super) blocks: Blocks,
    pub(super) tools: ToolNames,
    pub(super) markers: Vec<Marker>,
    pub(super) helpers: Vec<HelperSign>,
    /// What the system prompts of text-based coding clients say.
    pub(super) text_clients: Conjunction,
    pub(super) phrases: Phrases,
}

impl Clients {
    /// Reads the signals of clients (`docs/duet.md`).
    ///
    /// # Errors
    /// [`DuetDataError`] says what is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self, DuetDataError> {
        let file: ClientsFile = toml::from_str(text)
            .map_err(|error| DuetDataError::Clients { reason: error.message().to_owned() })?;
        let ClientsFile { version, revision, blocks, tools, text_clients, markers, helpers } = file;
        if version != VERSION {
            return Err(DuetDataError::Clients { reason: "not the version that is known".to_owned() });
        }
        let mut phrases = Phrases::default();
        let text_clients = phrases.conjunction(vec![text_clients]);
        let markers: Vec<Marker> = markers.into_iter().map(|file| marker(file, &mut phrases)).collect();
        let helpers: Result<Vec<HelperSign>, _> =
            helpers.into_iter().map(|file| helper(file, &mut phrases)).collect();
        let helpers = helpers?;
        if !markers.iter().all(|marker| marker.has_starts() || !marker.all.is_empty()) {
            return Err(matches_everything());
        }
        phrases.build()?;
        Ok(Self { revision, blocks, tools, text_clients, markers, helpers, phrases })
    }

    /// Which state of the clients the data describe.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

fn marker(file: MarkerFile, phrases: &mut Phrases) -> Marker {
    let MarkerFile { client, r#in, starts, all, heading, call, scope, says } = file;
    let is_in = |place: &str| r#in.iter().any(|known| known == place);
    Marker {
        client,
        meaning: says,
        scope,
        in_system_message: is_in("system_message"),
        in_system_prompt: is_in("system_prompt"),
        in_outcome_of: call.filter(|_call| is_in("outcome")),
        heading,
        starts: starts.iter().map(|start| bare(start).to_owned()).collect(),
        all: phrases.conjunction(all),
        tags: r#in.into_iter().collect(),
    }
}

fn helper(file: HelperFile, phrases: &mut Phrases) -> Result<HelperSign, DuetDataError> {
    let HelperFile { kind, r#in, tools, starts, mut all } = file;
    if starts.is_empty() && all.is_empty() {
        return Err(matches_everything());
    }
    all.sort_by_key(|any| Reverse(any.iter().map(String::len).min()));
    let said: Result<_, _> = all.iter().map(|any| AnyOf::of(any)).collect();
    let is_prompted = r#in.contains(&HelperPlace::SystemPrompt) && starts.is_empty();
    Ok(HelperSign {
        kind,
        without_tools: tools == HelperTools::None,
        in_sole: r#in.contains(&HelperPlace::Sole),
        in_last: r#in.contains(&HelperPlace::Last),
        starts,
        prompted: is_prompted.then(|| phrases.conjunction(all)),
        said: said?,
    })
}

fn matches_everything() -> DuetDataError {
    DuetDataError::Clients { reason: "an entry would match everything".to_owned() }
}
