//! One `[[connection]]` of the file, checked against its provider's manifest.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use puente_ports::{Connection, Manifest};
use puente_types::{Secret, Secrets};
use serde_json::Value as Json;
use toml::{Table, Value};

use super::{Env, FileError, Manifests};
use crate::account::ACCOUNTS;
use crate::expiry::{self, EXPIRES_ON};

/// Ends the name of a secret's former value, accepted while it is being rotated.
const PREVIOUS: &str = "_previous";

/// A secret is a line of text, at most a key file; more is a mistake.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Where a connection's secrets come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Credentials {
    Tenant,
    Global,
    Hybrid,
}

/// Reads one connection; notes each mistake and goes on.
pub(super) struct Reader<'a> {
    label: String,
    table: Table,
    folder: &'a Path,
    manifests: Manifests<'a>,
    env: Env<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        at: usize,
        value: Value,
        folder: &'a Path,
        manifests: Manifests<'a>,
        env: Env<'a>,
        errors: &mut Vec<FileError>,
    ) -> Self {
        let mut label = format!("#{}", at + 1);
        let table = if let Value::Table(table) = value {
            if let Some(id) = table.get("id").and_then(Value::as_str) {
                label = id.chars().take(80).collect();
            }
            table
        } else {
            let reason = "is not a table".to_owned();
            errors.push(FileError {
                connection: label.clone(),
                key: String::new(),
                reason,
            });
            Table::new()
        };
        Self {
            label,
            table,
            folder,
            manifests,
            env,
        }
    }

    /// The id as written.
    pub(super) fn id(&self) -> Option<&str> {
        self.table.get("id").and_then(Value::as_str)
    }

    /// The connection, unless something is wrong with it.
    pub(super) fn read(mut self, errors: &mut Vec<FileError>) -> Option<Connection> {
        let before = errors.len();
        let id = self.parsed("id", errors);
        let tenant = self.parsed("tenant", errors);
        let provider = self.required_text("provider", errors);
        let account = self.text("account", errors);
        let credentials = self.credentials(errors);
        let given_settings = self.sub_table("settings", errors);
        let given_secrets = self.sub_table("secrets", errors);
        let given_ends = self.sub_table(EXPIRES_ON, errors);
        for key in self.table.keys() {
            self.note(errors, key, "unknown key");
        }
        let manifest = provider.as_deref().and_then(|slug| {
            let found = (self.manifests)(slug);
            if found.is_none() {
                self.note(errors, "provider", format_args!("no provider is called `{slug}`"));
            }
            found
        })?;
        let mut settings = self.settings(manifest, given_settings, errors);
        let ends = self.ends(manifest, given_ends, errors);
        if !ends.is_empty() {
            settings.insert(EXPIRES_ON.to_owned(), Json::Object(ends));
        }
        let secrets = self.secrets(manifest, credentials, given_secrets, errors);
        if errors.len() > before {
            return None;
        }
        Some(Connection {
            id: id?,
            tenant: tenant?,
            provider: provider?,
            account,
            settings,
            secrets,
        })
    }

    fn settings(
        &self,
        manifest: &Manifest,
        given: Table,
        errors: &mut Vec<FileError>,
    ) -> serde_json::Map<String, Json> {
        let mut settings = serde_json::Map::new();
        for (name, value) in given {
            let key = format!("settings.{name}");
            let known = name == ACCOUNTS
                || manifest.settings.iter().any(|spec| spec.name == name)
                || manifest.urls.contains_key(&name);
            if !known {
                self.note(
                    errors,
                    &key,
                    format_args!("provider `{}` has no such setting", manifest.slug),
                );
            } else if let Some(json) = setting_value(&name, value) {
                settings.insert(name, json);
            } else {
                self.note(
                    errors,
                    &key,
                    "must be a text, a number, true or false, or a list of texts; not empty",
                );
            }
        }
        for spec in manifest
            .settings
            .iter()
            .filter(|spec| spec.required && spec.default.is_none())
        {
            let key = format!("settings.{}", spec.name);
            if !settings.contains_key(&spec.name)
                && !errors.iter().any(|e| e.connection == self.label && e.key == key)
            {
                self.note(errors, &key, "is missing");
            }
        }
        settings
    }

    fn secrets(
        &self,
        manifest: &Manifest,
        credentials: Credentials,
        given: Table,
        errors: &mut Vec<FileError>,
    ) -> Secrets {
        let mut secrets = Vec::new();
        let mut tried = Vec::new();
        for (name, value) in given {
            let key = format!("secrets.{name}");
            if credentials == Credentials::Global {
                self.note(
                    errors,
                    &key,
                    "`credentials = \"global\"` takes secrets from the environment only",
                );
            } else if !has_secret(manifest, &name) {
                self.note(
                    errors,
                    &key,
                    format_args!("provider `{}` has no such secret", manifest.slug),
                );
            } else {
                match self.secret_value(value) {
                    Ok(text) => secrets.push((name.clone(), Secret::new(text))),
                    Err(reason) => self.note(errors, &key, reason),
                }
            }
            tried.push(name);
        }
        for spec in manifest.secrets.iter().filter(|spec| !tried.contains(&spec.name)) {
            let key = format!("secrets.{}", spec.name);
            let global = match credentials {
                Credentials::Tenant => None,
                Credentials::Global | Credentials::Hybrid => {
                    (self.env)(&spec.env).filter(|v| !v.trim().is_empty())
                }
            };
            match global {
                Some(text) => secrets.push((spec.name.clone(), Secret::new(text))),
                None if !spec.required => {}
                None if credentials == Credentials::Tenant => self.note(errors, &key, "is missing"),
                None => self.note(
                    errors,
                    &key,
                    format_args!("is missing: the environment variable `{}` is not set", spec.env),
                ),
            }
        }
        secrets.into_iter().collect()
    }

    /// The last day of each secret that ends, as the operator knows it.
    fn ends(
        &self,
        manifest: &Manifest,
        given: Table,
        errors: &mut Vec<FileError>,
    ) -> serde_json::Map<String, Json> {
        let mut ends = serde_json::Map::new();
        for (name, value) in given {
            let key = format!("{EXPIRES_ON}.{name}");
            let text = match &value {
                Value::String(text) => text.clone(),
                Value::Datetime(date) => date.to_string(),
                _ => String::new(),
            };
            if !has_secret(manifest, &name) {
                self.note(
                    errors,
                    &key,
                    format_args!("provider `{}` has no such secret", manifest.slug),
                );
            } else if expiry::parse(&text).is_some() {
                ends.insert(name, Json::from(text));
            } else {
                self.note(errors, &key, "must be a day: \"2026-12-31\"");
            }
        }
        ends
    }

    /// A literal, an environment variable's value or a file's content; never an empty one, under which anybody
    /// could sign.
    fn secret_value(&self, value: Value) -> Result<String, String> {
        const FORMS: &str = "must be a text, { env = \"VARIABLE\" } or { file = \"path\" }";
        let text = match value {
            Value::String(text) => text,
            Value::Table(table) if table.len() == 1 => match table.into_iter().next() {
                Some((form, Value::String(name))) if form == "env" => (self.env)(&name)
                    .ok_or_else(|| format!("the environment variable `{name}` is not set"))?,
                Some((form, Value::String(path))) if form == "file" => self.secret_file(&path)?,
                _ => return Err(FORMS.to_owned()),
            },
            _ => return Err(FORMS.to_owned()),
        };
        if text.trim().is_empty() {
            Err("is empty".to_owned())
        } else {
            Ok(text)
        }
    }

    /// The file's content without the line end that editors add.
    fn secret_file(&self, path: &str) -> Result<String, String> {
        let full = self.folder.join(path);
        let unreadable =
            |error: std::io::Error| format!("the file `{path}` cannot be read: {}", error.kind());
        if std::fs::metadata(&full).map_err(unreadable)?.len() > MAX_SECRET_BYTES {
            return Err(format!("the file `{path}` is too large for a secret"));
        }
        let mut text = std::fs::read_to_string(&full).map_err(unreadable)?;
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        Ok(text)
    }

    fn credentials(&mut self, errors: &mut Vec<FileError>) -> Credentials {
        match self.text("credentials", errors).as_deref() {
            None | Some("tenant") => Credentials::Tenant,
            Some("global") => Credentials::Global,
            Some("hybrid") => Credentials::Hybrid,
            Some(_) => {
                self.note(errors, "credentials", "must be `tenant`, `global` or `hybrid`");
                Credentials::Tenant
            }
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, key: &str, errors: &mut Vec<FileError>) -> Option<T> {
        let text = self.required_text(key, errors)?;
        text.parse()
            .map_err(|error: T::Err| self.note(errors, key, error))
            .ok()
    }

    fn required_text(&mut self, key: &str, errors: &mut Vec<FileError>) -> Option<String> {
        if !self.table.contains_key(key) {
            self.note(errors, key, "is missing");
        }
        self.text(key, errors)
    }

    fn text(&mut self, key: &str, errors: &mut Vec<FileError>) -> Option<String> {
        match self.table.remove(key)? {
            Value::String(text) if !text.trim().is_empty() => return Some(text),
            Value::String(_) => self.note(errors, key, "is empty"),
            _ => self.note(errors, key, "must be a text in quotes"),
        }
        None
    }

    fn sub_table(&mut self, key: &str, errors: &mut Vec<FileError>) -> Table {
        match self.table.remove(key) {
            Some(Value::Table(table)) => return table,
            Some(_) => self.note(errors, key, "must be a table: { name = \"value\" }"),
            None => {}
        }
        Table::new()
    }

    fn note(&self, errors: &mut Vec<FileError>, key: &str, reason: impl Display) {
        let error = FileError {
            connection: self.label.clone(),
            key: key.to_owned(),
            reason: reason.to_string(),
        };
        errors.push(error);
    }
}

/// Whether a provider's connections have this secret, or a former value of it.
fn has_secret(manifest: &Manifest, name: &str) -> bool {
    let base = name.strip_suffix(PREVIOUS).unwrap_or(name);
    manifest
        .secrets
        .iter()
        .any(|spec| spec.name == name || spec.name == base)
}

/// Adapters read settings as texts, so numbers and truth values become texts; only lists stay lists.
fn setting_value(name: &str, value: Value) -> Option<Json> {
    match value {
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.into_iter().map(scalar).collect();
            texts.map(Json::from)
        }
        _ if name == ACCOUNTS => None,
        value => scalar(value).map(Json::from),
    }
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}
