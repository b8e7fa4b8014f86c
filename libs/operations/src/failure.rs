//! What a caller is told when the answer is none.

use tonic::Status;
use uuid::Uuid;

/// The caller learns whether asking again helps; the log learns why.
#[expect(
    clippy::needless_pass_by_value,
    reason = "made for map_err, which hands the error over"
)]
pub(crate) fn failed(error: sqlx::Error) -> Status {
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "a question about operations was not answered"
    );
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => Status::internal("a row cannot be read"),
        _ => Status::unavailable("the tables cannot be reached now"),
    }
}

/// A UUID that somebody named.
pub(crate) fn uuid(text: &str) -> Result<Uuid, Status> {
    Uuid::try_parse(text).map_err(|_| Status::invalid_argument("an id is a UUID"))
}

/// Shortest and longest reason that a person gives.
const REASON: std::ops::RangeInclusive<usize> = 3..=500;

/// The reason that a person gave, if it is one.
pub(crate) fn reason(text: &str) -> Result<&str, Status> {
    let text = text.trim();
    let fits = REASON.contains(&text.chars().count()) && !text.contains('\0');
    fits.then_some(text)
        .ok_or_else(|| Status::invalid_argument("a reason has 3 to 500 characters"))
}

/// The rows of a page: what was asked for, within bounds.
pub(crate) fn page(wanted: u32, usual: u32, most: u32) -> i64 {
    let size = if wanted == 0 { usual } else { wanted.min(most) };
    i64::from(size)
}
