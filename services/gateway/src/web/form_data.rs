//! `multipart/form-data`: forms with a file. The whole body is in memory already, bounded by its route.

use std::convert::Infallible;

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, header};

/// Fields of one form at most; the largest of ours has eight.
const MOST_FIELDS: usize = 16;

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// The name of the file, when it is one. A claim of whoever sends it.
    pub(crate) file_name: Option<String>,
    /// What it holds.
    pub(crate) bytes: Bytes,
}

/// A form that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the form cannot be read")]
pub(crate) struct Unreadable;

/// The boundary that a request's head names, when its body is such a form.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(kind).ok()
}

/// Whether the body is such a form.
pub(crate) fn is_one(headers: &HeaderMap) -> bool {
    boundary(headers).is_some()
}

/// The fields of a form.
pub(crate) async fn read(headers: &HeaderMap, body: Bytes) -> Result<Vec<Field>, Unreadable> {
    let boundary = boundary(headers).ok_or(Unreadable)?;
    let whole = stream::iter([Ok::<_, Infallible>(body)]);
    let mut form = multer::Multipart::new(whole, boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|_| Unreadable)? {
        if fields.len() >= MOST_FIELDS {
            return Err(Unreadable);
        }
        let name = field.name().ok_or(Unreadable)?.to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|_| Unreadable)?;
        fields.push(Field {
            name,
            file_name,
            bytes,
        });
    }
    Ok(fields)
}

/// The text of a field; empty when it was not sent or is no text.
pub(crate) fn text<'a>(fields: &'a [Field], name: &str) -> &'a str {
    let found = fields
        .iter()
        .find(|field| field.name == name && field.file_name.is_none());
    found.map_or("", |field| std::str::from_utf8(&field.bytes).unwrap_or_default())
}

/// The file of a field. Browsers send an empty one when none was chosen.
pub(crate) fn file<'a>(fields: &'a [Field], name: &str) -> Option<&'a Field> {
    fields
        .iter()
        .find(|field| field.name == name && field.file_name.is_some() && !field.bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn head(kind: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))])
    }

    const FORM: &str = "multipart/form-data; boundary=x";

    #[tokio::test]
    async fn fields_and_files_are_told_apart() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--x\r\nContent-Disposition: \
            form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: text/html\r\n\r\n%PDF\r\n--x--\r\n";
        let fields = read(&head(FORM), Bytes::from(body)).await.unwrap();
        assert_eq!(text(&fields, "csrf"), "abc");
        assert_eq!(text(&fields, "file"), "", "a file is no text");
        assert_eq!(&file(&fields, "file").unwrap().bytes[..], b"%PDF");
        assert_eq!(file(&fields, "csrf"), None);
    }

    #[tokio::test]
    async fn a_form_that_is_cut_off_has_too_many_fields_or_is_none_is_refused() {
        let cut = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc";
        assert_eq!(read(&head(FORM), Bytes::from(cut)).await, Err(Unreadable));
        let field = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
        let many = format!("{}--x--\r\n", field.repeat(MOST_FIELDS + 1));
        assert_eq!(read(&head(FORM), Bytes::from(many)).await, Err(Unreadable));
        let other = head("application/json");
        assert_eq!(read(&other, Bytes::new()).await, Err(Unreadable));
        assert!(!is_one(&other) && is_one(&head(FORM)));
    }
}
