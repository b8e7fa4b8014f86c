//! The shim and the way back, on a program that writes one file.

use std::path::Path;
use std::process::{Command, Stdio};

use puente_chaos::power::Safety;
use puente_chaos::power::shim::{Shim, missing};
use puente_chaos::power::undo::{Dropped, undo};

/// Whether a power loss cannot be simulated here, with a word about it. In CI everything has to be there.
pub(crate) fn skipped() -> bool {
    let Some(reason) = missing() else { return false };
    assert!(
        std::env::var_os("CI").is_none(),
        "power loss must be simulated in CI: {reason}"
    );
    println!("SKIPPED: {reason}");
    true
}

/// Runs a shell line under the shim.
fn under(shim: &Shim, line: &str) {
    let ran = Command::new("/bin/sh")
        .args(["-c", line])
        .env("LD_PRELOAD", &shim.library)
        .env("PUENTE_UNSYNCED", &shim.logs)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(ran.success(), "{line}");
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn what_was_synced_stays_and_what_was_not_goes_also_after_a_rename() {
    if skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shim = Shim::build(
        &folder.path().join("shim"),
        Path::new("/nowhere"),
        Safety::AsShipped,
    )
    .unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("file");
    let path = file.display();
    std::fs::write(&file, "0123456789").unwrap();

    under(
        &shim,
        &format!("printf AB | dd of={path} conv=notrunc,fsync bs=1 seek=2"),
    );
    assert_eq!(
        undo(&data, &shim.logs).unwrap(),
        Dropped::default(),
        "all of it was synced"
    );
    assert_eq!(read(&file), "01AB456789");

    under(
        &shim,
        &format!("printf CD | dd of={path} conv=notrunc,fdatasync bs=2 seek=0"),
    );
    under(
        &shim,
        &format!("printf xyz | dd of={path} conv=notrunc bs=1 seek=8"),
    );
    under(
        &shim,
        &format!("printf EF | dd of={path} conv=notrunc bs=2 seek=1"),
    );
    assert_eq!(read(&file), "CDEF4567xyz");
    let renamed = data.join("renamed");
    std::fs::rename(&file, &renamed).unwrap();
    let dropped = undo(&data, &shim.logs).unwrap();
    assert_eq!((dropped.files, dropped.changes), (1, 4));
    assert_eq!(read(&renamed), "CDAB456789");

    under(&shim, &format!("truncate -s 4 {}", renamed.display()));
    assert_eq!(read(&renamed), "CDAB");
    undo(&data, &shim.logs).unwrap();
    assert_eq!(read(&renamed), "CDAB456789");
}

#[test]
fn a_sync_keeps_what_was_written_before_it_and_nothing_that_came_after() {
    if skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shim = Shim::build(
        &folder.path().join("shim"),
        Path::new("/nowhere"),
        Safety::AsShipped,
    )
    .unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("new");
    let path = file.display();
    under(&shim, &format!("printf abc | dd of={path} bs=3"));
    // By another process than the one that wrote.
    under(&shim, &format!("dd if=/dev/null of={path} conv=notrunc,fsync"));
    under(
        &shim,
        &format!("printf defg | dd of={path} conv=notrunc bs=1 seek=3"),
    );
    undo(&data, &shim.logs).unwrap();
    assert_eq!(read(&file), "abc");
}
