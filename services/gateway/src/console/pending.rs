//! How many plates wait for a person, for the navigation of every page. Asked for rarely, and never waited for long: a
//! page without the number is better than a late one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use maud::{Markup, html};
use puente_types::Clock as _;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::view::View;
use super::when;
use super::words as w;
use crate::application::overview::count_captures;
use crate::domain::Right;
use crate::state::App;

/// How long a number is good.
const FRESH: time::Duration = time::Duration::seconds(10);
/// A page does not wait longer for it.
const PATIENCE: Duration = Duration::from_millis(300);
/// Tenants whose numbers are kept; with more of them all are forgotten and asked for again.
const MOST: usize = 10_000;

/// Where the navigation has the number: live updates find it by this.
const PLACE: &str = "count-reviews";

type Known = HashMap<String, (OffsetDateTime, Option<u64>)>;

/// The numbers of late, by tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending(Arc<Mutex<Known>>);

impl Pending {
    /// The number for this person's navigation; nothing for whoever does not review, and while ocr does not answer.
    pub(crate) async fn of(&self, view: &View, app: &App) -> Option<u64> {
        let tenant = tenant(view)?;
        let now = app.clock.now();
        if let Some((at, count)) = self.known().get(&tenant)
            && now - *at < FRESH
        {
            return *count;
        }
        let counted = timeout(PATIENCE, count_captures(view.ask(app))).await;
        let count = counted.ok().and_then(Result::ok).map(|all| all.waiting);
        self.keep(tenant, now, count);
        count
    }

    /// The number, as a page has just learnt it.
    pub(crate) fn learnt(&self, view: &View, count: u64) {
        if let Some(tenant) = tenant(view) {
            self.keep(tenant, view.now, Some(count));
        }
    }

    fn keep(&self, tenant: String, now: OffsetDateTime, count: Option<u64>) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(tenant, (now, count));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tenant(view: &View) -> Option<String> {
    let tenant = view.principal.scope.tenant()?;
    view.may(Right::ReadCaptures).then(|| tenant.to_string())
}

/// The number in the navigation.
pub(crate) fn badge(view: &View, count: Option<u64>) -> Markup {
    let count = count.unwrap_or(0);
    html! {
        span id=(PLACE) class="count warn" hidden[count == 0] {
            (when::count(view.language, count)) span class="hidden" { " " (view.say(w::PENDING_COUNT)) }
        }
    }
}
