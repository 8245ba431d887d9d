//! Every key, with what it takes and what it is for: the source of the example file, of error
//! messages and of suggestions. A test holds this list against the tree.

/// A key of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// For example `server.listen`.
    pub path: &'static str,
    /// What it takes, in the words of an error message.
    pub expects: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// A value to show in TOML for a key that has no default.
    pub example: Option<&'static str>,
}

const fn key(path: &'static str, expects: &'static str, about: &'static str) -> Key {
    Key { path, expects, about, example: None }
}

const fn unset(path: &'static str, about: [&'static str; 2], example: &'static str) -> Key {
    let [expects, about] = about;
    Key { path, expects, about, example: Some(example) }
}

const ADDRESS: &str = "an address with a port, such as \"127.0.0.1:8080\"";
const DURATION: &str = "a duration such as \"30s\", \"5m\" or \"90d\"";
const SIZE: &str = "a size such as \"32KiB\" or \"64MiB\"";
const COUNT: &str = "a whole number";
const FLAG: &str = "true or false";
const FILE: &str = "the path of a file";
const SECRET: &str = "a text; prefer the key that ends in _file";
const URL: &str = "a URL such as \"https://api.example.com\"";
const WEIGHT: &str = "its share of the calls among upstreams of the same priority; 0: none";
const PRIORITY: &str = "the lowest number is called first, the next when none of it can be";
const AMOUNT: &str = "an amount such as \"5.00 USD\"";
const MODELS: &str =
    "a model or a list of models, best first, such as [\"claude-opus-5-5\", \"gpt-6.1-sol\"]";
const KIND: &str = "\"api\" or \"simulated\"";

/// Every key, in the order of the example file.
pub const KEYS: &[Key] = &[
    key("server.listen", ADDRESS, "where clients connect"),
    key("server.admin_listen", ADDRESS, "/healthz, /readyz and /metrics; may equal listen on loopback only"),
    unset("server.public_url", [URL, "the dashboard as people see it"], "\"https://app.example.com\""),
    unset("server.api_url", [URL, "the API as people see it"], "\"https://api.example.com\""),
    key(
        "server.hosts",
        "a list of host names",
        "further names that requests may come for; with none and no URL above, any",
    ),
    key(
        "server.trusted_proxies",
        "\"none\", \"cloudflare\" or a list of networks such as [\"10.0.0.0/8\"]",
        "whom to believe about the address of a client",
    ),
    key("server.allow_public_plain_http", FLAG, "plain HTTP on a public address is intended"),
    key("server.shutdown_grace", DURATION, "how long running requests may go on after a stop was asked for"),
    key(
        "server.drain_delay",
        DURATION,
        "how long the server still accepts after it says that it is not ready",
    ),
    key("server.limits.first_byte_timeout", DURATION, "until the first byte of a new connection"),
    key("server.limits.header_read_timeout", DURATION, "until the whole head of a request"),
    key("server.limits.header_bytes_max", SIZE, "largest head of a request"),
    key("server.limits.headers_max", COUNT, "most header fields of a request"),
    key("server.limits.uri_bytes_max", SIZE, "longest path and query"),
    key("server.limits.body_bytes_max", SIZE, "largest body of a forwarded call"),
    key("server.limits.body_timeout", DURATION, "until the whole body of a forwarded call"),
    key("server.limits.connections_max", COUNT, "connections at the same time"),
    key(
        "server.limits.connections_per_address_max",
        COUNT,
        "connections of one address; loopback and trusted proxies are exempt",
    ),
    key("server.limits.in_flight_max", COUNT, "requests at the same time"),
    key("server.limits.queue_timeout", DURATION, "how long a request may wait for a free place"),
    key("server.limits.http2_streams_max", COUNT, "streams of one HTTP/2 connection at the same time"),
    key("server.limits.write_stall_timeout", DURATION, "how long a client may take nothing of an answer"),
    unset(
        "database.url",
        [
            "a URL that begins with sqlite://, postgres:// or mysql://",
            "where everything is kept; may hold a password",
        ],
        "\"sqlite://aiduet.db\"",
    ),
    unset("database.url_file", [FILE, "a file with the URL"], "\"database_url\""),
    key("database.max_connections", COUNT, "connections to the database at the same time"),
    key("database.migrate_on_start", FLAG, "whether missing migrations are applied when something starts"),
    key(
        "database.session_settings",
        "\"connection\" or \"role\"",
        "whether PostgreSQL is sent its settings by connections, or the role has them (for poolers)",
    ),
    unset(
        "redis.url",
        [
            "a URL that begins with redis:// or rediss://",
            "limits that all nodes share; without it each node limits by itself",
        ],
        "\"redis://127.0.0.1:6379\"",
    ),
    unset("redis.url_file", [FILE, "a file with the URL"], "\"redis_url\""),
    unset(
        "auth.token_secret",
        [
            "a text of at least 32 bytes; prefer the key that ends in _file",
            "signs access tokens; without it each process makes its own",
        ],
        "\"…\"",
    ),
    unset("auth.token_secret_file", [FILE, "a file with the secret"], "\"token_secret\""),
    unset(
        "auth.token_secret_before",
        [SECRET, "the secret of before, whose tokens are still taken"],
        "\"…\"",
    ),
    unset("auth.token_secret_before_file", [FILE, "a file with it"], "\"token_secret_before\""),
    unset(
        "auth.peppers",
        [
            "a name, a colon and 64 hexadecimal digits, one a line; prefer the key that ends in _file",
            "go into password hashes: the first into new ones; who loses one loses the hashes made with it",
        ],
        "\"p1:…\"",
    ),
    unset("auth.peppers_file", [FILE, "a file with them"], "\"peppers\""),
    key("auth.hash_memory", SIZE, "memory of one password hash; at least 19MiB with 2 passes"),
    key("auth.hash_passes", COUNT, "passes over it"),
    key(
        "auth.github_reports",
        FLAG,
        "whether GitHub, as whose partner you are registered, reports keys that it finds in public, at \
         /webhooks/github-secrets",
    ),
    unset(
        "auth.github_keys_url",
        [URL, "where GitHub publishes the keys that it signs reports with"],
        "\"https://api.github.com/meta/public_keys/secret_scanning\"",
    ),
    key(
        "auth.even_time",
        DURATION,
        "answers that must not tell whether there is an account are given after this time",
    ),
    unset(
        "auth.google.client_id",
        ["a text", "what Google calls this installation; without it nobody signs in with Google"],
        "\"….apps.googleusercontent.com\"",
    ),
    unset("auth.google.client_secret", [SECRET, "proves to Google that it is this installation"], "\"…\""),
    unset("auth.google.client_secret_file", [FILE, "a file with the secret"], "\"google_secret\""),
    key("auth.google.issuer", URL, "who vouches for people: another provider of OpenID Connect than Google"),
    key("upstream.anthropic.kind", KIND, "the vendor's API, or a simulation inside this process"),
    key("upstream.anthropic.weight", COUNT, WEIGHT),
    key("upstream.anthropic.priority", COUNT, PRIORITY),
    unset("upstream.anthropic.base_url", [URL, "where the API is"], "\"https://api.anthropic.com\""),
    unset("upstream.anthropic.api_key", [SECRET, "the operator's credential"], "\"…\""),
    unset("upstream.anthropic.api_key_file", [FILE, "a file with the credential"], "\"anthropic_key\""),
    key("upstream.anthropic.allow_plain_http", FLAG, "an unencrypted base URL on this machine is intended"),
    key("upstream.anthropic.allow_private", FLAG, "a base URL in a private network is intended"),
    key("upstream.anthropic.connect_timeout", DURATION, "until a connection"),
    key("upstream.anthropic.first_byte_timeout", DURATION, "until the head of the answer"),
    key("upstream.anthropic.idle_timeout", DURATION, "between two pieces of the answer"),
    key("upstream.anthropic.total_timeout", DURATION, "until the end of the answer"),
    key("upstream.openai.kind", KIND, "the vendor's API, or a simulation inside this process"),
    key("upstream.openai.weight", COUNT, WEIGHT),
    key("upstream.openai.priority", COUNT, PRIORITY),
    unset("upstream.openai.base_url", [URL, "where the API is"], "\"https://api.openai.com\""),
    unset("upstream.openai.api_key", [SECRET, "the operator's credential"], "\"…\""),
    unset("upstream.openai.api_key_file", [FILE, "a file with the credential"], "\"openai_key\""),
    key("upstream.openai.allow_plain_http", FLAG, "an unencrypted base URL on this machine is intended"),
    key("upstream.openai.allow_private", FLAG, "a base URL in a private network is intended"),
    key("upstream.openai.connect_timeout", DURATION, "until a connection"),
    key("upstream.openai.first_byte_timeout", DURATION, "until the head of the answer"),
    key("upstream.openai.idle_timeout", DURATION, "between two pieces of the answer"),
    key("upstream.openai.total_timeout", DURATION, "until the end of the answer"),
    unset(
        "upstream.more",
        [
            "a list of tables, each with a name of its own, vendor, and any key of upstream.openai",
            "further upstreams: other credentials and addresses of a vendor",
        ],
        "[{ name = \"openai-2\", vendor = \"openai\", api_key_file = \"openai_key_2\", weight = 1, priority = 1 }]",
    ),
    unset(
        "routing.aliases",
        [
            "a table of names, each with a model or a list of models",
            "names for models; of a list the first that can serve answers, and the next when it fails",
        ],
        "{ fast = \"gpt-6-luna\", best = [\"claude-opus-5-5\", \"gpt-6.1-sol\"] }",
    ),
    key("routing.deadline", DURATION, "how long a request may look for an answer that begins"),
    key(
        "routing.patience",
        DURATION,
        "how long a stream may take to begin while there is another upstream or model to go to",
    ),
    key("routing.repeats_max", COUNT, "repetitions of one request once there is nowhere else to go"),
    key("routing.repeat_pause", DURATION, "the longest first pause before one; doubles each time"),
    key("routing.repeat_pause_max", DURATION, "the longest pause, and the longest a provider may ask for"),
    key("routing.repeat_burst", COUNT, "repetitions that may be made at once, by all requests together"),
    key(
        "routing.repeat_earned_percent",
        COUNT,
        "what each request adds to that; with 10, one of ten may be repeated in the long run",
    ),
    key("routing.circuit.window", DURATION, "the time in which failures of an upstream are counted"),
    key("routing.circuit.calls_min", COUNT, "calls in that time below which nothing is concluded"),
    key("routing.circuit.failure_percent", COUNT, "the share of failed calls from which it is left alone"),
    key("routing.circuit.cool_down", DURATION, "for how long, the first time; doubles each time"),
    key("routing.circuit.cool_down_max", DURATION, "the longest that it is left alone"),
    key(
        "routing.circuit.refused_cool_down",
        DURATION,
        "the same when the provider refuses the credential or has no credit",
    ),
    key("duet.enabled", FLAG, "whether requests that name no model, or `duet`, are answered"),
    key(
        "duet.prefer",
        "\"quality\", \"balanced\" or \"cost\"",
        "how readily a conversation changes from one vendor to the other: at once, when it is clear, seldom",
    ),
    key("duet.max_switch_cost", AMOUNT, "the most that reading a conversation anew may cost when it changes"),
    key("duet.models.plan", MODELS, "for decisions and designs"),
    key("duet.models.review", MODELS, "for judgements and diagnoses"),
    key("duet.models.code", MODELS, "for what goes into files and shells"),
    key("duet.models.chat", MODELS, "for everything else"),
    key(
        "duet.models.background",
        MODELS,
        "for titles and other calls that clients make by themselves; the vendor of the called API comes first",
    ),
    key("duet.ensemble.enabled", FLAG, "whether `duet/ensemble` is answered to keys that allow it"),
    key("duet.ensemble.deadline", DURATION, "how long plan, code and review may take together"),
    key(
        "duet.ensemble.output_tokens",
        COUNT,
        "the output limit of an ensemble whose request has none; the worst case of all stages is held",
    ),
    key("gateway.margin_bp", COUNT, "the price in basis points of the provider's; 10500 adds 5 %"),
    key(
        "gateway.disconnect",
        "\"drain\" or \"cancel\"",
        "what happens to the upstream call when the client leaves",
    ),
    key("gateway.drain_seconds", COUNT, "how long an abandoned answer is read on to learn its usage"),
    key("gateway.drains_max", COUNT, "abandoned answers that are read on at the same time"),
    key("gateway.keep_alive", DURATION, "silence after which a stream gets a keep-alive"),
    key("gateway.stream_hold_tokens", COUNT, "output tokens that a stream holds at a time"),
    key(
        "gateway.output_min_tokens",
        COUNT,
        "the smallest output limit a call is lowered to when funds are short",
    ),
    key("gateway.account_concurrency", COUNT, "running requests of one account"),
    key("gateway.answer_bytes_max", SIZE, "largest answer that does not stream"),
    key("gateway.progress", DURATION, "how often a running stream notes what it has used"),
    key(
        "gateway.settle_wait",
        DURATION,
        "how long a settlement is tried while the client waits for its last frame",
    ),
    key("gateway.heartbeat", DURATION, "how often this process says that it is alive"),
    key(
        "gateway.dead_after",
        DURATION,
        "silence after which a process counts as dead and its holds are resolved",
    ),
    key("payment.topup_min", AMOUNT, "the smallest purchase of credit"),
    key("payment.topup_max", AMOUNT, "the largest purchase of credit"),
    unset(
        "payment.stripe.secret_key",
        [SECRET, "a restricted key of Stripe; without it no credit is sold"],
        "\"rk_test_…\"",
    ),
    unset("payment.stripe.secret_key_file", [FILE, "a file with the key"], "\"stripe_key\""),
    unset(
        "payment.stripe.webhook_secret",
        [SECRET, "what Stripe signs its messages to /webhooks/stripe with"],
        "\"whsec_…\"",
    ),
    unset(
        "payment.stripe.webhook_secret_file",
        [FILE, "a file with the signing secret"],
        "\"stripe_webhook_secret\"",
    ),
    unset(
        "payment.stripe.webhook_secret_previous",
        [SECRET, "the signing secret before it was changed, while both are in use"],
        "\"whsec_…\"",
    ),
    unset(
        "payment.stripe.webhook_secret_previous_file",
        [FILE, "a file with the signing secret before it was changed"],
        "\"stripe_webhook_secret_previous\"",
    ),
    unset("payment.stripe.base_url", [URL, "where the API is"], "\"https://api.stripe.com\""),
    key("payment.stripe.automatic_tax", FLAG, "whether Stripe computes tax on top of the credit"),
    unset(
        "costs.anthropic.admin_key",
        [
            SECRET,
            "an admin key, with which the cost reports of Anthropic are held against our records every day",
        ],
        "\"…\"",
    ),
    unset("costs.anthropic.admin_key_file", [FILE, "a file with the key"], "\"anthropic_admin_key\""),
    unset("costs.anthropic.base_url", [URL, "where the API is"], "\"https://api.anthropic.com\""),
    key("costs.anthropic.allow_plain_http", FLAG, "an unencrypted base URL on this machine is intended"),
    unset(
        "costs.openai.admin_key",
        [
            SECRET,
            "an admin key, with which the cost reports of OpenAI are held against our records every day",
        ],
        "\"…\"",
    ),
    unset("costs.openai.admin_key_file", [FILE, "a file with the key"], "\"openai_admin_key\""),
    unset("costs.openai.base_url", [URL, "where the API is"], "\"https://api.openai.com\""),
    key("costs.openai.allow_plain_http", FLAG, "an unencrypted base URL on this machine is intended"),
    key(
        "retention.usage_days",
        "a whole number from 1 to 90",
        "days until the record of a request is deleted",
    ),
    key(
        "privacy.deletion_days",
        "a whole number from 0 to 30",
        "days in which a person may change the mind about deleting the account",
    ),
    unset(
        "privacy.tombstones",
        [
            FILE,
            "a file that lets a restored backup be erased again; it must lie where no backup of the database \
             takes it along, and have a backup of its own",
        ],
        "\"/var/lib/aiduet-tombstones/list\"",
    ),
    unset(
        "mail.url",
        [
            "a URL that begins with smtp://, smtps:// or smtp+plain://, or \"console:\"",
            "the server that takes mails; smtp:// insists on STARTTLS, smtps:// is TLS, smtp+plain:// is for \
             a server on this machine, console: prints; without it mails wait",
        ],
        "\"smtp://user:password@mail.example.com:587\"",
    ),
    unset("mail.url_file", [FILE, "a file with the URL"], "\"smtp_url\""),
    unset("mail.from", ["an e-mail address", "who mails come from"], "\"no-reply@example.com\""),
    key("mail.name", "a name", "what the installation is called in mails"),
    key("mail.timeout", DURATION, "how long the mail server may take for one step"),
    unset(
        "site.operator",
        ["a name", "who runs the installation, in policies"],
        "\"Example Ltd, 1 Main Street, Dublin\"",
    ),
    unset("site.contact", ["an e-mail address or a URL", "where people write to"], "\"privacy@example.com\""),
    key("telemetry.log_format", "\"json\" or \"text\"", "how log lines look"),
    key(
        "telemetry.level",
        "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
        "the least important line that is written; trace is refused on public listeners",
    ),
    key("demo.credit", AMOUNT, "what the account of the demonstration starts with"),
];

/// The key at a path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The key that looks most like `path`, if one looks like it at all.
pub(super) fn similar(path: &str) -> Option<&'static str> {
    let distances = KEYS.iter().map(|key| (distance(path, key.path), key.path));
    let (distance, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    let same_name = || {
        let name = path.rsplit('.').next();
        KEYS.iter().find(|key| key.path.rsplit('.').next() == name).map(|key| key.path)
    };
    if distance <= (path.len() / 4).clamp(2, 6) { Some(nearest) } else { same_name() }
}

/// Levenshtein distance in bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (done, a) in left.bytes().enumerate() {
        let mut diagonal = done;
        let mut before = done.saturating_add(1);
        let mut next = vec![before];
        for (b, above) in right.bytes().zip(row.iter().skip(1)) {
            let changed = diagonal.saturating_add(usize::from(a != b));
            before = changed.min(above.saturating_add(1)).min(before.saturating_add(1));
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for (wrong, right) in [
            ("server.trusted_proxy", "server.trusted_proxies"),
            ("server.lisen", "server.listen"),
            ("database.uri", "database.url"),
            ("server.trusted_proxys", "server.trusted_proxies"),
            ("limits.header_bytes_max", "server.limits.header_bytes_max"),
        ] {
            assert_eq!(similar(wrong), Some(right), "{wrong}");
        }
        assert_eq!(similar("something.quite_different"), None);
    }

    #[test]
    fn distance_counts_single_edits() {
        for (left, right, edits) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "ab", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), edits, "{left} {right}");
        }
    }
}
