//! The labelled set as files: each photograph, and one manifest that says what stands on it.
//!
//! The manifest has the form of the plates that are drawn for `make ocr-eval`: `file`, `serial`, `label`; and, instead of
//! how a plate was drawn, what is known of a real one. It is written last: a folder without it is not whole.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use puente_blob::{BlobKey, Blobs, MAX_OBJECT_BYTES, MediaType, StorageSettings};
use puente_ocr::Ocr;
use puente_proto::ocr::{ListSamplesRequest, Sample, StoredPhoto};
use puente_service::Service as _;
use puente_service::config::load;
use puente_types::{Secret, SystemClock};
use serde::{Deserialize, Serialize};
use tonic::Status;

use super::{PAGE, count};
use crate::ask::Peer;
use crate::cli::AskArgs;
use crate::exit::{Done, Failed};
use crate::home::Home;
use crate::target::Process;
use crate::ui::Ui;

const MANIFEST: &str = "manifest.json";
/// The store is read here, and no link is made: what signs links does not matter.
const NO_LINKS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// What is wanted.
pub(super) struct Wanted<'a> {
    pub(super) folder: &'a Path,
    pub(super) mistaken: bool,
    pub(super) unjudged: bool,
    pub(super) limit: u32,
}

/// What the folder holds.
#[derive(Serialize)]
struct Manifest<'a> {
    generator: &'static str,
    tenant: &'a str,
    n: usize,
    plates: Vec<Plate>,
}

/// One photograph. Who said the serial is left out: the set may leave the house.
#[derive(Serialize)]
struct Plate {
    file: String,
    serial: String,
    label: String,
    origin: String,
    read: String,
    confidence: f64,
    engine: String,
    flaws: Vec<String>,
    capture: String,
    attempt: u32,
    sha256: String,
}

#[derive(Deserialize)]
struct Keeps {
    storage: StorageSettings,
}

pub(super) async fn run(wanted: Wanted<'_>, ask: &AskArgs, ui: &Ui) -> Done {
    let peer = super::peer(ask)?;
    let tenant = ask.tenant.as_deref().unwrap_or_default();
    let manifest = wanted.folder.join(MANIFEST);
    if manifest.exists() {
        return Err(Failed::usage(anyhow!(
            "{} is there already: name another folder",
            manifest.display()
        )));
    }
    let blobs = store(ask)?;
    fs::create_dir_all(wanted.folder)
        .with_context(|| format!("{} cannot be made", wanted.folder.display()))?;
    let (mut plates, mut gone, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let (samples, next) = page(&peer, &wanted, cursor)
            .await
            .map_err(|status| peer.failed(&status))?;
        for sample in samples {
            // What the program said of itself proves nothing.
            if !wanted.unjudged && sample.origin == "read" {
                continue;
            }
            match kept(&blobs, tenant, wanted.folder, sample).await? {
                Some(plate) => plates.push(plate),
                None => gone += 1,
            }
            if count(plates.len()) >= wanted.limit {
                break;
            }
        }
        cursor = next;
        if cursor.is_empty() || count(plates.len()) >= wanted.limit {
            break;
        }
    }
    let n = plates.len();
    let whole = Manifest {
        generator: "puente ocr export",
        tenant,
        n,
        plates,
    };
    write(&manifest, &serde_json::to_vec_pretty(&whole)?)?;
    if ask.json {
        let told = serde_json::json!({ "folder": wanted.folder, "photographs": n, "missing": gone });
        ui.line(&told.to_string());
    } else {
        ui.line(&format!("{n} photographs and {}", manifest.display()));
    }
    if gone > 0 {
        return Err(Failed::from(anyhow!(
            "{gone} photographs are not in the store, or not what was recorded"
        )));
    }
    Ok(())
}

async fn page(peer: &Peer, wanted: &Wanted<'_>, cursor: String) -> Result<(Vec<Sample>, String), Status> {
    let question = ListSamplesRequest {
        page_size: PAGE,
        cursor,
        mistaken_only: wanted.mistaken,
    };
    let page = peer.captures().list_samples(peer.request(question)?).await?;
    let page = page.into_inner();
    Ok((page.samples, page.next_cursor))
}

/// The store of the ocr service: as it is configured, or that of the folder.
fn store(ask: &AskArgs) -> Done<Blobs> {
    let process = Process::read()?;
    let loaded = load::<Keeps>(Ocr::NAME, Ocr::DEFAULTS, &process.sources).map_err(Failed::usage)?;
    let mut storage = loaded.service.storage;
    let named = loaded
        .shown
        .iter()
        .any(|key| key.key.starts_with("storage.") && !key.origin.starts_with("defaults of"));
    if !named {
        storage.folder = Home::new(&ask.dir.dir)?.path("storage");
    }
    storage.link_key.get_or_insert_with(|| Secret::new(NO_LINKS));
    Blobs::open(&storage, Arc::new(SystemClock)).map_err(Failed::usage)
}

/// Writes a photograph; `None` when it is not there, or not what was recorded.
async fn kept(blobs: &Blobs, tenant: &str, folder: &Path, sample: Sample) -> Done<Option<Plate>> {
    let Some(photo) = &sample.photo else {
        return Ok(None);
    };
    let Some((file, bytes)) = read(blobs, tenant, &sample, photo).await else {
        return Ok(None);
    };
    write(&folder.join(&file), &bytes)?;
    Ok(Some(Plate {
        file,
        sha256: photo.sha256.clone(),
        serial: sample.serial,
        label: sample.label,
        origin: sample.origin,
        read: sample.read,
        confidence: f64::from(sample.confidence_permille) / 1000.0,
        engine: sample.engine,
        flaws: sample.flaws,
        capture: sample.capture_id,
        attempt: sample.attempt,
    }))
}

async fn read(
    blobs: &Blobs,
    tenant: &str,
    sample: &Sample,
    photo: &StoredPhoto,
) -> Option<(String, bytes::Bytes)> {
    let key = BlobKey::parse(&photo.key).ok()?;
    // A key of another tenant is never followed, whatever the answer says.
    if key.tenant()?.as_str() != tenant {
        return None;
    }
    let media_type: MediaType = photo.media_type.parse().ok()?;
    let expected = photo.sha256.parse().ok()?;
    let container = photo.container.parse().ok()?;
    let bytes = blobs
        .get(container, &key, MAX_OBJECT_BYTES, Some(&expected))
        .await;
    let id: uuid::Uuid = sample.capture_id.parse().ok()?;
    let file = format!("{id}-{}.{}", sample.attempt, media_type.extension());
    Some((file, bytes.ok()?))
}

fn write(path: &Path, bytes: &[u8]) -> Done {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(())
}
