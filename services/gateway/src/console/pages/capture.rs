//! `/revision-ocr/{id}`: what does the plate say? The photograph beside the reading.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_blob::MediaType;
use puente_proto::ocr::{Attempt, Capture, GetCaptureResponse, ListCapturesRequest, StoredPhoto};
use puente_proto::orders::Asset;

use super::capture_attempts::attempts;
use super::capture_reading::reading;
use super::captures::WAITING;
use crate::application::plates::{capture, of_serial};
use crate::console::layout::Page;
use crate::console::parts::{icon, pill, trace};
use crate::console::problem::{Answer, Problem};
use crate::console::view::{View, form, value};
use crate::console::words as w;
use crate::console::{states, when};
use crate::domain::Right;
use crate::domain::documents::{Container, Reach, reach};
use crate::state::App;

/// Room around the serial that is marked, in heights of its letters.
const ROOM: f32 = 0.35;
/// As many of the queue are counted through for "plate 1 of 2".
const QUEUE: u32 = 100;

/// Everything that the page of a capture shows.
pub(super) struct Found {
    pub(super) capture: Capture,
    pub(super) rest: GetCaptureResponse,
    /// The asset of its serial, once there is one.
    pub(super) asset: Option<Asset>,
}

impl Found {
    /// The attempt that is looked at: the last one.
    pub(super) fn last(&self) -> Option<&Attempt> {
        self.rest.attempts.last()
    }
}

/// Its place in the queue.
struct Place {
    n: usize,
    all: usize,
    next: Option<String>,
}

/// `GET /revision-ocr/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = page(&view, &app, &id).await;
    view.answer(answer)
}

/// The capture of this id, for whoever may see it.
pub(super) async fn found(view: &View, app: &App, id: &str) -> Result<Found, Problem> {
    view.see(Right::ReadCaptures)?;
    let (capture, rest) = capture(view.ask(app), id).await?;
    let looked = view.may(Right::ReadAssets) && !capture.serial.is_empty();
    let asset = if looked {
        // A page without the asset is better than none.
        let found = of_serial(view.ask(app), &capture.serial).await;
        found.ok().flatten().and_then(|found| found.asset)
    } else {
        None
    };
    Ok(Found { capture, rest, asset })
}

/// Those that wait for a person, the one that waits longest first.
async fn queue(view: &View, app: &App) -> Vec<String> {
    let wanted = ListCapturesRequest {
        page_size: QUEUE,
        states: WAITING.map(str::to_owned).to_vec(),
        oldest_first: true,
        ..ListCapturesRequest::default()
    };
    let found = view.ask(app).list_captures(wanted).await.unwrap_or_default();
    found.captures.into_iter().map(|one| one.capture_id).collect()
}

/// The one to look at after this one; from the end of the queue back to its front.
pub(super) async fn next(view: &View, app: &App, id: &str) -> Option<String> {
    place(&queue(view, app).await, id).next
}

fn place(queue: &[String], id: &str) -> Place {
    let at = queue.iter().position(|other| other == id);
    let after = queue.iter().skip(at.map_or(0, |at| at + 1));
    let next = after.chain(queue).find(|other| *other != id).cloned();
    Place {
        n: at.map_or(0, |at| at + 1),
        all: queue.len(),
        next,
    }
}

async fn page(view: &View, app: &App, id: &str) -> Answer {
    let (title, parts) = parts(view, app, id).await?;
    let pairs = form(&view.query);
    let body = html! {
        @if value(&pairs, "hecho") == "1" { p class="note good" role="status" { (icon("check")) span { (view.say(w::DONE_NOTE)) } } }
        @if value(&pairs, "falta") == "serial" { p class="note bad" role="alert" { (icon("alert")) span { (view.say(w::SERIAL_BAD)) } } }
        @let mut parts = parts.iter();
        @if let Some(head) = parts.next() { (head) }
        div class="plate block" {
            @for part in parts.by_ref().take(2) { (part) }
        }
        @for part in parts { (part) }
    };
    Ok(Page::at("/revision-ocr", title, body)
        .below(view.say(w::REVIEWS), "/revision-ocr")
        .live(format!("capture:{id}")))
}

/// The live parts of the page: head, photograph, reading, attempts.
pub(crate) async fn parts(view: &View, app: &App, id: &str) -> Result<(String, Vec<Markup>), Problem> {
    let found = found(view, app, id).await?;
    let place = place(&queue(view, app).await, id);
    let title = verdict(view, &found.capture);
    let parts = vec![
        head(view, &found.capture, &title, &place),
        photo(view, &found),
        reading(view, &found),
        attempts(view, &found),
    ];
    Ok((title, parts))
}

/// One sentence that says how it stands.
fn verdict(view: &View, one: &Capture) -> String {
    let word = match one.state.as_str() {
        "PorConfirmar" => w::PLATE_TITLE_CONFIRM,
        "OtraFoto" => w::PLATE_TITLE_PHOTO,
        "Ilegible" => w::PLATE_TITLE_ILLEGIBLE,
        "Leido" => w::PLATE_TITLE_READ,
        "EscritoAMano" => w::PLATE_TITLE_WRITTEN,
        "Generado" => w::PLATE_TITLE_GENERATED,
        "Abandonado" => w::PLATE_TITLE_ABANDONED,
        _ => w::PLATE_TITLE_READING,
    };
    view.fill(word, &[("serial", &one.serial)])
}

fn head(view: &View, one: &Capture, title: &str, place: &Place) -> Markup {
    let n = one.attempt.to_string();
    let most = one.attempts_allowed.to_string();
    let channel = if one.channel == "whatsapp" {
        w::PLATE_BY_WHATSAPP
    } else {
        w::PLATE_BY_UPLOAD
    };
    let since = when::local(one.opened_at.as_ref()).map(|at| when::ago(view.language, view.now, at));
    html! {
        section id="verdict" {
            div class="title" {
                h1 { (title) }
                (pill(view, states::capture(&one.state)))
                @if let Some(next) = &place.next { a class="button small end" data-next href={ "/revision-ocr/" (next) } { (view.say(w::PLATE_NEXT)) } }
            }
            p class="lede cap" {
                @if place.n > 0 { (view.fill(w::PLATE_PLACE, &[("n", &place.n.to_string()), ("all", &place.all.to_string())])) " · " }
                (view.fill(w::PLATE_ATTEMPT, &[("n", &n), ("all", &most)]))
                " · " (view.say(channel))
                @if let Some(since) = since { " · " (since) }
                @if !one.order_id.is_empty() && view.may(Right::ReadOrders) { " · " a href={ "/pedidos/" (one.order_id) } { (view.say(w::OPEN_ORDER)) } }
                @if !one.trace_id.is_empty() { " · " (trace(view, &one.trace_id)) }
            }
        }
    }
}

/// Whether the person may look at photographs.
pub(super) fn sees(view: &View) -> bool {
    reach(view.principal.role, Container::Assets) >= Reach::Open
}

/// Whether browsers show files of this kind as pictures: some phones take others.
pub(super) fn is_shown(media_type: &str) -> bool {
    MediaType::IMAGES.iter().any(|one| one.mime() == media_type)
}

/// Where a page finds a photograph.
pub(super) fn address(photo: &StoredPhoto) -> String {
    format!("/documentos/{}/imagen", photo.document_id)
}

fn photo(view: &View, found: &Found) -> Markup {
    let photo = found
        .last()
        .and_then(|one| one.photo.as_ref())
        .or(found.capture.photo.as_ref());
    let photo = photo.filter(|photo| !photo.document_id.is_empty());
    let corners = found.last().and_then(|one| one.candidates.first());
    let corners = corners.map_or(&[][..], |one| &one.corners);
    html! {
        section id="photo" class="panel" aria-label=(view.say(w::PHOTO)) {
            @match photo {
                _ if !sees(view) => p class="none" { (view.say(w::PHOTO_HIDDEN)) },
                None => p class="none" { (view.say(w::PHOTO_NONE)) },
                Some(photo) if !is_shown(&photo.media_type) => div class="none" {
                    p { (view.say(w::PHOTO_NOT_SHOWN)) }
                    a class="button small" href={ "/documentos/" (photo.document_id) } { (view.say(w::PHOTO_OPEN)) }
                },
                Some(photo) => {
                    div class="lens" data-key=(photo.document_id) tabindex="0" role="group" aria-label=(view.say(w::PHOTO)) {
                        div class="sheet" {
                            img src=(address(photo)) alt=(view.fill(w::PHOTO_ALT, &[("n", &found.capture.attempt.to_string())]));
                            (marked(corners))
                        }
                    }
                    p class="tools" {
                        (tool(view, "nearer", w::PHOTO_NEARER, "+"))
                        (tool(view, "farther", w::PHOTO_FARTHER, "−"))
                        (tool(view, "turn", w::PHOTO_TURN, "⟳"))
                        (tool(view, "contrast", w::PHOTO_CONTRAST, "◐"))
                        a class="button small" href={ "/documentos/" (photo.document_id) } { (view.say(w::PHOTO_OPEN)) }
                    }
                },
            }
        }
    }
}

fn tool(view: &View, does: &str, word: w::Word, sign: &str) -> Markup {
    html! { button class="small" type="button" data-lens=(does) { span class="sign" aria-hidden="true" { (sign) } span class="word" { (view.say(word)) } } }
}

/// Where on the photograph the serial was found. How large the photograph is, the browser knows.
fn marked(corners: &[f32]) -> Markup {
    let [x1, y1, x2, y2, x3, y3, x4, y4] = corners else {
        return html! {};
    };
    // Around it, not over its edges.
    let (x, y) = ((x1 + x2 + x3 + x4) / 4.0, (y1 + y2 + y3 + y4) / 4.0);
    let room = (x4 - x1).hypot(y4 - y1).min((x2 - x1).hypot(y2 - y1)) * ROOM;
    let out = |at: &f32, middle: f32| at + (at - middle).signum() * room;
    let points = [(x1, y1), (x2, y2), (x3, y3), (x4, y4)]
        .map(|(one, other)| format!("{:.0},{:.0}", out(one, x), out(other, y)));
    html! { svg class="mark" aria-hidden="true" { polygon points=(points.join(" ")) {} } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_goes_on_behind_the_one_that_was_looked_at_and_begins_again_at_its_end() {
        let queue: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let at = |id: &str| {
            let place = place(&queue, id);
            (place.n, place.all, place.next)
        };
        assert_eq!(at("b"), (2, 3, Some("c".to_owned())));
        assert_eq!(at("c"), (3, 3, Some("a".to_owned())));
        assert_eq!(
            at("z"),
            (0, 3, Some("a".to_owned())),
            "one that is decided has no place"
        );
        assert_eq!(place(&["a".to_owned()], "a").next, None);
    }

    #[test]
    fn only_four_whole_corners_are_marked() {
        let drawn = marked(&[10.0, 10.0, 90.0, 10.0, 90.0, 30.0, 10.0, 30.0]).into_string();
        assert!(drawn.contains(r#"points="3,3 97,3 97,37 3,37""#), "{drawn}");
        assert!(marked(&[1.0, 2.0]).into_string().is_empty() && marked(&[]).into_string().is_empty());
    }
}
