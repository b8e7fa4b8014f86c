//! What a failure of the database means for the work that met it.

use puente_outbox::{ApplyError, OutboxError, is_passing};

use crate::domain::error::StoreError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            _ if is_passing(&error) => Self::Unavailable(error.into()),
            sqlx::Error::Database(answer) => {
                let code = answer.code().unwrap_or_default();
                // The code tells enough; the message of the database may quote values.
                Self::Corrupt(format!("the database refused with {code}"))
            }
            sqlx::Error::ColumnDecode { index, .. } => {
                Self::Corrupt(format!("column {index} cannot be read"))
            }
            _ => Self::Corrupt("a row cannot be read".into()),
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

/// What it means for an event: an answer of the database stays one, so that the inbox can tell what passes by itself.
impl From<StoreError> for ApplyError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(error) => match error.downcast::<sqlx::Error>() {
                Ok(error) => Self::Database(*error),
                Err(error) => Self::Passing(error.to_string()),
            },
            StoreError::Corrupt(reason) => Self::Dead(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_no_failure_of_the_event() {
        let event = |error: StoreError| ApplyError::from(error);
        assert!(matches!(
            event(sqlx::Error::PoolTimedOut.into()),
            ApplyError::Database(sqlx::Error::PoolTimedOut)
        ));
        assert!(matches!(
            event(OutboxError::SlotLost.into()),
            ApplyError::Passing(_)
        ));
        assert!(matches!(
            event(sqlx::Error::RowNotFound.into()),
            ApplyError::Dead(_)
        ));
    }
}
