//! Every route of the console × everybody: the documented answer, and no other. The routes are those of the table itself,
//! so that a new one cannot be forgotten. The services behind are away: what is looked at is what the guard decides.

mod changes;
mod quotas;
mod rights;
mod strangers;

use puente_gateway::domain::Role;
use puente_gateway::{Access, Kind, Route, routes};
use reqwest::{Method, RequestBuilder, Response};

use crate::support::{PASSWORD, Stage};

const FORM: &str = "application/x-www-form-urlencoded";
const LIVE: &str = "/vivo";

/// What a browser holds after it logged in.
struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    async fn of(stage: &Stage, email: &str) -> Self {
        let (cookie, csrf) = stage.log_in(email, PASSWORD).await.unwrap();
        Self { cookie, csrf }
    }

    async fn new(stage: &Stage, role: Role) -> Self {
        let email = format!("{role}@algesta.co");
        stage.person(Some("algesta"), role, &email).await;
        Self::of(stage, &email).await
    }

    /// A request that misses nothing but what its handler asks for.
    fn request(&self, stage: &Stage, route: &Route) -> RequestBuilder {
        bare(stage, route)
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.csrf)
    }
}

/// The console's lines of the table; the one that ends the session is the last.
fn console() -> Vec<Route> {
    let mut all: Vec<Route> = routes()
        .into_iter()
        .filter(|route| !route.path.starts_with("/api"))
        .collect();
    assert!(all.len() > 30, "{}", all.len());
    all.sort_by_key(|route| route.path == "/salir");
    all
}

/// The lines that let nobody in who is not known.
fn guarded() -> Vec<Route> {
    let mut all = console();
    all.retain(|route| route.access != Access::Anyone);
    all
}

fn changes(route: &Route) -> bool {
    route.kind != Kind::Read
}

/// The path with made-up ids.
fn path(route: &Route) -> String {
    let parts = route.path.split('/').map(|part| match part {
        "{number}" => "OT-000001",
        "{service}" | "{consumer}" => "orders",
        "{name}" | "{*rest}" => "nada",
        "{container}" => "reports",
        "{*key}" => "t/norte/nada.pdf",
        _ if part.starts_with('{') => "019469d2-0000-7000-8000-000000000001",
        _ => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn bare(stage: &Stage, route: &Route) -> RequestBuilder {
    let method: Method = route.method.parse().unwrap();
    let request = stage.ask(method, &path(route));
    if changes(route) {
        request.header("content-type", FORM).body("nonsense=1")
    } else {
        request
    }
}

fn location(answer: &Response) -> &str {
    answer
        .headers()
        .get("location")
        .map_or("", |value| value.to_str().unwrap())
}
