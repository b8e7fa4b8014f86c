//! Unpacking a package: only what is wanted, only below the folder, only so much.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};

use anyhow::{Context, bail};
use zip::ZipArchive;

use super::pins::Take;

/// The largest package unpacks to a quarter of this.
const MAX_UNPACKED: u64 = 512 << 20;
/// For programs and for everything else. The database runs as another user when started by root.
const PROGRAM: u32 = 0o755;
const FILE: u32 = 0o644;

pub(super) fn unpack(package: &Path, take: &[Take], into: &Path) -> anyhow::Result<()> {
    let mut archive = ZipArchive::new(File::open(package)?)?;
    let mut left = MAX_UNPACKED;
    let mut files = 0_usize;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at)?;
        let name = entry.name()?.into_owned();
        let Some(target) = target(&name, take) else {
            continue;
        };
        if entry.is_dir() {
            continue;
        }
        let target = into.join(safe(&target)?);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let program = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(if program { PROGRAM } else { FILE })
            .open(&target)
            .with_context(|| format!("cannot write {}", target.display()))?;
        let written = std::io::copy(&mut entry.by_ref().take(left + 1), &mut file)?;
        left = left
            .checked_sub(written)
            .context("it unpacks to more than it can hold")?;
        files += 1;
    }
    if files == 0 {
        bail!("nothing of what is wanted is inside");
    }
    Ok(())
}

/// Where an entry goes; `None` for what is not wanted.
fn target(name: &str, take: &[Take]) -> Option<String> {
    take.iter().find_map(|take| {
        name.strip_prefix(take.from.as_str())
            .map(|rest| format!("{}{rest}", take.to))
    })
}

/// A path that stays below the folder.
fn safe(path: &str) -> anyhow::Result<&Path> {
    let path = Path::new(path);
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        Ok(path)
    } else {
        bail!("the entry {} would leave the folder", path.display())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn package(folder: &Path, entries: &[(&str, u32)]) -> std::path::PathBuf {
        let path = folder.join("a.whl");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for (name, mode) in entries {
            zip.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode))
                .unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    fn take(from: &str, to: &str) -> Vec<Take> {
        vec![Take {
            from: from.to_owned(),
            to: to.to_owned(),
        }]
    }

    #[test]
    fn only_what_is_wanted_is_unpacked_and_programs_stay_programs() {
        let dir = tempfile::tempdir().unwrap();
        let package = package(
            dir.path(),
            &[("a/bin/run", 0o700), ("a/share/text", 0o600), ("b/no", 0o644)],
        );
        let into = dir.path().join("out");
        unpack(&package, &take("a/", "here/"), &into).unwrap();
        let mode = |path: &str| into.join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("here/bin/run"), mode("here/share/text")), (PROGRAM, FILE));
        assert!(!into.join("b").exists() && !into.join("here/no").exists());
    }

    #[test]
    fn an_entry_that_climbs_out_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let package = package(dir.path(), &[("a/../../evil", 0o644)]);
        assert!(unpack(&package, &take("a/", ""), &dir.path().join("out")).is_err());
        assert!(!dir.path().join("evil").exists());
    }

    #[test]
    fn a_package_without_what_is_wanted_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let package = package(dir.path(), &[("b/no", 0o644)]);
        assert!(unpack(&package, &take("a/", ""), &dir.path().join("out")).is_err());
    }
}
