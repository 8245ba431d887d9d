//! Where settings come from: a file, a directory beside it, the environment, the command line.

use std::path::{Path, PathBuf};

use aiduet_core::settings::{KEYS, Key, Layers, Loaded, Origin, Settings, SettingsError};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The file that is read when no other is named.
const STANDARD_FILE: &str = "/etc/aiduet/aiduet.toml";

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// They are refused.
    #[error(transparent)]
    Refused(#[from] SettingsError),
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not TOML.
    #[error("{}:{line}: not valid TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What the parser says, without the text of the line.
        message: String,
    },
}

/// What the command line says about settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// The file.
    pub(crate) file: Option<PathBuf>,
    /// What the command itself sets, below everything else.
    pub(crate) built_in: Vec<(&'static str, String)>,
    /// Options: the key, the option's name, the text.
    pub(crate) flags: Vec<(&'static str, &'static str, String)>,
}

/// Lays everything over each other; the later place wins.
pub(crate) fn load(given: &Given) -> Result<Loaded, ConfigError> {
    load_with(
        given,
        std::env::vars_os()
            .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?))),
    )
}

fn load_with(
    given: &Given,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let mut layers = Layers::default();
    for (key, text) in &given.built_in {
        layers.set_text(key, text, Origin::BuiltIn("the command"))?;
    }
    let standard = Path::new(STANDARD_FILE);
    let file = given.file.as_deref().or_else(|| standard.exists().then_some(standard));
    let mut base = PathBuf::new();
    if let Some(file) = file {
        base = file.parent().map(Path::to_owned).unwrap_or_default();
        read_file(&mut layers, file)?;
        for further in directory(&base.join("conf.d"))? {
            read_file(&mut layers, &further)?;
        }
    }
    let mut credentials = None;
    let variables = environment.inspect(|(name, text)| {
        if name == "CREDENTIALS_DIRECTORY" {
            credentials = Some(PathBuf::from(text));
        }
    });
    layers.environment(variables)?;
    for (key, flag, text) in &given.flags {
        layers.set_text(key, text, Origin::Flag(flag))?;
    }
    Ok(layers.finish(&|file| read_secret(&find_secret(file, &base, credentials.as_deref())))?)
}

/// The TOML files of a directory in the order of their names; none if there is no directory.
fn directory(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(layers: &mut Layers, path: &Path) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let table = DeTable::parse(&text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: line_of(&text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let file = File { name: path.display().to_string(), text: &text };
    file.take(layers, "", table.get_ref())
}

struct File<'a> {
    name: String,
    text: &'a str,
}

impl File<'_> {
    fn take(&self, layers: &mut Layers, path: &str, table: &DeTable<'_>) -> Result<(), ConfigError> {
        for (name, value) in table {
            let path = if path.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{path}.{}", name.get_ref())
            };
            let line = line_of(self.text, name.span().start);
            let is_key = KEYS.iter().any(|key| key.path == path);
            match value.get_ref() {
                DeValue::Table(inner) if is_key => {
                    layers.set(&path, table_json(inner), Origin::File { name: self.name.clone(), line })?;
                }
                DeValue::Table(inner) if !inner.is_empty() => self.take(layers, &path, inner)?,
                DeValue::Table(_) => {}
                other => layers.set(&path, json(other), Origin::File { name: self.name.clone(), line })?,
            }
        }
        Ok(())
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// What JSON has no form for becomes nothing, which no key takes.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map(Value::from).unwrap_or_default()
        }
        DeValue::Array(items) => items.iter().map(Spanned::get_ref).map(json).collect(),
        DeValue::Table(table) => table_json(table),
        DeValue::Float(_) | DeValue::Datetime(_) => Value::from(f64::INFINITY),
    }
}

fn table_json(table: &DeTable<'_>) -> Value {
    Value::Object(
        table.iter().map(|(name, value)| (name.get_ref().to_string(), json(value.get_ref()))).collect(),
    )
}

/// A relative path is a credential of systemd if there is one, else beside the configuration.
fn find_secret(file: &Path, base: &Path, credentials: Option<&Path>) -> PathBuf {
    let credential = credentials.map(|directory| directory.join(file));
    credential.filter(|path| path.exists()).unwrap_or_else(|| base.join(file))
}

/// Reads a file that others may not read.
pub(crate) fn read_secret(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {}", error.kind()))?;
    if is_open_to_others(path) {
        return Err("may be read by everyone: chmod 600 it".to_owned());
    }
    Ok(text)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}

/// A commented file with every key at its default.
pub(crate) fn example() -> String {
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut text = String::from(
        "# Configuration of aiduet: every key, at its default where it has one.\n\
         # Later wins: this file, conf.d/*.toml beside it, the environment, the command line.\n\
         # In the environment server.listen is AIDUET__SERVER__LISTEN.\n\
         # Secrets: prefer the key that ends in _file; the file must not be world-readable.\n",
    );
    let mut section = "";
    for Key { path, about, example, .. } in KEYS {
        let (place, name) = path.rsplit_once('.').unwrap_or(("", path));
        if place != section {
            section = place;
            text.push_str(&format!("\n[{place}]\n"));
        }
        let value = path.split('.').try_fold(&defaults, |tree, name| tree.get(name));
        let shown = match example {
            Some(example) => (*example).to_owned(),
            None => value.map(toml_text).unwrap_or_default(),
        };
        let mark = if example.is_some() { "#" } else { "" };
        text.push_str(&format!("# {about}\n{mark}{name} = {shown}\n"));
    }
    text
}

/// JSON scalars and lists of them are TOML, too.
fn toml_text(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn load_file(file: PathBuf, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        let given = Given { file: Some(file), ..Given::default() };
        load_with(&given, environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    #[test]
    fn the_example_is_valid_complete_and_at_the_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let file = write(directory.path(), "example.toml", &example());
        let loaded = load_file(file, &[]).unwrap();
        let defaults = serde_json::to_value(Settings::default()).unwrap();
        assert_eq!(serde_json::to_value(&loaded.settings).unwrap(), defaults);
        let uncommented: String = example()
            .lines()
            .map(|line| {
                let key = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
                format!("{}\n", key.unwrap_or(line))
            })
            .collect();
        let table: toml::Table = uncommented.parse().unwrap();
        for Key { path, .. } in KEYS {
            let found = path
                .split('.')
                .try_fold(&toml::Value::Table(table.clone()), |tree, name| tree.get(name))
                .is_some();
            assert!(found, "{path} is not in the example");
        }
    }

    #[test]
    fn files_environment_and_flags_are_laid_over_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let file = write(
            directory.path(),
            "aiduet.toml",
            "[server]\nlisten = \"127.0.0.1:1\"\ndrain_delay = \"1s\"\nhosts = [\"a\"]\n[database]\nmax_connections = 3\n",
        );
        write(directory.path(), "conf.d/20.toml", "server.hosts = [\"c\"]\n");
        write(directory.path(), "conf.d/10.toml", "[server]\nhosts = [\"b\"]\ndrain_delay = \"2s\"\n");
        write(directory.path(), "conf.d/note.txt", "not read");
        let given = Given {
            file: Some(file),
            built_in: vec![
                ("database.max_connections", "1".to_owned()),
                ("server.shutdown_grace", "7s".to_owned()),
            ],
            flags: vec![("server.listen", "--listen", "127.0.0.1:3".to_owned())],
        };
        let environment = [("AIDUET__SERVER__LISTEN", "127.0.0.1:2"), ("AIDUET__SERVER__DRAIN_DELAY", "3s")];
        let loaded = load_with(
            &given,
            environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
        )
        .unwrap();
        let server = &loaded.settings.server;
        assert_eq!(server.listen.port(), 3);
        assert_eq!(server.drain_delay.as_secs(), 3);
        assert_eq!(server.hosts, ["c"]);
        assert_eq!(server.shutdown_grace.as_secs(), 7);
        assert_eq!(loaded.settings.database.max_connections, 3);
        assert!(loaded.origin("server.hosts").to_string().ends_with("conf.d/20.toml:1"));
        assert!(loaded.origin("database.max_connections").to_string().ends_with("aiduet.toml:6"));
    }

    #[test]
    fn mistakes_name_the_file_and_the_line_and_show_no_value() {
        let directory = tempfile::tempdir().unwrap();
        for (text, expected) in [
            (
                "[server]\nlisen = \"127.0.0.1:1\"\n",
                "aiduet.toml:2: unknown key `server.lisen` (did you mean `server.listen`?)",
            ),
            ("\n[server]\n\nlisten = \"hunter2\"\n", "aiduet.toml:4: `server.listen` expects an address"),
            ("[server]\nlisten = 1.5\n", "aiduet.toml:2: `server.listen` expects"),
            ("[database]\nurl = \"hunter2\n", "aiduet.toml:2: not valid TOML"),
            ("[wrong]\nkey = 1\n", "aiduet.toml:2: unknown key `wrong.key`"),
        ] {
            let file = write(directory.path(), "aiduet.toml", text);
            let error = load_file(file, &[]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_everyone_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let secret = write(directory.path(), "openai_key", "sk-1\n");
        let file =
            write(directory.path(), "aiduet.toml", "[upstream.openai]\napi_key_file = \"openai_key\"\n");
        let mode = |mode| std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        let error = load_file(file.clone(), &[]).unwrap_err().to_string();
        assert!(error.contains("everyone"), "{error}");
        mode(0o640);
        let loaded = load_file(file, &[]).unwrap();
        assert_eq!(loaded.settings.upstream.openai.api_key.unwrap().expose(), "sk-1");
    }

    #[test]
    fn a_credential_of_systemd_is_found_first() {
        let directory = tempfile::tempdir().unwrap();
        let credential = write(directory.path(), "credentials/key", "");
        let credentials = credential.parent();
        assert_eq!(find_secret(Path::new("key"), Path::new("/etc/aiduet"), credentials), credential);
        assert_eq!(
            find_secret(Path::new("other"), Path::new("/etc/aiduet"), credentials),
            Path::new("/etc/aiduet/other")
        );
        assert_eq!(find_secret(Path::new("/run/key"), Path::new("/etc/aiduet"), None), Path::new("/run/key"));
    }
}
