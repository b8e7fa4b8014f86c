//! What a state looks like: always a word and an icon; the family's colour only helps.

use puente_proto::notifications::DeliveryState;

use super::words::{self as w, Word};

mod plates;

pub(crate) use plates::{attempt, capture, datum, flaw, origin};

/// How a state is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// `rest`, `wait`, `good`, `warn`, `bad` or `doubt`.
    pub(crate) family: &'static str,
    /// Symbol of the sprite.
    pub(crate) icon: &'static str,
    /// The state itself.
    pub(crate) word: Word,
}

const fn look(family: &'static str, icon: &'static str, word: Word) -> Look {
    Look { family, icon, word }
}

/// An order's state, by its name in the state table; one that is not known yet looks like one on its way.
pub(crate) fn order(name: &str) -> Look {
    match name {
        "Asignada" => look("wait", "person", w::ST_ASIGNADA),
        "EnCotizacion" => look("wait", "clock", w::ST_EN_COTIZACION),
        "CotizacionEnviada" => look("wait", "mail", w::ST_COTIZACION_ENVIADA),
        "CotizacionAprobada" => look("good", "check", w::ST_COTIZACION_APROBADA),
        "CotizacionRechazada" => look("bad", "cross", w::ST_COTIZACION_RECHAZADA),
        "EnFirma" => look("wait", "clock", w::ST_EN_FIRMA),
        "PolizaAsignada" => look("good", "check", w::ST_POLIZA_ASIGNADA),
        "DocumentosRechazados" => look("bad", "cross", w::ST_DOCUMENTOS_RECHAZADOS),
        "Programada" => look("wait", "clock", w::ST_PROGRAMADA),
        "EnEjecucion" => look("wait", "clock", w::ST_EN_EJECUCION),
        "Ejecutada" => look("good", "check", w::ST_EJECUTADA),
        "Cerrada" => look("rest", "skip", w::ST_CERRADA),
        "Cancelada" => look("rest", "skip", w::ST_CANCELADA),
        _ => look("wait", "ring", w::ST_NUEVA),
    }
}

/// Every state of an order, in the order of its life.
pub(crate) const ORDER_STATES: [&str; 14] = [
    "Nueva",
    "Asignada",
    "EnCotizacion",
    "CotizacionEnviada",
    "CotizacionAprobada",
    "CotizacionRechazada",
    "EnFirma",
    "PolizaAsignada",
    "DocumentosRechazados",
    "Programada",
    "EnEjecucion",
    "Ejecutada",
    "Cerrada",
    "Cancelada",
];

/// Whether nothing more happens to an order.
pub(crate) fn is_final(order: &str) -> bool {
    matches!(order, "Cerrada" | "Cancelada")
}

/// What a transition of the state table is called on a button.
pub(crate) fn transition(name: &str) -> Option<Word> {
    Some(match name {
        "assign" => w::TR_ASSIGN,
        "start_quotation" => w::TR_START_QUOTATION,
        "send_quotation" => w::TR_SEND_QUOTATION,
        "approve_quotation" => w::TR_APPROVE_QUOTATION,
        "reject_quotation" => w::TR_REJECT_QUOTATION,
        "send_to_signature" => w::TR_SEND_TO_SIGNATURE,
        "complete_signature" => w::TR_COMPLETE_SIGNATURE,
        "reject_documents" => w::TR_REJECT_DOCUMENTS,
        "schedule" => w::TR_SCHEDULE,
        "start_execution" => w::TR_START_EXECUTION,
        "finish_execution" => w::TR_FINISH_EXECUTION,
        "reopen" => w::TR_REOPEN,
        "close" => w::TR_CLOSE,
        "cancel" => w::TR_CANCEL,
        _ => return None,
    })
}

/// Which part of an order's life a state belongs to.
pub(crate) fn phase(order: &str) -> Word {
    match order {
        "EnCotizacion" | "CotizacionEnviada" | "CotizacionAprobada" | "CotizacionRechazada" => w::PHASE_QUOTE,
        "EnFirma" | "PolizaAsignada" | "DocumentosRechazados" => w::PHASE_CONTRACT,
        "Programada" | "EnEjecucion" | "Ejecutada" => w::PHASE_WORK,
        "Cerrada" | "Cancelada" => w::PHASE_END,
        _ => w::PHASE_REQUEST,
    }
}

/// A signature request (SIG-04).
pub(crate) fn signature(state: &str) -> Look {
    match state {
        "Firmado" => look("good", "check", w::SG_FIRMADO),
        "Rechazado" => look("bad", "cross", w::SG_RECHAZADO),
        "Anulado" => look("rest", "skip", w::SG_ANULADO),
        _ => look("wait", "clock", w::SG_EN_PROCESO),
    }
}

/// One of its signers.
pub(crate) fn signer(state: &str) -> Look {
    match state {
        "sent" => look("wait", "mail", w::SN_SENT),
        "delivered" => look("wait", "clock", w::SN_DELIVERED),
        "signed" => look("good", "check", w::SN_SIGNED),
        "declined" => look("bad", "cross", w::SN_DECLINED),
        "failed" => look("bad", "alert", w::SN_FAILED),
        _ => look("rest", "ring", w::SN_WAITING),
    }
}

/// What a signer is to the contract.
pub(crate) fn party(role: &str) -> Word {
    match role {
        "client" => w::ROLE_CLIENT,
        "service_provider" => w::ROLE_SERVICE_PROVIDER,
        _ => w::ROLE_SIGNING_AGENT,
    }
}

/// What a document is.
pub(crate) fn document(kind: &str) -> Word {
    match kind {
        "contract" => w::DK_CONTRACT,
        "signed" => w::DK_SIGNED,
        "scan" => w::DK_SCAN,
        "summary" => w::DK_SUMMARY,
        "report" => w::DK_REPORT,
        "photo" => w::DK_PHOTO,
        "quotation" => w::DK_QUOTATION,
        "arl" => w::DK_ARL,
        "eps" => w::DK_EPS,
        "rut" => w::DK_RUT,
        "camara_comercio" => w::DK_CHAMBER,
        "policy" => w::DK_POLICY,
        "certificate" => w::DK_CERTIFICATE,
        "sheet" => w::DK_SHEET,
        _ => w::DK_OTHER,
    }
}

/// How long a document is valid: days left, negative when it has expired. A warning from `soon` days on.
pub(crate) fn validity(days: i64, soon: i64) -> Look {
    match days {
        ..-1 => look("bad", "cross", w::EXPIRED_AGO),
        -1 => look("bad", "cross", w::EXPIRED_ONE),
        0 => look("warn", "alert", w::EXPIRES_TODAY),
        1 => look("warn", "alert", w::EXPIRES_IN_ONE),
        days if days <= soon => look("warn", "alert", w::EXPIRES_IN),
        _ => look("good", "check", w::IN_FORCE),
    }
}

/// An account at a signature provider.
pub(crate) fn account(state: &str) -> Look {
    match state {
        "active" => look("good", "check", w::AC_ACTIVE),
        "needs_consent" => look("bad", "cross", w::AC_NEEDS_CONSENT),
        _ => look("warn", "alert", w::AC_NEVER),
    }
}

/// Whether orders may be given to somebody.
pub(crate) fn active(on: bool) -> Look {
    if on {
        look("good", "check", w::PERSON_ON)
    } else {
        look("rest", "skip", w::PERSON_OFF)
    }
}

/// A message's state; in doubt it has the face of doubt.
pub(crate) fn message(state: DeliveryState, parked: bool) -> Look {
    if parked {
        return look("doubt", "doubt", w::MS_PARKED);
    }
    match state {
        DeliveryState::Sent => look("wait", "check", w::MS_SENT),
        DeliveryState::Delivered => look("good", "double", w::MS_DELIVERED),
        DeliveryState::Read => look("good", "double", w::MS_READ),
        DeliveryState::Failed => look("bad", "cross", w::MS_FAILED),
        DeliveryState::Queued | DeliveryState::Unspecified => look("rest", "clock", w::MS_QUEUED),
    }
}

/// What became of a delivery.
pub(crate) fn delivery(outcome: &str) -> Look {
    match outcome {
        "accepted" => look("good", "check", w::OUT_ACCEPTED),
        "duplicate" => look("rest", "same", w::OUT_DUPLICATE),
        "ignored" => look("rest", "skip", w::OUT_IGNORED),
        "unroutable" => look("warn", "alert", w::OUT_UNROUTABLE),
        "malformed" => look("bad", "cross", w::OUT_MALFORMED),
        _ => look("bad", "cross", w::OUT_REFUSED),
    }
}

/// A call to a provider. One that is due after a failure says when it is tried again; that is the caller's to fill.
pub(crate) fn effect(state: &str, attempts: u32) -> Look {
    match state {
        "due" if attempts > 0 => look("warn", "again", w::EF_RETRY),
        "due" => look("rest", "clock", w::EF_DUE),
        "calling" => look("wait", "clock", w::EF_CALLING),
        "done" => look("good", "check", w::EF_DONE),
        "failed" => look("bad", "cross", w::EF_FAILED),
        "closed" => look("rest", "skip", w::EF_CLOSED),
        _ => look("doubt", "doubt", w::EF_UNKNOWN),
    }
}

/// A circuit breaker. Without traffic there is nothing to say, least of all something green.
pub(crate) fn breaker(state: &str, traffic: bool) -> Look {
    match state {
        "open" => look("bad", "cross", w::BR_OPEN),
        "half_open" => look("warn", "alert", w::BR_HALF),
        "closed" if traffic => look("good", "check", w::BR_CLOSED),
        _ => look("rest", "skip", w::BR_NONE),
    }
}

/// A replay.
pub(crate) fn replay(state: &str) -> Look {
    match state {
        "done" => look("good", "check", w::RP_DONE),
        "cancelled" => look("rest", "skip", w::RP_CANCELLED),
        "failed" => look("bad", "cross", w::RP_FAILED),
        _ => look("wait", "clock", w::RP_RUNNING),
    }
}

/// What became of a dead letter.
pub(crate) fn letter(resolution: &str) -> Look {
    match resolution {
        "retried" => look("good", "check", w::DEAD_RETRIED),
        "closed" => look("rest", "skip", w::DEAD_CLOSED),
        _ => look("bad", "mail", w::DEAD_WAITING),
    }
}

/// Whether a person or a key may enter.
pub(crate) fn access(good: bool) -> Look {
    if good {
        look("good", "check", w::ACTIVE)
    } else {
        look("rest", "skip", w::ENDED)
    }
}

/// A text's key as people call it.
pub(crate) fn text_key(key: &str) -> Option<Word> {
    Some(match key {
        "order_opened" => w::TX_ORDER_OPENED,
        "order_assigned_agent" | "order_assigned_provider" => w::TX_ASSIGNED,
        _ if key.starts_with("order_confirm") => w::TX_ORDER_CONFIRM,
        _ if ["order_service", "order_description", "order_location"]
            .iter()
            .any(|start| key.starts_with(start)) =>
        {
            w::TX_QUESTION
        }
        _ if key.starts_with("order_") => w::TX_ORDER_STATE,
        _ if key.starts_with("registration_") => w::TX_REGISTRATION,
        _ if key.starts_with("tracking_") => w::TX_TRACKING,
        _ if key.starts_with("bot_greeting") => w::TX_GREETING,
        _ if key.starts_with("bot_") => w::TX_MENU,
        _ => return None,
    })
}

/// The class of a failure in plain words.
pub(crate) fn failure(class: &str) -> Option<Word> {
    Some(match class {
        "timeout" => w::CL_TIMEOUT,
        "rate_limited" => w::CL_RATE,
        "server" => w::CL_DOWN,
        "auth" => w::CL_AUTH,
        "client" => w::CL_INVALID,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_is_neither_success_nor_failure() {
        for look in [effect("unknown", 1), message(DeliveryState::Sent, true)] {
            assert_eq!((look.family, look.icon), ("doubt", "doubt"));
        }
    }

    #[test]
    fn signatures_are_blue_green_and_red_and_each_says_so_in_a_word() {
        for (state, family, word) in [
            ("EnProceso", "wait", "En proceso"),
            ("Firmado", "good", "Firmado"),
            ("Rechazado", "bad", "Rechazado"),
            ("Anulado", "rest", "Anulado"),
        ] {
            let look = signature(state);
            assert_eq!((look.family, look.word.spanish()), (family, word));
        }
        assert_eq!(signer("declined").family, "bad");
        assert_eq!(signer("anything new").family, "rest");
    }

    #[test]
    fn a_document_warns_before_it_expires() {
        let families = [-2, -1, 0, 1, 12, 30, 31].map(|days| validity(days, 30).family);
        assert_eq!(families, ["bad", "bad", "warn", "warn", "warn", "warn", "good"]);
    }

    #[test]
    fn no_traffic_is_never_green() {
        assert_eq!(breaker("closed", false).family, "rest");
        assert_eq!(breaker("", true).family, "rest");
        assert_eq!(breaker("closed", true).family, "good");
    }

    #[test]
    fn each_state_of_an_order_has_a_word_of_its_own() {
        let words: std::collections::HashSet<_> = ORDER_STATES
            .iter()
            .map(|name| order(name).word.spanish())
            .collect();
        assert_eq!(words.len(), ORDER_STATES.len());
    }
}
