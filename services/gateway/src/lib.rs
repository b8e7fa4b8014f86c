//! The gateway: the only door for people. REST under `/api`, the console, log-in, API keys, audit.
//!
//! # Protocol
//! A request's cookie or key becomes a [`domain::Principal`]; the right that its route needs is checked in one place;
//! the services are asked by gRPC with a token that carries the principal's scope. The gateway keeps people, keys,
//! sessions and the audit trail; orders, deliveries and messages stay with their owners.
//!
//! # Never
//! A tenant is taken from a path, query or body. Phone numbers, texts and payloads leave unmasked without the right to
//! see them and a row in the audit trail. A service's table is read.

pub mod accounts;
mod api;
mod application;
mod audit;
mod auth;
mod config;
mod console;
mod documents;
pub mod domain;
pub mod keys;
mod peers;
mod state;
pub mod unrecorded;
mod upkeep;
mod web;

use std::net::SocketAddr;
use std::time::Duration;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use puente_service::peer::TrustedProxies;
use puente_service::serve::{Bounds, serve};
use puente_service::{Readers, RunError, Runtime, Service, StartError, db};
use tokio::net::TcpListener;

pub use config::Config;
pub use web::routes::{Access, Kind, Route};

use auth::limits::Limits;
use auth::passwords::Passwords;
use console::Console;
use peers::Peers;
use state::App;
use unrecorded::sweep::Sweep;
use web::{Routes, headers, trace};

/// The tables of this service.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/gateway");

/// The gateway, bound.
pub struct Gateway {
    listener: TcpListener,
    router: Router,
    rt: Runtime,
}

impl Gateway {
    /// The address that people reach it at.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The tables of what is served.
fn tables() -> [Routes; 2] {
    [api::routes(), console::routes()]
}

/// Every line of the tables: what the tests of the guard walk, so that no route is forgotten.
#[must_use]
pub fn routes() -> Vec<Route> {
    tables().iter().flat_map(Routes::table).collect()
}

/// Whether people come by HTTPS: a proxy of this machine may answer them for us.
fn by_tls(listen: SocketAddr, public_url: &str) -> bool {
    let proxied = public_url
        .split_once(':')
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"));
    proxied || !listen.ip().is_loopback()
}

/// Everything that is served: the routes of the tables, and nothing else.
fn router(app: App) -> Router {
    tables()
        .into_iter()
        .fold(Router::new(), |router, routes| {
            router.merge(routes.into_router(&app))
        })
        .fallback(trace::nowhere)
        .method_not_allowed_fallback(trace::no_such_method)
        .layer(from_fn_with_state(app.clone(), auth::identify::layer))
        .layer(from_fn(trace::layer))
        .layer(from_fn_with_state(app.clone(), headers::layer))
        .with_state(app)
}

impl Service for Gateway {
    const NAME: &'static str = "gateway";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;

    async fn build(config: Config, rt: Runtime) -> Result<Self, StartError> {
        let peers = Peers::new(&config, &rt.clock)
            .map_err(|error| StartError::other("a service cannot be asked", error))?;
        let pool = db::pool(&config.database, Self::NAME, rt.replica)?;
        let asked = pool.clone();
        rt.ready_check("database", move || {
            let pool = asked.clone();
            async move { db::ready(&pool).await }
        });
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|source| StartError::Listen {
                address: config.listen.to_string(),
                source,
            })?;
        let public_url = match config.storage.public_url.trim_end_matches('/') {
            "" => listener.local_addr().map(|address| format!("http://{address}")),
            url => Ok(url.to_owned()),
        };
        let public_url = public_url.map_err(|error| StartError::other("the socket has no address", error))?;
        let blobs = documents::open(&config.storage, &public_url, &rt.clock).await?;
        let api = db::api_pool(&config.database, Self::NAME, rt.replica)?;
        let app = App {
            peers,
            readers: Readers::new(api, pool.clone()),
            pool,
            clock: rt.clock.clone(),
            passwords: Passwords::new(),
            limits: Arc::new(Limits::new(
                config.strangers_per_minute,
                TrustedProxies::new(config.trusted_proxies),
            )),
            session_per_minute: config.session_per_minute,
            secure: by_tls(config.listen, &public_url),
            blobs,
            public_url,
            places: web::places::Places::new(),
            console: Console::new(config.simulated, rt.shutdown.clone()),
        };
        let every = Duration::from_hours(config.sweep_hours.get().into());
        let tick = Duration::from_millis(config.sweep_tick_ms.get().into());
        if let Some(sweep) = Sweep::new(&app, every, tick) {
            rt.spawn("unrecorded files", sweep.run(rt.clone()));
        }
        rt.spawn("upkeep", upkeep::run(app.clone(), rt.clone(), config.audit_days));
        let router = router(app);
        Ok(Self { listener, router, rt })
    }

    async fn run(self) -> Result<(), RunError> {
        serve(self.listener, self.router, Bounds::default(), self.rt.shutdown)
            .await
            .map_err(|error| RunError::other("serving", error))
    }
}
