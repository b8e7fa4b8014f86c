//! Takes back what was not synced, from the logs that the shim wrote.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write as _};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The end of a whole entry's head; as in `shim/unsynced.c`.
const MARK: u64 = 0x756e_7379_6e63_6564;
const HEAD: usize = 32;

/// What was taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Dropped {
    /// Files that changed by it.
    pub files: u64,
    /// Changes that were taken back.
    pub changes: u64,
}

/// Undoes every log in `logs` that belongs to a file under `folder`, and empties `logs`.
///
/// # Errors
/// When a file cannot be read or written.
pub fn undo(folder: &Path, logs: &Path) -> Result<Dropped> {
    let mut dropped = Dropped::default();
    for file in files(folder)? {
        let log = logs.join(key(&file)?);
        let Ok(log) = std::fs::read(&log) else { continue };
        let changes = undo_file(&file, &log)?;
        dropped.files += u64::from(changes > 0);
        dropped.changes += changes;
    }
    for log in std::fs::read_dir(logs)? {
        std::fs::remove_file(log?.path())?;
    }
    Ok(dropped)
}

/// The log's name for a file: what a rename does not change, and what the reuse of an inode does.
fn key(file: &Path) -> Result<String> {
    let about = file.metadata()?;
    let born = about.created()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!(
        "{}-{}-{}",
        about.ino(),
        born.as_secs(),
        born.subsec_nanos()
    ))
}

fn undo_file(file: &Path, log: &[u8]) -> Result<u64> {
    let entries = entries(log);
    let target = OpenOptions::new().write(true).open(file)?;
    for entry in entries.iter().rev() {
        target.write_all_at(entry.old, entry.offset)?;
        target.set_len(entry.size)?;
    }
    Ok(entries.len() as u64)
}

struct Entry<'a> {
    offset: u64,
    size: u64,
    old: &'a [u8],
}

/// The whole entries; a torn one at the end belongs to a change that was never made.
fn entries(mut log: &[u8]) -> Vec<Entry<'_>> {
    let mut all = Vec::new();
    while let Some((head, rest)) = log.split_at_checked(HEAD) {
        let word = |n: usize| u64::from_ne_bytes(head[n * 8..][..8].try_into().unwrap());
        let Some((old, rest)) = rest.split_at_checked(word(2) as usize) else {
            break;
        };
        assert_eq!(word(3), MARK, "a log of another shim");
        all.push(Entry {
            offset: word(0),
            size: word(1),
            old,
        });
        log = rest;
    }
    all
}

/// Every file under a folder; links are not followed.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// A copy of a folder, which must not change meanwhile.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            let bytes = std::fs::read(entry.path())?;
            File::create(target)?.write_all(&bytes)?;
        }
    }
    Ok(())
}
