//! The console without the services behind it: who sees which page, what it says when others are away, what browsers
//! are told. What pages look like and do with a whole fleet is in `tests/browser`.

use std::time::Duration;

use puente_gateway::domain::{Right, Role, may};
use reqwest::{Method, Response, StatusCode};

use crate::support::{PASSWORD, Stage};

const PAGES: [(&str, Option<Right>); 20] = [
    ("/", None),
    ("/buscar?q=", None),
    ("/pedidos", Some(Right::ReadOrders)),
    ("/conversaciones", Some(Right::ReadConversations)),
    ("/firmas", Some(Right::ReadSignatures)),
    ("/revision-ocr", Some(Right::ReadCaptures)),
    ("/revision-ocr/exactitud", Some(Right::ReadCaptures)),
    ("/activos", Some(Right::ReadAssets)),
    ("/activos/leer", Some(Right::ChangeCaptures)),
    ("/directorio", Some(Right::ReadDirectory)),
    ("/integraciones", Some(Right::ReadConnections)),
    ("/plantillas/contrato", Some(Right::ReadConnections)),
    ("/entregas", Some(Right::ReadTraffic)),
    ("/inciertos", Some(Right::ReadEffects)),
    ("/cartas-muertas", Some(Right::ReadDeadLetters)),
    ("/repeticiones", Some(Right::ReadTraffic)),
    ("/repeticiones/nueva", Some(Right::Replay)),
    ("/salud", Some(Right::ReadHealth)),
    ("/auditoria", Some(Right::ReadAudit)),
    ("/accesos", Some(Right::ManageAccess)),
];

async fn see(stage: &Stage, path: &str, cookie: &str) -> Response {
    let request = stage.ask(Method::GET, path).header("cookie", cookie);
    request.send().await.unwrap()
}

async fn enter(stage: &Stage, role: Role) -> String {
    let email = format!("{role}@algesta.co");
    stage.person(Some("algesta"), role, &email).await;
    stage.log_in(&email, PASSWORD).await.unwrap().0
}

#[tokio::test]
async fn each_role_gets_its_pages_and_for_all_others_they_do_not_exist() {
    let stage = Stage::set().await;
    for role in Role::ALL {
        let cookie = enter(&stage, role).await;
        let home = see(&stage, "/", &cookie).await.text().await.unwrap();
        for (path, right) in PAGES {
            let allowed = right.is_none_or(|right| may(role, right));
            let expected = if allowed {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(
                see(&stage, path, &cookie).await.status(),
                expected,
                "{role} {path}"
            );
            let linked = home.contains(&format!("<li><a href=\"{path}\""));
            assert!(allowed || !linked, "{role} is shown the way to {path}");
        }
    }
}

#[tokio::test]
async fn a_page_whose_services_are_away_says_so_in_its_place_and_is_there() {
    let stage = Stage::set().await;
    let cookie = enter(&stage, Role::Admin).await;
    for (path, service) in [
        ("/", "ingress"),
        ("/pedidos", "orders"),
        ("/conversaciones", "orders"),
        ("/entregas", "ingress"),
        ("/inciertos", "notifications"),
        ("/cartas-muertas", "ingress"),
        ("/repeticiones", "ingress"),
        ("/salud", "notifications"),
        ("/firmas", "signature"),
        ("/directorio", "orders"),
        ("/revision-ocr", "ocr"),
        ("/revision-ocr/exactitud", "ocr"),
        ("/activos", "orders"),
        ("/integraciones", "signature"),
    ] {
        let answer = see(&stage, path, &cookie).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(&format!("«{service}» no responde ahora")), "{path}");
        assert!(text.contains("Reintentar"), "{path}");
    }
    let answer = see(&stage, "/pedidos/OT-000001", &cookie).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let text = answer.text().await.unwrap();
    for part in ["Qué pasó", "Qué está a salvo", "Qué puede hacer"] {
        assert!(text.contains(part), "{part}");
    }
}

#[tokio::test]
async fn strangers_are_led_to_the_door_and_on_from_there_and_programs_get_no_pages() {
    let stage = Stage::set().await;
    let answer = see(&stage, "/pedidos?vista=firma", "").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        answer.headers()["location"],
        "/entrar?luego=%2Fpedidos%3Fvista%3Dfirma"
    );
    let key = stage.key(Some("algesta"), Role::Admin).await;
    let answer = stage.get("/pedidos", &key).await;
    assert_eq!(answer.headers()["location"], "/entrar?luego=%2Fpedidos");
    stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let fields = "email=ana%40algesta.co&luego=%2F%2Fevil.example&password=correcto+caballo+pila";
    let request = stage.ask(Method::POST, "/entrar").body(fields);
    let form = "application/x-www-form-urlencoded";
    let answer = request.header("content-type", form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/", "nobody is led to another site");
}

#[tokio::test]
async fn styles_and_script_are_kept_for_good_and_pages_never() {
    let stage = Stage::set().await;
    let answer = see(&stage, "/entrar", "").await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let text = answer.text().await.unwrap();
    let style = text
        .split('"')
        .find(|part| part.starts_with("/assets/console."))
        .unwrap();
    let answer = see(&stage, style, "").await;
    assert_eq!(
        answer.headers()["cache-control"],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(answer.headers()["content-type"], "text/css; charset=utf-8");
    assert!(
        !answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("unsafe")
    );
    assert_eq!(
        see(&stage, "/assets/console.css", "").await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_language_is_the_one_asked_for_then_the_chosen_one_then_the_browsers() {
    let stage = Stage::set().await;
    let request = stage
        .ask(Method::GET, "/entrar")
        .header("accept-language", "en-GB,en;q=0.9");
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("<html lang=\"en\">") && text.contains("Log in to Puente"));
    let cookie = enter(&stage, Role::Agent).await;
    let answer = see(&stage, "/pedidos?lang=en", &cookie).await;
    let chosen = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    let chosen = chosen.split(';').next().unwrap();
    assert!(answer.text().await.unwrap().contains("Newest first"));
    let text = see(&stage, "/pedidos", &format!("{cookie}; {chosen}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(text.contains("<html lang=\"en\">"));
    let text = see(&stage, "/pedidos", &cookie).await.text().await.unwrap();
    assert!(text.contains("<html lang=\"es\">"));
}

/// Reads a stream until it holds `wanted`; all that was read.
pub(crate) async fn read_until(stream: &mut Response, wanted: &str) -> String {
    let mut read = String::new();
    let reading = async {
        while !read.contains(wanted) {
            let chunk = stream.chunk().await.unwrap().unwrap();
            read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), reading).await;
    assert!(done.is_ok(), "`{wanted}` did not come: {read}");
    read
}

#[tokio::test]
async fn a_live_stream_sends_parts_then_beats_resumes_where_it_was_and_ends_with_the_log_in() {
    let stage = Stage::set().await;
    stage
        .person(Some("algesta"), Role::Operator, "o@algesta.co")
        .await;
    let (cookie, csrf) = stage.log_in("o@algesta.co", PASSWORD).await.unwrap();
    let topic = "/vivo?temas=deliveries:0";
    let mut stream = see(&stage, topic, &cookie).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = read_until(&mut stream, "\n\n").await;
    assert!(
        first.contains("event: parts") && first.contains("id=\"fresh\""),
        "{first}"
    );
    let id = first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    // Without a line of data a browser would not tell the page of the beat.
    read_until(&mut stream, "event: beat\ndata: -\n").await;

    let request = stage
        .ask(Method::GET, topic)
        .header("cookie", &cookie)
        .header("last-event-id", id);
    let mut resumed = request.send().await.unwrap();
    let first = read_until(&mut resumed, "\n\n").await;
    assert!(
        first.contains("event: beat"),
        "nothing changed meanwhile: {first}"
    );

    let out = stage
        .ask(Method::POST, "/salir")
        .header("cookie", &cookie)
        .header("x-csrf-token", csrf);
    assert_eq!(out.send().await.unwrap().status(), StatusCode::SEE_OTHER);
    read_until(&mut stream, "event: end\ndata: -\n").await;
}

#[tokio::test]
async fn one_log_in_has_a_few_live_streams_and_what_is_not_ones_own_is_not_streamed() {
    let stage = Stage::set().await;
    let cookie = enter(&stage, Role::Technician).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut stream = see(&stage, "/vivo?temas=dead", &cookie).await;
        let first = read_until(&mut stream, "\n\n").await;
        assert!(
            !first.contains("event: parts"),
            "dead letters are not theirs: {first}"
        );
        open.push(stream);
    }
    let fifth = see(&stage, "/vivo?temas=overview", &cookie).await;
    assert_eq!(fifth.status(), StatusCode::TOO_MANY_REQUESTS);
}
