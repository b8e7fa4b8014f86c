//! Somebody at a browser: their log-in, the pages that they see, the forms that they send.

use puente_gateway::domain::Role;
use reqwest::{Method, Response, StatusCode};
use uuid::Uuid;

use crate::support::{PASSWORD, Stage};

pub(crate) struct Visitor {
    /// Their account.
    pub(crate) id: Uuid,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Visitor {
    /// Somebody of `algesta`.
    pub(crate) async fn new(stage: &Stage, role: Role) -> Self {
        let email = format!("{role}@algesta.co");
        let account = stage.person(Some("algesta"), role, &email).await;
        let (cookie, csrf) = stage.log_in(&email, PASSWORD).await.unwrap();
        Self {
            id: account.id,
            cookie,
            csrf,
        }
    }

    pub(crate) async fn ask(&self, stage: &Stage, path: &str) -> Response {
        let request = stage.ask(Method::GET, path).header("cookie", &self.cookie);
        request.send().await.unwrap()
    }

    /// The page, which is there.
    pub(crate) async fn see(&self, stage: &Stage, path: &str) -> String {
        let answer = self.ask(stage, path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// Sends a form with these fields.
    pub(crate) async fn send(&self, stage: &Stage, path: &str, fields: &[(String, String)]) -> Response {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &self.csrf).extend_pairs(fields);
        let request = stage.ask(Method::POST, path).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(form.finish()).send().await.unwrap()
    }
}

/// The named fields of the first form that goes to `action`, as a browser would send them untouched; without the token.
pub(crate) fn fields(page: &str, action: &str) -> Vec<(String, String)> {
    let form = page
        .split("<form")
        .find(|form| form.contains(&format!("action=\"{action}\"")));
    assert!(form.is_some(), "no form goes to {action}: {page}");
    let form = form.unwrap().split("</form>").next().unwrap();
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
        Some(value.replace("&amp;", "&"))
    };
    let mut all = Vec::new();
    for part in form.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        if let (true, Some(name)) = (tag.starts_with("input "), attribute(tag, "name")) {
            all.push((name, attribute(tag, "value").unwrap_or_default()));
        }
        if let (true, Some(name)) = (tag.starts_with("select "), attribute(tag, "name")) {
            // The first option, until one is selected.
            all.push((name, String::new()));
        }
        if tag.starts_with("option ") && tag.ends_with(" selected") {
            let chosen = attribute(tag, "value").unwrap_or_default();
            if let Some((_, value)) = all.last_mut() {
                *value = chosen;
            }
        }
    }
    all.retain(|(name, _)| name != "csrf");
    all
}

/// Where an answer leads.
pub(crate) fn place(answer: &Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// The address of the first link of the page that begins so, as a browser follows it.
pub(crate) fn link(page: &str, begins: &str) -> Option<String> {
    let link = page
        .split("href=\"")
        .skip(1)
        .find(|link| link.starts_with(begins))?;
    Some(link.split('"').next()?.replace("&amp;", "&"))
}
