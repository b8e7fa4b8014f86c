//! What people do to a signature request: each step says its consequence before it is taken.

use axum::extract::{Form, Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use puente_proto::signature::{
    CheckSignatureRequest, MarkToldRequest, ResendSignatureRequest, RetrySignatureRequest, Signature, Signer,
    TakeManuallyRequest, VoidSignatureRequest,
};
use tonic::Status;

use super::documents::Sent;
use super::signature::{found, waits};
use crate::audit::Entry;
use crate::console::change::{self, Fields};
use crate::console::layout::Page;
use crate::console::parts::{csrf, icon};
use crate::console::problem::{Answer, Problem};
use crate::console::states;
use crate::console::view::{View, encode, value};
use crate::console::when;
use crate::console::words as w;
use crate::documents::{self as files, By};
use crate::domain::Right;
use crate::state::App;

/// The key of a step: the same step of the same version is one within a minute, however often its button is pressed.
fn once(view: &View, one: &Signature, act: &str) -> String {
    let minute = view.now.unix_timestamp() / 60;
    format!("{act}-{}-{}-{minute}", one.request_id, one.version)
}

fn may(one: &Signature, act: &str) -> bool {
    one.actions.iter().any(|other| other == act)
}

/// Signers who have not signed yet.
fn open(one: &Signature) -> usize {
    one.signers
        .iter()
        .filter(|signer| signer.state != "signed")
        .count()
}

/// The steps that may be taken now.
pub(super) fn actions(view: &View, one: &Signature) -> Markup {
    let place = format!("/firmas/{}", one.request_id);
    let any = !one.actions.is_empty();
    html! {
        section id="actions" class="block" aria-labelledby="h-acts" {
            header { h2 id="h-acts" { (view.say(w::SIGNATURE_ACTIONS)) } }
            @if !view.may(Right::ChangeSignatures) { p class="muted" { (view.say(w::WATCH_ONLY)) } }
            @else if !any { p class="muted" { (view.say(w::NOTHING_TO_DO)) } }
            @else {
                @if may(one, "scan") { (lane(view, one)) }
                ul class="steps-list panel" {
                    @if may(one, "told") { @for signer in one.signers.iter().filter(|signer| waits(signer)) { (tell(view, one, signer)) } }
                    @if may(one, "retry") { (act(view, one, "retry", "reanudar", (w::RETRY, html! { (view.say(w::RETRY_ABOUT)) }), true)) }
                    @if may(one, "resend") {
                        @let n = open(one);
                        @let about = if n == 1 { view.say(w::RESEND_ABOUT_ONE).to_owned() } else { view.fill(w::RESEND_ABOUT_MANY, &[("n", &n.to_string())]) };
                        (act(view, one, "resend", "reenviar", (w::RESEND, html! { (about) }), false))
                    }
                    @if may(one, "check") { (act(view, one, "check", "consultar", (w::CHECK, checked(view, one)), false)) }
                    @if may(one, "manual") { (leads(view, &format!("{place}/manual"), (w::TAKE_MANUALLY, w::TAKE_MANUALLY_ABOUT), "")) }
                    @if may(one, "void") { (leads(view, &format!("{place}/anular"), (w::VOID, w::VOID_ABOUT), "danger")) }
                }
            }
        }
    }
}

fn checked(view: &View, one: &Signature) -> Markup {
    let at = when::local(one.checked_at.as_ref()).map(|at| when::date(view.language, at));
    html! {
        (view.say(w::CHECK_ABOUT))
        @if let Some(at) = at { " " (view.fill(w::CHECKED_AT, &[("at", &at)])) }
    }
}

fn act(
    view: &View,
    one: &Signature,
    name: &str,
    path: &str,
    (word, about): (w::Word, Markup),
    primary: bool,
) -> Markup {
    html! {
        li data-key=(name) {
            p { (about) }
            form method="post" action={ "/firmas/" (one.request_id) "/" (path) } {
                (csrf(view))
                input type="hidden" name="once" value=(once(view, one, name));
                button class=[primary.then_some("primary")] type="submit" { (view.say(word)) }
            }
        }
    }
}

/// Somebody whom no message reached: a person tells them, and says so.
fn tell(view: &View, one: &Signature, signer: &Signer) -> Markup {
    let who = view.say(states::party(&signer.role));
    html! {
        li data-key={ "told-" (signer.role) } {
            p { (view.fill(w::MARK_TOLD_ABOUT, &[("who", who)])) }
            form method="post" action={ "/firmas/" (one.request_id) "/avisado" } {
                (csrf(view))
                input type="hidden" name="once" value=(once(view, one, &signer.role));
                input type="hidden" name="role" value=(signer.role);
                button type="submit" aria-label={ (view.say(w::MARK_TOLD)) ": " (who) } { (view.say(w::MARK_TOLD)) }
            }
        }
    }
}

fn leads(view: &View, href: &str, (word, about): (w::Word, w::Word), class: &str) -> Markup {
    html! {
        li data-key=(href) {
            p { (view.say(about)) }
            a class={ "button " (class) } href=(href) { (view.say(word)) }
        }
    }
}

/// The way by hand: download, sign on paper, upload.
fn lane(view: &View, one: &Signature) -> Markup {
    html! {
        div class="panel pad lane" {
            h3 { (view.say(w::LANE_TITLE)) }
            ol {
                li {
                    div {
                        h4 { (view.say(w::LANE_DOWNLOAD)) }
                        @if !one.contract_id.is_empty() { p class="gap" { a class="button" href={ "/documentos/" (one.contract_id) } { (view.say(w::LANE_DOWNLOAD_BUTTON)) } } }
                    }
                }
                li { div { h4 { (view.say(w::LANE_SIGN)) } p class="muted" { (view.say(w::LANE_SIGN_ABOUT)) } } }
                li {
                    div {
                        h4 { (view.say(w::LANE_UPLOAD)) }
                        p class="muted" id="scan-hint" { (view.say(w::LANE_UPLOAD_ABOUT)) }
                        form class="form gap" method="post" enctype="multipart/form-data" action={ "/firmas/" (one.request_id) "/escaneo" } {
                            (csrf(view))
                            input type="hidden" name="once" value=(once(view, one, "scan"));
                            div class="field" {
                                label for="scan" { (view.say(w::FILE)) }
                                input id="scan" name="file" type="file" required accept=(super::documents::ACCEPT) aria-describedby="scan-hint";
                            }
                            p class="acts" { button class="primary" type="submit" { (view.say(w::LANE_UPLOAD_BUTTON)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What a page that asks before a step says.
struct Consequence {
    title: w::Word,
    happens: w::Word,
    stays: w::Word,
    undo: w::Word,
    button: w::Word,
    path: &'static str,
    reason: bool,
    danger: bool,
}

const MANUAL: Consequence = Consequence {
    title: w::MANUAL_TITLE,
    happens: w::MANUAL_HAPPENS_TEXT,
    stays: w::MANUAL_STAYS_TEXT,
    undo: w::MANUAL_UNDO_TEXT,
    button: w::MANUAL_BUTTON,
    path: "manual",
    reason: false,
    danger: false,
};

const VOID: Consequence = Consequence {
    title: w::VOID_TITLE,
    happens: w::VOID_HAPPENS_TEXT,
    stays: w::VOID_STAYS_TEXT,
    undo: w::VOID_UNDO_TEXT,
    button: w::VOID_BUTTON,
    path: "anular",
    reason: true,
    danger: true,
};

async fn before(view: &View, app: &App, id: &str, what: &Consequence) -> Answer {
    view.see(Right::ChangeSignatures)?;
    let one = found(view, app, id).await?;
    let title = view.fill(what.title, &[("n", &one.number)]);
    let place = format!("/firmas/{}", one.request_id);
    let missing = crate::console::view::form(&view.query);
    let happens = view.fill(what.happens, &[("n", &open(&one).to_string())]);
    let body = html! {
        h1 { (title) }
        @if value(&missing, "falta") == "motivo" { p class="note bad gap" role="alert" { (icon("alert")) span { (view.say(w::VOID_REASON_HINT)) } } }
        div class="panel pad block" {
            dl class="three" {
                dt { (view.say(w::MANUAL_HAPPENS)) } dd { (happens) }
                dt { (view.say(w::CANNOT_UNDO)) } dd { (view.say(what.undo)) }
                dt { (view.say(w::MANUAL_STAYS)) } dd { (view.say(what.stays)) }
            }
            form class="form gap" method="post" action={ (place) "/" (what.path) } {
                (csrf(view))
                input type="hidden" name="once" value=(once(view, &one, what.path));
                div class="field" {
                    label for="why" { (view.say(w::REASON)) }
                    small id="why-hint" { (view.say(if what.reason { w::VOID_REASON_HINT } else { w::OPTIONAL_REASON })) }
                    input id="why" name="reason" maxlength="200" required[what.reason] autocomplete="off" aria-describedby="why-hint";
                }
                p class="acts" {
                    button class=(if what.danger { "danger" } else { "primary" }) type="submit" { (view.say(what.button)) }
                    a class="button" href=(place) { (view.say(w::BACK)) }
                }
            }
        }
    };
    Ok(Page::at("/firmas", title, body)
        .below(view.say(w::SIGNATURES), "/firmas")
        .below(&one.number, &place))
}

/// `GET /firmas/{id}/manual`
pub(crate) async fn before_manual(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = before(&view, &app, &id, &MANUAL).await;
    view.answer(answer)
}

/// `GET /firmas/{id}/anular`
pub(crate) async fn before_void(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let answer = before(&view, &app, &id, &VOID).await;
    view.answer(answer)
}

fn place(id: &str) -> String {
    format!("/firmas/{}", encode(id))
}

async fn take<T>(
    view: &View,
    app: &App,
    id: &str,
    (action, reason): (&'static str, &str),
    doing: impl Future<Output = Result<T, Status>>,
) -> Response {
    let entry = Entry {
        action,
        object: id,
        reason: Some(reason).filter(|reason| !reason.is_empty()),
        ..Entry::default()
    };
    let doing = async {
        let done = doing.await;
        done.map(drop).map_err(|status| Problem::of("signature", &status))
    };
    let done = change::make(view, app, Right::ChangeSignatures, entry, doing).await;
    change::done(view, &place(id), done)
}

/// `POST /firmas/{id}/reenviar`
pub(crate) async fn resend(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let command = ResendSignatureRequest {
        request_id: id.clone(),
        idempotency_key: change::once(&view, &fields),
    };
    let doing = view.ask(&app);
    let doing = doing.resend_signature(command);
    take(&view, &app, &id, ("signature.resent", ""), doing).await
}

/// `POST /firmas/{id}/consultar`
pub(crate) async fn check(view: View, State(app): State<App>, Path(id): Path<String>) -> Response {
    let command = CheckSignatureRequest {
        request_id: id.clone(),
    };
    let doing = view.ask(&app);
    let doing = doing.check_signature(command);
    take(&view, &app, &id, ("signature.checked", ""), doing).await
}

/// `POST /firmas/{id}/reanudar`
pub(crate) async fn retry(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let command = RetrySignatureRequest {
        request_id: id.clone(),
        idempotency_key: change::once(&view, &fields),
    };
    let doing = view.ask(&app);
    let doing = doing.retry_signature(command);
    take(&view, &app, &id, ("signature.retried", ""), doing).await
}

/// `POST /firmas/{id}/avisado`
pub(crate) async fn told(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let role = value(&fields, "role").to_owned();
    let command = MarkToldRequest {
        request_id: id.clone(),
        role: role.clone(),
        idempotency_key: change::once(&view, &fields),
    };
    let doing = view.ask(&app);
    let doing = doing.mark_told(command);
    take(&view, &app, &id, ("signature.told", &role), doing).await
}

fn reason(fields: &[(String, String)]) -> String {
    value(fields, "reason").trim().chars().take(200).collect()
}

/// `POST /firmas/{id}/manual`
pub(crate) async fn take_manually(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let why = reason(&fields);
    let command = TakeManuallyRequest {
        request_id: id.clone(),
        reason: why.clone(),
        idempotency_key: change::once(&view, &fields),
    };
    let doing = view.ask(&app);
    let doing = doing.take_manually(command);
    take(&view, &app, &id, ("signature.taken_manually", &why), doing).await
}

/// `POST /firmas/{id}/anular`
pub(crate) async fn void(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(fields): Fields,
) -> Response {
    let why = reason(&fields);
    if why.is_empty() {
        return Redirect::to(&format!("{}/anular?falta=motivo", place(&id))).into_response();
    }
    let command = VoidSignatureRequest {
        request_id: id.clone(),
        reason: why.clone(),
        idempotency_key: change::once(&view, &fields),
    };
    let doing = view.ask(&app);
    let doing = doing.void_signature(command);
    take(&view, &app, &id, ("signature.voided", &why), doing).await
}

/// `POST /firmas/{id}/escaneo`
pub(crate) async fn scan(
    view: View,
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let sent = match Sent::read(request).await {
        Ok(sent) => sent,
        Err(problem) => return view.back_to(&place(&id)).answer(Err(problem)),
    };
    let Some(file) = sent.file() else {
        return Redirect::to(&format!("{}?falta=archivo", place(&id))).into_response();
    };
    if !view.may(Right::ChangeSignatures) {
        return view.answer(Err(Problem::Forbidden));
    }
    let key = sent.once(&view);
    let by = By {
        principal: &view.principal,
        trace: "",
        key: &key,
    };
    let done = files::scan(&app, view.ask(&app), by, &id, file).await;
    change::done(&view, &place(&id), done.map(drop).map_err(Problem::from))
}
