//! What a photographed plate says: its text, and which of it is the serial number.
//!
//! # How a plate is read
//! 1. [`Picture::decode`] takes bytes from anybody. What the file claims is compared with limits before anything is allocated,
//!    the picture is put upright by its metadata, and no more is kept than reading needs.
//! 2. [`Reader::read`] finds lines of text in a small copy and reads each, cut out of the whole picture and straightened. Two
//!    models do it, in this process and on one thread: no service, no network, no shared library.
//! 3. [`find`] cuts the lines into labels and values, and says which value is the serial number, and how sure that is. It is
//!    pure and takes the text of any engine, so providers' engines are treated alike.
//! 4. Where the serial number is not there or not sure, the reader looks again: the other way up, at the plate as if
//!    photographed from in front and with the light evened, and at the one line in several versions that vote. Two models have
//!    a voice there: the plain one, and the same with what it learned of worn plates (`models/worn.rs`). All of it stays within
//!    a few seconds of one core.
//! 5. [`flaws`] says what to do better when nobody could read the photograph.
//!
//! A confidence is calibrated: of the answers with 0.9 and more, 98 of a hundred are to be right. `make ocr-eval` measures it
//! (docs/benchmarks.md).
//!
//! # Never
//! - Blocks an async runtime by itself: [`Picture::decode`], [`Models::load`] and [`Reader::read`] take a thread for up to
//!   seconds, and the caller gives them one.
//! - Takes a date, a voltage, a part's number or what stands at another label for a serial number because it was clearest.
//! - Puts text into a log, an error or a `Debug` form: what stands on a plate is a customer's.
//! - Uses models that are not the pinned ones: their confidences would mean something else.

mod engine;
mod find;
mod flaws;
mod geometry;
mod models;
mod pattern;
mod picture;
mod reader;

pub use find::{Candidate, Found, Source, find};
pub use flaws::{Flaw, flaws};
pub use models::{ModelError, Models};
pub use pattern::{PatternError, Patterns};
pub use picture::{Picture, PictureError};
pub use reader::{Plate, ReadError, Reader};
