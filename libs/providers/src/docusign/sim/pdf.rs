//! What DocuSign makes of documents: the originals with a line on every page and the signatures on the last, and a
//! certificate. Real PDF files, in which the pages that were sent are still there; what is simulated says so.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};
use sha2::{Digest as _, Sha256};

use super::envelope::{Envelope, moment};

/// The name of our font in a page's resources.
const FONT: &str = "PuenteSim";

/// Whether a document can be read and has a page.
pub(super) fn is_readable(pdf: &[u8]) -> bool {
    Document::load_mem(pdf).is_ok_and(|document| !document.get_pages().is_empty())
}

/// The text of a document without its gaps; empty where it cannot be read.
pub(super) fn text(pdf: &[u8]) -> String {
    let Ok(document) = Document::load_mem(pdf) else {
        return String::new();
    };
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    dense(&document.extract_text(&pages).unwrap_or_default())
}

/// A text without gaps: where words end is a guess in a PDF.
pub(super) fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

/// All documents in one, with the certificate behind them if it is wanted.
pub(super) fn combined(envelope: &Envelope, with_certificate: bool) -> Option<Vec<u8>> {
    let mut all = envelope.documents.iter();
    let mut whole = Document::load_mem(&all.next()?.pdf).ok()?;
    for document in all {
        append(&mut whole, Document::load_mem(&document.pdf).ok()?)?;
    }
    let pages: Vec<ObjectId> = whole.get_pages().into_values().collect();
    let head = format!("Docusign Envelope ID: {} (simulated)", envelope.id);
    for page in &pages {
        let mut lines = vec![(18, head.clone())];
        if Some(page) == pages.last() {
            lines.extend(
                signatures(envelope)
                    .into_iter()
                    .zip(2..)
                    .map(|(line, at)| (9 * at + 9, line)),
            );
        }
        stamp(&mut whole, *page, &lines)?;
    }
    if with_certificate {
        append(&mut whole, certificate_document(envelope))?;
    }
    save(whole)
}

/// The certificate alone.
pub(super) fn certificate(envelope: &Envelope) -> Option<Vec<u8>> {
    save(certificate_document(envelope))
}

fn signatures(envelope: &Envelope) -> Vec<String> {
    let line = |signer: &super::envelope::Signer| {
        let (_, at) = signer.reached.iter().find(|(status, _)| *status == "completed")?;
        Some(format!(
            "Signed by {} <{}> on {} (simulated)",
            signer.name,
            signer.email,
            moment(*at)
        ))
    };
    envelope.signers.iter().filter_map(line).collect()
}

fn certificate_document(envelope: &Envelope) -> Document {
    let mut lines = vec![
        "Certificate Of Completion (simulated)".to_owned(),
        String::new(),
        format!("Envelope Id: {}", envelope.id),
        format!("Subject: {}", envelope.subject),
        format!("Status: {}", envelope.status),
        String::new(),
    ];
    for document in &envelope.documents {
        lines.push(format!("Document {}: {}", document.id, document.name));
        lines.push(format!("SHA-256: {}", hex::encode(Sha256::digest(&document.pdf))));
    }
    lines.push(String::new());
    for signer in &envelope.signers {
        lines.push(format!(
            "Signer {}: {} <{}>: {}",
            signer.id, signer.name, signer.email, signer.status
        ));
    }
    lines.extend(signatures(envelope));
    let content: Vec<(i64, String)> = lines
        .into_iter()
        .zip(0..)
        .map(|(line, at)| (780 - 14 * at, line))
        .collect();
    let mut document = Document::with_version("1.7");
    let pages = document.new_object_id();
    let stream = document.add_object(Stream::new(Dictionary::new(), drawn(&content)));
    let resources = dictionary! { "Font" => dictionary! { FONT => font() } };
    let page = document.add_object(dictionary! {
        "Type" => "Page", "Parent" => pages, "Contents" => stream, "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    });
    let tree = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
    document.objects.insert(pages, Object::Dictionary(tree));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    document
}

/// Puts the pages of `more` behind those of `whole`.
fn append(whole: &mut Document, mut more: Document) -> Option<()> {
    more.renumber_objects_with(whole.max_id + 1);
    let pages: Vec<ObjectId> = more.get_pages().into_values().collect();
    let root = whole
        .catalog()
        .ok()?
        .get(b"Pages")
        .and_then(Object::as_reference)
        .ok()?;
    for page in &pages {
        for name in [b"Resources".as_slice(), b"MediaBox", b"Rotate"] {
            let value = inherited(&more, *page, name);
            if let (Some(value), Ok(own)) = (value, more.get_dictionary_mut(*page)) {
                own.set(name.to_vec(), value);
            }
        }
        more.get_dictionary_mut(*page).ok()?.set("Parent", root);
    }
    whole.max_id = more.max_id;
    whole.objects.extend(more.objects);
    let tree = whole.get_dictionary_mut(root).ok()?;
    let count = tree.get(b"Count").and_then(Object::as_i64).unwrap_or_default();
    let kids = tree.get_mut(b"Kids").and_then(Object::as_array_mut).ok()?;
    kids.extend(pages.iter().map(|page| Object::Reference(*page)));
    let added = i64::try_from(pages.len()).unwrap_or_default();
    tree.set("Count", count + added);
    Some(())
}

/// A page's own value of a name, or that of the nearest node above it.
fn inherited(document: &Document, page: ObjectId, name: &[u8]) -> Option<Object> {
    let mut node = page;
    // No page tree is nearly so deep; more means that it goes in circles.
    for _ in 0..32 {
        let fields = document.get_dictionary(node).ok()?;
        if let Ok(value) = fields.get(name) {
            return Some(value.clone());
        }
        node = fields.get(b"Parent").and_then(Object::as_reference).ok()?;
    }
    None
}

/// Writes lines at heights onto a page, whatever its own content does to the coordinates.
fn stamp(document: &mut Document, page: ObjectId, lines: &[(i64, String)]) -> Option<()> {
    let resources = inherited(document, page, b"Resources").unwrap_or_else(|| Dictionary::new().into());
    let mut resources = document.dereference(&resources).ok()?.1.as_dict().ok()?.clone();
    let fonts = resources.get(b"Font").ok();
    let fonts = fonts.and_then(|fonts| document.dereference(fonts).ok()?.1.as_dict().ok());
    let mut fonts = fonts.cloned().unwrap_or_default();
    fonts.set(FONT, font());
    resources.set("Font", fonts);
    let before = document.add_object(Stream::new(Dictionary::new(), b"q\n".to_vec()));
    let mut after = b"\nQ\n".to_vec();
    after.extend(drawn(lines));
    let after = document.add_object(Stream::new(Dictionary::new(), after));
    let own = document.get_dictionary(page).ok()?;
    let content = match own.get(b"Contents").ok().cloned() {
        Some(Object::Array(parts)) => parts,
        Some(reference @ Object::Reference(id)) => match document.get_object(id) {
            Ok(Object::Array(parts)) => parts.clone(),
            _ => vec![reference],
        },
        _ => Vec::new(),
    };
    let mut parts = vec![Object::Reference(before)];
    parts.extend(content);
    parts.push(Object::Reference(after));
    let own = document.get_dictionary_mut(page).ok()?;
    own.set("Contents", parts);
    own.set("Resources", resources);
    Some(())
}

fn font() -> Dictionary {
    dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding" }
}

/// Lines of text, each at a height of its own. Letters beyond Latin-1 are shown as `?`.
fn drawn(lines: &[(i64, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (height, line) in lines {
        out.extend(format!("BT /{FONT} 7 Tf 36 {height} Td (").bytes());
        for c in line.chars() {
            let byte = u8::try_from(u32::from(c)).unwrap_or(b'?');
            if matches!(byte, b'(' | b')' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
        out.extend(b") Tj ET\n");
    }
    out
}

fn save(mut document: Document) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    document.save_to(&mut out).ok()?;
    Some(out)
}
