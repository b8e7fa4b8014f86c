//! Rows of a service's own table that are worked on, and the SQL of their holds.

use puente_types::TenantId;
use uuid::Uuid;

/// A row that this replica works on now.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// The trace that it belongs to.
    pub traceparent: Option<String>,
    /// Times that it was taken up for the work at hand.
    pub tries: i32,
}

impl Claimed {
    /// As a row of the table says.
    ///
    /// # Errors
    /// When the stored tenant is none.
    pub fn read(
        id: Uuid,
        tenant: &str,
        traceparent: Option<String>,
        tries: i32,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id,
            tenant: tenant
                .parse()
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            traceparent,
            tries,
        })
    }
}

/// Writes the functions `hold` and `release` for a table with the columns `id` and `tenant`, whose holds end at `until` and
/// are `by` somebody. A macro, so that the compiler checks the SQL against each service's own table.
#[macro_export]
macro_rules! holds {
    ($table:literal, until: $until:literal, by: $by:literal) => {
        /// Holds it on; `false` when somebody else does, or nobody.
        pub(crate) async fn hold(
            connection: &mut sqlx::PgConnection,
            claimed: &$crate::Claimed,
            hold: $crate::Hold,
        ) -> Result<bool, sqlx::Error> {
            let held = sqlx::query!(
                "UPDATE "
                    + $table
                    + " SET "
                    + $until
                    + " = $4 WHERE id = $1 AND tenant = $2 AND "
                    + $by
                    + " = $3",
                claimed.id,
                claimed.tenant.as_str(),
                hold.by,
                hold.until,
            )
            .execute(connection)
            .await?;
            Ok(held.rows_affected() == 1)
        }

        /// Lets go of it.
        pub(crate) async fn release(
            connection: &mut sqlx::PgConnection,
            claimed: &$crate::Claimed,
            by: uuid::Uuid,
        ) -> Result<(), sqlx::Error> {
            sqlx::query!(
                "UPDATE "
                    + $table
                    + " SET "
                    + $until
                    + " = NULL, "
                    + $by
                    + " = NULL WHERE id = $1 AND tenant = $2 AND "
                    + $by
                    + " = $3",
                claimed.id,
                claimed.tenant.as_str(),
                by,
            )
            .execute(connection)
            .await?;
            Ok(())
        }
    };
}
