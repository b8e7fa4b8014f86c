//! Which deliveries are meant: read from a query alike by the list and by replays, and written back into their forms.
//!
//! # Never
//! A part that is dropped on the way: whatever it was to keep out would be replayed.

use maud::{Markup, html};
use puente_proto::ingress::DeliveryFilter;

use crate::console::parts::{date, fact, provider, trace_id};
use crate::console::view::{View, encode, value};
use crate::console::when;
use crate::console::words as w;

/// The saved views: their word in the URL, their name, and the outcomes that they show.
pub(super) const VIEWS: [(&str, w::Word, &[&str]); 4] = [
    ("", w::VIEW_ALL_F, &[]),
    ("rechazadas", w::VIEW_REFUSED, &["refused", "malformed"]),
    ("duplicadas", w::VIEW_DUPLICATE, &["duplicate"]),
    ("sin-dueno", w::VIEW_UNROUTABLE, &["unroutable"]),
];

/// The parts of a query that say which deliveries are meant.
pub(super) const PARTS: [&str; 6] = ["servicio", "conexion", "vista", "desde", "hasta", "traza"];

/// The filter that a query says.
pub(super) fn filter(pairs: &[(String, String)]) -> DeliveryFilter {
    let outcomes =
        view_of(pairs).map(|(_, _, outcomes)| outcomes.iter().map(|one| (*one).to_owned()).collect());
    let stamp = |name| when::from_field(value(pairs, name)).map(puente_proto::timestamp);
    DeliveryFilter {
        provider: value(pairs, "servicio").to_owned(),
        connection: value(pairs, "conexion").to_owned(),
        outcomes: outcomes.unwrap_or_default(),
        since: stamp("desde"),
        until: stamp("hasta"),
        trace_id: value(pairs, "traza").to_owned(),
    }
}

fn view_of(pairs: &[(String, String)]) -> Option<&'static (&'static str, w::Word, &'static [&'static str])> {
    let wanted = value(pairs, "vista");
    VIEWS.iter().find(|(word, _, _)| *word == wanted)
}

/// Whether a part of it cannot be understood, and would restrict nothing; or it ends before it begins.
pub(super) fn unclear(pairs: &[(String, String)]) -> bool {
    let time = |name| {
        let said = value(pairs, name);
        !said.is_empty() && when::from_field(said).is_none()
    };
    let at = |name| when::from_field(value(pairs, name));
    let backwards = matches!((at("desde"), at("hasta")), (Some(since), Some(until)) if since > until);
    view_of(pairs).is_none() || time("desde") || time("hasta") || backwards
}

/// The parts of a query that are said, as they stand in a URL.
pub(super) fn kept(pairs: &[(String, String)]) -> String {
    let said = PARTS.map(|name| (name, value(pairs, name)));
    let said = said.iter().filter(|(_, value)| !value.is_empty());
    let all: Vec<_> = said
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    all.join("&")
}

/// The choice of a provider: of all that send webhooks. One that is not known any more is offered while it is chosen.
pub(super) fn providers(view: &View, id: &str, chosen: &str) -> Markup {
    let mut slugs: Vec<&str> = puente_providers::with_capability("webhook")
        .map(|one| one.manifest().slug.as_str())
        .collect();
    if !chosen.is_empty() && !slugs.contains(&chosen) {
        slugs.push(chosen);
    }
    html! {
        select id=(id) name="servicio" {
            option value="" selected[chosen.is_empty()] { (view.say(w::ALL)) }
            @for slug in slugs { option value=(slug) selected[chosen == slug] { (provider(slug)) } }
        }
    }
}

/// The choice of a saved view.
pub(super) fn outcomes(view: &View, id: &str, chosen: &str) -> Markup {
    html! {
        select id=(id) name="vista" {
            @for (word, name, _) in &VIEWS { option value=(word) selected[chosen == *word] { (view.say(*name)) } }
        }
    }
}

/// What it means, in words.
pub(super) fn said(view: &View, pairs: &[(String, String)], filter: &DeliveryFilter) -> Markup {
    let name = view_of(pairs).map_or(w::VIEW_ALL_F, |(_, name, _)| *name);
    let from = match filter.provider.as_str() {
        "" => view.say(w::ALL).to_owned(),
        slug => provider(slug),
    };
    html! {
        dl class="facts" {
            (fact(view.say(w::PROVIDER), html! { (from) }))
            (fact(view.say(w::REPLAY_SINCE), date(view, filter.since.as_ref())))
            (fact(view.say(w::REPLAY_UNTIL), date(view, filter.until.as_ref())))
            (fact(view.say(w::COL_OUTCOME), html! { (view.say(name)) }))
            @if !filter.connection.is_empty() { (fact(view.say(w::CONNECTION), html! { (filter.connection) })) }
            @if !filter.trace_id.is_empty() { (fact(view.say(w::TRACE), trace_id(&filter.trace_id))) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::view::form;

    #[test]
    fn what_cannot_be_understood_is_known_and_what_is_said_is_kept() {
        let backwards = "desde=2026-11-20T08:00&hasta=2026-11-20T07:59";
        for unknown in [
            "vista=perdidas",
            "desde=ayer",
            "hasta=2026-11-20T08:00Z",
            backwards,
        ] {
            assert!(unclear(&form(unknown)), "{unknown}");
        }
        let all =
            "servicio=asana&conexion=a+b&vista=rechazadas&desde=2026-11-20T08%3A00&traza=0a&cursor=x&lang=en";
        assert!(!unclear(&form(all)));
        assert_eq!(
            kept(&form(all)),
            "servicio=asana&conexion=a%20b&vista=rechazadas&desde=2026-11-20T08%3A00&traza=0a"
        );
        assert_eq!(filter(&form(all)).outcomes, ["refused", "malformed"]);
    }
}
