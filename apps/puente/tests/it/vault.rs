//! `puente vault` over a rotation of the master key.

use puente_testkit::{TestDb, TestNats};
use puente_vault::MasterKey;
use serde_json::Value;

use crate::command::{folder, puente};

const CONNECTIONS: &str = r#"
[[connection]]
id = "acme-whatsapp"
tenant = "acme"
provider = "whatsapp_cloud"
account = "106540352242922"
settings = { waba_id = "102290129340398" }
secrets = { app_secret = "hunter2-app", access_token = "hunter2-token", verify_token = "hunter2-verify" }
expires_on = { access_token = "2020-01-31" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_seen_done_and_seen_again() {
    let (db, nats) = tokio::join!(TestDb::empty(), TestNats::start());
    let (home, url) = (folder(), nats.url());
    std::fs::write(home.path().join("c.toml"), CONNECTIONS).unwrap();
    let (old, new) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let both = format!("{},{}", new.to_base64().expose(), old.to_base64().expose());
    let run = |keys: &str, arguments: &[&str]| {
        let env = [
            ("DATABASE_URL", db.url()),
            ("NATS_URL", url.as_str()),
            ("PUENTE_INGRESS__MASTER_KEY", keys),
        ];
        puente(home.path(), &env, arguments)
    };
    let json = |keys: &str, arguments: &[&str]| -> Value {
        let ran = run(keys, arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    };
    let only_old = old.to_base64();
    for arguments in [&["migrate", "ingress"][..], &["connections", "apply", "c.toml"]] {
        let ran = run(only_old.expose(), arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }

    let status = json(&both, &["vault", "status", "ingress", "--json"]);
    assert_eq!(status["current"], new.id());
    let sealed = &status["sealed"][0];
    assert_eq!(
        (
            &sealed["place"],
            &sealed["master"],
            &sealed["current"],
            &sealed["count"]
        ),
        (&"bucket".into(), &old.id().into(), &false.into(), &1.into())
    );
    assert_eq!(status["expiring"][0]["within"], "ended");

    let foreign = MasterKey::generate().unwrap();
    let failed = run(
        foreign.to_base64().expose(),
        &["vault", "reseal", "ingress", "--json"],
    );
    assert_eq!(failed.code, 1, "{}", failed.out);
    assert!(failed.err.contains("1 entries are under a key"), "{}", failed.err);

    let done = json(&both, &["vault", "reseal", "ingress", "--json"]);
    assert_eq!(done["places"][0]["resealed"], 1);
    let again = json(&both, &["vault", "reseal", "ingress", "--json"]);
    assert_eq!(
        (&again["places"][0]["resealed"], &again["places"][0]["already"]),
        (&0.into(), &1.into())
    );
    let ran = run(&both, &["vault", "status", "ingress"]);
    assert!(ran.out.contains("nothing is under a former key"), "{}", ran.out);
    assert!(!ran.out.contains("hunter2"), "{}", ran.out);
}

#[test]
fn a_key_in_a_vault_without_an_identity_tells_the_variables_to_set() {
    let env = [
        ("DATABASE_URL", "postgres://puente@127.0.0.1:1/puente"),
        ("NATS_URL", "nats://127.0.0.1:1"),
        (
            "PUENTE_INGRESS__MASTER_KEY",
            "https://puente.vault.azure.net/keys/master",
        ),
    ];
    let ran = puente(folder().path(), &env, &["vault", "status"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("AZURE_TENANT_ID"), "{}", ran.err);
}
