//! Files that people send: kept by the simulator until they are fetched, and gone when a test says so.
//!
//! ```text
//! POST   /sim/<slug>/_control/media        the bytes, with their Content-Type; answers id, sha256 and bytes
//! GET    /sim/<slug>/_control/media        every file: id, bytes, and how often they were fetched
//! DELETE /sim/<slug>/_control/media/{id}   the vendor no longer has it
//! ```
//!
//! A message with such a file is an [`Inbound`](crate::sim::Inbound) of kind `image` with the id as its `payload`. URLs of
//! files end after a time; how they look is the vendor's matter.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::sim::{Account, Hub, bare, reply};

/// The largest file that is kept.
const MAX_FILE: usize = 32 * 1024 * 1024;
/// Files of all vendors together; the oldest goes first.
const MAX_FILES: usize = 500;
/// Bytes of all files together.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// A file as a simulator keeps it.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) bytes: Bytes,
    pub(crate) mime: String,
    pub(crate) sha256: [u8; 32],
    fetched: u64,
}

/// The files of all vendors.
#[derive(Default)]
struct Files(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// How many there ever were; ids follow from it.
    count: u64,
    /// By slug and id. Ids rise with time, so the first of a slug is its oldest.
    files: BTreeMap<(String, String), File>,
}

/// Where the simulators are served, for links in webhooks.
#[derive(Default)]
struct Served(OnceLock<SocketAddr>);

impl Hub {
    /// Keeps a file as if somebody had sent it, and returns the vendor's id of it: the payload of an image's message.
    #[must_use]
    pub fn put_media(&self, slug: &str, bytes: impl Into<Bytes>, mime: &str) -> String {
        let bytes = bytes.into();
        let file = File {
            sha256: Sha256::digest(&bytes).into(),
            bytes,
            mime: mime.to_owned(),
            fetched: 0,
        };
        let files = self.own::<Files>();
        let mut kept = files.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.count += 1;
        let id = format!("{}", 1_003_383_421_000_000 + kept.count);
        kept.files.insert((slug.to_owned(), id.clone()), file);
        let size = |files: &BTreeMap<_, File>| files.values().map(|file| file.bytes.len()).sum::<usize>();
        while kept.files.len() > MAX_FILES || size(&kept.files) > MAX_BYTES {
            kept.files.pop_first();
        }
        id
    }

    /// Takes a file away: the vendor no longer has it.
    pub fn drop_media(&self, slug: &str, id: &str) {
        let files = self.own::<Files>();
        let mut kept = files.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.files.remove(&(slug.to_owned(), id.to_owned()));
    }

    /// How often a file's bytes were fetched.
    #[must_use]
    pub fn media_fetches(&self, slug: &str, id: &str) -> u64 {
        self.file(slug, id).map_or(0, |file| file.fetched)
    }

    /// A file, if it is there.
    pub(crate) fn file(&self, slug: &str, id: &str) -> Option<File> {
        let files = self.own::<Files>();
        let kept = files.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.files.get(&(slug.to_owned(), id.to_owned())).cloned()
    }

    /// Says where the simulators are served; the first word counts.
    pub(super) fn serve_at(&self, address: SocketAddr) {
        let _known = self.own::<Served>().0.set(address);
    }

    /// The address of a simulator's own paths: what an account's setting `told_base_uri` says, else where it is served.
    pub(crate) fn own_address(&self, slug: &str, account: &Account) -> String {
        let told = account.setting("told_base_uri", "");
        match self.own::<Served>().0.get() {
            _ if !told.is_empty() => told.trim_end_matches('/').to_owned(),
            Some(at) if at.ip().is_unspecified() => format!("http://127.0.0.1:{}/sim/{slug}", at.port()),
            Some(at) => format!("http://{at}/sim/{slug}"),
            None => format!("http://127.0.0.1/sim/{slug}"),
        }
    }
}

/// The address that a caller reached the simulator at.
pub(crate) fn reached_at(slug: &str, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    format!("http://{}/sim/{slug}", host.unwrap_or("127.0.0.1"))
}

/// A link's query: which file, until when, and a proof of both.
pub(crate) fn ticket(hub: &Hub, account: &Account, id: &str) -> String {
    let life: i64 = account.setting("media_url_life_s", "300").parse().unwrap_or(300);
    let until = hub.now().unix_timestamp() + life;
    format!("mid={id}&ext={until}&hash={}", proof(id, until))
}

/// What a link's query holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ticket {
    pub(crate) mid: String,
    ext: i64,
    hash: String,
}

/// The bytes that a link's query opens: 404 when it has ended, is forged, or the file is gone.
pub(crate) fn open(hub: &Hub, slug: &str, ticket: &Ticket) -> Response {
    if ticket.hash == proof(&ticket.mid, ticket.ext) && hub.now().unix_timestamp() < ticket.ext {
        bytes(hub, slug, &ticket.mid)
    } else {
        bare(404)
    }
}

/// The bytes of a file, counted; 404 when it is gone.
pub(crate) fn bytes(hub: &Hub, slug: &str, id: &str) -> Response {
    let files = hub.own::<Files>();
    let mut kept = files.0.lock().unwrap_or_else(PoisonError::into_inner);
    match kept.files.get_mut(&(slug.to_owned(), id.to_owned())) {
        Some(file) => {
            file.fetched += 1;
            let kind = [(header::CONTENT_TYPE, file.mime.clone())];
            (kind, file.bytes.clone()).into_response()
        }
        None => bare(404),
    }
}

fn proof(id: &str, until: i64) -> String {
    let digest = hex::encode(Sha256::digest(format!("simulated {id} {until}")));
    digest.chars().take(16).collect()
}

/// Forgets the files of a vendor.
pub(super) fn forget(hub: &Hub, slug: &str) {
    let files = hub.own::<Files>();
    let mut kept = files.0.lock().unwrap_or_else(PoisonError::into_inner);
    kept.files.retain(|(of, _), _| of != slug);
}

/// The control paths of a vendor that carries files, below `_control`.
pub(crate) fn control(slug: &'static str) -> Router<Hub> {
    let keep = move |State(hub): State<Hub>, headers: HeaderMap, bytes: Bytes| async move {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let (sha256, length) = (hex::encode(Sha256::digest(&bytes)), bytes.len());
        let id = hub.put_media(slug, bytes, kind.unwrap_or("application/octet-stream"));
        reply(200, &json!({"id": id, "sha256": sha256, "bytes": length}))
    };
    let list = move |State(hub): State<Hub>| async move {
        let files = hub.own::<Files>();
        let kept = files.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = kept.files.iter().filter(|((of, _), _)| of == slug);
        let all: Vec<_> = own
            .map(|((_, id), file)| json!({"id": id, "bytes": file.bytes.len(), "fetched": file.fetched}))
            .collect();
        reply(200, &json!({ "files": all }))
    };
    let drop = move |State(hub): State<Hub>, Path(id): Path<String>| async move {
        hub.drop_media(slug, &id);
        reply(200, &json!({}))
    };
    Router::new()
        .route("/media", get(list).post(keep))
        .route("/media/{id}", delete(drop))
        .layer(DefaultBodyLimit::max(MAX_FILE))
}
