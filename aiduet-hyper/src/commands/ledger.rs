//! `aiduet ledger`

use serde_json::json;

use super::{Context, find_user};
use crate::cli::Ledger;
use crate::failure::Failure;
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, verb: Ledger) -> Result<(), Failure> {
    let stores = context.stores().await?;
    match verb {
        Ledger::Balance(who) => {
            let account = find_user(&stores, &who.user).await?;
            let balance = stores.ledger.balance(account.id).await.map_err(|error| Failure::of(&error))?;
            output::object(context.form, &super::user::balance_row(&balance))?;
        }
        Ledger::Verify => {
            let violations = stores.audit.verify().await.map_err(|error| Failure::of(&error))?;
            match context.form {
                Form::Json => {
                    let answer = json!({"passed": violations.is_empty(), "violations": violations});
                    output::object(context.form, &answer)?;
                }
                Form::Table if violations.is_empty() => output::line("the books are right")?,
                Form::Table => output::list(context.form, &violations)?,
            }
            if !violations.is_empty() {
                return Err(Failure::Problems);
            }
        }
    }
    stores.close().await.map_err(|error| Failure::of(&error))
}
