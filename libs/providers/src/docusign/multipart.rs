//! The binary form of a new envelope (`multipart/form-data`): documents go up as they are, without base64's third more,
//! and are copied once, into the body.

use bytes::{BufMut as _, Bytes, BytesMut};
use puente_ports::EnvelopeDocument;
use sha2::{Digest as _, Sha256};

/// Heads and boundaries of one part; a guess too low costs a reallocation.
const PART: usize = 512;

/// The content type, and the body: the envelope's JSON, then one part per document, numbered from 1.
pub(super) fn body(json: &[u8], documents: &[EnvelopeDocument]) -> (String, Bytes) {
    let boundary = boundary(json, documents);
    let size: usize = documents.iter().map(|document| document.pdf.len() + PART).sum();
    let mut body = BytesMut::with_capacity(json.len() + size + PART);
    part(
        &mut body,
        &boundary,
        "Content-Type: application/json\r\nContent-Disposition: form-data",
        json,
    );
    for (at, document) in documents.iter().enumerate() {
        let head = format!(
            "Content-Type: application/pdf\r\nContent-Disposition: file; filename=\"{}\";documentid={}",
            file_name(&document.name),
            at + 1
        );
        part(&mut body, &boundary, &head, &document.pdf);
    }
    body.put_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.freeze())
}

fn part(body: &mut BytesMut, boundary: &str, head: &str, content: &[u8]) {
    body.put_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
    body.put_slice(content);
    body.put_slice(b"\r\n");
}

/// A digest of all that stands between the boundaries: nobody can write a document that holds it.
fn boundary(json: &[u8], documents: &[EnvelopeDocument]) -> String {
    let mut hash = Sha256::new();
    hash.update(json);
    for document in documents {
        hash.update(&document.pdf);
    }
    hash.finalize()
        .iter()
        .take(20)
        .fold("puente-".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// A name that a header takes; the JSON holds the whole one.
fn file_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " ._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(100)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_docusign_wants_them_and_names_cannot_break_out() {
        let documents = [EnvelopeDocument {
            name: "orden \"1\"\r\nX: y.pdf".to_owned(),
            pdf: Bytes::from_static(b"%PDF-1.7\r\n--"),
        }];
        let (kind, body) = super::body(b"{}", &documents);
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Type: application/json\r\nContent-Disposition: form-data\r\n\r\n{{}}\r\n\
             --{boundary}\r\nContent-Type: application/pdf\r\nContent-Disposition: file; filename=\"orden _1___X_ y.pdf\";documentid=1\r\n\r\n\
             %PDF-1.7\r\n--\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, expected.as_bytes());
    }
}
