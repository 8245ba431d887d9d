//! Databases of tests: a file, or a schema or database of its own on a server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use aiduet_core::clock::{Clock, SystemClock};
use aiduet_core::id::{Entropy, SystemEntropy};
use aiduet_core::settings::Settings;
use sea_orm::ConnectionTrait;
use tempfile::TempDir;

/// Where everything is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Memory,
    Sqlite,
    Postgres,
    MySql,
}

/// A place of its own in a store; a file goes with the last of its owners, what is on a server is
/// removed by the tests of the library once it is old.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    url: String,
    _directory: Option<Arc<TempDir>>,
}

impl Store {
    /// The server, where one is needed and the environment names it.
    #[expect(clippy::disallowed_methods, reason = "tests choose servers by environment")]
    fn server(self) -> Option<String> {
        match self {
            Self::Memory | Self::Sqlite => None,
            Self::Postgres => std::env::var("AIDUET_TEST_POSTGRES_URL").ok(),
            Self::MySql => std::env::var("AIDUET_TEST_MYSQL_URL").ok(),
        }
    }

    /// Whether there is such a store on this machine.
    pub(crate) fn is_at_hand(self) -> bool {
        matches!(self, Self::Memory | Self::Sqlite) || self.server().is_some()
    }

    /// An empty place.
    pub(crate) async fn place(self) -> Place {
        match self {
            Self::Memory => Place { url: "memory:".to_owned(), _directory: None },
            Self::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", directory.path().join("test.db").display());
                Place { url, _directory: Some(Arc::new(directory)) }
            }
            Self::Postgres | Self::MySql => Place { url: self.made().await, _directory: None },
        }
    }

    /// The URL of a new schema or database.
    async fn made(self) -> String {
        let server = self.server().unwrap();
        let name = unique_name();
        let admin = sea_orm::Database::connect(server.as_str()).await.unwrap();
        let kind = if self == Self::Postgres { "SCHEMA" } else { "DATABASE" };
        admin.execute_unprepared(&format!("CREATE {kind} {name}")).await.unwrap();
        admin.close().await.unwrap();
        match self {
            Self::Postgres => format!("{server}?options=-csearch_path%3D{name}"),
            _ => format!("{}/{name}", server.rsplit_once('/').unwrap().0),
        }
    }
}

impl Place {
    pub(crate) fn write_to(&self, settings: &mut Settings) {
        settings.database.url = Some(self.url.clone().into());
        settings.database.max_connections = 4;
    }
}

fn unique_name() -> String {
    let mut random = [0_u8; 6];
    SystemEntropy.fill(&mut random);
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("aiduet_test_{}_{random}", SystemClock::new().now().millis())
}

/// Expands to one test per check and store.
macro_rules! on_each_store {
    ($($name:ident)*) => {
        $crate::databases::on_each_store! { @in memory Memory $($name)* }
        $crate::databases::on_each_store! { @in sqlite Sqlite $($name)* }
        $crate::databases::on_each_store! { @in postgres Postgres $($name)* }
        $crate::databases::on_each_store! { @in mysql MySql $($name)* }
    };
    (@in $module:ident $store:ident $($name:ident)*) => {
        mod $module {
            $(#[tokio::test] async fn $name() {
                let store = $crate::databases::Store::$store;
                if store.is_at_hand() {
                    super::$name(store).await;
                }
            })*
        }
    };
}
pub(crate) use on_each_store;
