//! Where skill files come from, and their shape as written.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::Problem;

/// A skill file is a page of text; what is larger is a mistake.
const MAX_BYTES: u64 = 256 * 1024;

/// The files that are compiled in.
const EMBEDDED: [(&str, &str); 6] = [
    ("bot.toml", include_str!("../../../skills/bot.toml")),
    (
        "registration.toml",
        include_str!("../../../skills/registration.toml"),
    ),
    (
        "order_creation.toml",
        include_str!("../../../skills/order_creation.toml"),
    ),
    (
        "order_tracking.toml",
        include_str!("../../../skills/order_tracking.toml"),
    ),
    (
        "plate_reading.toml",
        include_str!("../../../skills/plate_reading.toml"),
    ),
    (
        "status_updates.toml",
        include_str!("../../../skills/status_updates.toml"),
    ),
];

/// Where the files of one set are looked for, best first.
#[derive(Debug, Clone)]
pub struct Files {
    sources: Vec<FileSource>,
}

/// One place of files.
#[derive(Debug, Clone)]
pub enum FileSource {
    /// A folder.
    Folder(PathBuf),
    /// What is compiled in.
    Embedded,
}

impl Files {
    /// The places of a tenant's files.
    #[must_use]
    pub fn of_tenant(dir: Option<&Path>, tenant: &str) -> Self {
        let mut sources = Vec::new();
        if let Some(dir) = dir {
            sources.push(FileSource::Folder(dir.join(tenant)));
            if tenant != "default" {
                sources.push(FileSource::Folder(dir.join("default")));
            }
        }
        sources.push(FileSource::Embedded);
        Self { sources }
    }

    /// The file's full name and text.
    pub(super) fn read(&self, name: &str) -> Result<(String, String), Problem> {
        for source in &self.sources {
            match source {
                FileSource::Folder(folder) => {
                    let path = folder.join(name);
                    match std::fs::metadata(&path) {
                        Ok(meta) if meta.len() > MAX_BYTES => {
                            return Err(problem(&path, format!("is larger than {MAX_BYTES} bytes")));
                        }
                        Ok(_) => {
                            return std::fs::read_to_string(&path)
                                .map(|text| (path.display().to_string(), text))
                                .map_err(|error| problem(&path, format!("cannot be read: {error}")));
                        }
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                        Err(error) => return Err(problem(&path, format!("cannot be read: {error}"))),
                    }
                }
                FileSource::Embedded => {
                    if let Some((_, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) {
                        return Ok((name.to_owned(), (*text).to_owned()));
                    }
                }
            }
        }
        Err(Problem {
            file: name.to_owned(),
            line: None,
            key: String::new(),
            reason: "there is no such file".into(),
        })
    }
}

/// The folders of tenants in a folder of skills, `default` among them.
pub(super) fn tenants(dir: &Path) -> Result<Vec<String>, Problem> {
    let entries = std::fs::read_dir(dir).map_err(|error| problem(dir, format!("cannot be read: {error}")))?;
    let mut names = vec!["default".to_owned()];
    for entry in entries {
        let entry = entry.map_err(|error| problem(dir, format!("cannot be read: {error}")))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "default" || !entry.path().is_dir() {
            continue;
        }
        if name.parse::<puente_types::TenantId>().is_err() {
            return Err(problem(
                &entry.path(),
                "the folder is named after no tenant".to_owned(),
            ));
        }
        names.push(name);
    }
    names.sort();
    Ok(names)
}

fn problem(path: &Path, reason: String) -> Problem {
    Problem {
        file: path.display().to_string(),
        line: None,
        key: String::new(),
        reason,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BotFile {
    pub(super) format: Spanned<u32>,
    pub(super) version: Spanned<u32>,
    pub(super) language: Spanned<String>,
    pub(super) idle_minutes: Spanned<u64>,
    pub(super) with_person_minutes: Spanned<u64>,
    pub(super) skills: Vec<Spanned<String>>,
    pub(super) texts: BotTextsFile,
    pub(super) words: WordsFile,
    pub(super) free_text: Option<FreeTextFile>,
    pub(super) intents: Vec<Spanned<IntentFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BotTextsFile {
    pub(super) greeting_new: Spanned<String>,
    pub(super) greeting_known: Spanned<String>,
    pub(super) menu: Spanned<String>,
    pub(super) fallback: Spanned<String>,
    pub(super) cancelled: Spanned<String>,
    pub(super) media: Spanned<String>,
    pub(super) person: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordsFile {
    pub(super) greeting: Vec<Spanned<String>>,
    pub(super) cancel: Vec<Spanned<String>>,
    pub(super) menu: Vec<Spanned<String>>,
    pub(super) person: Vec<Spanned<String>>,
    pub(super) yes: Vec<Spanned<String>>,
    pub(super) no: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) polite: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) skip: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FreeTextFile {
    pub(super) skill: Spanned<String>,
    pub(super) min_words: Spanned<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntentFile {
    pub(super) skill: Spanned<String>,
    #[serde(default)]
    pub(super) order_number: bool,
    #[serde(default)]
    pub(super) with_order_number: bool,
    #[serde(default)]
    pub(super) choices: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) phrases: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SkillFile {
    pub(super) format: Spanned<u32>,
    pub(super) name: Spanned<String>,
    pub(super) version: Spanned<u32>,
    #[serde(default)]
    pub(super) client_only: bool,
    pub(super) max_tries: Option<Spanned<u32>>,
    pub(super) handover: Option<Spanned<String>>,
    pub(super) done: Spanned<DoneFile>,
    #[serde(default)]
    pub(super) steps: Vec<Spanned<StepFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DoneFile {
    pub(super) action: Spanned<String>,
    pub(super) text: Option<Spanned<String>>,
    pub(super) already: Option<Spanned<String>>,
    pub(super) found: Option<Spanned<String>>,
    pub(super) not_found: Option<Spanned<String>>,
    pub(super) ask: Option<Spanned<String>>,
    pub(super) order_unknown: Option<Spanned<String>>,
    pub(super) per_day: Option<Spanned<u32>>,
    pub(super) too_many: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepFile {
    pub(super) field: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) ask: Spanned<String>,
    pub(super) retry: Spanned<String>,
    pub(super) digit: Option<Spanned<String>>,
    pub(super) min: Option<Spanned<usize>>,
    pub(super) max: Option<Spanned<usize>>,
    pub(super) known: Option<Spanned<String>>,
    pub(super) opening_words: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) optional: bool,
    #[serde(default)]
    pub(super) leads: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) choices: Vec<Spanned<ChoiceFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoiceFile {
    pub(super) value: Spanned<String>,
    pub(super) label: Spanned<String>,
    #[serde(default)]
    pub(super) phrases: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdatesFile {
    pub(super) format: Spanned<u32>,
    pub(super) version: Spanned<u32>,
    pub(super) states: Vec<Spanned<String>>,
}
