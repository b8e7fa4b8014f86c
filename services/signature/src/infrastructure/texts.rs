//! What signers read around the documents: the subject of the e-mails, and a sentence below it.

/// The texts of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts {
    subject: &'static str,
    message: &'static str,
    by_hand: &'static str,
    twice: &'static str,
}

impl Texts {
    /// Those of a language; `None` when there are none in it.
    pub(crate) fn of(language: &str) -> Option<Self> {
        match language {
            "es" => Some(Self {
                subject: "Firma del contrato de la orden",
                message: "Por favor revise el documento y firme donde se indica.",
                by_hand: "El documento se firmará en papel.",
                twice: "El documento se envió dos veces; firme el otro envío.",
            }),
            "en" => Some(Self {
                subject: "Signature of the contract of order",
                message: "Please read the document and sign where it says so.",
                by_hand: "The document will be signed on paper.",
                twice: "The document was sent twice; please sign the other one.",
            }),
            _ => None,
        }
    }

    /// The subject for an order.
    pub(crate) fn subject(&self, number: &str) -> String {
        format!("{} {number}", self.subject)
    }

    /// The sentence.
    pub(crate) const fn message(&self) -> &'static str {
        self.message
    }

    /// Why an envelope is called back for the manual way.
    pub(crate) const fn by_hand(&self) -> &'static str {
        self.by_hand
    }

    /// Why a second envelope is called back.
    pub(crate) const fn twice(&self) -> &'static str {
        self.twice
    }
}
