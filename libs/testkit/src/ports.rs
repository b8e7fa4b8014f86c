//! Ports for programs that are started later, or again.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::binaries::workspace;

/// What holds the ports of this process.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port on loopback that nobody listens on, and that no other test process is given while this one lives. Whoever can
/// listen on port 0 and ask which one it is needs none of these.
#[must_use]
pub fn reserve_port() -> u16 {
    let folder = workspace().join("target/testkit/ports");
    std::fs::create_dir_all(&folder).expect("a folder for what tests share");
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    puente_embedded::free_port(|port| {
        lock(&folder, port).is_some_and(|file| {
            held.push(file);
            true
        })
    })
    .expect("a free port")
}

/// The port's file, locked: the lock ends with the process, however that ends.
fn lock(folder: &Path, port: u16) -> Option<File> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(port.to_string()))
        .expect("a file among them");
    file.try_lock().is_ok().then_some(file)
}
