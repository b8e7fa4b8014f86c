//! Replays in the console: what runs is what was asked for and rehearsed (CON-17). And the list of deliveries, from which
//! they are asked for.

use puente_gateway::domain::Role;
use puente_proto::{instant, timestamp};
use reqwest::StatusCode;
use time::Duration;

use crate::console::read_until;
use crate::office::delivery;
use crate::support::{NOW, Stage};
use crate::visitor::{Visitor, fields, link, place};

const REHEARSE: &str = "/repeticiones/ensayo";
const RUN: &str = "/repeticiones";

/// The address that a form with these fields leads to.
fn address(path: &str, fields: &[(String, String)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    format!("{path}?{query}")
}

fn set(fields: &mut [(String, String)], name: &str, value: &str) {
    let field = fields.iter_mut().find(|(field, _)| field == name);
    assert!(field.is_some(), "no field {name}");
    value.clone_into(&mut field.unwrap().1);
}

fn get<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let field = fields.iter().find(|(field, _)| field == name);
    field.map_or("", |(_, value)| value.as_str())
}

#[tokio::test]
async fn what_comes_in_after_the_rehearsal_is_not_replayed_with_it() {
    let (stage, office) = Stage::with_traffic().await;
    let operator = Visitor::new(&stage, Role::Operator).await;
    office.tables().deliveries = vec![delivery(2, 10), delivery(1, 30)];
    let page = operator
        .see(&stage, &format!("{REHEARSE}?desde=2026-11-20T06:00&hasta="))
        .await;
    assert!(page.contains("2 entregas se repetirían"), "{page}");
    stage.clock.advance(std::time::Duration::from_secs(300));
    office.tables().deliveries.insert(0, delivery(3, -3));
    let mut form = fields(&page, RUN);
    set(&mut form, "reason", "Se perdió una respuesta");
    let run = place(&operator.send(&stage, RUN, &form).await);
    let replay = office.tables().replays[0].clone();
    assert_eq!(replay.total, 2, "as many as were rehearsed");
    let until = replay.filter.unwrap().until.as_ref().and_then(instant);
    assert_eq!(until, Some(NOW), "until the moment of the rehearsal");
    let trail = stage.trail().await;
    let asked = trail[0].3.as_ref().unwrap();
    assert_eq!(asked["until"], "2026-11-20T07:00:00.000000", "{asked}");
    let page = operator.see(&stage, &run).await;
    assert!(page.contains("0 de 2"), "{page}");
}

#[tokio::test]
async fn a_run_without_an_end_or_with_a_filter_that_is_not_understood_is_refused() {
    let (stage, office) = Stage::with_traffic().await;
    let operator = Visitor::new(&stage, Role::Operator).await;
    office.tables().deliveries = vec![delivery(1, 30)];
    let page = operator
        .see(&stage, &format!("{REHEARSE}?desde=2026-11-20T06:00"))
        .await;
    let mut whole = fields(&page, RUN);
    set(&mut whole, "reason", "Se perdió una respuesta");
    for (name, value) in [
        ("hasta", ""),
        ("hasta", "mañana"),
        ("hasta", "2026-11-20T05:00"),
        ("desde", "ayer"),
    ] {
        let mut form = whole.clone();
        set(&mut form, name, value);
        let answer = operator.send(&stage, RUN, &form).await;
        assert_eq!(answer.status(), StatusCode::CONFLICT, "{name}={value}");
    }
    let mut unknown = whole.clone();
    unknown.push(("vista".to_owned(), "perdidas".to_owned()));
    let answer = operator.send(&stage, RUN, &unknown).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert!(office.tables().replays.is_empty());
    for unclear in ["vista=perdidas", "hasta=pronto", "hasta=2026-11-20T05:00"] {
        let path = format!("{REHEARSE}?desde=2026-11-20T06:00&{unclear}");
        let back = place(&operator.ask(&stage, &path).await);
        assert!(
            back.starts_with("/repeticiones/nueva?falta=2&"),
            "{unclear}: {back}"
        );
        let page = operator.see(&stage, &back).await;
        assert!(page.contains("Una parte del filtro no se entiende"), "{page}");
    }
    place(&operator.send(&stage, RUN, &whole).await);
}

#[tokio::test]
async fn the_filter_of_the_list_is_that_of_the_rehearsal_and_of_the_run() {
    let (stage, office) = Stage::with_traffic().await;
    let operator = Visitor::new(&stage, Role::Operator).await;
    let refused = |sequence, connection: &str| {
        let mut one = delivery(sequence, 20);
        one.outcome = "refused".to_owned();
        one.connection = connection.to_owned();
        one
    };
    office.tables().deliveries = vec![
        delivery(4, 10),
        refused(3, "whatsapp-norte"),
        refused(2, "whatsapp-algesta"),
        delivery(1, 30),
    ];
    let list = operator
        .see(&stage, "/entregas?vista=rechazadas&conexion=whatsapp-norte")
        .await;
    let narrowed = fields(&list, "/entregas");
    assert_eq!(
        (get(&narrowed, "vista"), get(&narrowed, "conexion")),
        ("rechazadas", "whatsapp-norte"),
        "narrowing the list keeps what it is narrowed by"
    );
    let page = operator
        .see(&stage, &link(&list, "/repeticiones/nueva").unwrap())
        .await;
    let mut form = fields(&page, REHEARSE);
    set(&mut form, "desde", "2026-11-20T06:00");
    let page = operator.see(&stage, &address(REHEARSE, &form)).await;
    assert!(page.contains("1 entregas se repetirían"), "{page}");
    assert!(
        page.contains("whatsapp-norte") && page.contains("Rechazadas"),
        "the filter is said: {page}"
    );
    let mut form = fields(&page, RUN);
    set(&mut form, "reason", "Se cambió el secreto");
    place(&operator.send(&stage, RUN, &form).await);
    let replay = office.tables().replays[0].clone();
    let filter = replay.filter.unwrap();
    assert_eq!(
        (replay.total, filter.connection.as_str()),
        (1, "whatsapp-norte"),
        "one of four"
    );
    assert_eq!(filter.outcomes, ["refused", "malformed"]);
    let asked = stage.trail().await[0].3.clone().unwrap();
    assert_eq!(asked["connection"], "whatsapp-norte", "{asked}");
}

#[tokio::test]
async fn every_provider_with_webhooks_may_be_chosen_and_an_unknown_one_never_becomes_all() {
    let (stage, office) = Stage::with_traffic().await;
    let operator = Visitor::new(&stage, Role::Operator).await;
    office.tables().deliveries = vec![delivery(1, 30)];
    for page in ["/repeticiones/nueva", "/entregas"] {
        let text = operator.see(&stage, page).await;
        for slug in ["asana", "docusign", "jelou", "whatsapp_cloud"] {
            assert!(
                text.contains(&format!("<option value=\"{slug}\"")),
                "{page} {slug}"
            );
        }
        assert!(!text.contains("azure_vision"), "it has no webhooks: {text}");
        for slug in ["docusign", "olvidado"] {
            let text = operator.see(&stage, &format!("{page}?servicio={slug}")).await;
            let action = if page == "/entregas" { page } else { REHEARSE };
            assert_eq!(get(&fields(&text, action), "servicio"), slug, "{page}");
        }
    }
    let page = operator
        .see(&stage, "/repeticiones/nueva?servicio=olvidado")
        .await;
    let page = operator
        .see(&stage, &address(REHEARSE, &fields(&page, REHEARSE)))
        .await;
    assert!(page.contains("Ninguna entrega con este filtro"), "{page}");
}

#[tokio::test]
async fn one_delivery_is_found_for_its_replay_however_old_it_is() {
    let (stage, office) = Stage::with_traffic().await;
    let operator = Visitor::new(&stage, Role::Operator).await;
    let three_days = 3 * 24 * 60;
    let mut later = delivery(4, three_days - 30);
    later.trace_id = delivery(2, 0).trace_id;
    office.tables().deliveries = vec![
        delivery(5, 1),
        later,
        delivery(3, three_days),
        delivery(2, three_days),
        delivery(1, three_days + 1),
    ];
    let id = delivery(2, 0).id;
    let page = operator.see(&stage, &format!("/entregas/{id}")).await;
    let page = operator
        .see(&stage, &link(&page, "/repeticiones/nueva").unwrap())
        .await;
    let page = operator
        .see(&stage, &address(REHEARSE, &fields(&page, REHEARSE)))
        .await;
    assert!(page.contains("1 entregas se repetirían"), "{page}");
    let mut form = fields(&page, RUN);
    set(&mut form, "reason", "La respuesta se perdió");
    place(&operator.send(&stage, RUN, &form).await);
    let filter = office.tables().replays[0].filter.clone().unwrap();
    let since = filter.since.as_ref().and_then(instant).unwrap();
    assert_eq!(since, NOW - Duration::days(3));
    assert_eq!(filter.until, Some(timestamp(since + Duration::minutes(1))));
}

#[tokio::test]
async fn a_replay_is_stopped_from_its_page_by_whoever_may_start_one_and_the_trail_says_who() {
    let (stage, office) = Stage::with_traffic().await;
    let operator = Visitor::new(&stage, Role::Operator).await;
    office.tables().deliveries = vec![delivery(1, 30)];
    let page = operator
        .see(&stage, &format!("{REHEARSE}?desde=2026-11-20T06:00"))
        .await;
    let mut form = fields(&page, RUN);
    set(&mut form, "reason", "Se perdió una respuesta");
    let run = place(&operator.send(&stage, RUN, &form).await);
    let stop = format!("{run}/detener");
    let viewer = Visitor::new(&stage, Role::Viewer).await;
    assert!(!viewer.see(&stage, &run).await.contains(&stop));
    let refused = viewer.send(&stage, &stop, &[]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(office.tables().replays[0].state, "running");
    let page = operator.see(&stage, &run).await;
    let answer = operator.send(&stage, &stop, &fields(&page, &stop)).await;
    assert_eq!(place(&answer), format!("{run}?hecho=1"));
    let page = operator.see(&stage, &run).await;
    assert!(
        page.contains("Repetición cancelada") && !page.contains(&stop),
        "{page}"
    );
    let trail = stage.trail().await;
    assert!(
        trail.iter().any(|(action, subject, object, _)| {
            action == "replay.cancelled"
                && subject.ends_with(&operator.id.to_string())
                && run.ends_with(object)
        }),
        "{trail:?}"
    );
    let nowhere = operator.send(&stage, "/repeticiones/no-es/detener", &[]).await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn new_ones_are_counted_by_the_filter_of_the_list_that_waits_for_them() {
    let (stage, office) = Stage::with_traffic().await;
    let operator = Visitor::new(&stage, Role::Operator).await;
    let refused = |sequence| {
        let mut one = delivery(sequence, 0);
        one.outcome = "refused".to_owned();
        one
    };
    office.tables().deliveries = vec![delivery(3, 1), delivery(2, 1), refused(1)];
    let fresh = async |page: &str| {
        let topic = page
            .split("data-live=\"")
            .find(|part| part.starts_with("deliveries"));
        let topic = topic.unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let mut stream = operator
            .ask(&stage, &address("/vivo", &[("temas".to_owned(), topic)]))
            .await;
        read_until(&mut stream, "\n\n").await
    };
    let all = operator.see(&stage, "/entregas").await;
    let some = operator.see(&stage, "/entregas?vista=rechazadas").await;
    for page in [&all, &some] {
        let part = fresh(page).await;
        assert!(
            part.contains("id=\"fresh\"") && !part.contains("nuevas"),
            "{part}"
        );
    }
    for one in [refused(4), delivery(5, 0), delivery(6, 0)] {
        office.tables().deliveries.insert(0, one);
    }
    let part = fresh(&some).await;
    assert!(
        part.contains("Hay 1 nuevas") && part.contains("href=\"/entregas?vista=rechazadas\""),
        "{part}"
    );
    let part = fresh(&all).await;
    assert!(
        part.contains("Hay 3 nuevas") && part.contains("href=\"/entregas\""),
        "{part}"
    );
}
