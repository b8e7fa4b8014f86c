//! Skill files of the tenants' own.

use std::sync::atomic::{AtomicI64, Ordering};

use puente_service::Overrides;
use puente_testkit::wait_for;

use crate::support::{LAURA, PATIENCE, PEDRO, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_skill_takes_effect_without_a_restart_and_for_its_tenant_only() {
    let folder = tempfile::tempdir().unwrap();
    let acme = folder.path().join("acme");
    std::fs::create_dir(&acme).unwrap();
    let settings = Overrides::default()
        .set("skills_dir", folder.path().to_str().unwrap())
        .set("skills_check_ms", 20);
    let stage = Stage::with(settings).await;
    stage.say("acme", LAURA, 1, "quiero registrarme").await;

    let text = include_str!("../../skills/registration.toml")
        .replace("version = 1", "version = 2")
        .replace("ask = \"registration_name\"", "ask = \"registration_company\"");
    std::fs::write(acme.join("registration.toml"), text).unwrap();
    let sequence = AtomicI64::new(10);
    let next = || sequence.fetch_add(1, Ordering::Relaxed);
    wait_for("the new skill", PATIENCE, async || {
        stage.say("acme", PEDRO, next(), "cancelar").await;
        stage.say("acme", PEDRO, next(), "quiero registrarme").await;
        let last = stage.replies().await.pop();
        if last.as_deref() == Some("registration_company") {
            Ok(())
        } else {
            Err(last)
        }
    })
    .await;
    stage.say("other", PEDRO, 500, "quiero registrarme").await;
    assert_eq!(stage.replies().await.last().unwrap(), "registration_name");
    // The conversation that was under way goes on where it was.
    stage.say("acme", LAURA, 600, "Laura Gómez").await;
    assert_eq!(stage.replies().await.last().unwrap(), "registration_email");
}
