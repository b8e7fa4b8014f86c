//! `/inciertos/{id}`: one call to a provider; one in doubt asks a person to decide.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures::future::join_all;
use maud::{Markup, html};
use puente_proto::operations::{Effect, GetEffectRequest, Resolution, ResolveEffectRequest};

use super::effects::shown;
use crate::application::questions::{Missing, missing};
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::names::Names;
use crate::console::parts::{csrf, date, fact, icon, provider, reason, time_of, trace_id};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, encode, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::peers::Peer;
use crate::state::App;

/// The call of this id, and the service that has it.
async fn find<'a>(view: &'a View, app: &'a App, id: &str) -> Result<(&'a Peer, Effect), Problem> {
    let ask = view.ask(app);
    let asked = ask.all().into_iter().map(|peer| {
        let wanted = GetEffectRequest { id: id.to_owned() };
        async move { (peer, ask.get_effect(peer, wanted).await) }
    });
    let mut silent = None;
    for (peer, answer) in join_all(asked).await {
        match answer {
            Ok(found) => {
                if let Some(effect) = found.effect {
                    return Ok((peer, effect));
                }
            }
            Err(status) => {
                if let Missing::Away(service) = missing(peer.name, &status)
                    && status.code() != tonic::Code::InvalidArgument
                {
                    silent = Some(service);
                }
            }
        }
    }
    Err(silent.map_or(Problem::NotFound, Problem::Away))
}

/// `GET /inciertos/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = one_page(&view, &app, &id).await;
    view.answer(answer)
}

async fn one_page(view: &View, app: &App, id: &str) -> Answer {
    view.see(Right::ReadEffects)?;
    let (_, effect) = find(view, app, id).await?;
    let name = provider(&effect.provider);
    let names = Names::of(view, app).await;
    let in_doubt = effect.state == "unknown";
    let title = if in_doubt {
        w::EFFECT_TITLE_UNKNOWN
    } else {
        w::EFFECT_TITLE
    };
    let title = view.fill(title, &[("name", &name)]);
    let pairs = form(&view.query);
    let body = html! {
        @if value(&pairs, "hecho") == "1" { p class="note good" role="status" { (icon("check")) span { (view.say(w::DONE_NOTE)) } } }
        @if value(&pairs, "falta") == "1" { p class="note bad" role="alert" { (icon("alert")) span { (view.say(w::CHOICE_NEEDED)) } } }
        div class="title" { h1 { (title) } (shown(view, &effect)) }
        @if in_doubt { (decision(view, &effect, &name)) }
        (facts(view, &effect, &names))
        @if !effect.payload_redacted.is_empty() {
            section class="block" aria-labelledby="h-payload" {
                header { h2 id="h-payload" { (view.say(w::EFFECT_PAYLOAD)) } }
                pre class="panel payload" tabindex="0" { (pretty(&effect.payload_redacted)) }
            }
        }
    };
    Ok(Page::at("/inciertos", title, body).below(view.say(w::UNCERTAIN), "/inciertos"))
}

fn pretty(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| json.to_owned())
}

fn decision(view: &View, effect: &Effect, name: &str) -> Markup {
    let at = when::local(effect.called_at.as_ref())
        .map(when::clock)
        .unwrap_or_default();
    let choices = [
        ("confirm", w::CHOICE_CONFIRM, w::CHOICE_CONFIRM_ABOUT),
        ("repeat", w::CHOICE_REPEAT, w::CHOICE_REPEAT_ABOUT),
        ("close", w::CHOICE_CLOSE, w::CHOICE_CLOSE_ABOUT),
    ];
    html! {
        div class="panel parked split block" {
            dl class="three" {
                dt { (view.say(w::WHAT_HAPPENED)) } dd { (view.fill(w::EFFECT_HAPPENED, &[("operation", &effect.operation), ("at", &at)])) }
                dt { (view.say(w::WHAT_IS_SAFE)) } dd { (view.say(w::EFFECT_SAFE)) }
                dt { (view.say(w::EFFECT_CLEARS)) } dd { (view.fill(w::EFFECT_CLEARS_TEXT, &[("name", name)])) }
            }
            @if view.may(Right::ResolveEffects) {
                form method="post" action={ "/inciertos/" (effect.id) "/decidir" } {
                    (csrf(view))
                    fieldset {
                        legend { (view.say(w::CHOICES)) }
                        @for (word, title, about) in choices {
                            label class="choice" {
                                input type="radio" name="choice" value=(word) required;
                                span { b { (view.say(title)) } span { (view.say(about)) } }
                            }
                        }
                    }
                    div class="gap" { (reason(view, "why", true)) }
                    p class="acts gap" { button class="primary" type="submit" { (view.say(w::DECIDE_ONE)) } }
                }
            } @else { p class="muted" { (view.say(w::EFFECT_NOT_YOURS)) } }
        }
    }
}

fn facts(view: &View, effect: &Effect, names: &Names) -> Markup {
    let class =
        states::failure(&effect.error_class).map_or(effect.error_class.as_str(), |word| view.say(word));
    html! {
        dl class="panel facts block" {
            (fact(view.say(w::COL_OPERATION), html! { (effect.operation) }))
            (fact(view.say(w::CONNECTION), html! { (effect.connection) }))
            (fact(view.say(w::COL_ATTEMPTS), html! { (effect.attempts) }))
            (fact(view.say(w::EFFECT_CREATED), date(view, effect.created_at.as_ref())))
            (fact(view.say(w::COL_CALLED), time_of(effect.called_at.as_ref())))
            @if effect.settled_at.is_some() { (fact(view.say(w::EFFECT_SETTLED), time_of(effect.settled_at.as_ref()))) }
            @if !effect.settled_by.is_empty() { (fact(view.say(w::EFFECT_BY), html! { (names.name(view, &effect.settled_by)) })) }
            @if !effect.error_class.is_empty() { (fact(view.say(w::EFFECT_ERROR), html! { (class) @if !effect.error_note.is_empty() { ": " span lang="en" { (effect.error_note) } } @if !effect.error_code.is_empty() { " " code { (effect.error_code) } } })) }
            (fact(view.say(w::EFFECT_KEY), html! { code { (effect.key) } }))
            @if !effect.trace_id.is_empty() { (fact(view.say(w::TRACE), trace_id(&effect.trace_id))) }
        }
    }
}

/// `POST /inciertos/{id}/decidir`
pub(crate) async fn resolve(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let page = format!("/inciertos/{}", encode(&id));
    let choice = value(&fields, "choice");
    let resolution = match choice {
        "confirm" => Resolution::Confirm,
        "repeat" => Resolution::Repeat,
        "close" => Resolution::Close,
        _ => Resolution::Unspecified,
    };
    let reason = change::reason(&fields);
    if resolution == Resolution::Unspecified || reason.chars().count() < 3 {
        return Redirect::to(&format!("{page}?falta=1")).into_response();
    }
    let entry = Entry {
        action: "effect.resolved",
        object: &id,
        after: Some(serde_json::json!({ "resolution": choice })),
        reason: Some(&reason),
        ..Entry::default()
    };
    let doing = async {
        let (peer, _) = find(&view, &app, &id).await?;
        let command = ResolveEffectRequest {
            id: id.clone(),
            resolution: resolution.into(),
            reason: reason.clone(),
        };
        let answer = view.ask(&app).resolve_effect(peer, command).await;
        answer.map_err(|status| Problem::of(peer.name, &status)).map(drop)
    };
    let decided = change::make(&view, &app, Right::ResolveEffects, entry, doing).await;
    change::done(&view, &page, decided)
}
