//! Values from several places laid over each other: the later one wins, and each is remembered
//! with where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use super::error::SettingsError;
use super::keys::{self, KEYS, Key};
use super::payment::PaymentSettings;
use super::sections::{Settings, UpstreamSettings};
use crate::secret::Secret;

/// What environment variables of the configuration begin with.
const ENVIRONMENT_PREFIX: &str = "AIDUET__";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// The command itself, for example `demo`.
    BuiltIn(&'static str),
    /// A line of a file.
    File {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// A command line option.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::BuiltIn(name) => f.write_str(name),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Reads the file of a secret, or says in a few words what is wrong with it.
pub type SecretReader<'a> = dyn Fn(&Path) -> Result<String, String> + 'a;

/// The values given so far.
#[derive(Clone, Default)]
pub struct Layers {
    /// Only what was given; deserialises at any time.
    tree: Value,
    origins: BTreeMap<&'static str, Origin>,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The tree may hold secrets.
        f.debug_struct("Layers").field("origins", &self.origins).finish_non_exhaustive()
    }
}

impl Layers {
    /// Sets a key to a value of a file.
    ///
    /// # Errors
    /// [`SettingsError::UnknownKey`], [`SettingsError::InvalidValue`].
    pub fn set(&mut self, path: &str, value: Value, origin: Origin) -> Result<(), SettingsError> {
        let key = known(path, &origin)?;
        self.try_values(key, [value], origin)
    }

    /// Sets a key to a text of the environment or the command line: the text itself, a number, a
    /// switch or a list with commas, whichever the key takes.
    ///
    /// # Errors
    /// [`SettingsError::UnknownKey`], [`SettingsError::InvalidValue`].
    pub fn set_text(&mut self, path: &str, text: &str, origin: Origin) -> Result<(), SettingsError> {
        let key = known(path, &origin)?;
        let list = text.split(',').map(|item| Value::from(item.trim())).collect();
        let scalar = serde_json::from_str(text).unwrap_or_default();
        self.try_values(key, [Value::from(text), scalar, Value::Array(list)], origin)
    }

    /// Sets what the environment says in variables such as `AIDUET__DATABASE__URL`; empty ones
    /// are as if they were not there.
    ///
    /// # Errors
    /// [`SettingsError::UnknownKey`], [`SettingsError::InvalidValue`].
    pub fn environment<I>(&mut self, variables: I) -> Result<(), SettingsError>
    where
        I: IntoIterator<Item = (String, String)>,
    {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            if text.is_empty() {
                continue;
            }
            let path = rest.replace("__", ".").to_lowercase();
            self.set_text(&path, &text, Origin::Environment(name))?;
        }
        Ok(())
    }

    /// The settings: what was given over the defaults, with the files of secrets read, and no
    /// dangerous combination.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn finish(self, read: &SecretReader<'_>) -> Result<Loaded, SettingsError> {
        let Self { tree, origins } = self;
        let settings = parse(&tree).unwrap_or_default();
        let mut loaded = Loaded { settings, origins };
        loaded.read_secrets(read)?;
        super::unsafe_combinations::refuse(&loaded.settings)?;
        Ok(loaded)
    }

    fn try_values<const N: usize>(
        &mut self,
        key: &'static Key,
        values: [Value; N],
        origin: Origin,
    ) -> Result<(), SettingsError> {
        for value in values {
            let mut tree = self.tree.clone();
            put(&mut tree, key.path, value);
            if parse(&tree).is_some() {
                self.tree = tree;
                self.origins.insert(key.path, origin);
                return Ok(());
            }
        }
        Err(SettingsError::InvalidValue { key: key.path.to_owned(), origin, expects: key.expects })
    }
}

/// serde's error would show the value, which may be a secret; the key says what is wanted.
fn parse(tree: &Value) -> Option<Settings> {
    if tree.is_null() {
        return Some(Settings::default());
    }
    serde_json::from_value(tree.clone()).ok()
}

fn known(path: &str, origin: &Origin) -> Result<&'static Key, SettingsError> {
    keys::find(path).ok_or_else(|| {
        let spelled = |found: &str| match origin {
            Origin::Environment(_) => {
                format!("{ENVIRONMENT_PREFIX}{}", found.replace('.', "__").to_uppercase())
            }
            Origin::Default | Origin::BuiltIn(_) | Origin::File { .. } | Origin::Flag(_) => found.to_owned(),
        };
        SettingsError::UnknownKey {
            key: path.to_owned(),
            origin: origin.clone(),
            suggestion: keys::similar(path).map(spelled),
        }
    })
}

fn put(tree: &mut Value, path: &str, value: Value) {
    let mut place = tree;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(map) = place else { return };
        place = map.entry(name).or_insert(Value::Null);
    }
    *place = value;
}

/// Settings, and where each value came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    origins: BTreeMap<&'static str, Origin>,
}

/// A value as `config show` prints it; secrets are redacted.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Shown {
    /// The key.
    pub key: &'static str,
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub origin: String,
}

impl Loaded {
    /// Where a value came from.
    pub fn origin(&self, path: &str) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }

    /// Every value with its origin; secrets are redacted.
    pub fn show(&self) -> Vec<Shown> {
        let tree = serde_json::to_value(&self.settings).unwrap_or_default();
        let look = |path: &str| path.split('.').try_fold(&tree, |place, name| place.get(name)).cloned();
        let shown = |key: &'static Key| Shown {
            key: key.path,
            value: look(key.path).unwrap_or_default(),
            origin: self.origin(key.path).to_string(),
        };
        KEYS.iter().map(shown).collect()
    }

    fn read_secrets(&mut self, read: &SecretReader<'_>) -> Result<(), SettingsError> {
        let Self { settings, origins } = self;
        let Settings { database, redis, upstream, mail, payment, auth, costs, .. } = settings;
        let UpstreamSettings { anthropic, openai, more } = upstream;
        let PaymentSettings { stripe, .. } = payment;
        let origin = |path: &str| origins.get(path).cloned().unwrap_or(Origin::Default);
        let alone = [
            ("database.url", &mut database.url, &database.url_file),
            ("redis.url", &mut redis.url, &redis.url_file),
            ("mail.url", &mut mail.url, &mail.url_file),
            ("auth.token_secret", &mut auth.token_secret, &auth.token_secret_file),
            ("auth.token_secret_before", &mut auth.token_secret_before, &auth.token_secret_before_file),
            ("auth.peppers", &mut auth.peppers, &auth.peppers_file),
            ("auth.google.client_secret", &mut auth.google.client_secret, &auth.google.client_secret_file),
            ("payment.stripe.secret_key", &mut stripe.secret_key, &stripe.secret_key_file),
            ("payment.stripe.webhook_secret", &mut stripe.webhook_secret, &stripe.webhook_secret_file),
            (
                "payment.stripe.webhook_secret_previous",
                &mut stripe.webhook_secret_previous,
                &stripe.webhook_secret_previous_file,
            ),
            ("upstream.anthropic.api_key", &mut anthropic.api_key, &anthropic.api_key_file),
            ("upstream.openai.api_key", &mut openai.api_key, &openai.api_key_file),
            ("costs.anthropic.admin_key", &mut costs.anthropic.admin_key, &costs.anthropic.admin_key_file),
            ("costs.openai.admin_key", &mut costs.openai.admin_key, &costs.openai.admin_key_file),
        ];
        let alone = alone.into_iter().map(|(key, text, file)| Given {
            key: key.to_owned(),
            origins: [origin(key), origin(&format!("{key}_file"))],
            text,
            file: file.as_deref(),
        });
        let listed = more.iter_mut().enumerate().map(|(place, more)| Given {
            key: format!("upstream.more[{place}].api_key"),
            origins: [origin("upstream.more"), origin("upstream.more")],
            text: &mut more.settings.api_key,
            file: more.settings.api_key_file.as_deref(),
        });
        alone.chain(listed).try_for_each(|given| given.read(read))
    }
}

/// A secret as it was given: as a text, or as a file.
struct Given<'a> {
    key: String,
    /// Of the text and of the file.
    origins: [Origin; 2],
    text: &'a mut Option<Secret<String>>,
    file: Option<&'a Path>,
}

impl Given<'_> {
    fn read(self, read: &SecretReader<'_>) -> Result<(), SettingsError> {
        let Self { key, origins: [origin, file_origin], text: secret, file } = self;
        let Some(file) = file else { return Ok(()) };
        if secret.is_some() {
            return Err(SettingsError::SecretGivenTwice { key, origin, file_origin });
        }
        let refused = |reason: String| SettingsError::SecretFile {
            key: format!("{key}_file"),
            origin: file_origin.clone(),
            reason,
        };
        let text = Secret::new(read(file).map_err(refused)?);
        let trimmed = text.expose().trim_end_matches(['\n', '\r']);
        if trimmed.is_empty() {
            return Err(refused("is empty".to_owned()));
        }
        *secret = Some(Secret::new(trimmed.to_owned()));
        Ok(())
    }
}
