//! A person who wants everything that is kept.

use super::{Reception, ReceptionError, SignedIn, Visit};
use crate::auth::SecurityEventKind;
use crate::id::ExportId;
use crate::limit::{Guard, Subject};
use crate::notify::Notice;
use crate::privacy::{EXPORT_LIFE, Export};

impl Reception {
    /// Registers an export and tells the person by mail: whoever has taken the account over does not
    /// take its data unnoticed.
    ///
    /// # Errors
    /// [`ReceptionError::Throttled`] after two in a day, or what a store says.
    pub async fn ask_export(&self, person: &SignedIn, visit: &Visit) -> Result<Export, ReceptionError> {
        let account = &person.account;
        self.count(Guard::Export, Subject::named(&[&account.id.to_string()])).await?;
        let now = self.now();
        let export = Export {
            id: ExportId::generate(self.parts.clock.as_ref(), self.parts.entropy.as_ref()),
            account: account.id,
            session: Some(person.session.id),
            created_at: now,
            expires_at: now.plus(EXPORT_LIFE),
            fetched_at: None,
        };
        self.parts.exports.insert(export).await?;
        self.record(account.id, SecurityEventKind::ExportAsked, visit).await?;
        let notice = Notice::ExportReady { expires_at: export.expires_at };
        self.tell(account, notice, &[&export.id.to_string()]).await?;
        Ok(export)
    }
}
