//! Outside the window only an approved template with the right parameters goes.

use std::time::Duration;

use puente_ports::Content;
use puente_proto::messaging::TemplateChanged;
use puente_testkit::wait_for;

use crate::support::{ANA, Fake, PATIENCE, Stage};

const TWO_DAYS: Duration = Duration::from_secs(48 * 60 * 60);
const VALUES: &[(&str, &str)] = &[
    ("name", "Ana"),
    ("service", "reparación"),
    ("number", "OT-000001"),
];

async fn listed(stage: &Stage) {
    wait_for("the templates to be read", PATIENCE, async || {
        stage
            .count("SELECT count(*) FROM template_listings WHERE listed_at > '-infinity'")
            .await
            == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_window_the_approved_template_goes_with_its_parameters_in_order() {
    Fake::has_templates(&[("orden_recibida", "es", true, 2)]);
    let stage = Stage::set().await;
    listed(&stage).await;
    let heard = stage.hears("acme", ANA, "hola", TWO_DAYS).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "order_opened", VALUES).await;
    let seen = stage.settled("acme", 1, |m| m.state == "sent").await;
    assert_eq!(seen[0].form, "template");
    let expected = Content::Template {
        name: "orden_recibida".into(),
        language: "es".into(),
        parameters: vec!["Ana".into(), "OT-000001".into()],
    };
    assert!(Fake::took()[0].content == expected);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unapproved_a_miscounted_and_an_unlisted_template_are_refused_before_any_call() {
    Fake::has_templates(&[
        ("orden_recibida", "es", false, 2),
        ("orden_actualizada", "es", true, 5),
    ]);
    let stage = Stage::set().await;
    listed(&stage).await;
    let heard = stage.hears("acme", ANA, "hola", TWO_DAYS).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "order_opened", VALUES).await;
    stage
        .settled("acme", 1, |m| m.code.as_deref() == Some("template_not_approved"))
        .await;
    stage
        .asks(
            "acme",
            ANA,
            "order_closed",
            &[("name", "Ana"), ("number", "OT-1"), ("state", "Cerrada")],
        )
        .await;
    let seen = stage.settled("acme", 2, |m| m.state == "failed").await;
    assert_eq!(seen[1].code.as_deref(), Some("template_parameters"));
    // A text without a template cannot be said outside the window at all.
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    let seen = stage.settled("acme", 3, |m| m.state == "failed").await;
    assert_eq!(seen[2].code.as_deref(), Some("window_closed"));
    assert_eq!(Fake::calls(), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_the_provider_pauses_is_not_used_any_more() {
    Fake::has_templates(&[("orden_recibida", "es", true, 2)]);
    let stage = Stage::set().await;
    listed(&stage).await;
    let news = TemplateChanged {
        provider: "fake".into(),
        connection: "acme-chat".into(),
        name: "orden_recibida".into(),
        language: "es".into(),
        status: "PAUSED".into(),
        ..TemplateChanged::default()
    };
    let changed = stage.publish("acme", "orden_recibida", None, &news).await;
    stage.handled(changed).await;
    let heard = stage.hears("acme", ANA, "hola", TWO_DAYS).await;
    stage.handled(heard).await;
    stage.asks("acme", ANA, "order_opened", VALUES).await;
    let seen = stage.settled("acme", 1, |m| m.state == "failed").await;
    assert_eq!(seen[0].code.as_deref(), Some("template_not_approved"));
    assert_eq!(Fake::calls(), 0);
    stage.stop().await;
}
