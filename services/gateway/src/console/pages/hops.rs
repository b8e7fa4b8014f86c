//! The technical side of a step: each hop with its time, what became of it, and a link to it.

use maud::{Markup, html};
use puente_proto::notifications::DeliveryState;
use puente_proto::operations::Effect;

use crate::application::journey::{Notice, Step};
use crate::console::parts::{event_name, icon, pill, pill_with, provider, trace};
use crate::console::states::{self, Look};
use crate::console::view::View;
use crate::console::when::{self, Stamp};
use crate::console::words as w;
use crate::domain::Right;

/// One line of a list of hops.
struct Hop {
    at: Option<Stamp>,
    text: String,
    link: Option<String>,
    look: Option<Look>,
}

/// All hops of a step, folded unless something in them needs a person.
pub(crate) fn details(view: &View, step: &Step) -> Markup {
    let mut hops = Vec::new();
    if let Some(delivery) = &step.delivery {
        hops.push(Hop {
            at: delivery.received_at,
            text: view.say(w::HOP_DELIVERY).to_owned(),
            link: view
                .may(Right::ReadTraffic)
                .then(|| format!("/entregas/{}", delivery.id)),
            look: Some(states::delivery(&delivery.outcome)),
        });
    }
    if let Some(event) = &step.cause {
        hops.push(Hop {
            at: event.committed_at,
            text: view.fill(w::HOP_EVENT, &[("type", event_name(&event.r#type))]),
            link: None,
            look: None,
        });
    }
    hops.push(Hop {
        at: step.entry.at,
        text: view.fill(w::HOP_FACT, &[("n", &step.entry.version.to_string())]),
        link: None,
        look: Some(states::order(&step.entry.after)),
    });
    for notice in &step.notices {
        hops.extend(notice_hops(view, notice));
    }
    list(view, hops)
}

fn list(view: &View, hops: Vec<Hop>) -> Markup {
    // A single hop is the step itself.
    if hops.len() < 2 {
        return html! {};
    }
    let times: Vec<_> = hops
        .iter()
        .filter_map(|hop| when::local(hop.at.as_ref()))
        .collect();
    let took = match (times.iter().min(), times.iter().max()) {
        (Some(first), Some(last)) => when::span(view.language, *last - *first),
        _ => "—".to_owned(),
    };
    let trouble = hops
        .iter()
        .filter_map(|hop| hop.look)
        .any(|look| matches!(look.icon, "doubt") || (look.family == "bad" && look.icon == "cross"));
    html! {
        details open[trouble] {
            summary { (view.fill(w::HOPS, &[("n", &hops.len().to_string()), ("time", &took)])) }
            ol class="hops" {
                @for hop in &hops {
                    li {
                        span class="muted" { @if let Some(at) = when::local(hop.at.as_ref()) { time datetime=(when::machine(at)) { (when::fine(at)) } } @else { "—" } }
                        span { @if let Some(link) = &hop.link { a href=(link) { (hop.text) } } @else { (hop.text) } }
                        span { @if let Some(look) = hop.look { (shown(view, look, hop.at.as_ref())) } }
                    }
                }
            }
        }
    }
}

fn shown(view: &View, look: Look, at: Option<&Stamp>) -> Markup {
    if look.word == w::EF_RETRY {
        let at = when::local(at).map(when::short).unwrap_or_default();
        return pill_with(look, &view.fill(look.word, &[("at", &at)]));
    }
    pill(view, look)
}

fn text_of(view: &View, key: &str) -> String {
    states::text_key(key).map_or_else(|| key.to_owned(), |word| view.say(word).to_owned())
}

fn notice_hops(view: &View, notice: &Notice) -> Vec<Hop> {
    let message = &notice.message;
    let mut hops = vec![Hop {
        at: message.queued_at,
        text: view.fill(w::HOP_MESSAGE, &[("text", &text_of(view, &message.template))]),
        link: None,
        look: None,
    }];
    if let Some(effect) = &notice.effect {
        hops.push(effect_hop(view, effect));
    }
    for step in &message.timeline {
        let state = step.state();
        let word = match state {
            DeliveryState::Sent => w::HOP_SENT,
            DeliveryState::Delivered => w::HOP_DELIVERED,
            DeliveryState::Read => w::HOP_READ,
            DeliveryState::Failed => w::HOP_FAILED,
            DeliveryState::Queued | DeliveryState::Unspecified => continue,
        };
        hops.push(Hop {
            at: step.at,
            text: view.say(word).to_owned(),
            link: None,
            look: Some(states::message(state, false)),
        });
    }
    hops
}

fn effect_hop(view: &View, effect: &Effect) -> Hop {
    let name = provider(&effect.provider);
    Hop {
        at: if effect.state == "due" {
            effect.not_before
        } else {
            effect.called_at
        },
        text: view.fill(
            w::HOP_EFFECT,
            &[("name", &name), ("n", &effect.attempts.to_string())],
        ),
        link: view
            .may(Right::ReadEffects)
            .then(|| format!("/inciertos/{}", effect.id)),
        look: Some(states::effect(&effect.state, effect.attempts)),
    }
}

/// What the client was told, in one line.
pub(crate) fn notice_line(view: &View, notice: &Notice) -> Markup {
    let message = &notice.message;
    let look = states::message(message.state(), message.parked);
    html! {
        p class="title" {
            (view.fill(w::STEP_MESSAGE, &[("text", &text_of(view, &message.template))]))
            (pill(view, look))
        }
        @if !message.error_note.is_empty() { p { (message.error_note) } }
    }
}

/// A message that no fact of the order asked for, as a step of its own.
pub(crate) fn notice_step(view: &View, notice: &Notice) -> Markup {
    let message = &notice.message;
    let look = states::message(message.state(), message.parked);
    html! {
        li class=(look.family) data-key={ "notice-" (message.message_id) } data-row {
            @if let Some(at) = when::local(message.queued_at.as_ref()) { time datetime=(when::machine(at)) { (when::clock(at)) } } @else { span class="time" {} }
            (icon(look.icon))
            div {
                h3 { (view.fill(w::STEP_MESSAGE, &[("text", &text_of(view, &message.template))])) (pill(view, look)) }
                (list(view, notice_hops(view, notice)))
                (trace(view, &message.trace_id))
            }
        }
    }
}
