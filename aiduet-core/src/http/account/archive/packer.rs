//! Packs rows into the files of an archive, and sends it while it grows.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use utoipa::ToSchema;
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::ArchiveError;
use crate::clock::Timestamp;
use crate::http::account::export::{BYTE_ORDER_MARK, Table};
use crate::http::account::usage_query::Format;
use crate::privacy::Export;

/// Bytes that are worth sending by themselves.
const PIECE: usize = 64 << 10;
/// Of the files, their names and members.
const SCHEMA_VERSION: u32 = 1;

/// A file of an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileKind {
    pub(super) name: &'static str,
    /// Which categories of the inventory it holds.
    pub(super) categories: &'static [&'static str],
    /// The component of the document that describes a row, or the whole.
    pub(super) schema: Option<&'static str>,
    pub(super) about: &'static str,
    pub(super) form: Form,
}

/// How rows become a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A text as it is.
    Text,
    /// One JSON object.
    Object,
    /// A JSON array, one row a line.
    Array,
    /// A table, whose columns are members of the rows.
    Table(Table),
    /// Lines that are written already, after this one.
    Lines(&'static str),
}

impl FileKind {
    pub(super) const fn new(name: &'static str, form: Form, about: &'static str) -> Self {
        Self { name, categories: &[], schema: None, about, form }
    }

    /// A file that holds these categories.
    pub(super) const fn of(self, categories: &'static [&'static str]) -> Self {
        Self { categories, ..self }
    }

    /// A file that this component of the document describes.
    pub(super) const fn shaped(self, schema: &'static str) -> Self {
        Self { schema: Some(schema), ..self }
    }
}

/// What is in an archive; the last file in it, which does not name itself.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportManifest)]
pub(super) struct ManifestView {
    /// Rises when names or members change.
    schema_version: u32,
    generator: &'static str,
    export_id: String,
    account_id: String,
    #[schema(format = DateTime)]
    created_at: String,
    files: Vec<FileView>,
}

/// A file of an archive.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportFile)]
struct FileView {
    name: &'static str,
    description: &'static str,
    /// Categories of `inventory.json` that it holds.
    categories: &'static [&'static str],
    /// Where in the OpenAPI document a row is described.
    #[schema(required)]
    schema: Option<String>,
    #[schema(required)]
    rows: Option<u64>,
    bytes: u64,
    /// Of the file, in hexadecimal.
    sha256: String,
}

/// What was packed and not sent yet.
#[derive(Clone, Debug, Default)]
struct Outgoing(Arc<Mutex<Vec<u8>>>);

impl Outgoing {
    fn with<T>(&self, look: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|waiting| waiting.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Packs rows into files, one after the other.
///
/// Dropping it packs the directory too, as the writer of the archive does; nobody is sent that.
pub(super) struct Packer {
    zip: Box<ZipWriter<StreamWriter<Outgoing>>>,
    outgoing: Outgoing,
    sender: mpsc::Sender<Bytes>,
    files: Vec<FileView>,
}

/// The file that is being packed.
#[derive(Debug)]
pub(super) struct OpenFile {
    kind: FileKind,
    rows: u64,
    bytes: u64,
    digest: Sha256,
}

impl Packer {
    pub(super) fn new(sender: mpsc::Sender<Bytes>) -> Self {
        let outgoing = Outgoing::default();
        let zip = Box::new(ZipWriter::new_stream(outgoing.clone()));
        Self { zip, outgoing, sender, files: Vec::new() }
    }

    /// Begins a file.
    pub(super) fn open(&mut self, kind: FileKind) -> Result<OpenFile, ArchiveError> {
        // Nobody knows yet how much is going to be in it.
        let options = SimpleFileOptions::default().large_file(true).unix_permissions(0o600);
        self.zip.start_file(kind.name, options)?;
        let mut file = OpenFile { kind, rows: 0, bytes: 0, digest: Sha256::new() };
        match kind.form {
            Form::Text | Form::Object | Form::Array => {}
            Form::Table(table) => self.write(&mut file, &table.head())?,
            Form::Lines(head) => self.write(&mut file, &format!("{BYTE_ORDER_MARK}{head}"))?,
        }
        Ok(file)
    }

    /// A row of the file that is open.
    pub(super) fn row(&mut self, file: &mut OpenFile, row: &impl Serialize) -> Result<(), ArchiveError> {
        let json = |row| serde_json::to_string(row).map_err(ArchiveError::store);
        let text = match file.kind.form {
            // Those are written as they are.
            Form::Text | Form::Lines(_) => return Ok(()),
            Form::Object => serde_json::to_string_pretty(row).map_err(ArchiveError::store)?,
            Form::Array if file.rows == 0 => format!("[\n{}", json(row)?),
            Form::Array => format!(",\n{}", json(row)?),
            Form::Table(table) => table.row(row),
        };
        file.rows = file.rows.saturating_add(1);
        self.write(file, &text)
    }

    /// A line of the file that is open, written already.
    pub(super) fn line(&mut self, file: &mut OpenFile, line: &str) -> Result<(), ArchiveError> {
        file.rows = file.rows.saturating_add(1);
        self.write(file, line)
    }

    /// Ends the file that is open.
    pub(super) async fn close(&mut self, mut file: OpenFile) -> Result<(), ArchiveError> {
        match file.kind.form {
            Form::Text | Form::Table(_) | Form::Lines(_) => {}
            Form::Object => self.write(&mut file, "\n")?,
            Form::Array if file.rows == 0 => self.write(&mut file, "[]\n")?,
            Form::Array => self.write(&mut file, "\n]\n")?,
        }
        let OpenFile { kind, rows, bytes, digest } = file;
        self.files.push(FileView {
            name: kind.name,
            description: kind.about,
            categories: kind.categories,
            schema: kind.schema.map(|name| format!("/openapi.json#/components/schemas/{name}")),
            rows: (!matches!(kind.form, Form::Text)).then_some(rows),
            bytes,
            sha256: digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
        });
        self.relay().await
    }

    /// A whole file of rows.
    pub(super) async fn file<R: Serialize + Send>(
        &mut self,
        kind: FileKind,
        rows: impl IntoIterator<Item = R, IntoIter: Send> + Send,
    ) -> Result<(), ArchiveError> {
        let mut file = self.open(kind)?;
        for row in rows {
            self.row(&mut file, &row)?;
        }
        self.close(file).await
    }

    /// A whole file of text.
    pub(super) async fn text(&mut self, kind: FileKind, text: &str) -> Result<(), ArchiveError> {
        let mut file = self.open(kind)?;
        self.write(&mut file, text)?;
        self.close(file).await
    }

    /// Sends what was packed, if it is worth it, and waits until it is taken.
    pub(super) async fn relay(&self) -> Result<(), ArchiveError> {
        if self.outgoing.with(|waiting| waiting.len()) < PIECE { Ok(()) } else { self.send().await }
    }

    async fn send(&self) -> Result<(), ArchiveError> {
        let piece = self.outgoing.with(mem::take);
        self.sender.send(piece.into()).await.map_err(|_closed| ArchiveError::Left)
    }

    /// The last file; waits until everything was taken.
    pub(super) async fn manifest(&mut self, export: &Export, now: Timestamp) -> Result<(), ArchiveError> {
        let manifest = ManifestView {
            schema_version: SCHEMA_VERSION,
            generator: concat!("aiduet ", env!("CARGO_PKG_VERSION")),
            export_id: export.id.to_string(),
            account_id: export.account.to_string(),
            created_at: now.to_string(),
            files: mem::take(&mut self.files),
        };
        self.file(super::contents::MANIFEST, [manifest]).await?;
        self.send().await?;
        // There is room again once that was taken.
        self.sender.reserve().await.map(drop).map_err(|_closed| ArchiveError::Left)
    }

    /// The directory, without which no program opens the archive.
    pub(super) async fn finish(self) -> Result<(), ArchiveError> {
        let Self { zip, outgoing, sender, files: _ } = self;
        zip.finish()?;
        sender.send(outgoing.with(mem::take).into()).await.map_err(|_closed| ArchiveError::Left)
    }

    fn write(&mut self, file: &mut OpenFile, text: &str) -> Result<(), ArchiveError> {
        self.zip.write_all(text.as_bytes())?;
        file.bytes = file.bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        file.digest.update(text);
        Ok(())
    }
}

/// A table of values separated by commas.
pub(super) const fn csv(columns: &'static [&'static str]) -> Form {
    Form::Table(Table { format: Format::Csv, columns })
}

/// A JSON object a line.
pub(super) const LINES: Form = Form::Table(Table { format: Format::Ndjson, columns: &[] });
