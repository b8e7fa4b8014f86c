//! An ERP behind a directory service: what it knows, whether it answers, and what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use puente_proto::clients::client_directory_server::{ClientDirectory, ClientDirectoryServer};
use puente_proto::clients::{DirectoryClient, LookUpClientRequest, LookUpClientResponse};
use puente_rpc::{Caller, Door, Guard, RpcKeys};
use puente_types::{Secret, SystemClock};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::asking::KEY;

/// How it answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Answers,
    Away,
    Silent,
    NoErp,
}

#[derive(Default)]
struct Book {
    clients: BTreeMap<String, DirectoryClient>,
    mood: Option<Mood>,
    /// Tenant and tax id of every question.
    asked: Vec<(String, String)>,
}

#[derive(Clone, Default)]
pub(super) struct Erp {
    book: Arc<Mutex<Book>>,
}

impl Erp {
    /// Serves, behind the guard of the service that owns ERPs; returns where.
    pub(super) async fn serve(&self) -> String {
        let keys = RpcKeys::parse(&Secret::new(KEY)).unwrap();
        let guard = Guard::new(keys, "sync", Arc::new(SystemClock));
        let door = Door::bind("127.0.0.1:0".parse().unwrap(), guard).await.unwrap();
        let address = door.address().unwrap();
        let routes = Routes::new(ClientDirectoryServer::new(self.clone()));
        tokio::spawn(async move { door.serve(routes, CancellationToken::new()).await });
        format!("http://{address}")
    }

    pub(super) fn knows(&self, nit: &str, name: &str, version: i64) {
        let client = DirectoryClient {
            nit: nit.to_owned(),
            legal_name: name.to_owned(),
            email: "facturas@acme.co".to_owned(),
            phones: vec!["(601) 345 6789".to_owned()],
            address: "CL 100 # 8A-55".to_owned(),
            status: "active".to_owned(),
            version,
        };
        self.book.lock().unwrap().clients.insert(nit.to_owned(), client);
    }

    pub(super) fn is(&self, mood: Mood) {
        self.book.lock().unwrap().mood = Some(mood);
    }

    pub(super) fn asked(&self) -> Vec<(String, String)> {
        self.book.lock().unwrap().asked.clone()
    }
}

#[tonic::async_trait]
impl ClientDirectory for Erp {
    async fn look_up_client(
        &self,
        request: Request<LookUpClientRequest>,
    ) -> Result<Response<LookUpClientResponse>, Status> {
        let caller = request.extensions().get::<Caller>().cloned().unwrap();
        let tenant = caller.tenant()?.to_string();
        let nit = request.into_inner().nit;
        let (mood, client) = {
            let mut book = self.book.lock().unwrap();
            book.asked.push((tenant, nit.clone()));
            (
                book.mood.unwrap_or(Mood::Answers),
                book.clients.get(&nit).cloned(),
            )
        };
        match mood {
            Mood::Answers => {}
            Mood::Away => return Err(Status::unavailable("the ERP is away")),
            Mood::NoErp => return Err(Status::failed_precondition("no ERP")),
            // Longer than any deadline of a test.
            Mood::Silent => tokio::time::sleep(Duration::from_secs(600)).await,
        }
        let client = client.ok_or_else(|| Status::not_found("no such client"))?;
        Ok(Response::new(LookUpClientResponse {
            client: Some(client),
            known_at: None,
        }))
    }
}
