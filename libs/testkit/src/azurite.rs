//! A private Azurite, the vendor's emulator of Azure Blob Storage, for one test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::binaries::workspace;
use crate::wait::wait_for;

/// Node reads some thousand files first; on a busy machine that takes its time.
const READY: Duration = Duration::from_secs(60);

/// Azurite's blob service in memory, without TLS. It ends with the test: its input is a pipe that this process holds.
#[derive(Debug)]
pub struct TestAzurite {
    child: Child,
    endpoint: String,
    _folder: TempDir,
}

impl TestAzurite {
    /// The account that it comes with.
    pub const ACCOUNT: &str = "devstoreaccount1";
    /// The key of that account; it is published.
    pub const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// Starts one on a free port.
    pub async fn start() -> Self {
        let home = workspace().join("tests/azurite");
        assert!(
            installed(&home).is_file(),
            "Azurite is missing: run `npm ci` in {}, or all tests by `make test`, which does so; npm comes with Node.js 20 or newer",
            home.display(),
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("azurite.log");
        let out = File::create(&log).expect("a log file");
        let err = out.try_clone().expect("a second handle of the log");
        let child = Command::new("node")
            .arg(home.join("serve.mjs"))
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("node can be started");
        let address = wait_for("Azurite to say where it listens", READY, async || {
            let said = std::fs::read_to_string(&log).map_err(|error| error.to_string())?;
            let line = said.lines().find_map(|line| line.split_once("listens on "));
            line.map(|(_, address)| address.trim().to_owned()).ok_or(said)
        });
        Self {
            endpoint: format!("{}/{}", address.await, Self::ACCOUNT),
            child,
            _folder: folder,
        }
    }

    /// The address of the account.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its port on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        let after = self.endpoint.rsplit(':').next().unwrap_or_default();
        let port = after.split('/').next().unwrap_or_default();
        port.parse().expect("Azurite named its port")
    }
}

impl Drop for TestAzurite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn installed(home: &Path) -> PathBuf {
    home.join("node_modules/azurite/package.json")
}
