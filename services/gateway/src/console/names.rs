//! Ids of people and keys, as they stand in journals, by the names that colleagues know.

use std::collections::HashMap;

use super::view::View;
use super::words as w;
use crate::accounts;
use crate::state::App;

/// The names of the reader's organization.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    /// Looks them up; without the database ids stay ids.
    pub(crate) async fn of(view: &View, app: &App) -> Self {
        let people = accounts::list(&app.pool, &view.principal.scope).await;
        let people = people.unwrap_or_default();
        Self(
            people
                .into_iter()
                .map(|one| (format!("user:{}", one.id), one.name))
                .collect(),
        )
    }

    /// The name of `subject`; somebody else's stays untold.
    pub(crate) fn name<'a>(&'a self, view: &View, subject: &'a str) -> &'a str {
        match self.0.get(subject) {
            Some(name) => name,
            None if subject.starts_with("key:") => view.say(w::BY_PROGRAM),
            None if subject.starts_with("user:") => view.say(w::BY_SOMEBODY),
            None => subject,
        }
    }
}
