//! `/vivo?temas=…`: one stream a page. Its parts are rendered again every two seconds and sent when they changed.
//!
//! The id of an event says what all parts looked like, so that a browser that comes back (`Last-Event-ID`) gets exactly
//! what changed while it was away. Streams are counted by log-in, person and tenant; they end when the person logs out, when the gateway stops, and
//! after an hour, after which browsers come again by themselves.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use puente_types::TenantId;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::pages::{
    asset, assets, capture, captures, conversation, dead_letters, deliveries, effects, health, journey,
    overview, replays, signature, signatures,
};
use super::problem::Problem;
use super::view::{View, form, value};
use crate::auth::session::Session;
use crate::domain::Right;
use crate::state::App;

/// Its path, which is no page.
pub(super) const PATH: &str = "/vivo";
/// Time between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// Looks in an hour; then the browser opens a new stream.
const LOOKS: u32 = 1800;
/// Streams of one log-in: browsers keep six connections to one place, and pages need some.
const OF_ONE_SESSION: usize = 4;
/// Streams of one person, however often they logged in.
const OF_ONE_PERSON: usize = 8;
/// Streams of one tenant's people, and of all who belong to none: each is a page that is asked for every two seconds.
const OF_ONE_TENANT: usize = 100;
/// Streams of all.
const OF_ALL: usize = 500;

/// What streams are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Of {
    All,
    Tenant(Option<TenantId>),
    Person(Uuid),
    Session(Vec<u8>),
}

impl Of {
    const fn most(&self) -> usize {
        match self {
            Self::All => OF_ALL,
            Self::Tenant(_) => OF_ONE_TENANT,
            Self::Person(_) => OF_ONE_PERSON,
            Self::Session(_) => OF_ONE_SESSION,
        }
    }
}

/// The streams that are open.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    open: Arc<Mutex<HashMap<Of, usize>>>,
    stop: CancellationToken,
}

/// One open stream; it is counted until this is dropped.
struct Ticket {
    live: Live,
    of: [Of; 4],
}

impl Live {
    /// None yet.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            open: Arc::default(),
            stop,
        }
    }

    fn enter(&self, session: &Session, tenant: Option<&TenantId>) -> Option<Ticket> {
        let of = [
            Of::All,
            // Whoever belongs to none is counted with their like, whichever tenant they chose.
            Of::Tenant(tenant.filter(|_| !session.wide).cloned()),
            Of::Person(session.user),
            Of::Session(session.hash.clone()),
        ];
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |of: &Of| open.get(of).is_some_and(|now| *now >= of.most());
        if of.iter().any(full) {
            return None;
        }
        for one in &of {
            *open.entry(one.clone()).or_default() += 1;
        }
        Some(Ticket {
            live: self.clone(),
            of,
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.live.open.lock().unwrap_or_else(PoisonError::into_inner);
        for one in &self.of {
            if let Some(now) = open.get_mut(one) {
                *now -= 1;
                if *now == 0 {
                    open.remove(one);
                }
            }
        }
    }
}

/// What a stream remembers.
struct Following {
    app: App,
    view: View,
    topic: String,
    seen: Vec<String>,
    looks: u32,
    ticket: Ticket,
}

/// `GET /vivo`
pub(crate) async fn stream(view: View, State(app): State<App>, headers: HeaderMap) -> Response {
    let pairs = form(&view.query);
    let topic = value(&pairs, "temas").to_owned();
    let Some(ticket) = app
        .console
        .live
        .enter(&view.session, view.principal.scope.tenant())
    else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let seen = resumed.unwrap_or_else(|| value(&pairs, "desde"));
    let following = Following {
        seen: seen.split('.').map(str::to_owned).collect(),
        app,
        view,
        topic,
        looks: 0,
        ticket,
    };
    let events = stream::unfold(following, |mut following| async {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    Sse::new(events).into_response()
}

impl Following {
    async fn next(&mut self) -> Option<Event> {
        if self.looks > 0 {
            let stop = self.ticket.live.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        self.looks += 1;
        if self.looks > LOOKS {
            return None;
        }
        match self.view.still_there(&self.app).await {
            Ok(true) => {}
            Ok(false) => return self.end(),
            // The next look may find the database back.
            Err(_) => return Some(bare("beat")),
        }
        self.view.now = self.app.clock.now();
        let Ok((title, parts)) = parts(&self.view, &self.app, &self.topic).await else {
            return Some(bare("beat"));
        };
        Some(self.changed(&title, parts))
    }

    /// Tells the page that nothing more comes, once.
    fn end(&mut self) -> Option<Event> {
        if self.looks > LOOKS {
            return None;
        }
        self.looks = LOOKS;
        Some(bare("end"))
    }

    fn changed(&mut self, title: &str, parts: Vec<Markup>) -> Event {
        let texts: Vec<String> = parts.into_iter().map(Markup::into_string).collect();
        let digests: Vec<String> = texts.iter().map(|text| digest(text)).collect();
        let fresh: Vec<&str> = texts
            .iter()
            .zip(&digests)
            .enumerate()
            .filter(|(n, (_, digest))| self.seen.get(*n) != Some(*digest))
            .map(|(_, (text, _))| text.as_str())
            .collect();
        if fresh.is_empty() {
            return bare("beat");
        }
        let id = digests.join(".");
        let head = html! { @if !title.is_empty() { meta data-title=(title); } }.into_string();
        let data = format!("{}{head}", fresh.concat()).replace(['\r', '\n'], "&#10;");
        self.seen = digests;
        Event::default().event("parts").id(id).data(data)
    }
}

/// An event that says all by its name. Browsers drop an event without data.
fn bare(name: &str) -> Event {
    Event::default().event(name).data("-")
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text)).chars().take(8).collect()
}

/// The parts of a topic as they are now, with the title of the window. Rights are checked as for the page itself.
async fn parts(view: &View, app: &App, topic: &str) -> Result<(String, Vec<Markup>), Problem> {
    let (name, of) = topic.split_once(':').unwrap_or((topic, ""));
    let at = |path: &str| view.back_to(path);
    let titled = |(title, parts): (String, Vec<Markup>)| (title, parts);
    Ok(match name {
        "overview" => titled(overview::parts(&at("/"), app).await),
        "health" => {
            view.see(Right::ReadHealth)?;
            titled(health::parts(&at("/salud"), app, of.parse().unwrap_or(1)).await)
        }
        "order" => titled(journey::parts(&at(&format!("/pedidos/{of}")), app, of).await?),
        "talk" => titled(conversation::parts(&at(&format!("/conversaciones/{of}")), app, of).await?),
        "replay" => titled(replays::parts(&at(&format!("/repeticiones/{of}")), app, of).await?),
        "signatures" => {
            view.see(Right::ReadSignatures)?;
            titled(signatures::parts(&at("/firmas"), app).await)
        }
        "signature" => titled(signature::parts(&at(&format!("/firmas/{of}")), app, of).await?),
        "captures" => {
            view.see(Right::ReadCaptures)?;
            titled(captures::parts(&at("/revision-ocr"), app).await)
        }
        "capture" => titled(capture::parts(&at(&format!("/revision-ocr/{of}")), app, of).await?),
        "assets" => {
            view.see(Right::ReadAssets)?;
            titled(assets::parts(&at("/activos"), app).await)
        }
        "asset" => titled(asset::parts(&at(&format!("/activos/{of}")), app, of).await?),
        "effects" => {
            view.see(Right::ReadEffects)?;
            titled(effects::parts(&at("/inciertos"), app).await)
        }
        "dead" => {
            view.see(Right::ReadDeadLetters)?;
            titled(dead_letters::parts(&at("/cartas-muertas"), app).await)
        }
        "deliveries" => {
            view.see(Right::ReadTraffic)?;
            let part = deliveries::fresh(&at("/entregas"), app, of).await;
            (String::new(), vec![part])
        }
        _ => return Err(Problem::NotFound),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_in(user: Uuid) -> Session {
        Session {
            user,
            csrf: String::new(),
            language: "es".to_owned(),
            wide: false,
            hash: Uuid::now_v7().as_bytes().to_vec(),
        }
    }

    #[test]
    fn streams_are_counted_by_log_in_person_and_tenant_and_given_back() {
        let live = Live::new(CancellationToken::new());
        let tenant: TenantId = "algesta".parse().unwrap();
        let open = |session: &Session, most: usize| {
            let tickets = (0..most + 1).filter_map(|_| live.enter(session, Some(&tenant)));
            tickets.collect::<Vec<_>>()
        };
        let ana = Uuid::now_v7();
        let (phone, desk, third) = (log_in(ana), log_in(ana), log_in(ana));
        let mut hers = open(&phone, OF_ONE_SESSION);
        assert_eq!(hers.len(), OF_ONE_SESSION);
        hers.extend(open(&desk, OF_ONE_SESSION));
        assert_eq!(hers.len(), OF_ONE_PERSON);
        assert!(
            live.enter(&third, Some(&tenant)).is_none(),
            "logging in again gives no more"
        );
        let mut others = Vec::new();
        while others.len() + hers.len() < OF_ONE_TENANT {
            others.push(live.enter(&log_in(Uuid::now_v7()), Some(&tenant)).unwrap());
        }
        let late = log_in(Uuid::now_v7());
        assert!(live.enter(&late, Some(&tenant)).is_none());
        assert!(
            live.enter(&late, Some(&"norte".parse().unwrap())).is_some(),
            "one tenant leaves room for others"
        );
        drop(hers);
        assert!(live.enter(&third, Some(&tenant)).is_some());
        drop(others);
        assert!(live.open.lock().unwrap().is_empty());
    }
}
