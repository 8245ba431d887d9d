use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

fn no_files(_path: &Path) -> Result<String, String> {
    Err("is not there".to_owned())
}

fn file(line: usize) -> Origin {
    Origin::File { name: "aiduet.toml".to_owned(), line }
}

fn environment(pairs: &[(&str, &str)]) -> Result<Loaded, SettingsError> {
    let mut layers = Layers::default();
    layers.environment(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))?;
    layers.finish(&no_files)
}

fn leaves(tree: &Value, path: &str, found: &mut BTreeSet<String>) {
    let is_key = KEYS.iter().any(|key| key.path == path);
    match tree {
        Value::Object(map) if !is_key => {
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &path, found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn the_list_of_keys_is_the_tree() {
    let mut tree = BTreeSet::new();
    leaves(&serde_json::to_value(Settings::default()).unwrap(), "", &mut tree);
    let listed: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    assert_eq!(listed, tree);
    assert_eq!(KEYS.len(), listed.len(), "a key is listed twice");
}

#[test]
fn defaults_survive_being_written_and_read() {
    let written = serde_json::to_value(Settings::default()).unwrap();
    let read: Settings = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), written);
}

#[test]
fn the_environment_gives_texts_numbers_switches_and_lists() {
    let loaded = environment(&[
        ("AIDUET__DATABASE__URL", "postgres://u:p@db/aiduet"),
        ("AIDUET__DATABASE__MAX_CONNECTIONS", "17"),
        ("AIDUET__SERVER__LISTEN", "127.0.0.1:1234"),
        ("AIDUET__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.168.0.0/16"),
        ("AIDUET__SERVER__HOSTS", "a.example, b.example"),
        ("AIDUET__SERVER__SHUTDOWN_GRACE", "90s"),
        ("AIDUET__SERVER__LIMITS__BODY_BYTES_MAX", "1MiB"),
        ("AIDUET__UPSTREAM__OPENAI__ALLOW_PLAIN_HTTP", "true"),
        ("AIDUET__UPSTREAM__OPENAI__API_KEY", "12345"),
        ("AIDUET__GATEWAY__MARGIN_BP", "10500"),
        ("AIDUET__GATEWAY__DISCONNECT", "cancel"),
        ("AIDUET__DEMO__CREDIT", "2.50 USD"),
        ("AIDUET_TEST_POSTGRES_URL", "not ours"),
        ("AIDUET__UPSTREAM__OPENAI__BASE_URL", ""),
    ])
    .unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.database.url(), "postgres://u:p@db/aiduet");
    assert_eq!(settings.database.max_connections, 17);
    assert_eq!(settings.server.listen.port(), 1234);
    assert_eq!(settings.server.trusted_proxies.networks().len(), 2);
    assert_eq!(settings.server.hosts, ["a.example", "b.example"]);
    assert_eq!(settings.server.shutdown_grace.as_secs(), 90);
    assert_eq!(settings.server.limits.body_bytes_max, 1 << 20);
    assert!(settings.upstream.openai.allow_plain_http);
    assert_eq!(settings.upstream.openai.api_key.as_ref().unwrap().expose(), "12345");
    assert_eq!(settings.gateway.margin_bp.0, 10_500);
    assert_eq!(settings.gateway.disconnect, crate::gateway::DisconnectPolicy::Cancel);
    assert_eq!(settings.demo.credit.nanos(), 2_500_000_000);
    assert!(settings.upstream.openai.base_url.is_none());
    assert_eq!(loaded.origin("server.listen").to_string(), "AIDUET__SERVER__LISTEN");
    assert_eq!(loaded.origin("server.hosts").to_string(), "AIDUET__SERVER__HOSTS");
    assert_eq!(loaded.origin("server.drain_delay"), &Origin::Default);
}

#[test]
fn the_later_layer_wins() {
    let mut layers = Layers::default();
    layers.set("server.drain_delay", json!("1s"), file(3)).unwrap();
    layers.set("server.hosts", json!(["a", "b"]), file(4)).unwrap();
    layers.environment([("AIDUET__SERVER__DRAIN_DELAY".to_owned(), "2s".to_owned())]).unwrap();
    layers.set("server.hosts", json!(["c"]), file(1)).unwrap();
    layers.set_text("server.listen", "127.0.0.1:1", Origin::Flag("--listen")).unwrap();
    let loaded = layers.finish(&no_files).unwrap();
    assert_eq!(loaded.settings.server.drain_delay.as_secs(), 2);
    assert_eq!(loaded.settings.server.hosts, ["c"]);
    assert_eq!(loaded.origin("server.listen").to_string(), "--listen");
}

#[test]
fn an_unknown_key_is_refused_with_its_origin_and_a_suggestion() {
    let mut layers = Layers::default();
    let error = layers.set("server.trusted_proxy", json!("none"), file(7)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "aiduet.toml:7: unknown key `server.trusted_proxy` (did you mean `server.trusted_proxies`?)"
    );
    let error = environment(&[("AIDUET__DATABSE__URL", "x")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AIDUET__DATABSE__URL: unknown key `databse.url` (did you mean `AIDUET__DATABASE__URL`?)"
    );
}

#[test]
fn a_wrong_value_is_refused_without_being_shown() {
    for (path, value) in [
        ("server.listen", json!("nowhere-secret")),
        ("server.shutdown_grace", json!("ninety-secret")),
        ("server.shutdown_grace", json!(90)),
        ("database.max_connections", json!("many-secret")),
        ("database.max_connections", json!(-1)),
        ("database.url", json!({"a": "secret"})),
        ("upstream.openai.kind", json!("secret")),
        ("server.limits.body_bytes_max", json!("32")),
        ("demo.credit", json!("5.00")),
        ("demo.credit", json!(5.0)),
        ("telemetry.level", json!("loud-secret")),
    ] {
        let error = Layers::default().set(path, value.clone(), file(1)).unwrap_err();
        assert!(matches!(&error, SettingsError::InvalidValue { key, .. } if key == path), "{path}: {error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let mut layers = Layers::default();
    layers.set("upstream.openai.api_key_file", json!("openai_key"), file(1)).unwrap();
    layers.set("database.url", json!("postgres://u:hunter2@db/x"), file(2)).unwrap();
    let read = |path: &Path| {
        assert_eq!(path, Path::new("openai_key"));
        Ok("sk-from-file\n".to_owned())
    };
    assert!(!format!("{layers:?}").contains("hunter2"));
    let loaded = layers.finish(&read).unwrap();
    assert_eq!(loaded.settings.upstream.openai.api_key.as_ref().unwrap().expose(), "sk-from-file");
    let shown = serde_json::to_string(&loaded.show()).unwrap();
    let debugged = format!("{loaded:?}");
    for text in ["sk-from-file", "hunter2"] {
        assert!(!shown.contains(text) && !debugged.contains(text), "{text}");
    }
    assert!(shown.contains("[redacted]"));
}

#[test]
fn a_secret_given_twice_or_unreadable_is_refused() {
    let mut layers = Layers::default();
    layers.set("upstream.openai.api_key_file", json!("openai_key"), file(1)).unwrap();
    let error = layers.clone().finish(&no_files).unwrap_err();
    assert_eq!(error.to_string(), "aiduet.toml:1: the file of `upstream.openai.api_key_file` is not there");
    let error = layers.clone().finish(&|_| Ok("\n".to_owned())).unwrap_err();
    assert!(matches!(error, SettingsError::SecretFile { .. }));
    layers.set_text("upstream.openai.api_key", "text", Origin::Environment("E".to_owned())).unwrap();
    let error = layers.finish(&|_| Ok("text".to_owned())).unwrap_err();
    assert!(matches!(error, SettingsError::SecretGivenTwice { .. }), "{error}");
}

#[test]
fn dangerous_combinations_are_refused_and_name_the_key_to_change() {
    for (pairs, expected) in [
        (&[("AIDUET__RETENTION__USAGE_DAYS", "91")][..], Some("retention.usage_days")),
        (&[("AIDUET__RETENTION__USAGE_DAYS", "0")], Some("retention.usage_days")),
        (&[("AIDUET__PRIVACY__DELETION_DAYS", "31")], Some("privacy.deletion_days")),
        (&[("AIDUET__PRIVACY__DELETION_DAYS", "0")], None),
        (&[("AIDUET__SERVER__LISTEN", "0.0.0.0:80")], Some("server.listen")),
        (&[("AIDUET__SERVER__LISTEN", "0.0.0.0:80"), ("AIDUET__SERVER__TRUSTED_PROXIES", "10.0.0.1")], None),
        (
            &[("AIDUET__SERVER__LISTEN", "0.0.0.0:80"), ("AIDUET__SERVER__ALLOW_PUBLIC_PLAIN_HTTP", "true")],
            None,
        ),
        (
            &[
                ("AIDUET__SERVER__LISTEN", "0.0.0.0:80"),
                ("AIDUET__SERVER__TRUSTED_PROXIES", "cloudflare"),
                ("AIDUET__TELEMETRY__LEVEL", "trace"),
            ],
            Some("telemetry.level"),
        ),
        (&[("AIDUET__TELEMETRY__LEVEL", "trace")], None),
        (
            &[
                ("AIDUET__SERVER__LISTEN", "0.0.0.0:80"),
                ("AIDUET__SERVER__TRUSTED_PROXIES", "cloudflare"),
                ("AIDUET__SERVER__ADMIN_LISTEN", "0.0.0.0:80"),
            ],
            Some("server.admin_listen"),
        ),
        (&[("AIDUET__GATEWAY__MARGIN_BP", "9999")], Some("gateway.margin_bp")),
        (&[("AIDUET__GATEWAY__DEAD_AFTER", "6s")], Some("gateway.dead_after")),
        (&[("AIDUET__SERVER__LIMITS__IN_FLIGHT_MAX", "0")], Some("server.limits")),
    ] {
        let key = match environment(pairs) {
            Ok(_) => None,
            Err(SettingsError::Unsafe { key, .. }) => Some(key),
            Err(other) => panic!("{pairs:?}: {other}"),
        };
        assert_eq!(key, expected, "{pairs:?}");
    }
}

#[test]
fn further_upstreams_and_aliases_are_tables() {
    let mut layers = Layers::default();
    let more = json!([
        {"name": "openai-2", "vendor": "openai", "api_key_file": "key_2", "weight": 3, "idle_timeout": "5s"},
        {"name": "spare", "vendor": "anthropic", "api_key": "sk-in-text", "priority": 1},
    ]);
    layers.set("upstream.more", more, file(3)).unwrap();
    let aliases = r#"{"fast":"gpt-6-luna","best":["claude-opus-5-5","gpt-6.1-sol"]}"#;
    layers.set_text("routing.aliases", aliases, Origin::Environment("E".to_owned())).unwrap();
    let loaded = layers.clone().finish(&|_path| Ok("sk-from-file\n".to_owned())).unwrap();
    let [second, spare] = loaded.settings.upstream.more.as_slice() else { panic!("two") };
    assert_eq!((second.name.as_str(), second.settings.weight), ("openai-2", 3));
    assert_eq!(second.settings.api_key.as_ref().unwrap().expose(), "sk-from-file");
    assert_eq!(second.settings.idle_timeout.as_secs(), 5);
    assert_eq!((spare.vendor, spare.settings.priority), (crate::provider::Vendor::Anthropic, 1));
    assert_eq!(loaded.settings.routing.aliases.find("best").unwrap().len(), 2);
    let shown = serde_json::to_string(&loaded.show()).unwrap();
    assert!(!shown.contains("sk-") && shown.contains("openai-2"));
    let error = layers.finish(&no_files).unwrap_err().to_string();
    assert_eq!(error, "aiduet.toml:3: the file of `upstream.more[0].api_key_file` is not there");
}

#[test]
fn a_further_upstream_is_checked_and_its_name_is_its_own() {
    for wrong in [
        json!([{"name": "a", "vendor": "openai", "wieght": 3}]),
        json!([{"name": "Not A Name", "vendor": "openai"}]),
        json!([{"name": "a", "vendor": "secret"}]),
        json!([{"vendor": "openai"}]),
        json!([{"name": "a", "vendor": "openai", "api_key": 1}]),
    ] {
        let error = Layers::default().set("upstream.more", wrong, file(1)).unwrap_err();
        assert!(matches!(error, SettingsError::InvalidValue { .. }), "{error}");
    }
    for names in [["a", "a"], ["openai", "b"]] {
        let more = names.map(|name| json!({"name": name, "vendor": "openai", "api_key": "k"}));
        let mut layers = Layers::default();
        layers.set("upstream.more", Value::from(more.to_vec()), file(1)).unwrap();
        let error = layers.finish(&no_files).unwrap_err();
        assert!(matches!(error, SettingsError::Unsafe { key: "upstream.more", .. }), "{error}");
    }
}
