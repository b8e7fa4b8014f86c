//! What the providers have alike that tests play: a manifest, failures on purpose, and a gate that answers wait at.

use puente_http::{Http, HttpConfig};
use puente_ports::{Connection, Manifest, ProviderError, ProviderErrorKind, Registry};
use puente_service::Outside;
use puente_vault::Connections;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The `provider.toml` of a provider that a test plays, for the service `owner`. Nothing is where it says.
#[must_use]
pub fn manifest(slug: &str, capability: &str, owner: &str) -> Manifest {
    let text = format!(
        r#"
        slug = "{slug}"
        name = "Stand-in"
        code = "INT-999"
        state = "implemented"
        capabilities = ["{capability}"]
        owner = "{owner}"
        fallback = "manual"
        timeout_ms = 20000
        redelivery_hours = 1
        max_body_bytes = 1024

        [urls]
        live = "http://127.0.0.1:9"
        "#
    );
    Manifest::parse(slug, &text).expect("the stand-in's manifest is right")
}

/// A provider's failure that the test wants.
#[must_use]
pub fn failure(kind: ProviderErrorKind, code: &str) -> ProviderError {
    ProviderError::new(kind, code, "as the test wants it")
}

/// The provider is away.
#[must_use]
pub fn away() -> ProviderError {
    failure(
        ProviderErrorKind::Unavailable { retry_after: None },
        "unavailable",
    )
}

/// The outside of a service: these connections to the providers of this registry, and a way out to this machine.
#[must_use]
pub fn outside(connections: Vec<Connection>, registry: Registry) -> Outside {
    Outside {
        connections: Connections::fixed(connections),
        http: Http::new(HttpConfig::local()).expect("a client"),
        registry,
    }
}

/// Where a stand-in's answers wait while the test holds them: what was asked for has been done.
pub struct Gate(Semaphore);

impl Gate {
    /// More than there are calls at the same time.
    const WIDTH: u32 = 1_000;

    /// An open one.
    #[must_use]
    pub const fn open() -> Self {
        Self(Semaphore::const_new(Self::WIDTH as usize))
    }

    /// Keeps everything from passing until the value is dropped.
    pub async fn hold(&self) -> SemaphorePermit<'_> {
        let all = self.0.acquire_many(Self::WIDTH);
        all.await.expect("the gate is never closed")
    }

    /// Passes when nobody holds it.
    pub async fn pass(&self) {
        drop(self.0.acquire().await.expect("the gate is never closed"));
    }
}
