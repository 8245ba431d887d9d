//! `aiduet user`

use aiduet_core::account::{Account, AccountState, Locale, Role};
use aiduet_core::audit::AuditAction;
use aiduet_core::clock::{Clock, SystemClock};
use aiduet_core::id::{AccountId, SystemEntropy};
use aiduet_core::ledger::Balance;
use aiduet_core::notify::NoticeChoices;
use aiduet_core::operator::{Consent, CreditWish, Credited};
use serde_json::{Value, json};

use super::{Confirmed, Context, Desk, confirm, dollars, duration};
use crate::cli::{RoleName, User};
use crate::failure::Failure;
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, verb: User) -> Result<(), Failure> {
    match verb {
        User::Deletions { limit } => super::privacy::deletions(context, limit).await,
        User::Erase { who, dry_run: true, .. } => super::privacy::plan(context, &who.user).await,
        User::Erase { who, dry_run: false, break_glass: true, yes } => {
            super::privacy::erase(context, &who.user, Confirmed::from(yes)).await
        }
        User::Erase { who, dry_run: false, break_glass: false, yes: _ } => {
            super::privacy::ask(context, &who.user).await
        }
        other => manage(context, other).await,
    }
}

async fn manage(context: &Context, verb: User) -> Result<(), Failure> {
    let desk = context.desk().await?;
    let Desk { stores, office, act } = &desk;
    match verb {
        User::Create { email, name, locale, operator } => {
            let account =
                new_account(&email, name, &locale, if operator { Role::Operator } else { Role::User })?;
            let row = account_row(&account);
            desk.record(AuditAction::AccountCreated, account.id).await?;
            stores.accounts.insert(account, &[]).await.map_err(|error| Failure::of(&error))?;
            print(context, row, None)?;
        }
        User::List { limit, before } => {
            let invalid = |_| Failure::Usage("expected an account identifier".to_owned());
            let before = before.map(|id| id.parse::<AccountId>()).transpose().map_err(invalid)?;
            let accounts = office.list(act, before, limit).await.map_err(|error| Failure::of(&error))?;
            let rows: Vec<_> = accounts.iter().map(|account| account_row(account)).collect();
            output::list(context.form, &rows)?;
        }
        User::Show(who) => {
            let id = desk.user(&who.user).await?.id;
            let file = office.view(act, id).await.map_err(|error| Failure::of(&error))?;
            print(context, account_row(&file.account), Some(balance_row(&file.balance)))?;
        }
        User::Credit { who, amount, id, expires, break_glass, dry_run } => {
            context.says_why()?;
            let consent = if break_glass { Consent::BrokenGlass } else { Consent::Usual };
            let account = desk.user(&who.user).await?.id;
            let wish = wish(account, Credit { amount, id, expires, consent })?;
            let row = if dry_run { wish_row(&wish) } else { credit(&desk, wish).await? };
            output::object(context.form, &row)?;
        }
        User::Role { who, role } => {
            let id = desk.user(&who.user).await?.id;
            let role = match role {
                RoleName::User => Role::User,
                RoleName::Operator => Role::Operator,
            };
            let account = office.appoint(act, id, role).await.map_err(|error| Failure::of(&error))?;
            print(context, account_row(&account), None)?;
        }
        User::Freeze { who, yes } => {
            let id = desk.user(&who.user).await?.id;
            confirm(Confirmed::from(yes), "The account can then no longer spend.")?;
            office.suspend(act, id).await.map_err(|error| Failure::of(&error))?;
        }
        User::Unfreeze(who) => {
            let id = desk.user(&who.user).await?.id;
            office.restore(act, id).await.map_err(|error| Failure::of(&error))?;
        }
        User::Deletions { .. } | User::Erase { .. } => {}
    }
    desk.close().await
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
        choices: NoticeChoices::default(),
        role,
        state: AccountState::Active,
        created_at: now,
    })
}

/// A grant as the command line gives it.
struct Credit {
    amount: String,
    id: Option<String>,
    expires: Option<String>,
    consent: Consent,
}

/// The same name gives the same posting, which the ledger books once.
fn wish(account: AccountId, given: Credit) -> Result<CreditWish, Failure> {
    let clock = SystemClock::new();
    let Credit { amount, id, expires, consent } = given;
    let name = id.unwrap_or_else(super::new_name);
    if !(1..=64).contains(&name.len()) || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::Usage("--id is a word of at most 64 characters".to_owned()));
    }
    let expires_at = expires.as_deref().map(duration).transpose()?.map(|life| clock.now().plus(life));
    Ok(CreditWish { account, amount: dollars(&amount)?, expires_at, name, consent })
}

async fn credit(desk: &Desk, wish: CreditWish) -> Result<Value, Failure> {
    let mut row = wish_row(&wish);
    let credited = desk.office.credit(&desk.act, wish).await.map_err(|error| Failure::of(&error))?;
    let told = match credited {
        Credited::Granted { transfer } => [("id", json!(transfer)), ("state", json!("granted"))],
        Credited::Asked(approval) => {
            super::approvals::note_waiting();
            [("id", json!(approval.id)), ("state", json!("waiting"))]
        }
    };
    if let Value::Object(fields) = &mut row {
        fields.extend(told.map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(row)
}

fn wish_row(wish: &CreditWish) -> Value {
    let CreditWish { account, amount, expires_at, name, consent: _ } = wish;
    json!({
        "account": account,
        "amount": amount.to_string(),
        "amount_nano": amount,
        "name": name,
        "expires_at": expires_at.map(|at| at.to_string()),
    })
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
    let Balance { credited, used, posted, held, available, paid, promotional, reserving: _ } = *balance;
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
