//! Where the test servers' programs are: as [`Tools`] finds them, from the root of this workspace.

use std::path::{Path, PathBuf};

use puente_embedded::Tools;

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize()
        .expect("the workspace is where this crate was compiled")
}

/// The finder of `nats-server` and PostgreSQL.
#[must_use]
pub fn tools() -> Tools {
    Tools::new(workspace())
}
