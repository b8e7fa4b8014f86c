//! All photographs of a plate, and what became of each.

use maud::{Markup, html};
use puente_proto::ocr::Attempt;

use super::capture::{Found, address, is_shown, sees};
use super::capture_reading::{engine, flaws};
use crate::application::plates::percent;
use crate::console::parts::{icon, pill};
use crate::console::states;
use crate::console::view::View;
use crate::console::when;
use crate::console::words as w;

/// The live part about all photographs of the plate.
pub(super) fn attempts(view: &View, found: &Found) -> Markup {
    html! {
        section id="attempts" class="block" aria-labelledby="h-attempts" {
            header { h2 id="h-attempts" { (view.say(w::ATTEMPTS)) } }
            ol class="panel signers" {
                @for one in found.rest.attempts.iter().rev() { (attempt(view, one)) }
            }
        }
    }
}

fn attempt(view: &View, one: &Attempt) -> Markup {
    let look = states::attempt(&one.state);
    let took = when::span(view.language, time::Duration::milliseconds(one.took_ms.into()));
    let photo = one.photo.as_ref().filter(|photo| !photo.document_id.is_empty());
    html! {
        li class=(look.family) data-key={ "attempt-" (one.attempt) } data-row {
            @match photo.filter(|photo| sees(view) && is_shown(&photo.media_type)) {
                Some(photo) => a class="thumb" href={ "/documentos/" (photo.document_id) } { img loading="lazy" src=(address(photo)) alt=(view.fill(w::PHOTO_ALT, &[("n", &one.attempt.to_string())])); },
                None => (icon(look.icon)),
            }
            div {
                h3 { (view.fill(w::ATTEMPT_N, &[("n", &one.attempt.to_string())])) @if !one.serial.is_empty() { ": " span class="serial" { (one.serial) } " " small { (percent(one.confidence_permille)) } } }
                @if !one.engine.is_empty() { p class="muted" { (view.fill(w::READ_BY, &[("engine", &engine(view, &one.engine)), ("time", &took)])) } }
                @if let Some(text) = flaws(view, one) { p class="muted" { (text) } }
                @for trouble in &one.troubles { p class="muted" { (view.fill(w::ENGINE_TROUBLE, &[("engine", &engine(view, &trouble.engine)), ("code", &trouble.code)])) } }
            }
            (pill(view, look))
        }
    }
}
