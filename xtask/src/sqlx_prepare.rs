//! `cargo xtask sqlx-prepare`: the committed `.sqlx` folder, made from the migrations alone.
//!
//! Starts a private PostgreSQL, migrates every service's schema in it as `puente migrate` does, and lets the compiler
//! expand every checked query against it. With `--check` the result goes to a folder of its own and is compared: a
//! query or a migration that changed without its `.sqlx` file fails the build.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use puente_embedded::{PgOptions, Postgres, Tools};
use puente_service::migrate::{Logins, migrate};
use puente_types::Secret;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::tree;

/// Writes `.sqlx`, or with `check` only says whether it is stale.
///
/// # Errors
/// When it is stale, a migration fails, or a query does not fit the tables.
pub fn run(root: &Path, check: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()?;
    runtime.block_on(prepare(root, check))
}

async fn prepare(root: &Path, check: bool) -> Result<()> {
    let bin = Tools::new(root).postgres()?;
    let work = root.join("target/sqlx-prepare");
    clear(&work)?;
    let mut server = Postgres::start(PgOptions::for_tests(bin, work.join("postgres"))).await?;
    let services = services(root);
    let url = migrated_database(root, &server, &services).await?;

    let committed = root.join(".sqlx");
    let fresh = work.join("sqlx");
    fs::create_dir_all(&fresh)?;
    let expanded = expand(root, &url, &fresh);
    server.stop().await;
    expanded?;

    let (before, after) = (contents(&committed)?, contents(&fresh)?);
    if before == after {
        tree::say(&format!(
            "sqlx: {} queries of {} schemas, .sqlx is fresh",
            after.len(),
            services.len()
        ));
        return Ok(());
    }
    if check {
        bail!(".sqlx is stale: run `cargo xtask sqlx-prepare` and commit the folder");
    }
    clear(&committed)?;
    for (name, text) in &after {
        fs::write(committed.join(name), text)?;
    }
    tree::say(&format!(
        "sqlx: wrote {} queries of {} schemas",
        after.len(),
        services.len()
    ));
    Ok(())
}

/// The services with tables: the folders of `migrations/` except the common one.
fn services(root: &Path) -> Vec<String> {
    tree::folders(&root.join("migrations"))
        .into_iter()
        .filter(|name| name != "common")
        .collect()
}

/// A database with every service's schema; the URL sees them all, the mechanism's tables through the first.
async fn migrated_database(root: &Path, server: &Postgres, services: &[String]) -> Result<String> {
    let mut admin = PgConnection::connect(&server.url("postgres")).await?;
    sqlx::raw_sql(AssertSqlSafe("CREATE DATABASE prepare".to_owned()))
        .execute(&mut admin)
        .await?;
    admin.close().await?;
    let url = Secret::new(server.url("prepare"));
    let common = Migrator::new(root.join("migrations/common")).await?;
    for service in services {
        let own = Migrator::new(root.join("migrations").join(service)).await?;
        migrate(&url, service, &common, &own, &Logins::default())
            .await
            .with_context(|| format!("migrations/{service} cannot be applied"))?;
    }
    Ok(format!(
        "{}?options=-csearch_path%3D{}",
        server.url("prepare"),
        services.join("%2C")
    ))
}

/// Compiles everything, tests included, so that each checked query writes its file into `fresh`.
fn expand(root: &Path, url: &str, fresh: &Path) -> Result<()> {
    // A crate whose sources are older than its build is not expanded again. Afterwards they get their time back, so
    // that no other build of theirs counts as stale.
    let touched = crates_with_queries(root)?
        .into_iter()
        .map(|entry| {
            let file = fs::File::options().append(true).open(&entry)?;
            let before = file.metadata()?.modified()?;
            file.set_modified(SystemTime::now())?;
            Ok((file, before))
        })
        .collect::<Result<Vec<_>>>()?;
    let checked = tree::call(
        tree::cargo()
            .args([
                "check",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--all-features",
            ])
            .env("DATABASE_URL", url)
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", fresh)
            .current_dir(root),
    );
    for (file, before) in touched {
        file.set_modified(before)?;
    }
    checked
}

/// The root files of all crates that name a checked query.
fn crates_with_queries(root: &Path) -> Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for area in ["apps", "libs", "services", "tests"] {
        for file in tree::files(&root.join(area))? {
            if file.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let text = tree::read(&file)?;
            if ["query!", "query_as!", "query_scalar!"]
                .iter()
                .any(|query| text.contains(query))
            {
                entries.extend(targets_of(&file));
            }
        }
    }
    entries.sort();
    entries.dedup();
    Ok(entries)
}

/// The files that cargo compiles from, of the crate that `file` belongs to.
fn targets_of(file: &Path) -> Vec<PathBuf> {
    let Some(home) = file
        .ancestors()
        .find(|folder| folder.join("Cargo.toml").is_file())
    else {
        return Vec::new();
    };
    ["src/lib.rs", "src/main.rs", "tests/it/main.rs"]
        .map(|entry| home.join(entry))
        .into_iter()
        .filter(|f| f.is_file())
        .collect()
}

fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("clearing {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))
}

fn contents(folder: &Path) -> Result<BTreeMap<String, String>> {
    if !folder.is_dir() {
        return Ok(BTreeMap::new());
    }
    let files = tree::files(folder)?;
    files
        .iter()
        .map(|file| Ok((tree::shown(folder, file), tree::read(file)?)))
        .collect()
}
