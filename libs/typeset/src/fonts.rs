//! The fonts that documents are set in. They are compiled in; those of the machine are never looked at, so that a document
//! looks the same wherever it is made.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

/// Text, and what is set letter by letter (hashes; also alphabets that the first lacks). Both under free licences (SIL
/// Open Font License, and that of Bitstream Vera). The layouts name the same two.
const FAMILIES: [&str; 2] = ["Libertinus Serif", "DejaVu Sans Mono"];

static FONTS: LazyLock<Fonts> = LazyLock::new(Fonts::load);

/// All fonts of all documents.
pub(crate) struct Fonts {
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) faces: Vec<Font>,
}

impl Fonts {
    /// They are parsed once.
    pub(crate) fn get() -> &'static Self {
        &FONTS
    }

    fn load() -> Self {
        let faces: Vec<_> = typst_assets::fonts()
            .flat_map(|bytes| Font::iter(Bytes::new(bytes)))
            .filter(|font| FAMILIES.contains(&font.info().family.as_str()))
            .collect();
        Self {
            book: LazyHash::new(FontBook::from_fonts(&faces)),
            faces,
        }
    }

    /// Whether a character can be printed in every style.
    pub(crate) fn draw(&self, c: char) -> bool {
        FAMILIES.iter().any(|family| self.family_has(family, c))
    }

    /// Whether one family has both a letter and a mark on it.
    pub(crate) fn draw_together(&self, letter: char, mark: char) -> bool {
        FAMILIES
            .iter()
            .find(|family| self.family_has(family, letter))
            .is_some_and(|family| self.family_has(family, mark))
    }

    fn family_has(&self, family: &str, c: char) -> bool {
        let mut faces = self
            .faces
            .iter()
            .map(Font::info)
            .filter(|info| info.family == family)
            .peekable();
        faces.peek().is_some() && faces.all(|info| info.coverage.contains(u32::from(c)))
    }
}
