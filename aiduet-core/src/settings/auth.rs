//! How people prove who they are.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;
use crate::secret::Secret;

/// How people prove who they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// Signs access tokens; at least 32 bytes. Without one each process makes its own, and people
    /// get new access tokens by their refresh cookie when it ends.
    #[serde(with = "value::secret")]
    pub token_secret: Option<Secret<String>>,
    /// A file with the secret.
    pub token_secret_file: Option<PathBuf>,
    /// The secret of before, whose tokens are still taken.
    #[serde(with = "value::secret")]
    pub token_secret_before: Option<Secret<String>>,
    /// A file with the secret of before.
    pub token_secret_before_file: Option<PathBuf>,
    /// Goes into password hashes: `{id}:{64 hexadecimal digits}`, one a line, the first for new
    /// hashes.
    #[serde(with = "value::secret")]
    pub peppers: Option<Secret<String>>,
    /// A file with them.
    pub peppers_file: Option<PathBuf>,
    /// Memory of one password hash.
    #[serde(with = "value::bytes_size")]
    pub hash_memory: usize,
    /// Passes over it.
    pub hash_passes: u32,
    /// Whether GitHub reports keys that it finds in public, at `/webhooks/github-secrets`.
    pub github_reports: bool,
    /// Another address of GitHub's keys, for a fake on this machine.
    pub github_keys_url: Option<String>,
    /// Answers that must not tell whether there is an account are given after this time.
    #[serde(with = "value::duration")]
    pub even_time: Duration,
    /// Signing in with Google; off without a client.
    pub google: GoogleSettings,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            token_secret: None,
            token_secret_file: None,
            token_secret_before: None,
            token_secret_before_file: None,
            peppers: None,
            peppers_file: None,
            hash_memory: 64 << 20,
            hash_passes: 3,
            github_reports: false,
            github_keys_url: None,
            even_time: Duration::from_millis(500),
            google: GoogleSettings::default(),
        }
    }
}

/// Signing in with Google, or with another provider of OpenID Connect in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GoogleSettings {
    /// What Google calls this installation.
    pub client_id: Option<String>,
    /// Proves to Google that it is this installation.
    #[serde(with = "value::secret")]
    pub client_secret: Option<Secret<String>>,
    /// A file with the secret.
    pub client_secret_file: Option<PathBuf>,
    /// Who vouches for people, exactly as it stands in tokens.
    pub issuer: String,
}

impl Default for GoogleSettings {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            issuer: "https://accounts.google.com".to_owned(),
        }
    }
}
