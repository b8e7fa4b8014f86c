//! The table of all services, and how any set of them runs in one process.
//!
//! Each service gets a runtime of its own under one root: one stops, all stop, and the process ends with the
//! reason. Services still talk only through the broker; sharing a process changes nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::FutureExt;
use futures::future::BoxFuture;
use puente_ingress::Ingress;
use puente_notifications::Notifications;
use puente_orders::Orders;
use puente_service::config::{Shown, load};
use puente_service::{ConfigError, Overrides, Runtime, Service, Sources, StartError};
use sqlx::migrate::Migrator;

use crate::exit::{Done, Failed};

/// A service that is being built; once it runs, where it listens.
type Starting = BoxFuture<'static, Result<Option<SocketAddr>, StartError>>;

/// One service of the fleet.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its own tables.
    pub(crate) migrations: &'static Migrator,
    /// Whether it opens connections, and so needs the master key.
    pub(crate) opens_connections: bool,
    start: fn(Sources, Runtime) -> Starting,
    check: fn(&Sources) -> Result<Vec<Shown>, ConfigError>,
}

/// All services, alphabetically.
static MEMBERS: [Member; 3] = [
    member::<Ingress>(&puente_ingress::MIGRATIONS, true),
    member::<Notifications>(&puente_notifications::MIGRATIONS, true),
    member::<Orders>(&puente_orders::MIGRATIONS, false),
];

const fn member<S: Listens>(migrations: &'static Migrator, opens_connections: bool) -> Member {
    Member {
        name: S::NAME,
        migrations,
        opens_connections,
        start: |sources, runtime| start::<S>(sources, runtime).boxed(),
        check: |sources| load::<S::Config>(S::NAME, S::DEFAULTS, sources).map(|loaded| loaded.shown),
    }
}

/// A service that may have an address.
trait Listens: Service + 'static {
    /// Where it listens, if it does.
    fn address(&self) -> std::io::Result<Option<SocketAddr>> {
        Ok(None)
    }
}

impl Listens for Ingress {
    fn address(&self) -> std::io::Result<Option<SocketAddr>> {
        Self::address(self).map(Some)
    }
}
impl Listens for Notifications {}
impl Listens for Orders {
    fn address(&self) -> std::io::Result<Option<SocketAddr>> {
        Self::address(self)
    }
}

/// Builds the service and lets it run.
async fn start<S: Listens>(sources: Sources, runtime: Runtime) -> Result<Option<SocketAddr>, StartError> {
    let config = load::<S::Config>(S::NAME, S::DEFAULTS, &sources)?.service;
    let service = S::build(config, runtime.clone()).await?;
    let address = service
        .address()
        .map_err(|error| StartError::other("the service has no address", error))?;
    runtime.spawn("service", service.run());
    Ok(address)
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
    /// The services that listen, with their addresses.
    pub(crate) addresses: Vec<(&'static str, SocketAddr)>,
}

impl Fleet {
    /// Starts these services. If one does not start, those that did are stopped again.
    pub(crate) async fn start(
        root: Runtime,
        members: &[&'static Member],
        sources: &Sources,
        overrides: impl Fn(&Member) -> Done<Overrides>,
    ) -> Done<Self> {
        let mut addresses = Vec::new();
        for member in members {
            let sources = sources.clone().with_overrides(overrides(member)?);
            match Box::pin((member.start)(sources, root.child(member.name))).await {
                Ok(address) => addresses.extend(address.map(|address| (member.name, address))),
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
        Ok(Self { root, addresses })
    }

    /// Where a service listens.
    pub(crate) fn address(&self, name: &str) -> Option<SocketAddr> {
        self.addresses
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, address)| *address)
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
