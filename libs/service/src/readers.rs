//! Reading for a caller: how much a transaction sees is decided when it begins, by the database.

use puente_types::TenantId;
use sqlx::Transaction;
use sqlx::postgres::{PgPool, Postgres};

/// Begins transactions for callers. One tenant's are begun as `<service>_api`, where row policies hide every other
/// tenant's rows; those of the whole installation as `<service>_worker`.
#[derive(Debug, Clone)]
pub struct Readers {
    api: PgPool,
    worker: PgPool,
}

impl Readers {
    /// Readers through a pool of each role.
    #[must_use]
    pub fn new(api: PgPool, worker: PgPool) -> Self {
        Self { api, worker }
    }

    /// The pool of the API role, for readiness.
    #[must_use]
    pub fn api(&self) -> &PgPool {
        &self.api
    }

    /// A transaction that changes nothing, and sees the tenant's rows as they are at one moment; every tenant's for `None`.
    ///
    /// # Errors
    /// When no connection is to be had in time.
    pub async fn begin(
        &self,
        tenant: Option<&TenantId>,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.start(tenant, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
    }

    /// A transaction that may change what it sees: the tenant's rows; every tenant's for `None`.
    ///
    /// # Errors
    /// When no connection is to be had in time.
    pub async fn begin_write(
        &self,
        tenant: Option<&TenantId>,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.start(tenant, "BEGIN").await
    }

    async fn start(
        &self,
        tenant: Option<&TenantId>,
        begin: &'static str,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let Some(tenant) = tenant else {
            return self.worker.begin_with(begin).await;
        };
        let mut tx = self.api.begin_with(begin).await?;
        sqlx::query("SELECT set_config('puente.tenant', $1, true)")
            .bind(tenant.as_str())
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }
}
