//! Who may enter, as an administrator's browser changes it.

use puente_gateway::domain::Role;
use reqwest::{Method, Response, StatusCode};

use crate::support::{PASSWORD, Stage};

const FORM: &str = "application/x-www-form-urlencoded";

struct Admin {
    cookie: String,
    csrf: String,
}

impl Admin {
    async fn of(stage: &Stage, tenant: &str) -> Self {
        let email = format!("admin@{tenant}.co");
        stage.person(Some(tenant), Role::Admin, &email).await;
        let (cookie, csrf) = stage.log_in(&email, PASSWORD).await.unwrap();
        Self { cookie, csrf }
    }

    async fn sees(&self, stage: &Stage, path: &str) -> String {
        let page = stage.ask(Method::GET, path).header("cookie", &self.cookie);
        page.send().await.unwrap().text().await.unwrap()
    }

    async fn sends(&self, stage: &Stage, path: &str, fields: &str) -> Response {
        let request = stage.ask(Method::POST, path).header("cookie", &self.cookie);
        let request = request.header("content-type", FORM);
        let sent = request.body(format!("csrf={}&{fields}", self.csrf)).send();
        sent.await.unwrap()
    }
}

/// What a page shows this once.
fn shown(page: &str) -> &str {
    let found = page.split_once("<code class=\"once\">");
    let (_, rest) = found.unwrap();
    rest.split_once('<').unwrap().0
}

async fn actions(stage: &Stage) -> Vec<String> {
    stage.trail().await.into_iter().map(|row| row.0).collect()
}

#[tokio::test]
async fn somebody_is_let_in_with_a_password_that_is_shown_once() {
    let stage = Stage::set().await;
    let admin = Admin::of(&stage, "algesta").await;
    let fields = "name=Ana&email=ana%40algesta.co&role=agent&language=es";
    let made = admin.sends(&stage, "/accesos/personas", fields).await;
    assert_eq!(made.status(), StatusCode::OK);
    assert_eq!(made.headers()["cache-control"], "no-store");
    let page = made.text().await.unwrap();
    let password = shown(&page);
    stage.log_in("ana@algesta.co", password).await.unwrap();
    let list = admin.sees(&stage, "/accesos").await;
    assert!(list.contains("ana@algesta.co") && !list.contains(password));
    assert_eq!(actions(&stage).await, ["user.created"]);

    let again = admin.sends(&stage, "/accesos/personas", fields).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert!(
        again
            .text()
            .await
            .unwrap()
            .contains("Ya hay alguien que entra con este correo")
    );
    for wrong in [
        "name=&email=b%40algesta.co&role=agent&language=es",
        "name=B&email=b&role=agent&language=es",
        "name=B&email=b%40algesta.co&role=king&language=es",
        "name=B&email=b%40algesta.co&role=agent&language=fr",
    ] {
        let refused = admin.sends(&stage, "/accesos/personas", wrong).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT, "{wrong}");
    }
    let people = admin
        .sees(&stage, "/accesos")
        .await
        .matches("<a href=\"/accesos/personas/")
        .count();
    assert_eq!(people, 2);
}

#[tokio::test]
async fn another_role_another_password_and_the_end_of_an_access_hold_at_once() {
    let stage = Stage::set().await;
    let admin = Admin::of(&stage, "algesta").await;
    let ana = stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let place = format!("/accesos/personas/{}", ana.id);
    let changed = admin
        .sends(&stage, &format!("{place}/funcion"), "role=viewer")
        .await;
    assert_eq!(changed.headers()["location"], format!("{place}?hecho=1").as_str());
    assert!(
        admin
            .sees(&stage, &place)
            .await
            .contains("value=\"viewer\" selected")
    );

    let page = admin.sends(&stage, &format!("{place}/clave"), "").await;
    let page = page.text().await.unwrap();
    assert!(stage.log_in("ana@algesta.co", PASSWORD).await.is_err());
    let (hers, _) = stage.log_in("ana@algesta.co", shown(&page)).await.unwrap();

    admin.sends(&stage, &format!("{place}/cerrar"), "").await;
    let me = stage.ask(Method::GET, "/api/me").header("cookie", hers);
    assert_eq!(me.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert!(
        !admin.sees(&stage, &place).await.contains("/cerrar"),
        "nothing is left to end"
    );
    let mut done = actions(&stage).await;
    done.sort();
    assert_eq!(
        done,
        ["user.disabled", "user.password_reset", "user.role_changed"]
    );
}

#[tokio::test]
async fn a_key_made_here_works_until_it_is_revoked_here() {
    let stage = Stage::set().await;
    let admin = Admin::of(&stage, "algesta").await;
    let fields = "name=ERP&role=viewer&per_minute=30&days=90";
    let made = admin
        .sends(&stage, "/accesos/llaves", fields)
        .await
        .text()
        .await
        .unwrap();
    let key = shown(&made);
    assert_eq!(stage.get("/api/me", key).await.status(), StatusCode::OK);
    let list = admin.sees(&stage, "/accesos").await;
    assert!(list.contains("ERP") && !list.contains(key));
    let (_, rest) = list.split_once("action=\"/accesos/llaves/").unwrap();
    let id = rest
        .split_once("action=\"/accesos/llaves/")
        .map_or(rest, |(_, row)| row)
        .split_once('/')
        .unwrap()
        .0;
    for wrong in [
        "per_minute=0",
        "per_minute=x",
        "per_minute=30&days=0",
        "per_minute=30&days=99999",
    ] {
        let refused = admin
            .sends(&stage, "/accesos/llaves", &format!("name=B&role=viewer&{wrong}"))
            .await;
        assert_eq!(refused.status(), StatusCode::CONFLICT, "{wrong}");
    }
    admin
        .sends(&stage, &format!("/accesos/llaves/{id}/revocar"), "")
        .await;
    assert_eq!(stage.get("/api/me", key).await.status(), StatusCode::UNAUTHORIZED);
    let done = actions(&stage).await;
    assert!(
        ["key.created", "key.revoked"]
            .iter()
            .all(|one| done.iter().any(|done| done == one)),
        "{done:?}"
    );
}

#[tokio::test]
async fn of_another_tenant_nobody_is_seen_or_changed_and_nobody_changes_themselves() {
    let stage = Stage::set().await;
    let theirs = Admin::of(&stage, "norte").await;
    let admin = Admin::of(&stage, "algesta").await;
    let ana = stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let made = admin
        .sends(&stage, "/accesos/llaves", "name=ERP&role=viewer&per_minute=30")
        .await;
    let key = shown(&made.text().await.unwrap()).to_owned();
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM api_keys WHERE name = 'ERP'")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    let place = format!("/accesos/personas/{}", ana.id);
    assert!(!theirs.sees(&stage, "/accesos").await.contains("ana@algesta.co"));
    assert!(!theirs.sees(&stage, &place).await.contains("ana@algesta.co"));
    for (path, fields) in [
        (format!("{place}/funcion"), "role=admin"),
        (format!("{place}/clave"), ""),
        (format!("{place}/cerrar"), ""),
        (format!("/accesos/llaves/{id}/revocar"), ""),
    ] {
        let refused = theirs.sends(&stage, &path, fields).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(stage.get("/api/me", &key).await.status(), StatusCode::OK);
    stage.log_in("ana@algesta.co", PASSWORD).await.unwrap();

    let own: uuid::Uuid = sqlx::query_scalar("SELECT id FROM users WHERE email = 'admin@algesta.co'")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    let place = format!("/accesos/personas/{own}");
    assert!(!admin.sees(&stage, &place).await.contains("/cerrar"));
    for act in ["funcion", "clave", "cerrar"] {
        let refused = admin
            .sends(&stage, &format!("{place}/{act}"), "role=viewer")
            .await;
        assert_eq!(refused.status(), StatusCode::CONFLICT, "{act}");
    }
}

#[tokio::test]
async fn a_name_with_characters_that_control_is_refused_for_keys_as_for_people() {
    let stage = Stage::set().await;
    let admin = Admin::of(&stage, "algesta").await;
    for name in ["a%00b", "a%0Ab", "a%1Bb"] {
        for (path, fields) in [
            ("/accesos/llaves", "role=viewer&per_minute=30"),
            ("/accesos/personas", "email=b%40algesta.co&role=agent&language=es"),
        ] {
            let refused = admin.sends(&stage, path, &format!("name={name}&{fields}")).await;
            assert_eq!(refused.status(), StatusCode::CONFLICT, "{path} {name}");
        }
    }
}

#[tokio::test]
async fn keys_that_one_page_does_not_hold_are_on_the_next_one() {
    let stage = Stage::set().await;
    let admin = Admin::of(&stage, "algesta").await;
    for _ in 0..101 {
        stage.key(Some("algesta"), Role::Viewer).await;
    }
    let rows = |page: &str| page.matches("<code>").count();
    let first = admin.sees(&stage, "/accesos").await;
    assert_eq!(rows(&first), 100);
    let (_, next) = first.split_once("rel=\"next\" href=\"").unwrap();
    let next = next.split_once('"').unwrap().0.replace("&amp;", "&");
    assert!(next.contains("de=llaves"), "{next}");
    let second = admin.sees(&stage, &next).await;
    assert_eq!(rows(&second), 1);
    assert!(second.contains("admin@algesta.co"), "people are where they were");
}
