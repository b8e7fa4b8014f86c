//! `docs/configuration.md` and `.env.example`: every key and every secret, with its default and meaning.
//!
//! The commented `*.default.toml` files *are* the defaults that are compiled in, so what is read here cannot differ
//! from what a service does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::{NOTE, cell, integrations};
use crate::tree;

const SHARED: &str = "libs/service/src/config/shared.default.toml";

/// One key of a defaults file.
struct Key {
    variable: String,
    default: String,
    about: String,
}

/// The keys of one defaults file.
struct Area {
    title: String,
    keys: Vec<Key>,
}

/// Both documents, by path.
pub(super) fn pages(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut areas = vec![Area {
        title: "every service".to_owned(),
        keys: keys("PUENTE", &tree::read(&root.join(SHARED))?),
    }];
    for service in tree::folders(&root.join("services")) {
        let file = root.join("services").join(&service).join("config.default.toml");
        if file.is_file() {
            let prefix = format!("PUENTE_{}", service.to_uppercase());
            areas.push(Area {
                title: service,
                keys: keys(&prefix, &tree::read(&file)?),
            });
        }
    }
    let providers = integrations::manifests(root)?;
    let mut table = format!(
        "{NOTE}# Configuration\n\n\
         Layers, the later one wins: the defaults below → `puente.toml` (or the file that `PUENTE_CONFIG` names) →\n\
         environment variables → files named by `<VARIABLE>_FILE`. Unknown keys are mistakes, and a start names every\n\
         mistake at once. `puente config check` and `puente config show` say what holds and where it comes from.\n"
    );
    let mut example =
        "# Written by `cargo xtask gen-docs`; for an environment file: keep what differs from the defaults.\n\
                       # Every variable may end in _FILE and then names a file that holds the value.\n"
            .to_owned();
    for area in &areas {
        write!(
            table,
            "\n## {}\n\n| variable | default | meaning |\n|---|---|---|\n",
            area.title
        )?;
        write!(example, "\n# ---- {} ----\n", area.title)?;
        for key in &area.keys {
            writeln!(
                table,
                "| `{}` | {} | {} |",
                key.variable,
                shown(&key.default),
                cell(&key.about)
            )?;
            writeln!(
                example,
                "{}#{}={}",
                commented(&key.about),
                key.variable,
                key.default.trim_matches('"')
            )?;
        }
    }
    for provider in &providers {
        write!(
            table,
            "\n## Secrets of {}\n\n| variable | required | meaning |\n|---|---|---|\n",
            provider.name
        )?;
        write!(example, "\n# ---- secrets of {} ----\n", provider.name)?;
        for secret in &provider.secrets {
            let required = if secret.required { "yes" } else { "no" };
            writeln!(
                table,
                "| `{}` | {required} | {} |",
                secret.env,
                cell(&secret.about)
            )?;
            writeln!(example, "{}#{}=", commented(&secret.about), secret.env)?;
        }
    }
    Ok(BTreeMap::from([
        ("docs/configuration.md".to_owned(), table),
        (".env.example".to_owned(), example),
    ]))
}

fn shown(default: &str) -> String {
    if default.is_empty() {
        "none".to_owned()
    } else {
        format!("`{}`", cell(default))
    }
}

fn commented(about: &str) -> String {
    if about.is_empty() {
        String::new()
    } else {
        format!("# {about}\n")
    }
}

/// Reads a commented TOML file line by line; a parser would lose the comments.
fn keys(prefix: &str, text: &str) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    let mut table = String::new();
    let mut about: Vec<&str> = Vec::new();
    let mut open: Option<Key> = None;
    for line in text.lines().map(str::trim) {
        if let Some(key) = &mut open {
            key.default.push(' ');
            key.default.push_str(line);
            if is_whole(&key.default) {
                keys.extend(open.take());
            }
        } else if let Some(name) = without_default(line) {
            let variable = format!("{prefix}_{}{table}{}", joint(prefix), name.to_uppercase());
            keys.push(Key {
                variable,
                default: String::new(),
                about: about.join(" "),
            });
            about.clear();
        } else if let Some(comment) = line.strip_prefix('#') {
            about.push(comment.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = format!(
                "{}__",
                name.trim_matches(['[', ']']).replace('.', "__").to_uppercase()
            );
            about.clear();
        } else if let Some((name, value)) = line.split_once('=') {
            let variable = format!("{prefix}_{}{table}{}", joint(prefix), name.trim().to_uppercase());
            let key = Key {
                variable,
                default: value.trim().to_owned(),
                about: about.join(" "),
            };
            about.clear();
            if is_whole(&key.default) {
                keys.push(key);
            } else {
                open = Some(key);
            }
        } else {
            about.clear();
        }
    }
    keys
}

/// The key of a line `# key = ""`: that is how a key stands in the file that has no default.
fn without_default(line: &str) -> Option<&str> {
    let name = line.strip_prefix("# ")?.strip_suffix(" = \"\"")?;
    name.bytes()
        .all(|b| b.is_ascii_lowercase() || b == b'_')
        .then_some(name)
}

/// `PUENTE_DATABASE__URL`, but `PUENTE_ORDERS__DATABASE__URL`.
fn joint(prefix: &str) -> &'static str {
    if prefix == "PUENTE" { "" } else { "_" }
}

/// Whether a value ends on its line: no list or table is still open.
fn is_whole(value: &str) -> bool {
    let count = |c: char| value.matches(c).count();
    count('[') == count(']') && count('{') == count('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_with_table_default_and_comment() {
        let text = "# of the file\n\n[intake]\n# Where it listens.\nlisten = \"127.0.0.1:8080\"\n# Which\n# ones.\nlist = [\n  \"a\",\n  \"b\"]\nplain = 3\n# Needed.\n# key = \"\"\n";
        let found = keys("PUENTE_INGRESS", text);
        let shown: Vec<_> = found
            .iter()
            .map(|k| (k.variable.as_str(), k.default.as_str(), k.about.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (
                    "PUENTE_INGRESS__INTAKE__LISTEN",
                    "\"127.0.0.1:8080\"",
                    "Where it listens."
                ),
                ("PUENTE_INGRESS__INTAKE__LIST", "[ \"a\", \"b\"]", "Which ones."),
                ("PUENTE_INGRESS__INTAKE__PLAIN", "3", ""),
                ("PUENTE_INGRESS__INTAKE__KEY", "", "Needed."),
            ]
        );
        assert_eq!(
            keys("PUENTE", "[nats]\nurl = \"x\"\n").first().unwrap().variable,
            "PUENTE_NATS__URL"
        );
    }
}
