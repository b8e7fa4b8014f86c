//! The connections file: how an operator writes connections down until the gateway keeps them.
//!
//! ```toml
//! [[connection]]
//! id = "acme-chat"
//! tenant = "acme"
//! provider = "chat"
//! account = "1055"                       # optional: tells webhooks of several tenants apart
//! credentials = "tenant"                 # or "global", "hybrid": see below
//! settings = { base_url = "https://chat.example", accounts = ["1056"] }
//! secrets = { app_secret = "literal", token = { env = "CHAT_TOKEN" }, verify_token = { file = "verify.txt" } }
//! expires_on = { token = "2026-12-31" }  # optional: the last day of secrets that end; warns before
//! ```
//!
//! `credentials` says where secrets come from: `tenant` (the default) takes only those under `secrets`, `global`
//! only the provider's own environment variables, `hybrid` those under `secrets` first and the environment for the
//! rest. Every mistake is reported at once, by connection and key. No message repeats a value: even a syntax error
//! is told by its place alone, because the line may hold a secret.

mod connection;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use puente_ports::{Connection, Manifest};

use crate::account::{Holders, accounts};

/// Finds a provider's manifest by its slug.
type Manifests<'a> = &'a dyn Fn(&str) -> Option<&'static Manifest>;

/// Finds an environment variable by its name.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A connections file that was read and found right.
#[derive(Debug)]
pub struct ConnectionsFile {
    /// The connections, in the file's order.
    pub connections: Vec<Connection>,
}

/// One mistake in a connections file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The connection's id as written, or its place in the file; empty for the file as a whole.
    pub connection: String,
    /// The key, dotted: `secrets.app_secret`; empty for the connection as a whole.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

/// Every mistake in a connections file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileErrors(pub Vec<FileError>);

impl ConnectionsFile {
    /// Reads and checks a file. Paths inside it start from its own folder.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(path: &Path, manifests: Manifests<'_>, env: Env<'_>) -> Result<Self, FileErrors> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            FileErrors::whole(format!("`{}` cannot be read: {}", path.display(), error.kind()))
        })?;
        Self::parse(&text, path.parent().unwrap_or(Path::new("")), manifests, env)
    }

    /// Checks a file's text. Paths inside it start from `folder`.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(
        text: &str,
        folder: &Path,
        manifests: Manifests<'_>,
        env: Env<'_>,
    ) -> Result<Self, FileErrors> {
        let mut root: toml::Table = text.parse().map_err(|error| syntax_error(text, &error))?;
        let tables = match root.remove("connection") {
            Some(toml::Value::Array(tables)) => tables,
            Some(_) => {
                return Err(FileErrors::whole(
                    "write connections as `[[connection]]`".to_owned(),
                ));
            }
            None => return Err(FileErrors::whole("there is no `[[connection]]`".to_owned())),
        };
        let mut errors: Vec<FileError> = root
            .keys()
            .map(|key| FileError {
                connection: String::new(),
                key: key.clone(),
                reason: "unknown key; only `[[connection]]` is known".to_owned(),
            })
            .collect();
        let mut connections = Vec::new();
        let mut ids = HashSet::new();
        for (at, table) in tables.into_iter().enumerate() {
            let reader = connection::Reader::new(at, table, folder, manifests, env, &mut errors);
            if let Some(id) = reader.id()
                && !ids.insert(id.to_owned())
            {
                let reason = "another connection has the same id".to_owned();
                errors.push(FileError {
                    connection: id.to_owned(),
                    key: "id".to_owned(),
                    reason,
                });
                continue;
            }
            connections.extend(reader.read(&mut errors));
        }
        errors.extend(doubled_accounts(&connections));
        if errors.is_empty() {
            Ok(Self { connections })
        } else {
            Err(FileErrors(errors))
        }
    }
}

/// Where the text stops being TOML; the parser's own message would quote the line.
fn syntax_error(text: &str, error: &toml::de::Error) -> FileErrors {
    let before = error
        .span()
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    FileErrors::whole(format!("not valid TOML at line {line}, column {column}"))
}

/// One account at a provider for two connections: nobody could tell whose webhook it is.
fn doubled_accounts(connections: &[Connection]) -> Vec<FileError> {
    let mut holders = Holders::default();
    let mut errors = Vec::new();
    for connection in connections {
        let id = connection.id.as_str();
        for account in accounts(connection) {
            if let Some(holder) = holders.claim(&connection.provider, account, id) {
                let reason =
                    format!("connection `{holder}` has the same account `{account}` at the provider");
                let error = FileError {
                    connection: id.to_owned(),
                    key: "account".to_owned(),
                    reason,
                };
                if errors.last() != Some(&error) {
                    errors.push(error);
                }
            }
        }
    }
    errors
}

impl FileErrors {
    fn whole(reason: String) -> Self {
        Self(vec![FileError {
            connection: String::new(),
            key: String::new(),
            reason,
        }])
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.connection.is_empty() {
            write!(f, "connection `{}`: ", self.connection)?;
        }
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.reason)
    }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connections file is not right:")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for FileErrors {}

#[cfg(test)]
mod tests;
