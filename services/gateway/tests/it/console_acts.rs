//! The buttons of orders and signatures that ask a service for something: sent as their page has them, done once, and with
//! a row that says who.

use puente_gateway::domain::Role;
use reqwest::StatusCode;

use crate::office::{ORDER, REQUEST};
use crate::support::Stage;
use crate::visitor::{Visitor, fields, place};

/// Of the trail: action and object.
async fn trail(stage: &Stage) -> Vec<(String, String)> {
    let all = stage.trail().await.into_iter();
    all.map(|(action, _, object, _)| (action, object)).collect()
}

fn row(action: &str, object: &str) -> (String, String) {
    (action.to_owned(), object.to_owned())
}

#[tokio::test]
async fn signers_are_asked_again_from_the_page_of_the_signature() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|_| ());
    let agent = Visitor::new(&stage, Role::Agent).await;
    let page = format!("/firmas/{REQUEST}");
    let act = format!("{page}/reenviar");
    let form = fields(&agent.see(&stage, &page).await, &act);
    let answer = agent.send(&stage, &act, &form).await;
    assert_eq!(place(&answer), format!("{page}?hecho=1"));
    assert_eq!(office.done(), ["resend"]);
    assert_eq!(trail(&stage).await[0], row("signature.resent", REQUEST));
    let viewer = Visitor::new(&stage, Role::Viewer).await;
    let answer = viewer.send(&stage, &act, &form).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(office.done(), ["resend"]);
}

#[tokio::test]
async fn the_provider_is_asked_now_and_too_soon_again_is_refused_with_its_reason() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|_| ());
    let agent = Visitor::new(&stage, Role::Agent).await;
    let page = format!("/firmas/{REQUEST}");
    let act = format!("{page}/consultar");
    let form = fields(&agent.see(&stage, &page).await, &act);
    assert_eq!(
        place(&agent.send(&stage, &act, &form).await),
        format!("{page}?hecho=1")
    );
    let again = agent.send(&stage, &act, &form).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    let text = again.text().await.unwrap();
    assert!(text.contains("it was asked just before"), "{text}");
    assert_eq!(office.done(), ["check"]);
    let trail = trail(&stage).await;
    assert!(
        trail.iter().all(|one| *one == row("signature.checked", REQUEST)),
        "{trail:?}"
    );
}

#[tokio::test]
async fn what_stopped_a_signature_is_taken_up_again_and_no_longer_shown() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnFirma");
    office.signature(|one| {
        one.problem_code = "provider_refused".to_owned();
        one.problem = "DocuSign no aceptó el sobre".to_owned();
        one.actions = vec!["retry".to_owned()];
    });
    let agent = Visitor::new(&stage, Role::Agent).await;
    let page = format!("/firmas/{REQUEST}");
    let act = format!("{page}/reanudar");
    let before = agent.see(&stage, &page).await;
    assert!(before.contains("DocuSign no aceptó el sobre"), "{before}");
    let answer = agent.send(&stage, &act, &fields(&before, &act)).await;
    assert_eq!(place(&answer), format!("{page}?hecho=1"));
    let after = agent.see(&stage, &page).await;
    assert!(!after.contains("DocuSign no aceptó el sobre"), "{after}");
    assert_eq!(office.done(), ["retry"]);
    assert_eq!(trail(&stage).await[0], row("signature.retried", REQUEST));
}

#[tokio::test]
async fn the_summary_of_an_order_is_made_from_its_page_in_the_words_that_people_read() {
    let (stage, office) = Stage::with_office().await;
    office.orders("CotizacionAprobada");
    let agent = Visitor::new(&stage, Role::Agent).await;
    let page = "/pedidos/OT-000042";
    let act = format!("{page}/resumen");
    let form = fields(&agent.see(&stage, page).await, &act);
    let answer = agent.send(&stage, &act, &form).await;
    assert_eq!(place(&answer), format!("{page}?hecho=1"));
    let done = office.done();
    assert!(
        done[0].starts_with("summary OT-000042 Cotización aprobada"),
        "{done:?}"
    );
    assert_eq!(trail(&stage).await[0], row("order.summarised", "OT-000042"));
    // By its id it is the same order; another tenant's is none.
    let by_id = agent
        .send(&stage, &format!("/pedidos/{ORDER}/resumen"), &form)
        .await;
    assert_eq!(by_id.status(), StatusCode::SEE_OTHER);
    let foreign = agent.send(&stage, "/pedidos/OT-000001/resumen", &form).await;
    assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
    assert_eq!(office.done().len(), 2);
}
