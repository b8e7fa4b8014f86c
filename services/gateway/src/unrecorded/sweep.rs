//! Looks through the containers, and deletes what was discarded. Any replica does; of several, one takes each page.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use puente_blob::{BlobError, BlobKey, Blobs, Container, MOST_LISTED, Object};
use puente_proto::documents::FindRecordedRequest;
use puente_rpc::{Caller, Scope};
use puente_service::Runtime;
use puente_telemetry::metric;
use puente_types::Clock as _;
use serde_json::json;
use tonic::Status;

use super::YOUNG;
use super::store::{self, Looked};
use crate::audit::{self, Actor, Entry};
use crate::peers::{Peer, Peers};
use crate::state::App;

/// How long a page is left to whoever took it: far longer than listing it and asking about it takes.
const HELD: Duration = Duration::from_mins(5);
/// After a page that could not be looked at.
const LATER: Duration = Duration::from_mins(10);
/// Keys of one question; services take no more.
const ASKED: usize = 200;
/// Who asks, and who writes into the trail.
const OURSELVES: &str = "service:gateway";
/// Files deleted in one look.
const PORTION: i64 = 100;

/// Why a page was not looked at.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0} did not say what it has recorded")]
    Keeper(&'static str, #[source] Status),
    #[error(transparent)]
    Store(#[from] BlobError),
    #[error("the database is not usable")]
    Database(#[from] sqlx::Error),
}

/// How often, and what with.
pub(crate) struct Sweep {
    app: App,
    blobs: Blobs,
    /// How often a container is looked through.
    every: Duration,
    /// How often it is looked whether something is due.
    tick: Duration,
}

impl Sweep {
    /// `None` when nothing can be judged: there is no store, or a service that keeps documents is not configured.
    pub(crate) fn new(app: &App, every: Duration, tick: Duration) -> Option<Self> {
        let blobs = app.blobs.clone()?;
        if !app.peers.all_keepers() {
            tracing::info!(
                "a service that keeps documents is not configured: unrecorded files are not looked for"
            );
            return None;
        }
        Some(Self {
            app: app.clone(),
            blobs,
            every,
            tick,
        })
    }

    /// Looks until the service stops.
    pub(crate) async fn run(self, rt: Runtime) -> Result<(), Infallible> {
        while rt.pause(self.tick).await {
            if let Err(error) = self.look(&rt).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "unrecorded files are looked for later");
            }
        }
        Ok(())
    }

    async fn look(&self, rt: &Runtime) -> Result<(), Trouble> {
        let pool = &self.app.pool;
        store::prepare(pool, self.app.clock.now()).await?;
        self.discard().await?;
        for container in Container::ALL {
            while !rt.shutdown.is_cancelled() && self.page(container).await? {}
        }
        for (container, files) in store::count(pool).await? {
            metric::files_unrecorded(&container, u64::try_from(files).unwrap_or_default());
        }
        Ok(())
    }

    /// Looks at a container's next page; `false` when none is due.
    async fn page(&self, container: Container) -> Result<bool, Trouble> {
        let pool = &self.app.pool;
        let now = self.app.clock.now();
        let Some(place) = store::take(pool, container, now, now + HELD).await? else {
            return Ok(false);
        };
        let listed = self
            .blobs
            .list(container, place.from.as_deref(), MOST_LISTED)
            .await;
        let page = match listed {
            Ok(page) => page,
            Err(error) => {
                // Perhaps the store no longer knows where that page begins.
                store::restart(pool, container, &place, now + LATER).await?;
                return Err(error.into());
            }
        };
        let grown: Vec<Object> = page
            .objects
            .into_iter()
            .filter(|object| now - object.stored_at >= YOUNG)
            .collect();
        let unrecorded = self.unrecorded(container, grown).await?;
        let looked = Looked {
            container,
            place: &place,
            unrecorded: &unrecorded,
            next: page.next.as_deref(),
            due_at: if page.next.is_some() {
                now
            } else {
                now + self.every
            },
            now,
        };
        Ok(store::note(pool, &looked).await?)
    }

    /// Those that no service has recorded. Fails unless all services answer.
    async fn unrecorded(&self, container: Container, files: Vec<Object>) -> Result<Vec<Object>, Trouble> {
        let mut left = Vec::new();
        for portion in files.chunks(ASKED) {
            let mut unknown = portion.to_vec();
            for keeper in self.app.peers.keepers() {
                if unknown.is_empty() {
                    break;
                }
                let names = unknown.iter().map(|object| object.name.clone()).collect();
                let recorded = recorded(keeper, container, names).await;
                let recorded = recorded.map_err(|status| Trouble::Keeper(keeper.name, status))?;
                unknown.retain(|object| !recorded.contains(&object.name));
            }
            left.extend(unknown);
        }
        Ok(left)
    }

    /// The trail says that a file was not deleted.
    async fn stays(&self, key: &BlobKey) -> Result<(), sqlx::Error> {
        let actor = Actor {
            tenant: key.tenant().map(|tenant| tenant.to_string()),
            subject: OURSELVES.to_owned(),
            name: "gateway".to_owned(),
        };
        let entry = Entry {
            action: "file.discarded",
            object: key.as_str(),
            after: Some(json!({ "failed": "a service has recorded it meanwhile" })),
            ..Entry::default()
        };
        audit::record_by(&self.app, &actor, &entry).await
    }

    /// Deletes what was discarded, unless a service has recorded it after all.
    async fn discard(&self) -> Result<(), Trouble> {
        let pool = &self.app.pool;
        for (container, name) in store::discarded(pool, PORTION).await? {
            let (Ok(place), Ok(key)) = (container.parse::<Container>(), BlobKey::parse(&name)) else {
                continue;
            };
            let known = is_recorded(&self.app.peers, place, &name).await;
            if known.map_err(|(service, status)| Trouble::Keeper(service, status))? {
                tracing::warn!(
                    container,
                    "a file that was discarded is recorded meanwhile, and stays"
                );
                self.stays(&key).await?;
            } else {
                self.blobs.delete(place, &key).await?;
                tracing::info!(container, "a file that nobody knew was deleted");
            }
            store::forget(pool, &container, &name).await?;
        }
        Ok(())
    }
}

/// Whether a service that is configured has recorded it, for whichever tenant; who did not answer, and why.
pub(crate) async fn is_recorded(
    peers: &Peers,
    container: Container,
    name: &str,
) -> Result<bool, (&'static str, Status)> {
    for keeper in peers.keepers() {
        let recorded = recorded(keeper, container, vec![name.to_owned()]).await;
        let recorded = recorded.map_err(|status| (keeper.name, status))?;
        if recorded.contains(name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Which of these a service has recorded, for whichever tenant.
async fn recorded(keeper: &Peer, container: Container, keys: Vec<String>) -> Result<HashSet<String>, Status> {
    let caller = Caller {
        scope: Scope::Installation,
        subject: OURSELVES.to_owned(),
        role: "operator".to_owned(),
    };
    let question = FindRecordedRequest {
        container: container.to_string(),
        keys,
    };
    let question = keeper.ask_as(&caller, question)?;
    let answer = keeper.documents().find_recorded(question).await?;
    Ok(answer.into_inner().keys.into_iter().collect())
}
