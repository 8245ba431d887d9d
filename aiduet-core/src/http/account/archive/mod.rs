//! An archive of everything that is kept about a person, made while it is read.
//!
//! Its files look like the answers of the account API, so the published document describes them.

mod contents;
mod packer;
mod readme;
mod rows;

use std::error::Error;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::mpsc;
use utoipa::openapi::{RefOr, Schema};

use self::packer::Packer;
use crate::account::Account;
use crate::app::Stores;
use crate::clock::Clock;
use crate::privacy::{Export, USAGE_DAYS_MAX};

pub(super) use self::rows::{RefundView, schemas};

/// Everything that is kept about a person, as a ZIP archive (APPNOTE 6.3, with data descriptors, so that
/// it can be written as it is sent).
///
/// # Source
/// <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, read 2026-11-26.
#[derive(Clone, Debug)]
pub struct Archive {
    stores: Stores,
    clock: Arc<dyn Clock>,
    account: Arc<Account>,
    export: Export,
    usage_days: u16,
}

/// Why an archive breaks off.
#[derive(Debug, thiserror::Error)]
enum ArchiveError {
    /// Something cannot be read.
    #[error(transparent)]
    Store(Box<dyn Error + Send + Sync>),
    /// It cannot be packed.
    #[error("the archive cannot be packed")]
    Zip(#[from] zip::result::ZipError),
    /// It cannot be written down.
    #[error("the archive cannot be packed")]
    Write(#[from] io::Error),
    /// Nobody reads it any more.
    #[error("nobody reads the archive any more")]
    Left,
    /// It was fetched meanwhile, or its time is over.
    #[error("the archive was fetched meanwhile, or its time is over")]
    Over,
}

impl ArchiveError {
    fn store(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Store(Box::new(error))
    }
}

impl Archive {
    /// The archive of an account, whose fetching is noted in the register under `export`.
    pub fn new(stores: Stores, clock: Arc<dyn Clock>, (account, export): (Arc<Account>, Export)) -> Self {
        Self { stores, clock, account, export, usage_days: USAGE_DAYS_MAX }
    }

    /// Says in the inventory for how many days records of requests are kept here.
    #[must_use]
    pub fn with_usage_days(self, usage_days: u16) -> Self {
        Self { usage_days, ..self }
    }

    /// The archive, piece by piece, as fast as it is taken. Before its last piece the export is noted as
    /// fetched, so an archive that can be opened was counted, and one that broke off was not.
    ///
    /// # Errors
    /// An item is an error when a store fails, or the export was fetched meanwhile; nothing follows it.
    ///
    /// # Cancellation
    /// Dropping the stream stops all work; the export can be fetched again.
    pub fn pieces(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let (sender, mut receiver) = mpsc::channel(1);
        let pieces = stream::poll_fn(move |context| receiver.poll_recv(context)).map(Ok);
        let work = stream::once(self.pack(Packer::new(sender)));
        let failure = work.filter_map(async |packed| packed.err().map(|error| Err(io::Error::other(error))));
        stream::select(pieces, failure)
    }

    async fn pack(self, mut packer: Packer) -> Result<(), ArchiveError> {
        self.fill(&mut packer).await?;
        let now = self.clock.now();
        packer.manifest(&self.export, now).await?;
        let finished = self.stores.exports.finish(self.export.id, now).await;
        if finished.map_err(ArchiveError::store)? { packer.finish().await } else { Err(ArchiveError::Over) }
    }
}

/// The schema of a component of the document.
type Component = (String, RefOr<Schema>);
