//! In whose name and with whose key services are asked, and what is said when that is wrong.

use puente_rpc::Scope;

use super::fake::{Fake, Fleet, Has, KEY, ingress};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tenant_the_installation_is_asked_about_else_that_tenant_alone() {
    let fake = Fake::start("ingress", Has::default()).await;
    let fleet = ingress(&fake);
    assert_eq!(fleet.run(&["deliveries", "list"]).await.code, 0);
    assert_eq!(
        fleet
            .run(&["deliveries", "list", "--tenant", "algesta"])
            .await
            .code,
        0
    );
    let callers = fake.callers();
    assert_eq!(callers[0].scope, Scope::Installation);
    assert_eq!(callers[1].scope, Scope::Tenant("algesta".parse().unwrap()));
    assert!(
        callers
            .iter()
            .all(|caller| caller.role == "operator" && caller.subject.starts_with("tool:uid-"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_stand_in_a_file_and_a_wrong_or_absent_one_is_told_without_showing_it() {
    let fake = Fake::start("ingress", Has::default()).await;
    let folder = crate::command::folder();
    let file = folder.path().join("rpc.key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let ran = ingress(&fake)
        .with("PUENTE_RPC_KEY_FILE", file.display().to_string())
        .run(&["deliveries", "list"])
        .await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));

    let other = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";
    for (key, code, told) in [
        (other, 1, "does not believe our key"),
        ("short", 2, "32 bytes"),
        ("", 2, "32 bytes"),
    ] {
        let ran = ingress(&fake)
            .with("PUENTE_RPC_KEY", key.to_owned())
            .run(&["deliveries", "list"])
            .await;
        assert_eq!(ran.code, code, "{key}: {}", ran.err);
        assert!(
            ran.err.contains(told) && (key.is_empty() || !ran.err.contains(key)),
            "{}",
            ran.err
        );
    }
    assert!(fake.callers().len() == 1, "only the good key came in");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_service_the_variables_to_set_are_told() {
    let ran = Fleet::default().run(&["dlq", "list"]).await;
    assert_eq!(ran.code, 2);
    let services = ["INGRESS", "NOTIFICATIONS", "OCR", "ORDERS", "SIGNATURE", "SYNC"];
    let help = Fleet::default().run(&["dlq", "--help"]).await;
    for service in services {
        let variable = format!("PUENTE_{service}_GRPC");
        assert!(ran.err.contains(&variable), "{variable}: {}", ran.err);
        assert!(help.out.contains(&variable), "{variable}: {}", help.out);
    }
    assert!(ran.err.contains("puente up"), "{}", ran.err);
    let fake = Fake::start("orders", Has::default()).await;
    let fleet = Fleet::default().with("PUENTE_ORDERS_GRPC", fake.url());
    let ran = fleet.run(&["deliveries", "list"]).await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (
            2,
            "error: ingress does not run here; PUENTE_INGRESS_GRPC says where it is\n"
        )
    );
    let ran = Fleet::default()
        .with("PUENTE_ORDERS_GRPC", "somewhere".to_owned())
        .run(&["dlq", "list"])
        .await;
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("http://HOST:PORT"), "{}", ran.err);
}
