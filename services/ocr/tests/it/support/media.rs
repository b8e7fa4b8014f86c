//! Notifications' door, with real gRPC and real tokens: stores the files that the test has given it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use puente_blob::{BlobKey, Blobs, Container, MediaType};
use puente_proto::notifications::media_files_server::{MediaFiles, MediaFilesServer};
use puente_proto::notifications::{StoreMediaRequest, StoreMediaResponse};
use puente_rpc::{Door, answer};
use puente_types::{Secret, SystemClock};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};

use super::KEY;

/// The door.
pub(crate) struct MediaDoor {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: HashMap<String, Bytes>,
    fails: Option<Code>,
    asked: Vec<StoreMediaRequest>,
    /// Stores, and then says nothing for so many calls.
    silent: usize,
}

impl MediaDoor {
    pub(crate) async fn open(blobs: Blobs) -> Self {
        let clock = Arc::new(SystemClock);
        let door = Door::open(
            ([127, 0, 0, 1], 0).into(),
            &Secret::new(KEY),
            "notifications",
            clock,
        )
        .await
        .unwrap()
        .unwrap();
        let address = door.address().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let server = MediaFilesServer::new(Files {
            blobs,
            state: Arc::clone(&state),
        });
        tokio::spawn(door.serve(Routes::new(server), CancellationToken::new()));
        Self { address, state }
    }

    /// The provider has a file.
    pub(crate) fn has(&self, id: &str, bytes: Bytes) {
        self.state.lock().unwrap().files.insert(id.to_owned(), bytes);
    }

    /// It answers so from now on.
    pub(crate) fn fails(&self, code: Option<Code>) {
        self.state.lock().unwrap().fails = code;
    }

    /// What it was asked.
    pub(crate) fn asked(&self) -> Vec<StoreMediaRequest> {
        self.state.lock().unwrap().asked.clone()
    }

    /// It stores the next files and loses the answers.
    pub(crate) fn loses_answers(&self, count: usize) {
        self.state.lock().unwrap().silent = count;
    }
}

struct Files {
    blobs: Blobs,
    state: Arc<Mutex<State>>,
}

#[tonic::async_trait]
impl MediaFiles for Files {
    async fn store_media(
        &self,
        request: Request<StoreMediaRequest>,
    ) -> Result<Response<StoreMediaResponse>, Status> {
        answer("MediaFiles/StoreMedia", request, async |caller, wish| {
            let (file, fails, silent) = {
                let mut state = self.state.lock().unwrap();
                state.asked.push(wish.clone());
                let silent = state.silent > 0;
                state.silent = state.silent.saturating_sub(1);
                (
                    state.files.get(&wish.provider_media_id).cloned(),
                    state.fails,
                    silent,
                )
            };
            if let Some(code) = fails {
                return Err(Status::new(code, "as the test wants it"));
            }
            let file = file.ok_or_else(|| Status::not_found("no such file"))?;
            let key = BlobKey::parse(&wish.key).map_err(|_| Status::invalid_argument("no key"))?;
            assert_eq!(key.tenant().as_ref(), Some(caller.tenant()?));
            assert_eq!(wish.container, Container::Assets.as_str());
            let kind = match file.first_chunk() {
                Some(b"\x89PNG") => MediaType::Png,
                Some([0xFF, 0xD8, 0xFF, _]) => MediaType::Jpeg,
                _ => return Err(Status::invalid_argument("no picture")),
            };
            let stored = self
                .blobs
                .put(Container::Assets, &key, file, kind)
                .await
                .map_err(|error| Status::internal(error.to_string()))?;
            if silent {
                return Err(Status::unavailable("the answer is lost"));
            }
            Ok(StoreMediaResponse {
                media_type: kind.mime().to_owned(),
                bytes: stored.bytes,
                sha256: stored.sha256.to_string(),
            })
        })
        .await
    }
}
