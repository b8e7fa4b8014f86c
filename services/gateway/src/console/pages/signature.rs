//! `/firmas/{id}`: who has to sign, what stops it, what can be done?

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::documents::Document;
use puente_proto::signature::{Signature, Signer};

use super::documents;
use super::signature_acts::actions;
use super::signatures::{problem, state, stuck};
use crate::application::documents::of_order;
use crate::application::signatures::signature;
use crate::console::layout::Page;
use crate::console::parts::{ago, fact, icon, inked, pill, provider, trace_id};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, form, value};
use crate::console::when;
use crate::console::words as w;
use crate::domain::Right;
use crate::state::App;

/// Documents of one order that are looked through for those of a signature.
const MOST: u32 = 100;

/// `GET /firmas/{id}`
pub(crate) async fn show(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = page(&view, &app, &id).await;
    view.answer(answer)
}

/// The request of this id, for whoever may see it.
pub(super) async fn found(view: &View, app: &App, id: &str) -> Result<Signature, Problem> {
    view.see(Right::ReadSignatures)?;
    Ok(signature(view.ask(app), id).await?)
}

async fn page(view: &View, app: &App, id: &str) -> Answer {
    let one = found(view, app, id).await?;
    let (title, parts) = parts_of(view, app, &one).await;
    let pairs = form(&view.query);
    let body = html! {
        @if value(&pairs, "hecho") == "1" { p class="note good" role="status" { (icon("check")) span { (view.say(w::DONE_NOTE)) } } }
        @if value(&pairs, "falta") == "archivo" { p class="note bad" role="alert" { (icon("alert")) span { (view.say(w::FILE_NEEDED)) } } }
        @for part in &parts { (part) }
    };
    Ok(Page::at("/firmas", title, body)
        .below(view.say(w::SIGNATURES), "/firmas")
        .live(format!("signature:{}", one.request_id)))
}

/// The live parts of the page.
pub(crate) async fn parts(view: &View, app: &App, id: &str) -> Result<(String, Vec<Markup>), Problem> {
    let one = found(view, app, id).await?;
    Ok(parts_of(view, app, &one).await)
}

async fn parts_of(view: &View, app: &App, one: &Signature) -> (String, Vec<Markup>) {
    let title = verdict(view, one);
    let attempt = one.attempt.max(1).to_string();
    let changed = when::local(one.changed_at.as_ref())
        .map(|at| when::ago(view.language, view.now, at))
        .unwrap_or_default();
    let places = [
        ("n", one.number.as_str()),
        ("attempt", &attempt),
        ("ago", &changed),
    ];
    let head = html! {
        section id="verdict" {
            div class="title" { h1 { (title) } (state(view, one)) }
            p class="lede" { (view.fill(w::SG_LEDE, &places)) " " a href={ "/pedidos/" (one.number) } { (view.say(w::OPEN_ORDER)) } }
        }
    };
    let who = html! {
        section id="signers" class="block" aria-labelledby="h-signers" {
            header { h2 id="h-signers" { (view.say(w::SIGNERS)) } }
            div class="panel" { (signers(view, &one.signers)) (facts(view, one)) }
        }
    };
    let trouble = html! { section id="problem" aria-label=(view.say(w::PROBLEM)) { @if !one.problem_code.is_empty() { (trouble(view, one)) } } };
    let papers = papers(view, app, one).await;
    let title = format!("{title} · {}", one.number);
    (title, vec![head, trouble, who, actions(view, one), papers])
}

/// One sentence that says how it stands.
fn verdict(view: &View, one: &Signature) -> String {
    let all = one.signers.len();
    let open = one
        .signers
        .iter()
        .filter(|signer| signer.state != "signed")
        .count();
    let missing = |word| view.fill(word, &[("n", &open.to_string()), ("all", &all.to_string())]);
    let say = |word| view.say(word).to_owned();
    match one.state.as_str() {
        "Firmado" if one.manual => say(w::SG_TITLE_SIGNED_MANUAL),
        "Firmado" => say(w::SG_TITLE_SIGNED),
        "Anulado" => say(w::SG_TITLE_VOIDED),
        "Rechazado" => {
            let who = one.signers.iter().find(|signer| signer.state == "declined");
            let who = who.map_or(w::ROLE_CLIENT, |signer| states::party(&signer.role));
            view.fill(w::SG_TITLE_REJECTED, &[("who", view.say(who))])
        }
        _ if one.step == "manual" => say(w::SG_TITLE_MANUAL),
        _ if stuck(one) => say(w::SG_TITLE_STUCK),
        _ if !one.problem_code.is_empty() => say(w::SG_TITLE_RETRIES),
        _ if matches!(one.step.as_str(), "preparing" | "sending") => say(w::SG_TITLE_SENDING),
        _ if one.step == "storing" || open == 0 => say(w::SG_TITLE_STORING),
        _ if open == 1 => missing(w::SG_TITLE_MISSING_ONE),
        _ => missing(w::SG_TITLE_MISSING_MANY),
    }
}

/// The signers, one below the other, each with state, mail and time.
pub(super) fn signers(view: &View, all: &[Signer]) -> Markup {
    html! {
        ul class="signers" {
            @for signer in all {
                @let look = states::signer(&signer.state);
                li data-key=(signer.role) data-row class=(look.family) {
                    (inked(look.icon))
                    div {
                        h3 { (view.say(states::party(&signer.role))) @if view.may(Right::RevealPersonal) && !signer.name.is_empty() { ": " (signer.name) } }
                        p class="muted" { (mail(&signer.email)) " · " (since(view, signer)) }
                        @if let Some(text) = notice(view, signer) { p class=[waits(signer).then_some("bad ink")] { (text) } }
                        @if !signer.reason.is_empty() && view.may(Right::RevealPersonal) { p { (view.fill(w::REASON_GIVEN, &[("reason", &signer.reason)])) } }
                    }
                    (pill(view, look))
                }
            }
        }
    }
}

/// Whether a person has to tell this signer that another one refused.
pub(super) fn waits(signer: &Signer) -> bool {
    signer.notice == "failed"
}

/// Whether somebody who had signed knows that another one refused; nothing where that is no question.
fn notice(view: &View, signer: &Signer) -> Option<String> {
    let why = match signer.notice_code.as_str() {
        "no_phone" | "no_recipient" => w::NOTICE_NO_PHONE,
        "no_opt_in" | "no_marketing_opt_in" => w::NOTICE_NO_OPT_IN,
        "opted_out" => w::NOTICE_OPTED_OUT,
        _ => w::NOTICE_UNDELIVERED,
    };
    match signer.notice.as_str() {
        "" => None,
        "failed" => Some(view.fill(w::NOTICE_FAILED, &[("why", view.say(why))])),
        "asked" => Some(view.say(w::NOTICE_ASKED).to_owned()),
        _ => Some(view.say(w::NOTICE_TOLD).to_owned()),
    }
}

/// An address without what would identify the person.
pub(super) fn mail(address: &str) -> Markup {
    html! { @if address.is_empty() { "—" } @else { mark { (crate::application::reflect::masked("email", address)) } } }
}

fn since(view: &View, signer: &Signer) -> Markup {
    let (word, at) = match signer.state.as_str() {
        "signed" => (w::SIGNED_AT, &signer.ended_at),
        "declined" => (w::DECLINED_AT, &signer.ended_at),
        "delivered" => (w::OPENED_AT, &signer.delivered_at),
        _ => (w::ASKED_AT, &signer.sent_at),
    };
    // A provider that does not say when has at least asked.
    let (word, at) = if at.is_some() {
        (word, at)
    } else {
        (w::ASKED_AT, &signer.sent_at)
    };
    html! {
        @match when::local(at.as_ref()) {
            Some(at) => time datetime=(when::machine(at)) { (view.fill(word, &[("at", &when::date(view.language, at))])) },
            None => (view.say(w::NOT_ASKED)),
        }
    }
}

fn facts(view: &View, one: &Signature) -> Markup {
    html! {
        dl class="facts" {
            @if !one.provider.is_empty() { (fact(view.say(w::PROVIDER), html! { (provider(&one.provider)) })) }
            @if one.checked_at.is_some() { (fact(view.say(w::CHECK), ago(view, one.checked_at.as_ref()))) }
            @if !one.envelope_id.is_empty() { (fact(view.say(w::ENVELOPE), html! { code { (one.envelope_id) } })) }
            @if !one.reason.is_empty() && view.may(Right::RevealPersonal) { (fact(view.say(w::REASON), html! { (one.reason) })) }
            @if !one.trace_id.is_empty() { (fact(view.say(w::TRACE), trace_id(&one.trace_id))) }
        }
    }
}

/// What stops it: what happened, what is safe, what can be done.
fn trouble(view: &View, one: &Signature) -> Markup {
    let safe = if one.envelope_id.is_empty() {
        w::PROBLEM_SAFE_UNSENT
    } else {
        w::PROBLEM_SAFE_SENT
    };
    let (tag, can) = match one.problem_tag.as_str() {
        "configuration" => (w::TAG_CONFIGURATION, w::PROBLEM_DO_CONFIGURATION),
        "permanent" => (w::TAG_PERMANENT, w::PROBLEM_DO_PERMANENT),
        _ => (w::TAG_TEMPORARY, w::PROBLEM_DO_TEMPORARY),
    };
    let family = if stuck(one) { "bad" } else { "warn" };
    let name = provider(&one.provider);
    html! {
        div class={ "panel pad block trouble " (family) } {
            h2 { (inked("alert")) " " (view.say(w::PROBLEM)) }
            dl class="three gap" {
                dt { (view.say(w::WHAT_HAPPENED)) } dd { (problem(view, one)) " " span class="faint" { (view.say(tag)) ". " code { (one.problem_code) } } }
                dt { (view.say(w::WHAT_IS_SAFE)) } dd { (view.say(safe)) }
                dt { (view.say(w::WHAT_CAN_BE_DONE)) } dd { (view.say(can)) }
            }
            @if !one.reauthorise.is_empty() {
                @if view.may(Right::ManageConnections) {
                    p class="acts gap" { a class="button primary" href=(super::authorise::address(&one.provider, &one.reauthorise)) { (view.fill(w::REAUTHORISE, &[("name", &name)])) } }
                } @else { p class="muted gap" { (view.fill(w::REAUTHORISE_ASK, &[("name", &name)])) } }
            }
        }
    }
}

async fn papers(view: &View, app: &App, one: &Signature) -> Markup {
    let found = of_order(view.ask(app), &view.principal, &one.order_id, MOST).await;
    let ours = |document: &Document| [&one.contract_id, &one.signed_id].contains(&&document.document_id);
    html! {
        section id="papers" class="block" aria-labelledby="h-papers" {
            header { h2 id="h-papers" { (view.say(w::DOCUMENTS)) } }
            div class="panel" { (documents::part(view, found.as_ref(), ours)) }
        }
    }
}
