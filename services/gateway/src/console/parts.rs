//! What pages are put together from: icons, pills, empty and failed parts, pagers, small facts.

use maud::{Markup, html};

use super::states::Look;
use super::view::{View, encode, form, value};
use super::when::{self, Stamp};
use super::words::{self as w, Word};
use crate::application::questions::Missing;

/// A symbol of the sprite; the word beside it says what it means.
pub(crate) fn icon(name: &str) -> Markup {
    html! { svg class="icon" aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// A symbol in the colour of its family.
pub(crate) fn inked(name: &str) -> Markup {
    html! { svg class="icon ink" aria-hidden="true" { use href={ "#i-" (name) } {} } }
}

/// A state: icon, word, family.
pub(crate) fn pill(view: &View, look: Look) -> Markup {
    pill_with(look, view.say(look.word))
}

/// A state whose word was filled.
pub(crate) fn pill_with(look: Look, text: &str) -> Markup {
    html! { span class={ "pill " (look.family) } { (icon(look.icon)) (text) } }
}

/// Why a part is not there, in its place.
pub(crate) fn away(view: &View, missing: Missing) -> Markup {
    let text = match missing {
        Missing::Away(service) => view.fill(w::PART_AWAY, &[("service", service)]),
        Missing::OneTenant => view.say(w::ONE_TENANT).to_owned(),
        Missing::Nothing => view.say(w::NOT_FOUND_TITLE).to_owned(),
    };
    html! {
        div class="note warn" {
            (icon("plug"))
            div { (text) }
            a class="more" href=(view.with("", None)) { (view.say(w::TRY_AGAIN)) }
        }
    }
}

/// What stands in a list's place when it is empty.
pub(crate) fn none(view: &View, about: Word, filtered: bool) -> Markup {
    html! {
        div class="none" {
            @if filtered {
                p { (view.say(w::NO_MATCH)) }
                a class="button small" href=(view.path) { (view.say(w::DROP_FILTERS)) }
            } @else {
                p { (view.say(about)) }
            }
        }
    }
}

/// The links below a list: to its beginning, and to what is older.
pub(crate) fn pager(view: &View, shown: usize, next: &str) -> Markup {
    let started = view.query.contains("cursor=");
    let more = |cursor: &str| {
        let plain = view.with("cursor", None);
        let join = if plain.contains('?') { '&' } else { '?' };
        format!("{plain}{join}cursor={}", encode(cursor))
    };
    html! {
        div class="pager" {
            p { (view.fill(w::SHOWN, &[("n", &when::count(view.language, shown as u64))])) }
            span {
                @if started { a class="button small" href=(view.with("cursor", None)) { (view.say(w::NEWER)) } }
                @if !next.is_empty() { a class="button small" rel="next" href=(more(next)) { (view.say(w::OLDER)) } }
            }
        }
    }
}

/// The same below what one service answered of a list that several have: its cursor is good for it alone, and `de` says so.
pub(crate) fn pager_of(view: &View, service: &str, shown: usize, next: &str) -> Markup {
    if value(&form(&view.query), "de") == service {
        return pager(view, shown, next);
    }
    let link = view.with("de", Some(service));
    let query = link.split_once('?').map(|(_, query)| query.to_owned());
    let of_service = View {
        query: query.unwrap_or_default(),
        ..view.clone()
    };
    pager(&of_service, shown, next)
}

/// One term with its value.
pub(crate) fn fact(term: &str, value: Markup) -> Markup {
    html! { div { dt { (term) } dd { (value) } } }
}

/// A time of day, exact for machines.
pub(crate) fn time_of(at: Option<&Stamp>) -> Markup {
    html! { @if let Some(at) = when::local(at) { time datetime=(when::machine(at)) { (when::clock(at)) } } @else { "—" } }
}

/// A time of day to the millisecond.
pub(crate) fn fine_time(at: Option<&Stamp>) -> Markup {
    html! { @if let Some(at) = when::local(at) { time datetime=(when::machine(at)) { (when::fine(at)) } } @else { "—" } }
}

/// How long ago.
pub(crate) fn ago(view: &View, at: Option<&Stamp>) -> Markup {
    html! {
        @if let Some(at) = when::local(at) {
            time datetime=(when::machine(at)) { (when::ago(view.language, view.now, at)) }
        } @else { "—" }
    }
}

/// Date and time.
pub(crate) fn date(view: &View, at: Option<&Stamp>) -> Markup {
    html! {
        @if let Some(at) = when::local(at) {
            time datetime=(when::machine(at)) { (when::date(view.language, at)) }
        } @else { "—" }
    }
}

/// A trace id that leads to everything of its trace.
pub(crate) fn trace(view: &View, id: &str) -> Markup {
    html! { @if !id.is_empty() { a href={ "/buscar?q=" (id) } { (view.say(w::TRACE)) " " code { (id.chars().take(8).collect::<String>()) "…" } } } }
}

/// The same below a heading that says what it is.
pub(crate) fn trace_id(id: &str) -> Markup {
    html! { a href={ "/buscar?q=" (id) } { code { (id.chars().take(16).collect::<String>()) "…" } } }
}

/// What a form carries besides its fields.
pub(crate) fn csrf(view: &View) -> Markup {
    html! { input type="hidden" name="csrf" value=(view.session.csrf); }
}

/// The field for a reason.
pub(crate) fn reason(view: &View, id: &str, required: bool) -> Markup {
    html! {
        div class="field" {
            label for=(id) { (view.say(w::REASON)) }
            small id={ (id) "-hint" } { (view.say(w::REASON_HINT)) }
            input id=(id) name="reason" minlength="3" maxlength="500" required[required] autocomplete="off"
                aria-describedby={ (id) "-hint" };
        }
    }
}

/// Saved views of a list: the URL is the view.
pub(crate) fn views(view: &View, name: &str, label: &str, now: &str, all: &[(&str, Word)]) -> Markup {
    html! {
        nav class="views" aria-label=(label) {
            @for (value, word) in all {
                a href=(view.with(name, (!value.is_empty()).then_some(*value))) aria-current=[(*value == now).then_some("page")] {
                    (view.say(*word))
                }
            }
        }
    }
}

/// A provider as its maker writes it.
pub(crate) fn provider(slug: &str) -> String {
    match slug {
        "whatsapp_cloud" => "WhatsApp Cloud".to_owned(),
        "whatsapp" => "WhatsApp".to_owned(),
        "docusign" => "DocuSign".to_owned(),
        other => {
            let mut letters = other.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

/// A phone number or a contact's id without what would identify the person.
pub(crate) fn masked(contact: &str) -> Markup {
    html! { @if contact.is_empty() { "—" } @else { mark { (hide(contact)) } } }
}

/// The last four characters of a number.
pub(crate) fn hide(contact: &str) -> String {
    let skip = contact.chars().count().saturating_sub(4).max(2);
    format!("•••\u{a0}{}", contact.chars().skip(skip).collect::<String>())
}

/// The name of a proto message without its package.
pub(crate) fn event_name(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_number_only_the_end_is_left_and_of_a_short_one_nearly_nothing() {
        assert_eq!(hide("+573001234567"), "•••\u{a0}4567");
        assert_eq!(hide("123"), "•••\u{a0}3");
        assert!(masked("573001234567").into_string().contains("4567"));
        assert!(!masked("573001234567").into_string().contains("5730012"));
    }
}
