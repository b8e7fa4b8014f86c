//! Asking the services of a fleet: where they are, with whose key, in whose name.
//!
//! What the environment names wins; then what `puente up` runs in the folder. Several services are asked at the same
//! time, and one that does not answer hides nothing of the others: [`Answers`] tells it at the end.

use std::time::Duration;

use anyhow::anyhow;
use futures::future::join_all;
use puente_proto::ingress::deliveries_client::DeliveriesClient;
use puente_proto::ingress::replays_client::ReplaysClient;
use puente_proto::ocr::capture_queries_client::CaptureQueriesClient;
use puente_proto::operations::operations_client::OperationsClient;
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_types::{Secret, SystemClock, TenantId};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::cli::AskArgs;
use crate::exit::{Done, Failed};
use crate::home::Home;
use crate::target::Process;
use crate::ui::Ui;

/// A service that takes longer is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// Longer than a service takes for any answer: its door gives up after five seconds.
const ANSWER: Duration = Duration::from_secs(8);
/// The largest answer: a page of deliveries or letters, or one body.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The services that can be asked: name, name in the state file, variable.
const SERVICES: [(&str, &str, &str); 6] = [
    ("ingress", "ingress_grpc", "PUENTE_INGRESS_GRPC"),
    ("notifications", "notifications", "PUENTE_NOTIFICATIONS_GRPC"),
    ("ocr", "ocr", "PUENTE_OCR_GRPC"),
    ("orders", "orders", "PUENTE_ORDERS_GRPC"),
    ("signature", "signature", "PUENTE_SIGNATURE_GRPC"),
    ("sync", "sync", "PUENTE_SYNC_GRPC"),
];

/// Every service that can be asked.
#[derive(Debug)]
pub(crate) struct Fleet {
    peers: Vec<Peer>,
}

/// One service that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: &'static str,
    url: String,
    channel: Channel,
    calls: Calls,
    caller: Caller,
}

impl Fleet {
    /// Finds the services, and who asks them.
    pub(crate) fn find(args: &AskArgs) -> Done<Self> {
        let scope = match &args.tenant {
            Some(tenant) => Scope::Tenant(tenant.parse::<TenantId>().map_err(Failed::usage)?),
            None => Scope::Installation,
        };
        let caller = Caller {
            scope,
            subject: subject(),
            role: "operator".to_owned(),
        };
        let process = Process::read()?;
        let home = Home::new(&args.dir.dir)?;
        let running = home.running().map(|state| state.endpoints).unwrap_or_default();
        let mut peers = Vec::new();
        let mut named = false;
        for (name, key, variable) in SERVICES {
            let by_name = process.variable(variable).filter(|url| !url.trim().is_empty());
            named |= by_name.is_some();
            let Some(url) = by_name.or_else(|| running.get(key).cloned()) else {
                continue;
            };
            let keys = keys(&process, &home, name, running.contains_key(key))?;
            peers.push(Peer {
                name,
                channel: channel(&url).ok_or_else(|| {
                    Failed::usage(anyhow!(
                        "{name} is at `{url}`, which is no address like http://HOST:PORT"
                    ))
                })?,
                url,
                calls: Calls::new(keys, name, std::sync::Arc::new(SystemClock), ANSWER),
                caller: caller.clone(),
            });
        }
        if peers.is_empty() && !named {
            let variables = SERVICES.map(|(.., variable)| variable).join(", ");
            return Err(Failed::usage(anyhow!(
                "no service to ask: no `puente up` runs in this folder, and none of these is set: {variables}"
            )));
        }
        Ok(Self { peers })
    }

    /// One service.
    pub(crate) fn peer(&self, name: &str) -> Done<&Peer> {
        self.peers.iter().find(|peer| peer.name == name).ok_or_else(|| {
            let variable = SERVICES
                .iter()
                .find(|(known, ..)| *known == name)
                .map_or("", |(.., variable)| variable);
            Failed::usage(anyhow!("{name} does not run here; {variable} says where it is"))
        })
    }

    /// All of them at the same time.
    pub(crate) async fn all<T, F, Fut>(&self, ask: F) -> Answers<T>
    where
        F: Fn(Peer) -> Fut,
        Fut: Future<Output = Result<T, Status>>,
    {
        let asked = self.peers.iter().map(|peer| async {
            let answer = ask(peer.clone()).await;
            (peer.clone(), answer)
        });
        let mut answers = Answers {
            given: Vec::new(),
            missing: Vec::new(),
        };
        for (peer, answer) in join_all(asked).await {
            match answer {
                Ok(answer) => answers.given.push((peer, answer)),
                Err(status) => answers.missing.push((peer, status)),
            }
        }
        answers
    }
}

impl Peer {
    /// The request, signed for one call.
    pub(crate) fn request<T>(&self, message: T) -> Result<Request<T>, Status> {
        self.calls
            .request(&self.caller, message)
            .map_err(|error| Status::internal(error.to_string()))
    }

    /// What every service answers about its own work.
    pub(crate) fn operations(&self) -> OperationsClient<Channel> {
        OperationsClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// What ingress answers about deliveries.
    pub(crate) fn deliveries(&self) -> DeliveriesClient<Channel> {
        DeliveriesClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Deliveries, done again.
    pub(crate) fn replays(&self) -> ReplaysClient<Channel> {
        ReplaysClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// What ocr answers about captures.
    pub(crate) fn captures(&self) -> CaptureQueriesClient<Channel> {
        CaptureQueriesClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// What a person does about an answer that is none.
    pub(crate) fn failed(&self, status: &Status) -> Failed {
        let (name, url) = (self.name, &self.url);
        let message = status.message();
        match status.code() {
            Code::Unauthenticated => Failed::from(anyhow!(
                "{name} at {url} does not believe our key: PUENTE_RPC_KEY must be its rpc_key, and the clocks must agree"
            )),
            Code::InvalidArgument => Failed::usage(anyhow!("{name}: {message}")),
            Code::Unimplemented => {
                Failed::from(anyhow!("{name} at {url} is of a version that cannot do that"))
            }
            Code::DeadlineExceeded | Code::Cancelled => {
                Failed::from(anyhow!("{name} at {url} did not answer in time; ask again"))
            }
            _ if is_away(status) => Failed::from(anyhow!("{name} at {url} does not answer")),
            _ => Failed::from(anyhow!("{name}: {message}")),
        }
    }
}

/// Who asks: an id, never a name, for it is kept with what is decided.
pub(crate) fn subject() -> String {
    format!("tool:uid-{}", nix::unistd::getuid())
}

/// Whether asking again later makes sense.
pub(crate) fn is_away(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown)
}

/// What several services answered, and which did not.
#[derive(Debug)]
pub(crate) struct Answers<T> {
    /// Who answered what.
    pub(crate) given: Vec<(Peer, T)>,
    missing: Vec<(Peer, Status)>,
}

impl<T> Answers<T> {
    /// Tells who did not answer; the command failed if anybody did not.
    pub(crate) fn complete(&self, ui: &Ui) -> Done {
        let mut missing = self.missing.iter();
        let Some((peer, status)) = missing.next() else {
            return Ok(());
        };
        for (peer, status) in missing {
            peer.failed(status).tell(ui);
        }
        Err(peer.failed(status))
    }

    /// As [`Answers::complete`], but "none of this id" is an answer.
    pub(crate) fn found(mut self, what: &str, ui: &Ui) -> Done<Vec<(Peer, T)>> {
        self.missing.retain(|(_, status)| status.code() != Code::NotFound);
        if self.given.is_empty() {
            self.complete(ui)?;
            return Err(Failed::from(anyhow!("there is no {what}")));
        }
        Ok(self.given)
    }
}

fn keys(process: &Process, home: &Home, service: &str, runs_here: bool) -> Done<RpcKeys> {
    let named = match process.variable("PUENTE_RPC_KEY") {
        Some(key) => Some(Secret::new(key)),
        None => match process.variable("PUENTE_RPC_KEY_FILE") {
            Some(file) => Some(Secret::new(std::fs::read_to_string(&file).map_err(|error| {
                Failed::usage(anyhow!("PUENTE_RPC_KEY_FILE: {file} cannot be read: {error}"))
            })?)),
            None => process
                .rpc_key_of(service)?
                .filter(|key| !key.expose().is_empty()),
        },
    };
    let key = match named {
        Some(key) => key,
        None if runs_here => home.rpc_key()?,
        None => {
            return Err(Failed::usage(anyhow!(
                "the key of calls is not set: PUENTE_RPC_KEY or PUENTE_RPC_KEY_FILE, the same as the services' rpc_key"
            )));
        }
    };
    RpcKeys::parse(&key).map_err(Failed::usage)
}

fn channel(url: &str) -> Option<Channel> {
    let endpoint = Endpoint::from_shared(url.trim().to_owned()).ok()?;
    endpoint.uri().scheme()?;
    Some(endpoint.connect_timeout(CONNECT).timeout(ANSWER).connect_lazy())
}
