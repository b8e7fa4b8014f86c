//! Why a document cannot be made. No error carries the data of the document.

/// Why a document cannot be made. None of these goes away by trying again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TypesetError {
    /// A text that must be there is empty.
    #[error("`{field}` must not be empty")]
    Empty {
        /// Which one.
        field: &'static str,
    },
    /// A text is longer than a document may hold.
    #[error("`{field}` has {found} characters; at most {max} are allowed")]
    TooLong {
        /// Which one.
        field: &'static str,
        /// Its length in characters.
        found: usize,
        /// What is allowed.
        max: usize,
    },
    /// A list has more entries than a document may hold.
    #[error("`{field}` has {found} entries; at most {max} are allowed")]
    TooMany {
        /// Which one.
        field: &'static str,
        /// How many there are.
        found: usize,
        /// What is allowed.
        max: usize,
    },
    /// A value that cannot be printed as what it claims to be.
    #[error("`{field}` {reason}")]
    Invalid {
        /// Which one.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The finished document is larger than what is stored and sent.
    #[error("the document has {pages} pages and {bytes} bytes; at most {max_pages} and {max_bytes} are allowed", max_pages = crate::limits::PAGES, max_bytes = crate::limits::PDF_BYTES)]
    TooLarge {
        /// Its pages.
        pages: usize,
        /// Its bytes.
        bytes: usize,
    },
    /// The layout itself failed: a mistake of this library or of a logo, never of the data.
    #[error("the layout failed: {0}")]
    Layout(String),
}
