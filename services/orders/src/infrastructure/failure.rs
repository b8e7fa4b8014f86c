//! What a failure of the database means for the work that met it.

use puente_outbox::OutboxError;

use crate::domain::error::StoreError;

/// Classes of SQLSTATE that pass by themselves: connection, rollback (deadlock), resources, operator, system.
const PASSING: [&str; 5] = ["08", "40", "53", "57", "58"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(answer) => {
                let code = answer.code().unwrap_or_default();
                if PASSING.iter().any(|class| code.starts_with(class)) {
                    Self::Unavailable(error.into())
                } else {
                    // The code tells enough; the message of the database may quote values.
                    Self::Corrupt(format!("the database refused with {code}"))
                }
            }
            sqlx::Error::ColumnDecode { index, .. } => {
                Self::Corrupt(format!("column {index} cannot be read"))
            }
            sqlx::Error::RowNotFound | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
                Self::Corrupt("a row cannot be read".into())
            }
            _ => Self::Unavailable(error.into()),
        }
    }
}

impl From<OutboxError> for StoreError {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Database(error) => error.into(),
            OutboxError::SlotLost => Self::Unavailable(error.into()),
        }
    }
}
