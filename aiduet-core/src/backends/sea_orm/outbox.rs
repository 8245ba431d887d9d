//! Messages to people, in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::one_of;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::account::Locale;
use crate::clock::Timestamp;
use crate::id::{AccountId, NoticeId};
use crate::notify::{
    Backlog, DedupKey, Due, FailureCode, LeaseRequest, NoticeFilter, NoticeKind, NoticeRecord, NoticeState,
    Outbox, OutboxError, Outgoing, PurgeNotices, Put, Report, Standing,
};

const COLUMNS: &str = "id, account, kind, locale, recipient, payload, dedup, state, state_at, attempts, \
    failures, last_failure, created_at";

/// [`Outbox`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmOutbox {
    database: Database,
}

impl SeaOrmOutbox {
    /// The outbox of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    fn select(&self) -> Sql {
        self.sql(&format!("SELECT {COLUMNS} FROM notices WHERE "))
    }

    /// Puts a new standing in the place of an old one; `false` when somebody else was faster.
    async fn replace(&self, id: NoticeId, old: &Standing, new: &Standing) -> Result<bool, DatabaseError> {
        let (state, at) = state_columns(new.state);
        let mut update = self
            .sql("UPDATE notices SET state = ")
            .value(state)
            .text(", state_at = ")
            .value(at)
            .text(", attempts = ")
            .value(i64::from(new.attempts))
            .text(", failures = ")
            .value(i64::from(new.failures))
            .text(", last_failure = ")
            .value(new.last_failure.map(FailureCode::as_i64));
        if new.has_ended() {
            update = update.text(", recipient = NULL, payload = NULL");
        }
        let (state, at) = state_columns(old.state);
        let update = update
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .text(" AND state = ")
            .value(state)
            .text(" AND state_at = ")
            .value(at)
            .text(" AND attempts = ")
            .value(i64::from(old.attempts));
        Ok(update.run(self.database.writer()).await? > 0)
    }

    async fn due(&self, request: LeaseRequest) -> Result<Vec<Row>, DatabaseError> {
        let rows = self
            .select()
            .text("state = 'waiting' AND state_at <= ")
            .value(request.now.millis())
            .text(" ORDER BY state_at, id LIMIT ")
            .value(i64::from(request.limit))
            .all(self.database.writer())
            .await?;
        rows.iter().map(read).collect()
    }

    async fn one(&self, id: NoticeId) -> Result<Option<Row>, DatabaseError> {
        let row = self.select().text("id = ").value(id.as_uuid()).one(self.database.writer()).await?;
        row.as_ref().map(read).transpose()
    }

    async fn lease_due(&self, request: LeaseRequest) -> Result<Vec<Due>, DatabaseError> {
        let mut due = Vec::new();
        for row in self.due(request).await? {
            let Some(standing) = row.standing.leased(request) else { continue };
            // A message that a later version has written, and this one cannot read, must not stop
            // the others.
            let state = NoticeState::GivenUp { at: request.now };
            let last_failure = Some(FailureCode::Unwritable);
            let unreadable = Standing { state, last_failure, ..standing };
            let standing = if row.message.is_some() { standing } else { unreadable };
            let is_ours = self.replace(row.record.id, &row.standing, &standing).await?;
            if let (true, false, Some(message)) = (is_ours, standing.has_ended(), row.message) {
                due.push(Due { message, attempt: standing.attempts, failures: standing.failures });
            }
        }
        Ok(due)
    }
}

/// Keeps a message, in the transaction of its cause.
pub(super) async fn put(on: &impl ConnectionTrait, message: &Outgoing) -> Result<Put, DatabaseError> {
    let kept = Sql::new(on.get_database_backend(), "SELECT 1 FROM notices WHERE dedup = ")
        .value(message.dedup.as_bytes().to_vec())
        .one(on)
        .await?;
    if kept.is_some() {
        return Ok(Put::Duplicate);
    }
    let or_ignore = match on.get_database_backend() {
        DbBackend::MySql => " ON DUPLICATE KEY UPDATE id = id",
        _ => " ON CONFLICT DO NOTHING",
    };
    let insert = format!("INSERT INTO notices ({COLUMNS}) VALUES ");
    Sql::new(on.get_database_backend(), &insert).tuple(write(message)?).text(or_ignore).run(on).await?;
    let kept = Sql::new(on.get_database_backend(), "SELECT 1 FROM notices WHERE id = ")
        .value(message.id.as_uuid())
        .one(on)
        .await?;
    Ok(if kept.is_some() { Put::Kept } else { Put::Duplicate })
}

#[async_trait]
impl Outbox for SeaOrmOutbox {
    async fn put(&self, message: Outgoing) -> Result<Put, OutboxError> {
        Ok(put(self.database.writer(), &message).await?)
    }

    async fn lease(&self, request: LeaseRequest) -> Result<Vec<Due>, OutboxError> {
        Ok(self.lease_due(request).await?)
    }

    async fn report(&self, report: Report) -> Result<(), OutboxError> {
        if let Some(row) = self.one(report.id).await?
            && let Some(standing) = row.standing.reported(&report)
        {
            self.replace(report.id, &row.standing, &standing).await?;
        }
        Ok(())
    }

    async fn list(&self, filter: NoticeFilter) -> Result<Vec<NoticeRecord>, OutboxError> {
        let NoticeFilter { account, kind, before, limit } = filter;
        let mut select = self.select().text("id < ").value(before.map_or(Uuid::max(), NoticeId::as_uuid));
        if let Some(account) = account {
            select = select.text(" AND account = ").value(account.as_uuid());
        }
        if let Some(kind) = kind {
            select = select.text(" AND kind = ").value(kind.as_str());
        }
        let select = select.text(" ORDER BY id DESC LIMIT ").value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?.record)).collect()
    }

    async fn backlog(&self) -> Result<Backlog, OutboxError> {
        let select = "SELECT COUNT(*), MIN(created_at) FROM notices WHERE state = 'waiting'";
        let Some(row) = self.sql(select).one(self.database.reader()).await? else {
            return Ok(Backlog::default());
        };
        let mut columns = Columns::of(&row);
        Ok(Backlog {
            waiting: columns.next_count("COUNT")?,
            oldest: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
        })
    }

    async fn purge(&self, request: PurgeNotices) -> Result<u64, OutboxError> {
        let rows = self
            .sql("SELECT id FROM notices WHERE state <> 'waiting' AND created_at < ")
            .value(request.before.millis())
            .text(" AND kind <> ")
            .value(NoticeKind::PolicyChange.as_str())
            .text(" ORDER BY created_at LIMIT ")
            .value(i64::from(request.limit))
            .all(self.database.reader())
            .await?;
        let ids: Result<Vec<Uuid>, DatabaseError> = rows.iter().map(|row| Columns::of(row).next()).collect();
        let ids = ids?;
        if ids.is_empty() {
            return Ok(0);
        }
        let delete = one_of(self.sql("DELETE FROM notices WHERE "), "id", &ids);
        Ok(delete.run(self.database.writer()).await?)
    }
}

fn state_columns(state: NoticeState) -> (&'static str, i64) {
    let (code, at) = match state {
        NoticeState::Waiting { due_at } => ("waiting", due_at),
        NoticeState::Delivered { at } => ("delivered", at),
        NoticeState::Bounced { at } => ("bounced", at),
        NoticeState::GivenUp { at } => ("given_up", at),
        NoticeState::Uncertain { at } => ("uncertain", at),
    };
    (code, at.millis())
}

fn state_from(code: &str, at: i64) -> Option<NoticeState> {
    let at = Timestamp::from_millis(at);
    match code {
        "waiting" => Some(NoticeState::Waiting { due_at: at }),
        "delivered" => Some(NoticeState::Delivered { at }),
        "bounced" => Some(NoticeState::Bounced { at }),
        "given_up" => Some(NoticeState::GivenUp { at }),
        "uncertain" => Some(NoticeState::Uncertain { at }),
        _ => None,
    }
}

/// In the order of [`COLUMNS`].
fn write(message: &Outgoing) -> Result<Vec<Value>, DatabaseError> {
    let Outgoing { id, account, to, locale, notice, dedup, at } = message;
    let unwritable = |_error| DatabaseError::Unreadable { column: "notices.payload" };
    let payload = serde_json::to_string(notice).map_err(unwritable)?;
    let Standing { state, attempts, failures, last_failure } = Standing::new(*at);
    let (state, state_at) = state_columns(state);
    Ok(vec![
        id.as_uuid().into(),
        account.map(AccountId::as_uuid).into(),
        notice.kind().as_str().into(),
        locale.as_str().into(),
        to.expose().into(),
        payload.into(),
        dedup.as_bytes().to_vec().into(),
        state.into(),
        state_at.into(),
        i64::from(attempts).into(),
        i64::from(failures).into(),
        last_failure.map(FailureCode::as_i64).into(),
        at.millis().into(),
    ])
}

/// A message as it is stored.
#[derive(Debug)]
struct Row {
    record: NoticeRecord,
    standing: Standing,
    /// Gone once the message has ended.
    message: Option<Outgoing>,
}

/// In the order of [`COLUMNS`].
fn read(row: &QueryResult) -> Result<Row, DatabaseError> {
    let mut columns = Columns::of(row);
    let id = NoticeId::from_uuid(columns.next()?);
    let account = columns.next::<Option<Uuid>>()?.map(AccountId::from_uuid);
    let kind = columns.next_as("notices.kind", |code: String| NoticeKind::from_code(&code))?;
    let locale = columns.next_as("notices.locale", |tag: String| Locale::from_tag(&tag))?;
    let recipient: Option<String> = columns.next()?;
    let payload: Option<String> = columns.next()?;
    let dedup = columns.next_as("notices.dedup", |bytes: Vec<u8>| bytes.try_into().ok())?;
    let code: String = columns.next()?;
    let state = columns.next_as("notices.state", |at| state_from(&code, at))?;
    let mut count = |column| columns.next_as(column, |count: i64| u32::try_from(count).ok());
    let (attempts, failures) = (count("notices.attempts")?, count("notices.failures")?);
    let last_failure = columns.next::<Option<i64>>()?.and_then(FailureCode::from_i64);
    let at = Timestamp::from_millis(columns.next()?);
    let message = match (recipient, payload) {
        (Some(recipient), Some(payload)) => {
            let dedup = DedupKey::from_bytes(dedup);
            let parts = recipient.parse().ok().zip(serde_json::from_str(&payload).ok());
            parts.map(|(to, notice)| Outgoing { id, account, to, locale, notice, dedup, at })
        }
        _ => None,
    };
    Ok(Row {
        record: NoticeRecord { id, account, kind, locale, state, attempts, last_failure, at },
        standing: Standing { state, attempts, failures, last_failure },
        message,
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmOutbox;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn outbox(fixture: Fixture) -> SeaOrmOutbox {
        SeaOrmOutbox::new(fixture.kept())
    }

    mod sqlite {
        async fn outbox() -> Option<super::SeaOrmOutbox> {
            Some(super::outbox(super::fixture::sqlite().await))
        }
        crate::outbox_conformance!(outbox);
    }
    mod postgres {
        async fn outbox() -> Option<super::SeaOrmOutbox> {
            super::fixture::postgres().await.map(super::outbox)
        }
        crate::outbox_conformance!(outbox);
    }
    mod mysql {
        async fn outbox() -> Option<super::SeaOrmOutbox> {
            super::fixture::mysql().await.map(super::outbox)
        }
        crate::outbox_conformance!(outbox);
    }
}
