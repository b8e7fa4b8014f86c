//! A folder of photographed plates with their truth.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

/// What a folder's `manifest.json` says.
#[derive(Deserialize)]
pub(crate) struct Manifest {
    /// What drew the plates from chance, where they are drawn.
    #[serde(default)]
    pub(crate) seed: Option<i64>,
    pub(crate) plates: Vec<Entry>,
}

/// A photograph. Only file and serial must be there; conditions that are not known fall out of their tables.
#[derive(Deserialize)]
pub(crate) struct Entry {
    pub(crate) file: String,
    /// The truth, as it stands on the plate.
    pub(crate) serial: String,
    #[serde(default)]
    pub(crate) label: Option<String>,
    #[serde(default)]
    pub(crate) difficulty: Option<String>,
    #[serde(default)]
    pub(crate) style: Option<String>,
    #[serde(default)]
    pub(crate) finish: Option<String>,
    #[serde(default)]
    pub(crate) light: Option<f64>,
    #[serde(default)]
    pub(crate) blur: Option<f64>,
    #[serde(default)]
    pub(crate) motion: Option<f64>,
    #[serde(default)]
    pub(crate) glare: Option<f64>,
    #[serde(default)]
    pub(crate) rotation_deg: Option<f64>,
}

/// A photograph and where it is.
pub(crate) struct Plate {
    pub(crate) path: PathBuf,
    pub(crate) entry: Entry,
}

/// The plates of a folder, and the seed they were drawn from.
pub(crate) fn read(folder: &Path) -> anyhow::Result<(Option<i64>, Vec<Plate>)> {
    let file = folder.join("manifest.json");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let manifest: Manifest = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    let plates = manifest.plates.into_iter().map(|entry| Plate {
        path: folder.join(&entry.file),
        entry,
    });
    Ok((manifest.seed, plates.collect()))
}
