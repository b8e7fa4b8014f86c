//! The signature and the documents of an order, on its page.

use axum::extract::{Form, Path, Request, State};
use axum::response::Response;
use maud::{Markup, html};
use puente_proto::orders::{OrderSummary, SendToSignatureRequest, SigningParty};
use puente_proto::signature::Signature;

use super::documents::{self, bring_form};
use super::journey::find;
use super::signature::signers;
use super::signatures::{problem, state, stuck};
use crate::application::documents::of_order;
use crate::application::failure::Failure;
use crate::application::questions::Missing;
use crate::application::signatures::newest_of;
use crate::application::summary;
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::parts::{away, csrf, icon};
use crate::console::problem::Problem;
use crate::console::states;
use crate::console::view::{View, encode, value};
use crate::console::words as w;
use crate::domain::Right;
use crate::domain::documents::About;
use crate::state::App;

/// Documents on the page of an order; all of them are listed by the interface for programs.
const MOST: u32 = 50;
/// From where a contract may be sent; the owner of orders has the last word.
const READY: [&str; 2] = ["CotizacionAprobada", "DocumentosRechazados"];
const ROLES: [&str; 3] = ["client", "service_provider", "agent"];

/// The live part about signatures.
pub(super) async fn signature(view: &View, app: &App, order: &OrderSummary) -> Markup {
    let found = newest_of(view.ask(app), &order.order_id).await;
    html! {
        section id="signature" class="block" aria-labelledby="h-signature" {
            header {
                h2 id="h-signature" { (view.say(w::ORDER_SIGNATURE)) }
                @if let Ok(Some(one)) = &found { a class="more" href={ "/firmas/" (one.request_id) } { (view.say(w::SEE_SIGNATURE)) } }
            }
            @match &found {
                Err(failure) => (gone(view, failure)),
                Ok(found) => {
                    @if let Some(one) = found { (standing(view, one)) }
                    @if view.may(Right::ChangeSignatures) && may_send(order, found.as_ref()) { (sending(view, order, found.is_some())) }
                    @else if found.is_none() { p class="muted" { (too_early(view, order)) } }
                },
            }
        }
    }
}

fn gone(view: &View, failure: &Failure) -> Markup {
    let missing = match failure {
        Failure::NeedsTenant => Missing::OneTenant,
        Failure::Away(service) | Failure::Busy(service) | Failure::Broken(service) => Missing::Away(service),
        _ => Missing::Nothing,
    };
    html! { (away(view, missing)) }
}

/// Whether the page offers to send: not while a request is under way, or when the order has come to its end.
fn may_send(order: &OrderSummary, found: Option<&Signature>) -> bool {
    let under_way = found.is_some_and(|one| one.state == "EnProceso");
    let over = states::is_final(&order.state) || found.is_some_and(|one| one.state == "Firmado");
    !under_way && !over
}

fn too_early(view: &View, order: &OrderSummary) -> String {
    let now = view.say(states::order(&order.state).word);
    view.fill(w::SEND_TOO_EARLY, &[("state", now)])
}

fn standing(view: &View, one: &Signature) -> Markup {
    let class = format!("{} ink", if stuck(one) { "bad" } else { "warn" });
    html! {
        div class="panel" {
            div class="pad title" { (state(view, one)) @if !one.problem_code.is_empty() { span class=(class) { (icon("alert")) " " (problem(view, one)) } } }
            (signers(view, &one.signers))
        }
    }
}

fn sending(view: &View, order: &OrderSummary, again: bool) -> Markup {
    let ready = READY.contains(&order.state.as_str());
    let word = if again {
        w::SEND_AGAIN
    } else {
        w::SEND_TO_SIGNATURE
    };
    html! {
        form class="panel pad form send" method="post" action={ "/pedidos/" (order.number) "/firmar" } {
            (csrf(view))
            input type="hidden" name="version" value=(order.version);
            input type="hidden" name="once" value={ "send-" (order.order_id) "-" (order.version) };
            p { (view.say(w::SEND_ABOUT)) }
            @if !ready { p class="note warn" { (icon("alert")) span { (too_early(view, order)) } } }
            @else if order.agent.is_empty() { p class="note warn" { (icon("alert")) span { (view.say(w::SEND_MISSING_AGENT)) } } }
            @else if order.service_provider.is_empty() { p class="note warn" { (icon("alert")) span { (view.say(w::SEND_MISSING_PROVIDER)) } } }
            details {
                summary { (view.say(w::SEND_CORRECT)) }
                div class="fields gap" {
                    @for role in ROLES {
                        div class="field" {
                            label for={ "mail-" (role) } { (view.fill(w::SEND_EMAIL_OF, &[("who", &view.say(states::party(role)).to_lowercase())])) }
                            input id={ "mail-" (role) } name={ "email_" (role) } type="email" maxlength="200" autocomplete="off" aria-describedby={ "mail-hint-" (role) };
                            small id={ "mail-hint-" (role) } { (view.say(w::SEND_EMAIL_HINT)) }
                        }
                    }
                }
            }
            p class="acts" { button class=[ready.then_some("primary")] type="submit" { (view.say(word)) } }
        }
    }
}

/// The live part about documents.
pub(super) async fn papers(view: &View, app: &App, order: &OrderSummary) -> Markup {
    let found = of_order(view.ask(app), &view.principal, &order.order_id, MOST).await;
    html! {
        section id="documents" class="block" aria-labelledby="h-documents" {
            header { h2 id="h-documents" { (view.say(w::DOCUMENTS)) } }
            div class="panel" { (documents::part(view, found.as_ref(), |_| true)) }
        }
    }
}

/// The forms below the documents, which are not live.
pub(super) fn forms(view: &View, order: &OrderSummary) -> Markup {
    html! {
        @if view.may(Right::BringDocuments) { (bring_form(view, About::Order, &format!("/pedidos/{}/documentos", order.number))) }
        @if view.may(Right::ChangeOrders) {
            form class="gap" method="post" action={ "/pedidos/" (order.number) "/resumen" } {
                (csrf(view))
                button type="submit" { (view.say(w::MAKE_SUMMARY)) }
            }
        }
    }
}

fn place(number: &str) -> String {
    format!("/pedidos/{}", encode(number))
}

/// The parties whose address was given for this signature.
fn parties(fields: &[(String, String)]) -> Vec<SigningParty> {
    let given = ROLES.into_iter().filter_map(|role| {
        let email = value(fields, &format!("email_{role}")).trim();
        (!email.is_empty()).then(|| SigningParty {
            role: role.to_owned(),
            email: email.chars().take(200).collect(),
            ..SigningParty::default()
        })
    });
    given.collect()
}

/// `POST /pedidos/{number}/firmar`
pub(crate) async fn send(
    view: View,
    State(app): State<App>,
    Path(number): Path<String>,
    Form(fields): Fields,
) -> Response {
    let parties = parties(&fields);
    let changed: Vec<_> = parties.iter().map(|party| party.role.clone()).collect();
    let entry = Entry {
        action: "order.sent_to_signature",
        object: &number,
        after: Some(serde_json::json!({ "transition": "send_to_signature", "parties_changed": changed })),
        ..Entry::default()
    };
    let doing = async {
        let order = find(&view, &app, &number).await?;
        // The same refusal as that of the owner of orders, in the words of the page.
        if !READY.contains(&order.state.as_str()) {
            return Err(Problem::Refused(too_early(&view, &order)));
        }
        let command = SendToSignatureRequest {
            order_id: order.order_id,
            parties,
            expected_version: value(&fields, "version").parse().unwrap_or_default(),
            idempotency_key: change::once(&view, &fields),
        };
        let answer = view.ask(&app).send_to_signature(command).await;
        answer.map_err(|status| Problem::of("orders", &status)).map(drop)
    };
    let sent = change::make(&view, &app, Right::ChangeSignatures, entry, doing).await;
    change::done(&view, &place(&number), sent)
}

/// `POST /pedidos/{number}/documentos`
pub(crate) async fn bring(
    view: View,
    State(app): State<App>,
    Path(number): Path<String>,
    request: Request,
) -> Response {
    let page = place(&number);
    match crate::application::orders::order(view.ask(&app), &view.principal, &number).await {
        Ok(order) => documents::brought(&view, &app, request, (About::Order, &order.order_id), &page).await,
        Err(failure) => view.back_to(&page).answer(Err(failure.into())),
    }
}

/// `POST /pedidos/{number}/resumen`
pub(crate) async fn summarise(view: View, State(app): State<App>, Path(number): Path<String>) -> Response {
    let entry = Entry {
        action: "order.summarised",
        object: &number,
        ..Entry::default()
    };
    let doing = Box::pin(async {
        let order = find(&view, &app, &number).await?;
        let made = summary::make(
            view.ask(&app),
            &view.principal,
            &order,
            crate::console::order_state,
        )
        .await;
        made.map(drop).map_err(Problem::from)
    });
    let made = change::make(&view, &app, Right::ChangeOrders, entry, doing).await;
    change::done(&view, &place(&number), made)
}
