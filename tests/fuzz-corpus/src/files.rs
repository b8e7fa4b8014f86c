//! Files that operators and bot designers write.

use std::fs;
use std::path::Path;

use puente_orders::skills::{Files, load};
use puente_vault::ConnectionsFile;

/// The files of a set of skills. The input stands for each of them in turn; the rest is as shipped.
const SKILL_FILES: [&str; 6] = [
    "bot.toml",
    "registration.toml",
    "order_creation.toml",
    "order_tracking.toml",
    "plate_reading.toml",
    "status_updates.toml",
];
/// A value that the environment holds; no message may repeat it.
const SECRET: &str = "value-of-the-environment-93b1";

/// A file is taken whole or refused with reasons, and no reason shows a secret.
pub(crate) fn connections(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let manifests = |slug: &str| puente_providers::find(slug).map(puente_ports::Provider::manifest);
    let env = |_: &str| Some(SECRET.to_owned());
    match ConnectionsFile::parse(&text, Path::new("/nonexistent"), &manifests, &env) {
        Ok(file) => {
            assert!(!file.connections.is_empty());
            for connection in &file.connections {
                assert!(!format!("{connection:?}").contains(SECRET));
            }
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            assert!(!format!("{errors:?}").contains(SECRET));
        }
    }
}

/// A set is taken whole or refused with reasons that name the file.
pub(crate) fn skills(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("default");
    fs::create_dir(&set).unwrap();
    for name in SKILL_FILES {
        fs::write(set.join(name), text).unwrap();
        if let Err(problems) = load(&Files::of_tenant(Some(folder.path()), "default")) {
            assert!(!problems.is_empty());
            assert!(
                problems
                    .iter()
                    .all(|problem| !problem.reason.is_empty() && !problem.file.is_empty())
            );
        }
        fs::remove_file(set.join(name)).unwrap();
    }
}
