//! Sheets that operators draft, in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::Database;
use super::bulk::for_update;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::audit::AuditActor;
use crate::clock::Timestamp;
use crate::price::{
    EditionError, EditionFile, EditionMark, EditionStep, PriceDraft, PriceEdition, PriceEditions,
    PricePublication, PriceVersion, SheetDigest,
};

const COLUMNS: &str = "version, digest, effective_from, drafted_by, drafted_at, published_by, published_at, \
    in_force_from, withdrawn_by, withdrawn_at";

/// [`PriceEditions`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmPriceEditions {
    database: Database,
}

impl SeaOrmPriceEditions {
    /// The sheets of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    /// Changes an edition as its step says. All of them are locked, in one order: what a step makes of
    /// one depends on the others.
    async fn change(
        &self,
        step: impl FnOnce(&[PriceEdition]) -> Result<PriceEdition, EditionError> + Send,
    ) -> Result<PriceEdition, EditionError> {
        let transaction = self.database.begin().await?;
        let locked = self.sql(&format!("SELECT {COLUMNS} FROM price_editions ORDER BY version"));
        let rows = locked.text(for_update(self.database.backend())).all(&transaction).await?;
        let all = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let changed = step(&all)?;
        let [published_by, published_at, in_force_from, withdrawn_by, withdrawn_at] = state(&changed);
        self.sql("UPDATE price_editions SET published_by = ")
            .value(published_by)
            .text(", published_at = ")
            .value(published_at)
            .text(", in_force_from = ")
            .value(in_force_from)
            .text(", withdrawn_by = ")
            .value(withdrawn_by)
            .text(", withdrawn_at = ")
            .value(withdrawn_at)
            .text(" WHERE version = ")
            .value(i64::from(changed.version.0))
            .run(&transaction)
            .await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(changed)
    }

    /// Puts a draft in the place of an earlier one.
    async fn replace(&self, draft: &PriceDraft) -> Result<PriceEdition, EditionError> {
        let transaction = self.database.begin().await?;
        let locked = self.one(draft.version, COLUMNS).text(for_update(self.database.backend()));
        let before = locked.one(&transaction).await?.as_ref().map(read).transpose()?;
        let edition = PriceEdition::redrafted(before.as_ref(), draft)?;
        if before.as_ref() != Some(&edition) {
            self.sql("UPDATE price_editions SET digest = ")
                .value(edition.digest.as_bytes().to_vec())
                .text(", sheet = ")
                .value(draft.text.as_str())
                .text(", effective_from = ")
                .value(edition.effective_from.millis())
                .text(", drafted_by = ")
                .value(edition.drafted.by.to_string())
                .text(", drafted_at = ")
                .value(edition.drafted.at.millis())
                .text(" WHERE version = ")
                .value(i64::from(edition.version.0))
                .run(&transaction)
                .await?;
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(edition)
    }

    async fn latest(&self, which: &str, limit: u32) -> Result<Vec<PriceEdition>, DatabaseError> {
        let select = format!("SELECT {COLUMNS} FROM price_editions {which} ORDER BY version DESC LIMIT ");
        let rows = self.sql(&select).value(i64::from(limit)).all(self.database.reader()).await?;
        rows.iter().map(read).collect()
    }

    fn one(&self, version: PriceVersion, columns: &str) -> Sql {
        let select = self.sql(&format!("SELECT {columns} FROM price_editions WHERE version = "));
        select.value(i64::from(version.0))
    }
}

#[async_trait]
impl PriceEditions for SeaOrmPriceEditions {
    async fn draft(&self, draft: PriceDraft) -> Result<PriceEdition, EditionError> {
        let edition = PriceEdition::redrafted(None, &draft)?;
        match insert(self.database.writer(), &edition, &draft.text).await {
            Ok(()) => Ok(edition),
            Err(error) if error.kind() == FailureKind::Unique => self.replace(&draft).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn find(&self, version: PriceVersion) -> Result<Option<EditionFile>, EditionError> {
        let select = self.one(version, &format!("{COLUMNS}, sheet"));
        let Some(row) = select.one(self.database.reader()).await? else { return Ok(None) };
        let mut columns = Columns::of(&row);
        let edition = edition(&mut columns)?;
        Ok(Some(EditionFile { edition, text: columns.next()? }))
    }

    async fn list(&self, limit: u32) -> Result<Vec<PriceEdition>, EditionError> {
        Ok(self.latest("", limit).await?)
    }

    async fn standing(&self, limit: u32) -> Result<Vec<PriceEdition>, EditionError> {
        Ok(self.latest("WHERE published_at IS NOT NULL AND withdrawn_at IS NULL", limit).await?)
    }

    async fn publish(
        &self,
        step: EditionStep,
        after: Option<PriceVersion>,
    ) -> Result<PriceEdition, EditionError> {
        self.change(|all| PriceEdition::published(all, &step, after)).await
    }

    async fn withdraw(&self, step: EditionStep) -> Result<PriceEdition, EditionError> {
        self.change(|all| PriceEdition::withdrawn(all, &step)).await
    }
}

async fn insert(on: &impl ConnectionTrait, edition: &PriceEdition, text: &str) -> Result<(), DatabaseError> {
    let PriceEdition { version, digest, effective_from, drafted, published: _, withdrawn: _ } = edition;
    let row = vec![
        i64::from(version.0).into(),
        digest.as_bytes().to_vec().into(),
        text.into(),
        effective_from.millis().into(),
        drafted.by.to_string().into(),
        drafted.at.millis().into(),
    ];
    let columns = "version, digest, sheet, effective_from, drafted_by, drafted_at";
    insert_row(on, &format!("INSERT INTO price_editions ({columns}) VALUES"), row).await
}

/// What was done to an edition: published by, published at, in force from, withdrawn by, withdrawn at.
fn state(edition: &PriceEdition) -> [Value; 5] {
    let by = |mark: &EditionMark| mark.by.to_string();
    let at = |mark: &EditionMark| mark.at.millis();
    let published = edition.published.as_ref();
    [
        published.map(|publication| by(&publication.mark)).into(),
        published.map(|publication| at(&publication.mark)).into(),
        published.map(|publication| publication.in_force_from.millis()).into(),
        edition.withdrawn.as_ref().map(by).into(),
        edition.withdrawn.as_ref().map(at).into(),
    ]
}

fn read(row: &QueryResult) -> Result<PriceEdition, DatabaseError> {
    edition(&mut Columns::of(row))
}

/// In the order of [`COLUMNS`].
fn edition(columns: &mut Columns<'_>) -> Result<PriceEdition, DatabaseError> {
    let version = |number: i64| u32::try_from(number).ok().map(PriceVersion);
    let digest = |bytes: Vec<u8>| bytes.try_into().ok().map(SheetDigest::from_bytes);
    Ok(PriceEdition {
        version: columns.next_as("price_editions.version", version)?,
        digest: columns.next_as("price_editions.digest", digest)?,
        effective_from: Timestamp::from_millis(columns.next()?),
        drafted: EditionMark {
            by: columns.next_as("price_editions.drafted_by", |text: String| text.parse().ok())?,
            at: Timestamp::from_millis(columns.next()?),
        },
        published: match (mark(columns, "price_editions.published_by")?, columns.next::<Option<i64>>()?) {
            (Some(mark), Some(from)) => {
                Some(PricePublication { mark, in_force_from: Timestamp::from_millis(from) })
            }
            (None, None) => None,
            _ => return Err(DatabaseError::Unreadable { column: "price_editions.in_force_from" }),
        },
        withdrawn: mark(columns, "price_editions.withdrawn_by")?,
    })
}

/// Who did something, and when, if it was done.
fn mark(columns: &mut Columns<'_>, column: &'static str) -> Result<Option<EditionMark>, DatabaseError> {
    let by = columns.next_as(column, |text: Option<String>| {
        text.map(|text| text.parse::<AuditActor>()).transpose().ok()
    })?;
    match (by, columns.next::<Option<i64>>()?) {
        (Some(by), Some(at)) => Ok(Some(EditionMark { by, at: Timestamp::from_millis(at) })),
        (None, None) => Ok(None),
        _ => Err(DatabaseError::Unreadable { column }),
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmPriceEditions;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmPriceEditions {
        SeaOrmPriceEditions::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmPriceEditions> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::price_editions_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmPriceEditions> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::price_editions_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmPriceEditions> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::price_editions_conformance!(store);
    }
}
