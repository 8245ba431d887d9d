//! What was published, in tables.

use async_trait::async_trait;
use sea_orm::{DbBackend, QueryResult, Value};

use super::Database;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::PolicyKind;
use crate::policy::{Progress, Publication, PublicationError, PublicationStore};

const COLUMNS: &str = "kind, version, effective_from, text_en, text_zh, text_ja, published_by, published_at";

/// [`PublicationStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmPublications {
    database: Database,
}

impl SeaOrmPublications {
    /// The publications of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    async fn find(&self, kind: PolicyKind, version: &str) -> Result<Option<Publication>, DatabaseError> {
        let select = self.sql(&format!("SELECT {COLUMNS} FROM publications WHERE kind = "));
        let select = select.value(kind.as_str()).text(" AND version = ").value(version);
        select.one(self.database.writer()).await?.as_ref().map(read).transpose()
    }
}

#[async_trait]
impl PublicationStore for SeaOrmPublications {
    async fn publish(&self, publication: Publication) -> Result<Publication, PublicationError> {
        let insert = format!("INSERT INTO publications ({COLUMNS}) VALUES");
        match insert_row(self.database.writer(), &insert, write(&publication)).await {
            Ok(()) => Ok(publication),
            Err(error) if error.kind() == FailureKind::Unique => {
                let kept = self.find(publication.kind, &publication.version).await?;
                kept.filter(|kept| kept.is_same(&publication)).ok_or(PublicationError::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn list(&self, limit: u32) -> Result<Vec<Publication>, PublicationError> {
        let order = "ORDER BY effective_from DESC, kind DESC LIMIT ";
        let select = self.sql(&format!("SELECT {COLUMNS} FROM publications {order}"));
        let rows = select.value(i64::from(limit)).all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn progress(&self, news: &str) -> Result<Progress, PublicationError> {
        let select = self.sql("SELECT through, told FROM news_progress WHERE news = ").value(news);
        let Some(row) = select.one(self.database.writer()).await? else { return Ok(Progress::default()) };
        let mut columns = Columns::of(&row);
        let through = columns.next().map(AccountId::from_uuid)?;
        Ok(Progress { through: Some(through), told: columns.next_count("news_progress.told")? })
    }

    async fn advance(&self, news: &str, to: Progress) -> Result<(), PublicationError> {
        let Progress { through: Some(through), told } = to else { return Ok(()) };
        let told = i64::try_from(told).unwrap_or(i64::MAX);
        let or_nothing = match self.database.backend() {
            DbBackend::MySql => " ON DUPLICATE KEY UPDATE news = news",
            _ => " ON CONFLICT DO NOTHING",
        };
        let row = [Value::from(news), through.as_uuid().into(), told.into()];
        let insert = self.sql("INSERT INTO news_progress (news, through, told) VALUES ").tuple(row);
        insert.text(or_nothing).run(self.database.writer()).await?;
        self.sql("UPDATE news_progress SET through = ")
            .value(through.as_uuid())
            .text(", told = ")
            .value(told)
            .text(" WHERE news = ")
            .value(news)
            .text(" AND through < ")
            .value(through.as_uuid())
            .run(self.database.writer())
            .await?;
        Ok(())
    }
}

/// In the order of [`COLUMNS`].
fn write(publication: &Publication) -> Vec<Value> {
    let Publication { kind, version, effective_from, texts: [en, zh, ja], published_by, published_at } =
        publication;
    vec![
        kind.as_str().into(),
        version.as_str().into(),
        effective_from.millis().into(),
        en.as_str().into(),
        zh.as_str().into(),
        ja.as_str().into(),
        published_by.to_string().into(),
        published_at.millis().into(),
    ]
}

fn read(row: &QueryResult) -> Result<Publication, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(Publication {
        kind: columns.next_as("publications.kind", |code: String| PolicyKind::from_code(&code))?,
        version: columns.next()?,
        effective_from: Timestamp::from_millis(columns.next()?),
        texts: [columns.next()?, columns.next()?, columns.next()?],
        published_by: columns.next_as("publications.published_by", |text: String| text.parse().ok())?,
        published_at: Timestamp::from_millis(columns.next()?),
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmPublications;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmPublications {
        SeaOrmPublications::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmPublications> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::publication_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmPublications> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::publication_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmPublications> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::publication_store_conformance!(store);
    }
}
