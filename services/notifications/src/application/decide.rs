//! In which form a message may go out, or why it may not. Nothing is called before this has said yes.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use crate::domain::consent::Consent;
use crate::domain::text::Text;

/// A provider closes the session window 24 hours after the contact's last message. Ours closes a minute earlier, for
/// the way that a message still has to go and for clocks that differ.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60 - 60);
/// The most characters that a chat message may have.
const LONGEST_BODY: usize = 4_096;

/// What is known when a message is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation<'a> {
    /// Whether there is somebody to write to.
    pub(crate) reachable: bool,
    /// The text, if the key is known.
    pub(crate) text: Option<&'a Text>,
    /// The values of its variables.
    pub(crate) values: &'a BTreeMap<String, String>,
    /// What the contact wants. `None`: they are being told what became of their own word.
    pub(crate) consent: Option<Consent>,
    /// Time since the contact's last message, if they ever wrote.
    pub(crate) since_inbound: Option<Duration>,
    /// What the provider says of the text's template.
    pub(crate) standing: &'a Standing,
    /// Whether templates may be used whose state nobody knows.
    pub(crate) trust_unknown: bool,
}

/// What is known of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing yet.
    Unknown,
    /// What the provider said last.
    Known {
        /// Whether it may be used.
        approved: bool,
        /// The provider's word.
        status: String,
        /// The category that the provider put it in; empty when it did not say.
        category: String,
        /// How many parameters it takes, once the account's list was read.
        parameters: Option<usize>,
    },
}

/// What goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Free text inside the session window.
    Session {
        /// What is said.
        body: String,
    },
    /// The approved template.
    Template {
        /// Its name.
        name: String,
        /// Its language code.
        language: String,
        /// Its parameters in order.
        parameters: Vec<String>,
        /// Its category.
        category: String,
    },
    /// Nothing.
    Refused(Refusal),
}

/// Why nothing goes out. The words are stored with the message and told in its event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// No provider, connection or contact is named.
    #[error("no recipient is known")]
    NoRecipient,
    /// The key stands in no set of texts.
    #[error("no text has this key")]
    TextUnknown,
    /// A variable has no value.
    #[error("variable `{0}` has no value")]
    VariableMissing(String),
    /// Longer than a chat message may be.
    #[error("the text has more than 4096 characters")]
    TooLong,
    /// The contact took back their consent.
    #[error("the contact asked for no more messages")]
    OptedOut,
    /// The contact never consented.
    #[error("the contact never agreed to messages")]
    NoOptIn,
    /// The template is marketing, and the contact agreed to service messages only.
    #[error("the contact agreed to service messages, not to marketing")]
    NoMarketingOptIn,
    /// The session window is closed and the text has no template.
    #[error("the session window is closed and the text has no template")]
    WindowClosed,
    /// The provider does not have the template in that language, or nobody knows.
    #[error("the state of the template is not known")]
    TemplateUnknown,
    /// The provider does not let it be used.
    #[error("the template is {0}")]
    TemplateNotApproved(String),
    /// The text fills another number of parameters than the template takes.
    #[error("the template takes {wanted} parameters, the text gives {given}")]
    TemplateParameters {
        /// What the template takes.
        wanted: usize,
        /// What the text gives.
        given: usize,
    },
}

impl Refusal {
    /// A fixed word for rows and events.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoRecipient => "no_recipient",
            Self::TextUnknown => "text_unknown",
            Self::VariableMissing(_) => "variable_missing",
            Self::TooLong => "text_too_long",
            Self::OptedOut => "opted_out",
            Self::NoOptIn => "no_opt_in",
            Self::NoMarketingOptIn => "no_marketing_opt_in",
            Self::WindowClosed => "window_closed",
            Self::TemplateUnknown => "template_unknown",
            Self::TemplateNotApproved(_) => "template_not_approved",
            Self::TemplateParameters { .. } => "template_parameters",
        }
    }

    /// Whether somebody has to change settings, or it simply is so.
    pub(crate) const fn tag(&self) -> &'static str {
        match self {
            Self::TextUnknown
            | Self::WindowClosed
            | Self::TemplateUnknown
            | Self::TemplateNotApproved(_)
            | Self::TemplateParameters { .. } => "configuration",
            Self::NoRecipient
            | Self::VariableMissing(_)
            | Self::TooLong
            | Self::OptedOut
            | Self::NoOptIn
            | Self::NoMarketingOptIn => "permanent",
        }
    }

    /// Whether something already on its way may change the answer: the contact's message that led here is handled by
    /// another worker, or the account's templates are being read.
    pub(crate) const fn may_change(&self) -> bool {
        matches!(self, Self::NoOptIn | Self::WindowClosed | Self::TemplateUnknown)
    }

    /// Whether reading the account's templates again may change the answer.
    pub(crate) const fn is_about_templates(&self) -> bool {
        matches!(
            self,
            Self::TemplateUnknown | Self::TemplateNotApproved(_) | Self::TemplateParameters { .. }
        )
    }
}

/// Until when free text may be sent to a contact that wrote last at `last_inbound_at`.
pub(crate) fn window_ends(last_inbound_at: OffsetDateTime) -> OffsetDateTime {
    last_inbound_at + WINDOW
}

/// Decides.
pub(crate) fn decide(situation: &Situation<'_>) -> Decision {
    match check(situation) {
        Ok(decision) => decision,
        Err(refusal) => Decision::Refused(refusal),
    }
}

fn check(situation: &Situation<'_>) -> Result<Decision, Refusal> {
    if !situation.reachable {
        return Err(Refusal::NoRecipient);
    }
    let text = situation.text.ok_or(Refusal::TextUnknown)?;
    match situation.consent {
        Some(Consent::OptedOut) => return Err(Refusal::OptedOut),
        Some(Consent::None) => return Err(Refusal::NoOptIn),
        Some(Consent::Service | Consent::Marketing) | None => {}
    }
    if situation.since_inbound.is_some_and(|since| since < WINDOW) {
        let missing = |missing: crate::domain::text::Missing| Refusal::VariableMissing(missing.0);
        let body = text.render(situation.values).map_err(missing)?;
        return if body.chars().count() > LONGEST_BODY {
            Err(Refusal::TooLong)
        } else {
            Ok(Decision::Session { body })
        };
    }
    by_template(situation, text)
}

fn by_template(situation: &Situation<'_>, text: &Text) -> Result<Decision, Refusal> {
    let template = text.template().ok_or(Refusal::WindowClosed)?;
    let mut category = template.category.clone();
    let given = template.parameters.len();
    match situation.standing {
        Standing::Unknown if situation.trust_unknown => {}
        Standing::Unknown => return Err(Refusal::TemplateUnknown),
        Standing::Known {
            approved: false,
            status,
            ..
        } => {
            return Err(Refusal::TemplateNotApproved(status.clone()));
        }
        Standing::Known { parameters: None, .. } if !situation.trust_unknown => {
            return Err(Refusal::TemplateUnknown);
        }
        Standing::Known {
            parameters: Some(wanted),
            ..
        } if *wanted != given => {
            return Err(Refusal::TemplateParameters {
                wanted: *wanted,
                given,
            });
        }
        // The provider may have moved the template to another category; its word counts.
        Standing::Known { category: theirs, .. } if !theirs.is_empty() => category.clone_from(theirs),
        Standing::Known { .. } => {}
    }
    if category == "MARKETING" && situation.consent != Some(Consent::Marketing) {
        return Err(Refusal::NoMarketingOptIn);
    }
    let parameters = text
        .parameters(situation.values)
        .map_err(|missing| Refusal::VariableMissing(missing.0))?;
    Ok(Decision::Template {
        name: template.name.clone(),
        language: template.language.clone(),
        parameters,
        category,
    })
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
