//! A private broker for one test.

use puente_embedded::{Nats, NatsOptions};
use puente_service::NatsConfig;
use tempfile::TempDir;

use crate::binaries::tools;

/// A NATS server with JetStream in a temporary folder. It ends with the test.
#[derive(Debug)]
pub struct TestNats {
    server: Nats,
    // After the server, which must have ended before its folder is deleted.
    folder: TempDir,
}

impl TestNats {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = tools().nats().unwrap_or_else(|error| panic!("{error}"));
        let server = Nats::start(NatsOptions::new(program, folder.path())).await;
        Self {
            server: server.unwrap_or_else(|error| panic!("{error}")),
            folder,
        }
    }

    /// Where clients connect; the same over restarts.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Its port on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The folder with everything that it stores.
    #[must_use]
    pub fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("jetstream")
    }

    /// As a service is configured for it.
    #[must_use]
    pub fn config(&self) -> NatsConfig {
        NatsConfig::at(self.url())
    }

    /// A connected client.
    pub async fn client(&self) -> async_nats::Client {
        async_nats::connect(self.url())
            .await
            .expect("the test server accepts connections")
    }

    /// Stops it in order.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }

    /// Kills it without a word.
    pub async fn kill9(&mut self) {
        self.server.kill9().await;
    }

    /// Starts it anew on the same port with what it had stored.
    pub async fn start_again(&mut self) {
        self.server
            .start_again()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts it anew on the same port, with its disk lost.
    pub async fn start_again_empty(&mut self) {
        self.server.wipe().unwrap_or_else(|error| panic!("{error}"));
        self.start_again().await;
    }
}
