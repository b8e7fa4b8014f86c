//! The outside as a service sees it that calls providers: tenants' connections, and the one way out.

use puente_http::{Http, HttpConfig};
use puente_ports::Registry;
use puente_types::Secret;
use puente_vault::azure::IdentityConfig;
use puente_vault::{Connections, MasterKeys};

use crate::base::Base;
use crate::service::StartError;

/// What calls are made with; a test brings its own.
#[derive(Clone)]
pub struct Outside {
    /// The tenants' connections.
    pub connections: Connections,
    /// The way out.
    pub http: Http,
    /// Finds providers.
    pub registry: Registry,
}

/// The keys that connections are sealed with, as a service is configured.
///
/// # Errors
/// When they are not usable.
pub fn master_keys(keys: &Secret, azure: &IdentityConfig) -> Result<MasterKeys, StartError> {
    MasterKeys::configured(keys, azure)
        .map_err(|error| StartError::other("the master key is not usable", error))
}

/// The connections to the providers of the registry, as the service last saw them.
///
/// # Errors
/// When the database does not answer.
pub async fn connections(
    base: &Base,
    masters: MasterKeys,
    registry: Registry,
) -> Result<Connections, StartError> {
    Connections::open_known(base.pool.clone(), masters, move |slug| registry(slug).is_some())
        .await
        .map_err(|error| StartError::other("connections cannot be read", error))
}

impl Outside {
    /// The connections of a service to the providers of the registry, and a way out with these settings.
    ///
    /// # Errors
    /// When the database does not answer, or no client can be made.
    pub async fn open(
        base: &Base,
        masters: MasterKeys,
        registry: Registry,
        settings: HttpConfig,
    ) -> Result<Self, StartError> {
        Ok(Self {
            connections: connections(base, masters, registry).await?,
            http: Http::timed_by(settings, base.rt.clock.clone())
                .map_err(|error| StartError::other("the way out to providers", error))?,
            registry,
        })
    }
}
