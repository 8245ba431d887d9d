//! Accounts of people in a table.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use super::{Database, consents};
use crate::account::{
    Account, AccountError, AccountState, AccountStore, Consent, EmailAddress, Locale, Role,
};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::NoticeChoices;
use crate::secret::Secret;

const COLUMNS: &str = "id, email, email_verified_at, password, name, locale, tell_key_expiry, \
     tell_new_sign_in, tell_balance_empty, role, state, state_at, created_at";

/// [`AccountStore`] in a database, and [`ConsentStore`](crate::account::ConsentStore).
#[derive(Clone, Debug)]
pub struct SeaOrmAccountStore {
    database: Database,
}

impl SeaOrmAccountStore {
    /// The accounts of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// The account and what its owner agreed to, or neither.
    async fn insert_both(&self, account: Account, agreed: &[Consent]) -> Result<(), DatabaseError> {
        let transaction = self.database.begin().await?;
        let insert = format!("INSERT INTO accounts ({COLUMNS}) VALUES");
        insert_row(&transaction, &insert, write(account)).await?;
        consents::insert(&transaction, agreed).await?;
        Ok(transaction.commit().await?)
    }

    fn select(&self) -> Sql {
        Sql::new(self.database.backend(), &format!("SELECT {COLUMNS} FROM accounts WHERE "))
    }

    async fn one(&self, sql: Sql) -> Result<Option<Arc<Account>>, DatabaseError> {
        sql.one(self.database.reader()).await?.as_ref().map(read).transpose()
    }
}

#[async_trait]
impl AccountStore for SeaOrmAccountStore {
    async fn insert(&self, account: Account, consents: &[Consent]) -> Result<(), AccountError> {
        let (id, email) = (account.id, account.email.clone());
        match self.insert_both(account, consents).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == FailureKind::Unique => match self.find(id).await? {
                Some(existing) if existing.email == email => Ok(()),
                Some(_) => Err(AccountError::AlreadyExists { id }),
                None => Err(AccountError::EmailTaken),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn find(&self, id: AccountId) -> Result<Option<Arc<Account>>, AccountError> {
        Ok(self.one(self.select().text("id = ").value(id.as_uuid())).await?)
    }

    async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<Arc<Account>>, AccountError> {
        Ok(self.one(self.select().text("email = ").value(email.expose())).await?)
    }

    async fn list(&self, before: Option<AccountId>, limit: u32) -> Result<Vec<Arc<Account>>, AccountError> {
        let rows = self
            .select()
            .text("id < ")
            .value(before.map_or(Uuid::max(), AccountId::as_uuid))
            .text(" ORDER BY id DESC LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn following(
        &self,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Arc<Account>>, AccountError> {
        let rows = self
            .select()
            .text("id > ")
            .value(after.map_or(Uuid::nil(), AccountId::as_uuid))
            .text(" ORDER BY id LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn update(&self, was: &Account, account: Account) -> Result<(), AccountError> {
        let id = account.id;
        let transaction = self.database.begin().await?;
        let lock = if self.database.is_sqlite() { "" } else { " FOR UPDATE" };
        let kept = self.select().text("id = ").value(id.as_uuid()).text(lock).one(&transaction).await?;
        let kept = kept.as_ref().map(read).transpose()?.ok_or(AccountError::NotFound { id })?;
        if kept.as_ref() != was {
            return Err(AccountError::Changed { id });
        }
        let columns = [
            "email",
            "email_verified_at",
            "password",
            "name",
            "locale",
            "tell_key_expiry",
            "tell_new_sign_in",
            "tell_balance_empty",
            "role",
            "state",
            "state_at",
        ];
        let mut update = Sql::new(self.database.backend(), "UPDATE accounts SET ");
        for (index, (column, value)) in columns.iter().zip(write(account).into_iter().skip(1)).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            update = update.text(separator).text(column).text(" = ").value(value);
        }
        match update.text(" WHERE id = ").value(id.as_uuid()).run(&transaction).await {
            Ok(_changed) => Ok(transaction.commit().await.map_err(DatabaseError::from)?),
            Err(error) if error.kind() == FailureKind::Unique => Err(AccountError::EmailTaken),
            Err(error) => Err(error.into()),
        }
    }
}

fn state_columns(state: AccountState) -> (&'static str, Option<i64>) {
    match state {
        AccountState::Active => ("active", None),
        AccountState::Frozen { at } => ("frozen", Some(at.millis())),
        AccountState::Deleting { at } => ("deleting", Some(at.millis())),
        AccountState::Closed { at } => ("closed", Some(at.millis())),
    }
}

fn state_from(code: &str, at: Option<i64>) -> Option<AccountState> {
    match (code, at.map(Timestamp::from_millis)) {
        ("active", None) => Some(AccountState::Active),
        ("frozen", Some(at)) => Some(AccountState::Frozen { at }),
        ("deleting", Some(at)) => Some(AccountState::Deleting { at }),
        ("closed", Some(at)) => Some(AccountState::Closed { at }),
        _ => None,
    }
}

const fn role_code(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Operator => "operator",
    }
}

fn role_from(code: &str) -> Option<Role> {
    [Role::User, Role::Operator].into_iter().find(|role| role_code(*role) == code)
}

/// In the order of [`COLUMNS`].
fn write(account: Account) -> Vec<Value> {
    let Account { id, email, email_verified_at, password, name, locale, choices, role, state, created_at } =
        account;
    let NoticeChoices { key_expiry, new_sign_in, balance_empty } = choices;
    let (state, state_at) = state_columns(state);
    vec![
        id.as_uuid().into(),
        email.expose().into(),
        email_verified_at.map(Timestamp::millis).into(),
        password.map(|password| password.expose().clone()).into(),
        name.into(),
        locale.as_str().into(),
        i64::from(key_expiry).into(),
        i64::from(new_sign_in).into(),
        i64::from(balance_empty).into(),
        role_code(role).into(),
        state.into(),
        state_at.into(),
        created_at.millis().into(),
    ]
}

fn read(row: &QueryResult) -> Result<Arc<Account>, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(Arc::new(Account {
        id: AccountId::from_uuid(columns.next()?),
        email: columns.next_as("accounts.email", |text: String| text.parse().ok())?,
        email_verified_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
        password: columns.next::<Option<String>>()?.map(Secret::new),
        name: columns.next()?,
        locale: columns.next_as("accounts.locale", |tag: String| Locale::from_tag(&tag))?,
        choices: NoticeChoices {
            key_expiry: columns.next::<i64>()? != 0,
            new_sign_in: columns.next::<i64>()? != 0,
            balance_empty: columns.next::<i64>()? != 0,
        },
        role: columns.next_as("accounts.role", |code: String| role_from(&code))?,
        state: {
            let code: String = columns.next()?;
            columns.next_as("accounts.state", |at| state_from(&code, at))?
        },
        created_at: Timestamp::from_millis(columns.next()?),
    }))
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmAccountStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmAccountStore {
        SeaOrmAccountStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmAccountStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::account_store_conformance!(store);
        crate::consent_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmAccountStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::account_store_conformance!(store);
        crate::consent_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmAccountStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::account_store_conformance!(store);
        crate::consent_store_conformance!(store);
    }
}
