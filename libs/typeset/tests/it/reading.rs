//! Reads finished documents back.

use lopdf::Document;

/// What a reader gets out of a PDF.
pub(crate) struct Read {
    /// Each page's text.
    pub(crate) pages: Vec<String>,
    /// The XMP metadata.
    pub(crate) xmp: String,
    /// `/Lang` of the catalogue.
    pub(crate) language: String,
}

impl Read {
    pub(crate) fn of(pdf: &[u8]) -> Self {
        let document = Document::load_mem(pdf).expect("a PDF");
        let numbers: Vec<u32> = document.get_pages().into_keys().collect();
        let pages = numbers
            .iter()
            .map(|page| document.extract_text(&[*page]).expect("text"))
            .collect();
        let catalog = document.catalog().expect("a catalogue");
        let metadata = catalog
            .get(b"Metadata")
            .and_then(|it| document.dereference(it))
            .expect("XMP")
            .1;
        let xmp = metadata.as_stream().map(|stream| {
            let bytes = stream
                .decompressed_content()
                .unwrap_or_else(|_| stream.content.clone());
            String::from_utf8(bytes).expect("UTF-8")
        });
        let language = catalog
            .get(b"Lang")
            .and_then(lopdf::Object::as_str)
            .expect("a language")
            .to_vec();
        Self {
            pages,
            xmp: xmp.expect("a stream"),
            language: String::from_utf8(language).expect("ASCII"),
        }
    }

    /// All text in one line, as if it had never been broken.
    pub(crate) fn flat(&self) -> String {
        flat(&self.pages.concat())
    }

    /// Where all white space is gone, a word that was broken over lines is whole.
    pub(crate) fn squashed(&self) -> String {
        squashed(&self.pages.concat())
    }
}

pub(crate) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn squashed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{200b}' && *c != '\u{ad}')
        .collect()
}

/// How often a text is there, whatever white space and case.
pub(crate) fn count(text: &str, needle: &str) -> usize {
    squashed(text)
        .to_lowercase()
        .matches(&squashed(needle).to_lowercase())
        .count()
}
