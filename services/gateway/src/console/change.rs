//! What people change: never without a row in the audit trail, written before the change is made.

use axum::response::{IntoResponse, Redirect, Response};

use super::problem::{Answer, Problem};
use super::view::{View, value};
use super::words as w;
use crate::audit::{self, Entry};
use crate::domain::Right;
use crate::state::App;

/// Characters of a form's key: the longest act, an id of 36, a version and a minute.
const LONGEST_KEY: usize = 100;

/// Characters of a reason that says something.
const SHORTEST_REASON: usize = 3;

/// What a form sends.
pub(crate) type Fields = axum::extract::Form<Vec<(String, String)>>;

/// Makes a change on behalf of somebody who has the right, and keeps who made it and why.
pub(crate) async fn make<T>(
    view: &View,
    app: &App,
    right: Right,
    entry: Entry<'_>,
    doing: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    if !view.may(right) {
        return Err(Problem::Forbidden);
    }
    // The path is what the browser says: what cannot be an id is the id of nothing.
    if !audit::may_be_object(entry.object) {
        return Err(Problem::NotFound);
    }
    audit::recorded(app, &view.principal, entry, doing).await
}

/// Something masked, shown for one answer to somebody who has the right, and who says why where that is asked: who saw it
/// is in the audit trail first. `back` leads to the page with the mask.
pub(crate) async fn shown(
    back: &View,
    app: &App,
    right: Right,
    entry: Entry<'_>,
    doing: impl Future<Output = Answer>,
) -> Response {
    let no_reason = entry
        .reason
        .is_some_and(|why| why.chars().count() < SHORTEST_REASON);
    let answer = if no_reason && back.may(right) {
        Err(Problem::Refused(back.say(w::REASON_HINT).to_owned()))
    } else {
        make(back, app, right, entry, doing).await
    };
    back.answer(answer)
}

/// The page again, with a word that it is done; or why it is not.
pub(crate) fn done(view: &View, page: &str, outcome: Result<(), Problem>) -> Response {
    match outcome {
        Ok(()) => Redirect::to(&format!("{page}?hecho=1")).into_response(),
        Err(problem) => view.back_to(page).answer(Err(problem)),
    }
}

/// The key that makes a repeated send of a form harmless; the person's own, so that nobody meets another's. It names the
/// thing that the form changes, or is drawn anew for each page: services know a key by itself, whatever it changed.
pub(crate) fn once(view: &View, fields: &[(String, String)]) -> String {
    let key: String = value(fields, "once").chars().take(LONGEST_KEY).collect();
    format!("{}/console/{key}", view.principal.subject())
}

/// The reason of a form.
pub(crate) fn reason(fields: &[(String, String)]) -> String {
    value(fields, "reason").trim().chars().take(500).collect()
}
