//! The states of an order and the table of its transitions. Everything that may ever happen is here; what is not in
//! [`TABLE`] is refused.
//!
//! States of services that come later (quotation, signature, execution) already stand in the table, so that their
//! arrival changes no stored order and no consumer.

use std::fmt;
use std::str::FromStr;

/// The colour that goes with a state; the word is the state, the colour only helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Colour {
    /// Under way.
    Blue,
    /// Reached.
    Green,
    /// Refused.
    Red,
    /// At rest.
    Grey,
}

impl Colour {
    /// A fixed word for interfaces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
            Self::Red => "red",
            Self::Grey => "grey",
        }
    }
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Asked for by the client.
    Nueva,
    /// An agent and perhaps a service provider have it.
    Asignada,
    /// A price is being worked out.
    EnCotizacion,
    /// The client has the price.
    CotizacionEnviada,
    /// The client agreed to the price.
    CotizacionAprobada,
    /// The client did not agree to the price.
    CotizacionRechazada,
    /// The documents wait for signatures.
    EnFirma,
    /// Everybody signed.
    PolizaAsignada,
    /// Somebody refused to sign.
    DocumentosRechazados,
    /// A date is set.
    Programada,
    /// The work goes on.
    EnEjecucion,
    /// The work is done.
    Ejecutada,
    /// Nothing is left to do.
    Cerrada,
    /// Given up.
    Cancelada,
}

/// What moves an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transition {
    /// An agent or a service provider takes it.
    Assign,
    /// Work on a price begins, or begins again.
    StartQuotation,
    /// The price goes to the client.
    SendQuotation,
    /// The client agrees to the price.
    ApproveQuotation,
    /// The client does not agree.
    RejectQuotation,
    /// The documents go to the signers, or go again.
    SendToSignature,
    /// All have signed.
    CompleteSignature,
    /// One has refused to sign.
    RejectDocuments,
    /// The request to sign was taken back.
    CancelSignature,
    /// A date is agreed on.
    Schedule,
    /// The work begins.
    StartExecution,
    /// The work ends.
    FinishExecution,
    /// The work has to go on after all.
    Reopen,
    /// The order is finished.
    Close,
    /// The order is given up.
    Cancel,
}

/// A text that names no state or transition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no {what}; known: {known}")]
pub struct UnknownName {
    given: String,
    what: &'static str,
    known: String,
}

use State as S;
use Transition as T;

/// Every transition: what it is called, from where it may start, and where it leads.
pub const TABLE: &[(Transition, &[State], State)] = &[
    (T::Assign, &[S::Nueva], S::Asignada),
    (
        T::StartQuotation,
        &[S::Nueva, S::Asignada, S::CotizacionRechazada],
        S::EnCotizacion,
    ),
    (T::SendQuotation, &[S::EnCotizacion], S::CotizacionEnviada),
    (
        T::ApproveQuotation,
        &[S::EnCotizacion, S::CotizacionEnviada],
        S::CotizacionAprobada,
    ),
    (
        T::RejectQuotation,
        &[S::EnCotizacion, S::CotizacionEnviada],
        S::CotizacionRechazada,
    ),
    (
        T::SendToSignature,
        &[S::CotizacionAprobada, S::DocumentosRechazados],
        S::EnFirma,
    ),
    (T::CompleteSignature, &[S::EnFirma], S::PolizaAsignada),
    (T::RejectDocuments, &[S::EnFirma], S::DocumentosRechazados),
    (T::CancelSignature, &[S::EnFirma], S::CotizacionAprobada),
    // Small jobs need no contract: they are planned as soon as the price is agreed on.
    (
        T::Schedule,
        &[S::CotizacionAprobada, S::PolizaAsignada],
        S::Programada,
    ),
    (T::StartExecution, &[S::Programada], S::EnEjecucion),
    (T::FinishExecution, &[S::EnEjecucion], S::Ejecutada),
    (T::Reopen, &[S::Ejecutada], S::EnEjecucion),
    (T::Close, &[S::Ejecutada], S::Cerrada),
    (
        T::Cancel,
        &[
            S::Nueva,
            S::Asignada,
            S::EnCotizacion,
            S::CotizacionEnviada,
            S::CotizacionAprobada,
            S::CotizacionRechazada,
            S::EnFirma,
            S::PolizaAsignada,
            S::DocumentosRechazados,
            S::Programada,
            S::EnEjecucion,
        ],
        S::Cancelada,
    ),
];

impl State {
    /// Every state, in the order of an order's life.
    pub const ALL: [Self; 14] = [
        S::Nueva,
        S::Asignada,
        S::EnCotizacion,
        S::CotizacionEnviada,
        S::CotizacionAprobada,
        S::CotizacionRechazada,
        S::EnFirma,
        S::PolizaAsignada,
        S::DocumentosRechazados,
        S::Programada,
        S::EnEjecucion,
        S::Ejecutada,
        S::Cerrada,
        S::Cancelada,
    ];

    /// Its name in events, rows and interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.look().0
    }

    /// How people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.look().1
    }

    /// The colour beside its word.
    #[must_use]
    pub const fn colour(self) -> Colour {
        self.look().2
    }

    /// Whether the client is told that the order has come here.
    #[must_use]
    pub const fn visible(self) -> bool {
        self.look().3
    }

    /// Name, label, colour, and whether the client is told.
    const fn look(self) -> (&'static str, &'static str, Colour, bool) {
        match self {
            S::Nueva => ("Nueva", "Nueva", Colour::Blue, true),
            S::Asignada => ("Asignada", "Asignada", Colour::Blue, true),
            S::EnCotizacion => ("EnCotizacion", "En cotización", Colour::Blue, false),
            S::CotizacionEnviada => ("CotizacionEnviada", "Cotización enviada", Colour::Blue, true),
            S::CotizacionAprobada => ("CotizacionAprobada", "Cotización aprobada", Colour::Green, true),
            S::CotizacionRechazada => ("CotizacionRechazada", "Cotización rechazada", Colour::Red, false),
            S::EnFirma => ("EnFirma", "En firma", Colour::Blue, true),
            S::PolizaAsignada => ("PolizaAsignada", "Póliza asignada", Colour::Green, true),
            S::DocumentosRechazados => ("DocumentosRechazados", "Documentos rechazados", Colour::Red, true),
            S::Programada => ("Programada", "Programada", Colour::Blue, true),
            S::EnEjecucion => ("EnEjecucion", "En ejecución", Colour::Blue, true),
            S::Ejecutada => ("Ejecutada", "Ejecutada", Colour::Green, true),
            S::Cerrada => ("Cerrada", "Cerrada", Colour::Grey, true),
            S::Cancelada => ("Cancelada", "Cancelada", Colour::Grey, true),
        }
    }

    /// Where `transition` leads from here; `None` when it is not allowed.
    #[must_use]
    pub fn after(self, transition: Transition) -> Option<Self> {
        TABLE
            .iter()
            .find(|(name, from, _)| *name == transition && from.contains(&self))
            .map(|(_, _, to)| *to)
    }

    /// What may happen here.
    pub fn allowed(self) -> impl Iterator<Item = Transition> {
        TABLE
            .iter()
            .filter(move |(_, from, _)| from.contains(&self))
            .map(|(name, _, _)| *name)
    }

    /// What a person may do here; the rest comes from others.
    pub fn open_to_people(self) -> impl Iterator<Item = Transition> {
        self.allowed()
            .filter(|transition| !transition.comes_from_signers())
    }

    /// Whether nothing can happen any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.allowed().next().is_none()
    }
}

impl Transition {
    /// Every transition.
    pub const ALL: [Self; 15] = [
        T::Assign,
        T::StartQuotation,
        T::SendQuotation,
        T::ApproveQuotation,
        T::RejectQuotation,
        T::SendToSignature,
        T::CompleteSignature,
        T::RejectDocuments,
        T::CancelSignature,
        T::Schedule,
        T::StartExecution,
        T::FinishExecution,
        T::Reopen,
        T::Close,
        T::Cancel,
    ];

    /// Its name in events and interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            T::Assign => "assign",
            T::StartQuotation => "start_quotation",
            T::SendQuotation => "send_quotation",
            T::ApproveQuotation => "approve_quotation",
            T::RejectQuotation => "reject_quotation",
            T::SendToSignature => "send_to_signature",
            T::CompleteSignature => "complete_signature",
            T::RejectDocuments => "reject_documents",
            T::CancelSignature => "cancel_signature",
            T::Schedule => "schedule",
            T::StartExecution => "start_execution",
            T::FinishExecution => "finish_execution",
            T::Reopen => "reopen",
            T::Close => "close",
            T::Cancel => "cancel",
        }
    }

    /// Whether it tells what became of signatures, so that no person may say it.
    #[must_use]
    pub const fn comes_from_signers(self) -> bool {
        matches!(
            self,
            T::CompleteSignature | T::RejectDocuments | T::CancelSignature
        )
    }

    /// Whether where it leads is news. The way back from signature leads where the client already knew the order to be.
    #[must_use]
    pub const fn is_news(self) -> bool {
        !matches!(self, T::CancelSignature)
    }

    /// Whether somebody will ask why, so that the reason must be given now.
    #[must_use]
    pub const fn needs_reason(self) -> bool {
        matches!(
            self,
            T::RejectQuotation | T::RejectDocuments | T::Reopen | T::Cancel
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| unknown(text, "state", known()))
    }
}

impl FromStr for Transition {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|t| t.name() == text)
            .ok_or_else(|| unknown(text, "transition", known()))
    }
}

fn unknown(text: &str, what: &'static str, known: String) -> UnknownName {
    UnknownName {
        given: text.chars().take(64).collect(),
        what,
        known,
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
