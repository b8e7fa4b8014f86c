//! The database and the broker of a fleet that is started here: those that the configuration names, and private
//! ones for those it does not.

use anyhow::Context;
use puente_embedded::{Nats, NatsOptions, PgOptions, Postgres, ServerError};
use puente_types::Secret;
use sqlx::{Connection, PgConnection};

use crate::exit::{Done, Failed};
use crate::home::{Home, Server, State};
use crate::target::Process;
use crate::tools::{Choice, Found, Tools, Which};
use crate::ui::{Tone, Ui};

/// The database of the fleet inside a private server.
const DATABASE: &str = "puente";

/// Started servers, and the addresses of all.
#[derive(Debug)]
pub(crate) struct Servers {
    postgres: Option<Postgres>,
    nats: Option<Nats>,
    /// The administrator's URL of the database.
    pub(crate) database: Secret,
    /// The broker.
    pub(crate) nats_url: String,
}

impl Servers {
    /// Starts what is not named.
    pub(crate) async fn start(home: &Home, tools: &Tools, named: &Process, ui: &Ui) -> Done<Self> {
        // The programs first: a missing one is told before anything runs.
        let broker = match &named.nats {
            None => Some(ensure(tools, Which::Nats, Choice::Any, ui).await?),
            Some(_) => None,
        };
        let database = match &named.database {
            None => Some(ensure(tools, Which::Postgres, made_by(home), ui).await?),
            Some(_) => None,
        };
        let nats = match broker {
            Some(found) => Some(
                Nats::start(NatsOptions::new(found.program, home.path("nats")))
                    .await
                    .map_err(refused)?,
            ),
            None => None,
        };
        let postgres = match database {
            Some(found) => {
                let folder = home.path("postgres");
                if !folder.join("pg").exists() {
                    ui.line(&ui.paint(Tone::Dim, "making the database …"));
                }
                let bin = found.program.parent().context("the program has no folder")?;
                Some(
                    Postgres::start(PgOptions::new(bin, folder))
                        .await
                        .map_err(refused)?,
                )
            }
            None => None,
        };
        let url = match (&postgres, &named.database) {
            (Some(postgres), _) => {
                make_database(postgres).await?;
                Secret::new(postgres.url(DATABASE))
            }
            (None, Some(named)) => named.clone(),
            (None, None) => Secret::new(String::new()),
        };
        let broker = nats.as_ref().map(Nats::url);
        let nats_url = broker
            .or_else(|| named.nats.as_ref().map(|nats| nats.url.clone()))
            .unwrap_or_default();
        Ok(Self {
            postgres,
            nats,
            database: url,
            nats_url,
        })
    }

    /// Whether the database is one that was started here: then the services get logins of their own.
    pub(crate) fn own_database(&self) -> bool {
        self.postgres.is_some()
    }

    /// Whether the broker is one that was started here.
    pub(crate) fn own_broker(&self) -> bool {
        self.nats.is_some()
    }

    /// Notes addresses and processes.
    pub(crate) fn describe(&self, state: &mut State) {
        self.database.expose().clone_into(&mut state.database_url);
        state.nats_url.clone_from(&self.nats_url);
        if let Some(postgres) = &self.postgres {
            let server = Server {
                pid: postgres.pid(),
                port: postgres.port(),
            };
            state.servers.insert("postgres".to_owned(), server);
        }
        if let Some(nats) = &self.nats {
            state.servers.insert(
                "nats".to_owned(),
                Server {
                    pid: nats.pid(),
                    port: nats.port(),
                },
            );
        }
    }

    /// Waits until one of the started servers ends by itself, and says how.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        let (name, (status, log)) = tokio::select! {
            ended = ended(self.postgres.as_mut().map(Postgres::ended)) => ("PostgreSQL", ended),
            ended = ended(self.nats.as_mut().map(Nats::ended)) => ("nats-server", ended),
        };
        let last = log.lines().last().unwrap_or("its log is empty").to_owned();
        anyhow::anyhow!("{name} ended ({status}): {last}")
    }

    /// Stops them in order: first who sends, then who keeps.
    pub(crate) async fn stop(mut self) {
        if let Some(nats) = &mut self.nats {
            nats.stop().await;
        }
        if let Some(postgres) = &mut self.postgres {
            postgres.stop().await;
        }
    }
}

/// A download takes a while; Ctrl-C must still be heard.
async fn ensure(tools: &Tools, which: Which, choice: Choice, ui: &Ui) -> Done<Found> {
    let (tools, ui) = (tools.clone(), *ui);
    tokio::task::spawn_blocking(move || tools.ensure(which, choice, &ui)).await?
}

/// The PostgreSQL that can read the data in the folder; any, if there is none yet.
fn made_by(home: &Home) -> Choice {
    let version = std::fs::read_to_string(home.path("postgres/pg/PG_VERSION")).ok();
    version
        .and_then(|version| version.trim().parse().ok())
        .map_or(Choice::Any, Choice::Major)
}

/// Never, for a server that was not started here.
async fn ended<T>(server: Option<impl Future<Output = T>>) -> T {
    match server {
        Some(server) => server.await,
        None => std::future::pending().await,
    }
}

async fn make_database(postgres: &Postgres) -> Done {
    let mut admin = PgConnection::connect(&postgres.url("postgres"))
        .await
        .context("cannot reach the new database")?;
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(DATABASE)
        .fetch_one(&mut admin)
        .await
        .context("cannot look for the database")?;
    if !there {
        sqlx::query("CREATE DATABASE puente")
            .execute(&mut admin)
            .await
            .context("cannot make the database")?;
    }
    admin.close().await.context("cannot reach the new database")?;
    Ok(())
}

fn refused(error: ServerError) -> Failed {
    match error {
        ServerError::Missing { .. } | ServerError::TooOld { .. } | ServerError::Unusable { .. } => {
            Failed::missing(error)
        }
        ServerError::AlreadyRunning { .. }
        | ServerError::NoAccount { .. }
        | ServerError::Ended { .. }
        | ServerError::Late { .. }
        | ServerError::Io { .. } => Failed::from(error),
    }
}
