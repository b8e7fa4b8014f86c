//! What a task says; the words are in `texts/`, one file per language.

use std::collections::BTreeMap;

use puente_types::TenantId;
use serde::Deserialize;

use crate::infrastructure::store::task::Facts;

/// Longest title and notes, in characters; providers take more.
const MAX_TITLE: usize = 200;
const MAX_NOTES: usize = 8_000;

/// The words of one language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    order: String,
    service: String,
    state: String,
    description: String,
    location: String,
    client: String,
    phone: String,
    /// How people read states; one that is missing is shown by its name.
    states: BTreeMap<String, String>,
}

/// The words of all tenants.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    usual: Language,
    tenants: BTreeMap<TenantId, Language>,
}

/// A language that there are no words in, or words that are not readable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoWords {
    #[error("there are texts in es and en only, not in `{0}`")]
    Language(String),
    #[error("the texts cannot be read")]
    File(#[from] toml::de::Error),
}

impl Words {
    /// The words of the usual language, and of tenants with another.
    pub(crate) fn load(usual: &str, tenants: &BTreeMap<TenantId, String>) -> Result<Self, NoWords> {
        let own = tenants
            .iter()
            .map(|(tenant, language)| Ok((tenant.clone(), language_of(language)?)));
        Ok(Self {
            usual: language_of(usual)?,
            tenants: own.collect::<Result<_, NoWords>>()?,
        })
    }

    fn of(&self, tenant: &TenantId) -> &Language {
        self.tenants.get(tenant).unwrap_or(&self.usual)
    }

    /// What the list of tasks shows.
    pub(crate) fn title(number: &str, facts: &Facts) -> String {
        let title = if facts.service.is_empty() {
            number.to_owned()
        } else {
            format!("{number} · {}", facts.service)
        };
        one_line(&title).chars().take(MAX_TITLE).collect()
    }

    /// What whoever opens the task reads: the facts as they are, at this state.
    pub(crate) fn notes(&self, tenant: &TenantId, number: &str, facts: &Facts, state: &str) -> String {
        let words = self.of(tenant);
        let state = words.states.get(state).map_or(state, String::as_str);
        let lines = [
            (&words.order, number),
            (&words.service, &facts.service),
            (&words.state, state),
            (&words.location, &facts.location),
            (&words.client, &facts.client_name),
            (&words.phone, &facts.client_phone),
            (&words.description, &facts.description),
        ];
        let known = lines.into_iter().filter(|(_, value)| !value.is_empty());
        let notes: Vec<String> = known.map(|(name, value)| format!("{name}: {value}")).collect();
        notes.join("\n").chars().take(MAX_NOTES).collect()
    }
}

fn language_of(name: &str) -> Result<Language, NoWords> {
    let text = match name {
        "es" => include_str!("../../texts/es.toml"),
        "en" => include_str!("../../texts/en.toml"),
        _ => return Err(NoWords::Language(name.to_owned())),
    };
    Ok(toml::from_str(text)?)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            service: "Reparación".to_owned(),
            description: "La nevera\nno enfría".to_owned(),
            location: "Calle 1 # 2-3".to_owned(),
            ..Facts::default()
        }
    }

    #[test]
    fn notes_tell_the_order_in_the_tenants_language_and_name_no_client_that_is_not_given() {
        let other: TenantId = "other".parse().unwrap();
        let words = Words::load("es", &BTreeMap::from([(other.clone(), "en".to_owned())])).unwrap();
        let acme: TenantId = "acme".parse().unwrap();
        let notes = words.notes(&acme, "OT-000042", &facts(), "EnCotizacion");
        assert_eq!(
            notes,
            "Orden: OT-000042\nServicio: Reparación\nEstado: En cotización\nLugar: Calle 1 # 2-3\n\
             Descripción: La nevera\nno enfría"
        );
        let english = words.notes(&other, "OT-000042", &facts(), "Unheard");
        assert!(english.contains("State: Unheard"), "{english}");
        assert!(matches!(
            Words::load("fr", &BTreeMap::new()),
            Err(NoWords::Language(_))
        ));
    }

    #[test]
    fn a_title_is_one_line() {
        let mut facts = facts();
        facts.service = "Reparación\n de nevera".to_owned();
        assert_eq!(
            Words::title("OT-000042", &facts),
            "OT-000042 · Reparación de nevera"
        );
    }
}
