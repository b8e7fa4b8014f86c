//! The composition root: the only file that knows the concrete parts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use puente_blob::Blobs;
use puente_bus::topology;
use puente_documents::Documents;
use puente_operations::Operations;
use puente_rpc::{Peer, RpcKeys};
use puente_service::{Base, RunError, Runtime, Service, StartError};
use puente_types::{Region, Secret};
use puente_typeset::Templates;
use tokio::sync::Notify;

use crate::application::look_up_client::Companies;
use crate::config::Config;
use crate::infrastructure::consumer::Consumer;
use crate::infrastructure::directory::Directory;
use crate::infrastructure::documents::KEPT;
use crate::infrastructure::grpc;
use crate::infrastructure::lookups::Lookups;
use crate::infrastructure::sheets::Sheets;
use crate::infrastructure::skills::Library;
use crate::infrastructure::store::{Patience, PgOrders, PgQueries, Things};
use crate::infrastructure::upkeep;
use crate::infrastructure::worker::Worker;

/// Who owns the connections to ERPs.
const DIRECTORY: &str = "sync";
/// Tax ids that one replica has looked up at the same time: the quota of an ERP is small, and kept by who owns it.
const LOOKUPS: usize = 2;

/// Who asks the tenants' ERPs, and how long their answers count and are waited for.
type Erps = (Arc<dyn Companies>, Patience);

/// The orders service.
pub struct Orders {
    base: Base,
    skills: Arc<Library>,
    region: Region,
    settle: Duration,
    workers: usize,
    skills_check: Duration,
    keep_messages: Duration,
    /// Where documents are, and what sheets are set with.
    papers: Option<(Blobs, Templates)>,
    papers_required: bool,
    /// `None` where no ERP can be asked.
    companies: Option<Erps>,
}

impl Orders {
    /// Orders for whoever changes them from outside of a conversation.
    #[must_use]
    pub fn orders(&self) -> PgOrders {
        let base = &self.base;
        PgOrders::new(base.outbox.clone(), base.rt.clock.clone(), self.skills.clone())
    }
}

impl Service for Orders {
    const NAME: &'static str = "orders";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let base = Base::open(Self::NAME, config.base(), rt).await?;
        let folder = Some(config.skills_dir)
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from);
        let (skills, problems) = Library::open(folder).map_err(|mut problems| {
            let first = problems.swap_remove(0);
            StartError::other("the built-in skills are not usable", first)
        })?;
        upkeep::report(&problems);
        let papers = match &config.storage.link_key {
            Some(_) => {
                let blobs = Blobs::open(&config.storage, base.rt.clock.clone())
                    .map_err(|error| StartError::other("the store of documents", error))?;
                Some((blobs, templates(config.templates_dir).await?))
            }
            None => None,
        };
        let companies = companies(
            config.directory_url,
            &config.rpc_key,
            Duration::from_millis(config.directory_ms.get().into()),
            Duration::from_mins(config.directory_fresh_minutes.get().into()),
            (config.region, &base.rt),
        )?;
        Ok(Self {
            companies,
            base,
            skills: Arc::new(skills),
            region: config.region,
            settle: Duration::from_millis(config.settle_ms.into()),
            workers: config.workers.get(),
            skills_check: Duration::from_millis(config.skills_check_ms.get().into()),
            keep_messages: Duration::from_secs(u64::from(config.message_days.get()) * 24 * 60 * 60),
            papers,
            papers_required: config.require_provider_documents,
        })
    }

    fn grpc_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.base.grpc_address()
    }

    async fn run(self) -> Result<(), RunError> {
        let Self {
            base,
            skills,
            papers,
            companies,
            ..
        } = self;
        let (outbox, readers, clock) = (base.outbox.clone(), base.readers.clone(), base.rt.clock.clone());
        let mut running = base.start();
        let wake = Arc::new(Notify::new());
        let sheets = Arc::new(Notify::new());
        let asks = Arc::new(Notify::new());
        let patience = companies.as_ref().map(|(_, patience)| *patience);
        let lookups = companies.map(|(companies, _)| Lookups {
            outbox: outbox.clone(),
            companies,
            skills: skills.clone(),
            clock: clock.clone(),
            conversations: wake.clone(),
            asks: asks.clone(),
        });
        let documents = Documents::new(&KEPT, clock.clone()).about(Arc::new(Things));
        let consumer = Arc::new(Consumer {
            documents: documents.clone(),
            sheets: sheets.clone(),
            wake: wake.clone(),
            skills: skills.clone(),
            clock: clock.clone(),
        });
        let inbox = running.consume(topology::ORDERS, consumer);
        let operations = Operations::new(Self::NAME, readers.clone())
            .indexed()
            .redelivers(inbox);
        let queries = PgQueries::new(readers.clone(), clock.clone(), self.region);
        let orders = PgOrders::new(outbox.clone(), clock.clone(), skills.clone());
        let assets = grpc::assets(queries.clone(), orders.clone(), sheets.clone());
        let routes = grpc::routes(
            queries,
            orders,
            lookups.clone().zip(patience),
            clock.clone(),
            self.region,
            self.papers_required,
        );
        let mut routes = routes.add_service(assets).add_service(operations.server());
        if let Some((blobs, templates)) = papers {
            let makes = Sheets {
                outbox: outbox.clone(),
                blobs: blobs.clone(),
                documents: documents.clone(),
                templates,
                clock: clock.clone(),
            };
            running.spawn("sheets", |stop| makes.worker(sheets).run(stop));
            routes = routes.add_service(documents.server(readers.clone(), outbox.clone(), blobs));
        }
        running.answer(routes);
        let worker = Worker {
            outbox: outbox.clone(),
            skills: skills.clone(),
            clock: clock.clone(),
            region: self.region,
            settle: self.settle,
            wake,
            patience,
            asks,
        };
        for _ in 0..self.workers {
            running.spawn("conversations", |stop| worker.clone().run(stop));
        }
        if let Some(lookups) = lookups {
            for _ in 0..LOOKUPS {
                running.spawn("lookups", |stop| lookups.clone().run(stop));
            }
        }
        running.spawn("papers", |stop| {
            upkeep::papers(outbox.clone(), clock.clone(), self.region, stop)
        });
        running.spawn("skills", |stop| {
            upkeep::watch_skills(skills, self.skills_check, stop)
        });
        running.spawn("purge", |stop| {
            upkeep::purge(outbox.pool().clone(), clock, self.keep_messages, stop)
        });
        running.finish().await;
        Ok(())
    }
}

/// Who asks the tenants' ERPs.
fn companies(
    url: String,
    key: &Secret,
    deadline: Duration,
    fresh: Duration,
    (region, rt): (Region, &Runtime),
) -> Result<Option<Erps>, StartError> {
    if url.is_empty() {
        return Ok(None);
    }
    let unusable =
        |error: &dyn std::fmt::Display| StartError::other("the directory of clients", error.to_string());
    let keys = RpcKeys::parse(key).map_err(|error| unusable(&error))?;
    let owner =
        Peer::at(&url, keys, DIRECTORY, rt.clock.clone(), deadline).map_err(|error| unusable(&error))?;
    let directory = Directory::new(owner, deadline, region);
    let patience = Patience {
        fresh,
        // Who asks may have to end another call first, and to write down what was said.
        wait: deadline * 2 + Duration::from_secs(2),
    };
    Ok(Some((Arc::new(directory), patience)))
}

/// Reads the templates; each is set once, which takes a processor for a while.
async fn templates(folder: String) -> Result<Templates, StartError> {
    let folder = Some(folder)
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    let read = tokio::task::spawn_blocking(move || Templates::open(folder.as_deref())).await;
    read.map_err(|error| StartError::other("the templates cannot be read", error))?
        .map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            StartError::other("the templates are refused", problems.join("; "))
        })
}
