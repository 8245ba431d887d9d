//! Files inside addresses: `data:image/png;base64,…`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::conversation::{Document, DocumentBody, Media, PartKind};
use super::super::json::Text;
use crate::dialect::RequestFault;

/// Reads the address of an image.
///
/// # Errors
/// When it is neither base64 in a `data:` address nor at `http` or `https`.
pub(super) fn image<'a>(url: Text<'a>, field: &'static str) -> Result<Media<'a>, RequestFault> {
    let is_remote = {
        let address = url.decode();
        address.starts_with("https://") || address.starts_with("http://")
    };
    if is_remote {
        return Ok(Media::Url(url));
    }
    let (media_type, data) = split(url).ok_or_else(|| {
        RequestFault::wrong(field, "expected an https address or a data: address in base64")
    })?;
    Ok(Media::Data { media_type, data })
}

/// Reads the data of a file.
///
/// # Errors
/// When it is not a PDF or a plain text in base64.
pub(super) fn document<'a>(
    data: Text<'a>,
    title: Option<Text<'a>>,
    field: &'static str,
) -> Result<PartKind<'a>, RequestFault> {
    let (media_type, data) =
        split(data).ok_or_else(|| RequestFault::wrong(field, "expected a data: address in base64"))?;
    let body = match media_type.as_ref() {
        "application/pdf" => DocumentBody::Media(Media::Data { media_type, data }),
        "text/plain" => DocumentBody::Text(plain(&data, field)?),
        _ => return Err(RequestFault::unsupported(field, "only PDF and plain text files can be translated")),
    };
    Ok(PartKind::Document(Document { body, title, context: None }))
}

fn plain(data: &str, field: &'static str) -> Result<Text<'static>, RequestFault> {
    STANDARD
        .decode(data)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Text::from)
        .ok_or_else(|| RequestFault::wrong(field, "the text is not UTF-8 in base64"))
}

/// Media type and base64 of a `data:` address.
fn split(url: Text<'_>) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    match url.into_decoded() {
        Cow::Borrowed(url) => split_plain(url).map(|(kind, data)| (Cow::Borrowed(kind), Cow::Borrowed(data))),
        Cow::Owned(url) => {
            split_plain(&url).map(|(kind, data)| (Cow::Owned(kind.to_owned()), Cow::Owned(data.to_owned())))
        }
    }
}

fn split_plain(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let (kind, encoding) = head.split_once(';')?;
    let is_base64 = encoding.rsplit(';').next() == Some("base64");
    is_base64.then_some((kind, data))
}

/// The address of data that is here.
pub(super) fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}
