//! What is said about configuration, connections and targets that are wrong or absent.

use crate::command::{folder, puente};

/// A key that opens nothing.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[test]
fn every_mistake_in_the_configuration_is_told_at_once_and_the_code_is_2() {
    let dir = folder();
    let text = "[ingress]\nlisten = \"nowhere\"\nqueue = 0\n\n[ordrs]\nx = 1\n";
    std::fs::write(dir.path().join("puente.toml"), text).unwrap();
    let ran = puente(
        dir.path(),
        &[("PUENTE_INGRESS__MASTER_KEY", KEY)],
        &["config", "check", "ingress"],
    );
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    for expected in ["listen", "queue", "ordrs"] {
        assert!(
            ran.err.contains(expected),
            "{expected} is missing in:\n{}",
            ran.err
        );
    }
}

#[test]
fn a_good_configuration_is_shown_with_origins_and_without_secrets() {
    let dir = folder();
    let env = [
        ("PUENTE_INGRESS__MASTER_KEY", KEY),
        ("DATABASE_URL", "postgres://me:hunter2@db/puente"),
    ];
    let check = puente(dir.path(), &env, &["config", "check", "ingress"]);
    assert_eq!(
        (check.code, check.out.as_str()),
        (0, "good ingress\n"),
        "{}",
        check.err
    );
    let show = puente(dir.path(), &env, &["config", "show", "ingress"]);
    assert!(
        show.code == 0 && show.out.contains("# variable DATABASE_URL"),
        "{}",
        show.out
    );
    assert!(
        !show.out.contains("hunter2") && !show.out.contains(KEY),
        "{}",
        show.out
    );
}

#[test]
fn without_database_or_broker_the_variable_to_set_is_told() {
    for (arguments, variable) in [
        (&["migrate"][..], "DATABASE_URL"),
        (&["connections", "list"], "NATS_URL"),
    ] {
        let ran = puente(folder().path(), &[], arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(
            ran.err.starts_with("error: ") && ran.err.contains(variable),
            "{}",
            ran.err
        );
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
}

#[test]
fn a_wrong_connections_file_is_refused_before_anything_is_connected_to() {
    let dir = folder();
    let text = "[[connection]]\nid = \"a\"\ntenant = \"a\"\nprovider = \"nobody\"\nsecrets = { token = \"hunter2\" }\n";
    std::fs::write(dir.path().join("c.toml"), text).unwrap();
    let ran = puente(dir.path(), &[], &["connections", "apply", "c.toml"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(
        ran.err.contains("provider") && !ran.err.contains("hunter2"),
        "{}",
        ran.err
    );
}

#[test]
fn a_broker_that_is_not_there_fails_with_its_address() {
    let ran = puente(
        folder().path(),
        &[("NATS_URL", "nats://127.0.0.1:1")],
        &["connections", "list"],
    );
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("nats://127.0.0.1:1"), "{}", ran.err);
}
