//! What kind of thing is pasted into a message.

/// Something pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::duet) enum Artefact {
    Code,
    Diff,
    Log,
    QueryPlan,
    Config,
    Quotation,
    InlineCode,
    Identifier,
    Address,
    Snippet,
}

/// Which kinds of things are pasted.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::duet) struct Artefacts(u16);

impl Artefacts {
    pub(super) const fn add(&mut self, kind: Artefact) {
        self.0 |= bit(kind);
    }

    pub(in crate::duet) const fn has(self, kind: Artefact) -> bool {
        self.0 & bit(kind) != 0
    }

    /// Whether there is anything that a judgement could be about.
    pub(in crate::duet) const fn any_block(self) -> bool {
        self.has(Artefact::Code)
            || self.has(Artefact::Diff)
            || self.has(Artefact::Log)
            || self.has(Artefact::QueryPlan)
            || self.has(Artefact::Config)
            || self.has(Artefact::Snippet)
    }
}

const fn bit(kind: Artefact) -> u16 {
    let place = match kind {
        Artefact::Code => 0,
        Artefact::Diff => 1,
        Artefact::Log => 2,
        Artefact::QueryPlan => 3,
        Artefact::Config => 4,
        Artefact::Quotation => 5,
        Artefact::InlineCode => 6,
        Artefact::Identifier => 7,
        Artefact::Address => 8,
        Artefact::Snippet => 9,
    };
    1 << place
}

/// What the word behind a fence says.
pub(super) fn fence_kind(fence: &str) -> Option<Artefact> {
    let word = fence.trim_start_matches(['`', '~']).split([' ', '{', ',']).next().unwrap_or_default();
    let is = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&["diff", "patch", "udiff"]) {
        Some(Artefact::Diff)
    } else if is(&["log", "logs", "trace", "traceback", "stacktrace", "pytb", "console", "output"]) {
        Some(Artefact::Log)
    } else if is(&[
        "yaml",
        "yml",
        "toml",
        "ini",
        "conf",
        "cfg",
        "cron",
        "crontab",
        "dockerfile",
        "nginx",
        "hcl",
        "tf",
        "properties",
        "env",
        "dotenv",
    ]) {
        Some(Artefact::Config)
    } else if word.is_empty() || is(&["text", "txt", "plain", "plaintext"]) {
        None
    } else {
        Some(Artefact::Code)
    }
}

/// How many lines of a block are looked at.
const SAMPLE_LINES: u32 = 40;

/// What the lines of a block look like.
pub(super) struct Sample {
    said: Option<Artefact>,
    lines: u32,
    diff: u32,
    log: u32,
    plan: u32,
}

impl Sample {
    pub(super) const fn new(said: Option<Artefact>) -> Self {
        Self { said, lines: 0, diff: 0, log: 0, plan: 0 }
    }

    pub(super) fn add(&mut self, line: &str) {
        if self.lines == SAMPLE_LINES {
            return;
        }
        self.lines += 1;
        let bare = line.trim_start();
        if is_log(line, bare) {
            self.log += 1;
        } else if is_query_plan(bare) {
            self.plan += 1;
        } else if line.starts_with("@@ ") || line.starts_with("+++ ") || line.starts_with("--- ") {
            self.diff += 2;
        }
    }

    pub(super) const fn kind(&self) -> Artefact {
        let Self { said, lines, diff, log, plan } = self;
        if *plan > 0 {
            Artefact::QueryPlan
        } else if let Some(said) = *said {
            said
        } else if *diff > 2 {
            Artefact::Diff
        } else if *log > 0 && *log * 4 >= *lines {
            Artefact::Log
        } else {
            Artefact::Code
        }
    }
}

/// What a line outside of a fence is, if it is not prose.
pub(super) fn line_kind(line: &str, bare: &str) -> Option<Artefact> {
    if bare.starts_with('>') {
        Some(Artefact::Quotation)
    } else if is_log(line, bare) {
        Some(Artefact::Log)
    } else if line.starts_with("diff --git ") || line.starts_with("@@ -") {
        Some(Artefact::Diff)
    } else if is_query_plan(bare) {
        Some(Artefact::QueryPlan)
    } else if is_code(bare) {
        Some(Artefact::Code)
    } else {
        None
    }
}

/// Whether a line begins with one of these.
fn begins(line: &str, beginnings: &[&str]) -> bool {
    let first = line.as_bytes().first();
    beginnings.iter().any(|beginning| beginning.as_bytes().first() == first && line.starts_with(beginning))
}

/// A line of a log or of a stack trace.
fn is_log(line: &str, bare: &str) -> bool {
    const BEGINNINGS: [&str; 18] = [
        "Traceback (most recent call last)",
        "File \"",
        "thread '",
        "panicked at",
        "panic: ",
        "goroutine ",
        "Caused by: ",
        "Exception in thread",
        "[ERROR]",
        "[WARN]",
        "[INFO]",
        "ERROR",
        "WARN",
        "FATAL",
        "fatal: ",
        "error[",
        "error: ",
        "npm ERR!",
    ];
    let is_frame = line.len() > bare.len() && bare.starts_with("at ") && bare.contains('(');
    is_frame || begins(bare, &BEGINNINGS) || starts_with_time(bare) || starts_with_fault(bare)
}

/// `KeyError: 'x'`, `java.lang.IllegalStateException: …`, `make: *** …`.
fn starts_with_fault(bare: &str) -> bool {
    let space = memchr::memchr(b' ', bare.as_bytes());
    let name = space.and_then(|space| bare.get(..space)?.strip_suffix(':'));
    name.is_some_and(|name| ["Error", "Exception", "Warning"].iter().any(|end| name.ends_with(end)))
}

/// `2026-05-02 09:14:11`, `[2026-05-02T09:14`, `09:14:11.123`.
fn starts_with_time(bare: &str) -> bool {
    let bytes = bare.strip_prefix('[').unwrap_or(bare).as_bytes();
    let shaped = |shape: &[u8]| {
        bytes.len() >= shape.len()
            && shape.iter().zip(bytes).all(|(shape, byte)| match shape {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b' ' | b'T'),
                _ => shape == byte,
            })
    };
    shaped(b"0000-00-00T00:00:00") || shaped(b"00:00:00.000 ")
}

/// A line of what a database says about how it runs a query.
fn is_query_plan(bare: &str) -> bool {
    let node = bare.trim_start_matches(['-', '>', ' ']);
    let known = ["Seq Scan", "Index Scan", "Index Only Scan", "Nested Loop", "Hash Join", "Bitmap Heap Scan"];
    (begins(node, &known) && node.contains("cost=")) || begins(bare, &["Planning Time:", "Execution Time:"])
}

/// A line of code that was pasted without a fence: it begins or ends as code does, or is mostly signs.
fn is_code(bare: &str) -> bool {
    const BEGINNINGS: [&str; 38] = [
        "def ",
        "async def ",
        "return ",
        "import ",
        "const ",
        "let ",
        "var ",
        "func ",
        "fn ",
        "pub fn ",
        "public ",
        "private ",
        "static ",
        "#include",
        "#define",
        "@app.",
        "SELECT ",
        "INSERT INTO ",
        "UPDATE ",
        "DELETE FROM ",
        "CREATE ",
        "ALTER TABLE ",
        "EXPLAIN ",
        "FROM ",
        "WHERE ",
        "RUN ",
        "COPY ",
        "CMD ",
        "WORKDIR ",
        "$ ",
        "<div",
        "</",
        "<input",
        "<script",
        "GET /",
        "POST /",
        "PUT /",
        "DELETE /",
    ];
    if !bare.is_ascii() {
        return false;
    }
    let ends = bare.ends_with([';', '{', '}']);
    let holds = || bare.contains(['(', '=', '{', '}']) || bare.contains("->");
    let block = bare.ends_with(':')
        && (bare.contains('(')
            || ["if ", "for ", "while ", "class ", "else:", "try:", "except"]
                .iter()
                .any(|word| bare.starts_with(word)));
    (ends && holds()) || block || begins(bare, &BEGINNINGS) || is_mostly_signs(bare)
}

/// At least one letter in six is a sign that prose does not use.
fn is_mostly_signs(bare: &str) -> bool {
    let is_sign = |byte: &u8| {
        matches!(
            byte,
            b'{' | b'}'
                | b'('
                | b')'
                | b'['
                | b']'
                | b'='
                | b'<'
                | b'>'
                | b';'
                | b'|'
                | b'&'
                | b'$'
                | b'\\'
                | b'*'
                | b'+'
                | b'_'
                | b'^'
                | b'%'
                | b'"'
                | b'/'
        )
    };
    let are_enough = |signs: usize| signs >= 4 && signs * 6 >= bare.len();
    // Hardly any line has as much punctuation, which is counted for many bytes at a time.
    are_enough(count(bare, u8::is_ascii_punctuation)) && are_enough(count(bare, is_sign))
}

/// How many bytes are like that, counted in bytes, of which many fit into a register.
fn count(text: &str, is_like_that: impl Fn(&u8) -> bool) -> usize {
    let chunks = text.as_bytes().chunks(usize::from(u8::MAX));
    chunks.map(|chunk| usize::from(chunk.iter().map(|byte| u8::from(is_like_that(byte))).sum::<u8>())).sum()
}
