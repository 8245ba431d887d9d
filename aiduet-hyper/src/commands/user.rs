//! `aiduet user`

use std::sync::Arc;

use aiduet_core::account::{Account, AccountState, Locale, Role};
use aiduet_core::app::Stores;
use aiduet_core::clock::{Clock, SystemClock};
use aiduet_core::id::{AccountId, SystemEntropy, TransferId, derive};
use aiduet_core::ledger::{Balance, Entry, ExternalId, Promotion, Reserving};
use serde_json::{Value, json};

use super::{Confirmed, Context, confirm, dollars, duration, find_user};
use crate::cli::User;
use crate::failure::Failure;
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, verb: User) -> Result<(), Failure> {
    match verb {
        User::Deletions { limit } => super::privacy::deletions(context, limit).await,
        User::Erase { who, dry_run: true, .. } => super::privacy::plan(context, &who.user).await,
        User::Erase { who, dry_run: false, yes } => {
            super::privacy::erase(context, &who.user, Confirmed::from(yes)).await
        }
        other => manage(context, other).await,
    }
}

async fn manage(context: &Context, verb: User) -> Result<(), Failure> {
    let stores = context.stores().await?;
    match verb {
        User::Create { email, name, locale, operator } => {
            let account =
                new_account(&email, name, &locale, if operator { Role::Operator } else { Role::User })?;
            let row = account_row(&account);
            stores.accounts.insert(account, &[]).await.map_err(|error| Failure::of(&error))?;
            print(context, row, None)?;
        }
        User::List { limit, before } => {
            let invalid = |_| Failure::Usage("expected an account identifier".to_owned());
            let before = before.map(|id| id.parse::<AccountId>()).transpose().map_err(invalid)?;
            let accounts = stores.accounts.list(before, limit).await.map_err(|error| Failure::of(&error))?;
            let rows: Vec<_> = accounts.iter().map(|account| account_row(account)).collect();
            output::list(context.form, &rows)?;
        }
        User::Show(who) => {
            let account = find_user(&stores, &who.user).await?;
            let balance = stores.ledger.balance(account.id).await.map_err(|error| Failure::of(&error))?;
            print(context, account_row(&account), Some(balance_row(&balance)))?;
        }
        User::Credit { who, amount, reason, id, expires, dry_run } => {
            let account = find_user(&stores, &who.user).await?;
            let wish = Credit { amount, reason, id, expires };
            let (entry, row) = wish.entry(account.id)?;
            if !dry_run {
                stores.ledger.post(vec![entry]).await.map_err(|error| Failure::of(&error))?;
            }
            output::object(context.form, &row)?;
        }
        User::Freeze { who, yes } => {
            let account = find_user(&stores, &who.user).await?;
            if let AccountState::Deleting { .. } | AccountState::Closed { .. } = account.state {
                return Err(Failure::Conflict("its owner has left".to_owned()));
            }
            confirm(Confirmed::from(yes), "The account can then no longer spend.")?;
            let state = AccountState::Frozen { at: SystemClock::new().now() };
            set_state(&stores, &account, state, Reserving::Frozen).await?;
        }
        User::Unfreeze(who) => {
            let account = find_user(&stores, &who.user).await?;
            if let AccountState::Deleting { .. } | AccountState::Closed { .. } = account.state {
                return Err(Failure::Conflict("its owner has left".to_owned()));
            }
            set_state(&stores, &account, AccountState::Active, Reserving::Allowed).await?;
        }
        User::Deletions { .. } | User::Erase { .. } => {}
    }
    stores.close().await.map_err(|error| Failure::of(&error))
}

/// An account that is not stored yet. Who makes it vouches for the address.
pub(super) fn new_account(
    email: &str,
    name: Option<String>,
    locale: &str,
    role: Role,
) -> Result<Account, Failure> {
    let clock = SystemClock::new();
    let now = clock.now();
    let too_long =
        name.as_ref().is_some_and(|name| name.chars().count() > 80 || name.chars().any(char::is_control));
    if too_long {
        return Err(Failure::Usage("a name has at most 80 characters and no control characters".to_owned()));
    }
    Ok(Account {
        id: AccountId::generate(&clock, &SystemEntropy),
        email: email.parse().map_err(|error| Failure::Usage(format!("{error}")))?,
        email_verified_at: Some(now),
        password: None,
        name,
        locale: Locale::from_tag(locale)
            .ok_or_else(|| Failure::Usage("expected en, zh-CN or ja".to_owned()))?,
        role,
        state: AccountState::Active,
        created_at: now,
    })
}

/// The ledger is told as well: it is what stops spending, on every node at once.
async fn set_state(
    stores: &Stores,
    account: &Arc<Account>,
    state: AccountState,
    reserving: Reserving,
) -> Result<(), Failure> {
    let changed = Account { state, ..Account::clone(account) };
    stores.ledger.set_reserving(account.id, reserving).await.map_err(|error| Failure::of(&error))?;
    stores.accounts.update(account, changed).await.map_err(|error| Failure::of(&error))
}

/// A grant as the command line gives it.
struct Credit {
    amount: String,
    reason: String,
    id: Option<String>,
    expires: Option<String>,
}

impl Credit {
    /// The posting; the same name gives the same posting, which the ledger books once.
    fn entry(self, account: AccountId) -> Result<(Entry, Value), Failure> {
        let clock = SystemClock::new();
        let now = clock.now();
        let Self { amount, reason, id, expires } = self;
        let amount = dollars(&amount)?;
        let name = match id {
            Some(name) => name,
            None => TransferId::generate(&clock, &SystemEntropy).as_uuid().simple().to_string(),
        };
        let external: ExternalId = format!("{reason}:{name}")
            .parse()
            .map_err(|_invalid| Failure::Usage("--reason and --id are words without spaces".to_owned()))?;
        let expires_at = expires.as_deref().map(duration).transpose()?.map(|life| now.plus(life));
        let transfer = TransferId::from_uuid(derive(account.as_uuid(), &format!("credit:{name}")));
        let row = json!({
            "id": transfer,
            "account": account,
            "amount": amount.to_string(),
            "amount_nano": amount,
            "reason": reason,
            "name": name,
            "expires_at": expires_at.map(|at| at.to_string()),
        });
        let external = Some(external);
        let promotion = Promotion { id: transfer, account, amount, external, expires_at, at: now };
        Ok((Entry::grant(promotion), row))
    }
}

fn account_row(account: &Account) -> Value {
    json!({
        "id": account.id,
        "email": account.email.expose(),
        "name": account.name,
        "locale": account.locale.as_str(),
        "role": account.role,
        "state": match account.state {
            AccountState::Active => "active",
            AccountState::Frozen { at: _ } => "frozen",
            AccountState::Deleting { at: _ } => "deleting",
            AccountState::Closed { at: _ } => "closed",
        },
        "created_at": account.created_at.to_string(),
    })
}

/// A balance in dollars and in whole nano-dollars.
pub(super) fn balance_row(balance: &Balance) -> Value {
    let Balance { credited, used, posted, held, available, paid, promotional } = *balance;
    let mut row = serde_json::Map::new();
    for (name, amount) in [
        ("credited", credited),
        ("used", used),
        ("posted", posted),
        ("held", held),
        ("available", available),
        ("paid", paid),
        ("promotional", promotional),
    ] {
        row.insert(name.to_owned(), json!(amount.to_string()));
        row.insert(format!("{name}_nano"), json!(amount));
    }
    Value::Object(row)
}

/// Programs get the account and its balance apart, people in one list.
fn print(context: &Context, account: Value, balance: Option<Value>) -> Result<(), Failure> {
    let row = match (context.form, account, balance) {
        (Form::Json, account, None) => json!({"account": account}),
        (Form::Json, account, Some(balance)) => json!({"account": account, "balance": balance}),
        (Form::Table, Value::Object(mut row), Some(Value::Object(balance))) => {
            row.extend(balance);
            Value::Object(row)
        }
        (Form::Table, account, _) => account,
    };
    Ok(output::object(context.form, &row)?)
}
