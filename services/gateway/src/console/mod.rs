//! The console: pages for people, rendered here. Spanish and English, plain HTML first: each link and form works without
//! script; the script only makes it quicker.
//!
//! ```text
//! view.rs       one person's look at one page: rights, language, time
//! words/        every text, in both languages
//! layout.rs     the frame; parts.rs, states.rs, charts.rs what pages are put together from
//! pages/        one file a page: ask the services, render
//! change.rs     what people change, with its row in the audit trail
//! live.rs       parts of pages, rendered again and sent when they changed
//! ```
//!
//! # Never
//! A text outside of `words`; a state by colour alone; a person's number or words without the right to see them.

mod assets;
mod change;
mod charts;
mod layout;
mod live;
mod mask;
mod names;
mod pages;
mod parts;
mod pending;
mod problem;
mod session;
mod states;
mod tenant;
mod view;
mod when;
mod words;

#[cfg(test)]
mod contrast;
#[cfg(test)]
mod texts;

use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use tokio_util::sync::CancellationToken;

use crate::documents::serve;
use crate::domain::Right;
use crate::web::guard::Refusal;
use crate::web::problem::CROWDED_FOR;
use crate::web::{Access, Face, Routes};
use pages::{
    access, access_acts, access_person, accuracy, asset, assets as equipment, audit, authorise, capture,
    capture_acts, captures, conversation, conversations, dead_letter, dead_letters, dead_letters_acts,
    deliveries, delivery, directory, documents, effect, effects, health, integrations, journey, login,
    new_replay, nowhere, order_actions, order_facts, order_papers, orders, overview, person, read_plate,
    replays, search, signature, signature_acts, signatures, template,
};
use problem::Problem;
use view::View;

/// What all pages share.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    /// Whether the outside services are simulators.
    pub(crate) simulated: bool,
    live: live::Live,
    pending: pending::Pending,
}

impl Console {
    /// `stop` ends live streams.
    pub(crate) fn new(simulated: bool, stop: CancellationToken) -> Self {
        Self {
            simulated,
            live: live::Live::new(stop),
            pending: pending::Pending::default(),
        }
    }
}

/// A state of an order as people read it, for what is made in Spanish.
pub(crate) fn order_state(name: &str) -> String {
    words::Language::Spanish.say(states::order(name).word).to_owned()
}

/// How it speaks to whom it refuses.
const FACE: Face = Face {
    refuse,
    idempotent: false,
};

/// Its routes.
pub(crate) fn routes() -> Routes {
    let needs = Access::Needs;
    let routes = Routes::new(FACE)
        .get("/assets/{name}", Access::Anyone, assets::get)
        .get("/entrar", Access::Anyone, login::show)
        .post("/entrar", Access::Anyone, login::log_in)
        .post("/salir", Access::Known, login::log_out)
        .post("/organizacion", Access::Known, tenant::choose)
        .get(live::PATH, Access::Known, live::stream)
        .get("/", Access::Known, overview::show)
        .get("/buscar", Access::Known, search::show)
        .get("/pedidos", needs(Right::ReadOrders), orders::show)
        .get("/pedidos/{number}", needs(Right::ReadOrders), journey::show)
        .post(
            "/pedidos/{number}/mover",
            needs(Right::ChangeOrders),
            order_actions::move_on,
        )
        .post(
            "/pedidos/{number}/mostrar",
            needs(Right::RevealPersonal),
            order_facts::reveal,
        )
        .post(
            "/pedidos/{number}/asignar",
            needs(Right::ChangeOrders),
            order_actions::assign,
        )
        .get(
            "/conversaciones",
            needs(Right::ReadConversations),
            conversations::list,
        )
        .get(
            "/conversaciones/{id}",
            needs(Right::ReadConversations),
            conversation::show,
        )
        .post(
            "/conversaciones/{id}/mostrar",
            needs(Right::RevealPersonal),
            conversation::reveal,
        )
        .get("/entregas", needs(Right::ReadTraffic), deliveries::list)
        .get("/entregas/{id}", needs(Right::ReadTraffic), delivery::show)
        .post(
            "/entregas/{id}/mostrar",
            needs(Right::RevealPayload),
            delivery::reveal,
        )
        .get("/inciertos", needs(Right::ReadEffects), effects::list)
        .get("/inciertos/{id}", needs(Right::ReadEffects), effect::show)
        .post(
            "/inciertos/{id}/decidir",
            needs(Right::ResolveEffects),
            effect::resolve,
        )
        .get(
            "/cartas-muertas",
            needs(Right::ReadDeadLetters),
            dead_letters::list,
        )
        .get(
            "/cartas-muertas/{service}/{consumer}/{event}",
            needs(Right::ReadDeadLetters),
            dead_letter::show,
        )
        .post(
            "/cartas-muertas/repetir",
            needs(Right::SettleDeadLetters),
            dead_letters_acts::retry,
        )
        .post(
            "/cartas-muertas/cerrar",
            needs(Right::SettleDeadLetters),
            dead_letters_acts::close,
        )
        .post(
            "/cartas-muertas/{service}/{consumer}/{event}/repetir",
            needs(Right::SettleDeadLetters),
            dead_letter::retry,
        )
        .post(
            "/cartas-muertas/{service}/{consumer}/{event}/cerrar",
            needs(Right::SettleDeadLetters),
            dead_letter::close,
        )
        .get("/repeticiones", needs(Right::ReadTraffic), replays::list)
        .post("/repeticiones", needs(Right::Replay), new_replay::start)
        .get("/repeticiones/nueva", needs(Right::Replay), new_replay::new)
        .get("/repeticiones/ensayo", needs(Right::Replay), new_replay::plan)
        .get("/repeticiones/{id}", needs(Right::ReadTraffic), replays::show)
        .post(
            "/repeticiones/{id}/detener",
            needs(Right::Replay),
            replays::cancel,
        )
        .get("/salud", needs(Right::ReadHealth), health::show)
        .get("/auditoria", needs(Right::ReadAudit), audit::list)
        .get("/{*rest}", Access::Anyone, nowhere::show);
    plates(papers(access(routes)))
}

/// Those about who may enter.
fn access(routes: Routes) -> Routes {
    let manage = Access::Needs(Right::ManageAccess);
    routes
        .get("/accesos", manage, access::show)
        .post("/accesos/personas", manage, access_acts::new_person)
        .get("/accesos/personas/{id}", manage, access_person::show)
        .post("/accesos/personas/{id}/funcion", manage, access_acts::set_role)
        .post("/accesos/personas/{id}/clave", manage, access_acts::new_password)
        .post("/accesos/personas/{id}/cerrar", manage, access_acts::shut_out)
        .post("/accesos/llaves", manage, access_acts::new_key)
        .post("/accesos/llaves/{id}/revocar", manage, access_acts::revoke_key)
}

/// Those about signatures, documents and the people who sign.
fn papers(routes: Routes) -> Routes {
    let needs = Access::Needs;
    let sign = needs(Right::ChangeSignatures);
    let manage = needs(Right::ManageConnections);
    routes
        .post("/pedidos/{number}/firmar", sign, order_papers::send)
        .upload(
            "/pedidos/{number}/documentos",
            needs(Right::BringDocuments),
            order_papers::bring,
        )
        .post(
            "/pedidos/{number}/resumen",
            needs(Right::ChangeOrders),
            order_papers::summarise,
        )
        .get("/firmas", needs(Right::ReadSignatures), signatures::list)
        .get("/firmas/{id}", needs(Right::ReadSignatures), signature::show)
        .post("/firmas/{id}/reenviar", sign, signature_acts::resend)
        .post("/firmas/{id}/avisado", sign, signature_acts::told)
        .post("/firmas/{id}/consultar", sign, signature_acts::check)
        .post("/firmas/{id}/reanudar", sign, signature_acts::retry)
        .get("/firmas/{id}/manual", sign, signature_acts::before_manual)
        .post("/firmas/{id}/manual", sign, signature_acts::take_manually)
        .get("/firmas/{id}/anular", sign, signature_acts::before_void)
        .post("/firmas/{id}/anular", sign, signature_acts::void)
        .upload("/firmas/{id}/escaneo", sign, signature_acts::scan)
        .get("/documentos/{id}", needs(Right::ReadDocuments), documents::open)
        .get(
            "/documentos/{id}/imagen",
            needs(Right::ReadDocuments),
            documents::picture,
        )
        .get(serve::PATH, Access::Anyone, serve::serve)
        .get("/directorio", needs(Right::ReadDirectory), directory::list)
        .post("/directorio", needs(Right::ChangeDirectory), person::add)
        .get("/directorio/nuevo", needs(Right::ChangeDirectory), person::new)
        .get("/directorio/{id}", needs(Right::ReadDirectory), person::show)
        .post("/directorio/{id}", needs(Right::ChangeDirectory), person::change)
        .upload(
            "/directorio/{id}/documentos",
            needs(Right::BringDocuments),
            person::bring,
        )
        .get(
            "/plantillas/contrato",
            needs(Right::ReadConnections),
            template::show,
        )
        .get(
            "/plantillas/contrato/muestra",
            needs(Right::ReadConnections),
            template::sample,
        )
        .get(
            "/integraciones",
            needs(Right::ReadConnections),
            integrations::show,
        )
        .get("/conexiones/{provider}/autorizar", manage, authorise::before)
        .post("/conexiones/{provider}/autorizar", manage, authorise::begin)
        .get(authorise::CALLBACK, manage, authorise::back)
}

/// Those about serial plates and the equipment that they belong to.
fn plates(routes: Routes) -> Routes {
    let needs = Access::Needs;
    let read = needs(Right::ReadCaptures);
    let decide = needs(Right::ChangeCaptures);
    routes
        .get("/revision-ocr", read, captures::list)
        .get("/revision-ocr/exactitud", read, accuracy::show)
        .get("/revision-ocr/{id}", read, capture::show)
        .post("/revision-ocr/{id}/serial", decide, capture_acts::serial)
        .post("/revision-ocr/{id}/otra-foto", decide, capture_acts::ask_photo)
        .post("/revision-ocr/{id}/generar", decide, capture_acts::generate)
        .get("/activos", needs(Right::ReadAssets), equipment::list)
        .get("/activos/leer", decide, read_plate::show)
        .upload("/activos/leer", decide, read_plate::read)
        .get("/activos/{id}", needs(Right::ReadAssets), asset::show)
        .post("/activos/{id}", needs(Right::ChangeAssets), asset::edit)
}

/// A refused request: strangers are led to the door; a page that one may not see is one that does not exist.
fn refuse(refusal: &Refusal, parts: &Parts) -> Response {
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let (problem, status) = match refusal {
        Refusal::Nobody | Refusal::NotGood => return session::nobody(parts),
        Refusal::BadTenant => return tenant::forget(session::nobody(parts)),
        Refusal::Forbidden(_) if reads => (Problem::NotFound, StatusCode::NOT_FOUND),
        Refusal::Away => (Problem::Away("gateway"), StatusCode::SERVICE_UNAVAILABLE),
        Refusal::TooMany(_) => (Problem::TooMany, StatusCode::TOO_MANY_REQUESTS),
        Refusal::TooLong(_) => (Problem::TooLong, StatusCode::PAYLOAD_TOO_LARGE),
        Refusal::Crowded => (Problem::Crowded, StatusCode::SERVICE_UNAVAILABLE),
        Refusal::OwnFiles => (Problem::Crowded, StatusCode::TOO_MANY_REQUESTS),
        Refusal::Broken => (Problem::Forbidden, StatusCode::BAD_REQUEST),
        Refusal::Forbidden(_)
        | Refusal::Csrf
        | Refusal::KeyNeeded
        | Refusal::KeyReused
        | Refusal::KeyBusy => (Problem::Forbidden, StatusCode::FORBIDDEN),
    };
    let mut response = match View::of_parts(parts) {
        Ok(view) => view.answer(Err(problem)),
        Err(_) => session::trouble(&parts.headers, status, problem.words()),
    };
    *response.status_mut() = status;
    let wait = match refusal {
        Refusal::TooMany(wait) => Some(*wait),
        Refusal::Crowded | Refusal::OwnFiles => Some(CROWDED_FOR),
        _ => None,
    };
    if let Some(wait) = wait {
        let seconds = HeaderValue::from(wait.as_secs() + 1);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}
