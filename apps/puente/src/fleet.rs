//! The table of all services, and how any set of them runs in one process.
//!
//! Whoever asks others starts after them, and is told where they are unless the configuration says so. Each service gets
//! a runtime of its own under one root: one stops, all stop, and the process ends with the reason. Services still talk only through the broker; sharing a process changes nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::FutureExt;
use futures::future::BoxFuture;
use puente_gateway::Gateway;
use puente_ingress::Ingress;
use puente_notifications::Notifications;
use puente_ocr::Ocr;
use puente_orders::Orders;
use puente_service::config::{Shown, load};
use puente_service::{ConfigError, Overrides, Runtime, Service, Sources, StartError};
use puente_signature::Signature;
use puente_sync::Sync;
use sqlx::migrate::Migrator;

use crate::exit::{Done, Failed};

/// Where a service answers, by the names that the state file has for it.
pub(crate) type Endpoints = Vec<(&'static str, SocketAddr)>;
/// A service that is being built; once it runs, where it answers.
type Starting = BoxFuture<'static, Result<Endpoints, StartError>>;

/// Endpoints that others ask, and the keys of those who do for them.
const ASKED: [(&str, &str); 6] = [
    ("ingress_grpc", "ingress_url"),
    ("notifications", "notifications_url"),
    ("ocr", "ocr_url"),
    ("orders", "orders_url"),
    ("signature", "signature_url"),
    ("sync", "sync_url"),
];

/// One service of the fleet.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its own tables.
    pub(crate) migrations: &'static Migrator,
    /// Whether it opens connections, and so needs the master key.
    pub(crate) opens_connections: bool,
    /// When it starts.
    starts: Starts,
    start: fn(Sources, Runtime) -> Starting,
    check: fn(&Sources) -> Result<Vec<Shown>, ConfigError>,
}

/// When a service starts: after those that it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Starts {
    /// It asks nobody.
    First,
    /// It asks those.
    Then,
    /// It asks all others.
    Last,
}

/// All services, alphabetically.
static MEMBERS: [Member; 7] = [
    Member {
        starts: Starts::Last,
        ..member::<Gateway>(&puente_gateway::MIGRATIONS, false)
    },
    member::<Ingress>(&puente_ingress::MIGRATIONS, true),
    member::<Notifications>(&puente_notifications::MIGRATIONS, true),
    Member {
        starts: Starts::Then,
        ..member::<Ocr>(&puente_ocr::MIGRATIONS, true)
    },
    member::<Orders>(&puente_orders::MIGRATIONS, false),
    member::<Signature>(&puente_signature::MIGRATIONS, true),
    Member {
        starts: Starts::Then,
        ..member::<Sync>(&puente_sync::MIGRATIONS, true)
    },
];

const fn member<S: Listens>(migrations: &'static Migrator, opens_connections: bool) -> Member {
    Member {
        name: S::NAME,
        migrations,
        opens_connections,
        starts: Starts::First,
        start: |sources, runtime| start::<S>(sources, runtime).boxed(),
        check: |sources| load::<S::Config>(S::NAME, S::DEFAULTS, sources).map(|loaded| loaded.shown),
    }
}

/// A service that answers somewhere.
trait Listens: Service + 'static {
    /// Where, by the names that the state file has for it.
    fn endpoints(&self) -> std::io::Result<Endpoints> {
        let asked = self.grpc_address()?;
        Ok(asked.map(|address| (Self::NAME, address)).into_iter().collect())
    }
}

impl Listens for Gateway {
    fn endpoints(&self) -> std::io::Result<Endpoints> {
        Ok(vec![("console", self.address()?)])
    }
}
impl Listens for Ingress {
    fn endpoints(&self) -> std::io::Result<Endpoints> {
        let asked = self.grpc_address()?.map(|address| ("ingress_grpc", address));
        Ok(std::iter::once(("webhooks", self.address()?))
            .chain(asked)
            .collect())
    }
}
impl Listens for Notifications {}
impl Listens for Ocr {}
impl Listens for Orders {}
impl Listens for Signature {}
impl Listens for Sync {}

/// Builds the service and lets it run.
async fn start<S: Listens>(sources: Sources, runtime: Runtime) -> Result<Endpoints, StartError> {
    let config = load::<S::Config>(S::NAME, S::DEFAULTS, &sources)?.service;
    let service = S::build(config, runtime.clone()).await?;
    let endpoints = service
        .endpoints()
        .map_err(|error| StartError::other("the service has no address", error))?;
    runtime.spawn("service", service.run());
    Ok(endpoints)
}

/// All services.
pub(crate) fn members() -> &'static [Member] {
    &MEMBERS
}

/// Their names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MEMBERS.iter().map(|member| member.name)
}

/// Those of these names; all, if none is named.
pub(crate) fn choose(wanted: &[String]) -> Done<Vec<&'static Member>> {
    if wanted.is_empty() {
        return Ok(MEMBERS.iter().collect());
    }
    let mut chosen = Vec::new();
    for name in wanted {
        let member = MEMBERS.iter().find(|member| member.name == name).ok_or_else(|| {
            let known: Vec<_> = names().collect();
            Failed::usage(anyhow!(
                "there is no service `{name}`; there are: {}",
                known.join(", ")
            ))
        })?;
        if !chosen.iter().any(|other: &&Member| other.name == member.name) {
            chosen.push(member);
        }
    }
    Ok(chosen)
}

impl Member {
    /// Its whole configuration with origins.
    pub(crate) fn configuration(&self, sources: &Sources) -> Result<Vec<Shown>, ConfigError> {
        (self.check)(sources)
    }

    /// The overrides, with the addresses of the services that it asks; those of the configuration stay.
    fn told(&self, sources: &Sources, known: &Endpoints, mut overrides: Overrides) -> Overrides {
        if self.starts == Starts::First {
            return overrides;
        }
        let shown = self
            .configuration(&sources.clone().with_overrides(overrides.clone()))
            .unwrap_or_default();
        for (endpoint, key) in ASKED {
            // Whoever does not ask there has no such key.
            let by_default = shown
                .iter()
                .any(|shown| shown.key == key && shown.origin.starts_with("defaults of"));
            if let Some((_, address)) = known.iter().find(|(name, _)| *name == endpoint)
                && by_default
            {
                overrides = overrides.set(key, format!("http://{address}"));
            }
        }
        overrides
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Services that run.
#[derive(Debug)]
pub(crate) struct Fleet {
    root: Runtime,
    /// Where its services answer, by the names that the state file has for it.
    pub(crate) endpoints: Vec<(&'static str, SocketAddr)>,
}

impl Fleet {
    /// Starts these services in the order of the table. If one does not start, those that did are stopped again.
    /// `overrides` is told of the addresses of those that run already.
    pub(crate) async fn start(
        root: Runtime,
        members: &[&'static Member],
        sources: &Sources,
        overrides: impl Fn(&Member, &Endpoints) -> Done<Overrides>,
    ) -> Done<Self> {
        let mut endpoints = Endpoints::new();
        let mut members = members.to_vec();
        members.sort_by_key(|member| member.starts);
        for member in members {
            let told = member.told(sources, &endpoints, overrides(member, &endpoints)?);
            let sources = sources.clone().with_overrides(told);
            match Box::pin((member.start)(sources, root.child(member.name))).await {
                Ok(more) => endpoints.extend(more),
                Err(error) => {
                    let _ = root.drain(STOP_PATIENCE).await;
                    let wrong_config = matches!(error, StartError::Config(_));
                    let error = anyhow::Error::from(error).context(format!("{} did not start", member.name));
                    return Err(if wrong_config {
                        Failed::usage(error)
                    } else {
                        error.into()
                    });
                }
            }
        }
        Ok(Self { root, endpoints })
    }

    /// The runtime above all services.
    pub(crate) fn root(&self) -> &Runtime {
        &self.root
    }

    /// Waits until a service failed.
    pub(crate) async fn failed(&self) -> anyhow::Error {
        self.root.shutdown.cancelled().await;
        self.root
            .failure()
            .map_or_else(|| anyhow!("the fleet stopped"), anyhow::Error::from)
    }

    /// Stops taking work, finishes what was begun, and ends.
    pub(crate) async fn stop(self) -> Done {
        self.root.readiness.drain();
        self.root
            .drain(STOP_PATIENCE)
            .await
            .context("the fleet did not stop in time")?;
        match self.root.failure() {
            Some(failure) => Err(Failed::from(failure)),
            None => Ok(()),
        }
    }
}

/// As long as a service takes at most to finish what it began.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_are_unique() {
        let all: Vec<_> = names().collect();
        assert!(all.is_sorted_by(|one, next| one < next), "{all:?}");
    }

    #[test]
    fn nothing_named_means_all_and_an_unknown_name_is_told_with_the_known_ones() {
        assert_eq!(choose(&[]).unwrap().len(), MEMBERS.len());
        assert_eq!(
            choose(&["orders".to_owned(), "orders".to_owned()]).unwrap().len(),
            1
        );
        let error = format!("{:?}", choose(&["order".to_owned()]).unwrap_err());
        assert!(
            error.contains("`order`") && error.contains("notifications"),
            "{error}"
        );
    }
}
