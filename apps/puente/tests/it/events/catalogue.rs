//! The catalogue, and what is said about subjects that are not in it.

use puente_proto::CATALOGUE;
use serde_json::Value;

use crate::command::{folder, puente};

#[test]
fn every_event_is_listed_and_the_fields_of_one_say_what_is_personal() {
    let ran = puente(folder().path(), &[], &["events", "catalog"]);
    assert_eq!(
        (ran.code, ran.out.lines().count()),
        (0, CATALOGUE.len() + 1),
        "{}",
        ran.out
    );
    let ran = puente(
        folder().path(),
        &[],
        &["events", "catalog", "orders.order.opened"],
    );
    let line = |name: &str| {
        ran.out
            .lines()
            .find(|line| line.trim_start().starts_with(name))
            .unwrap()
            .to_owned()
    };
    assert!(line("contact.phone").contains("personal"), "{}", ran.out);
    assert!(!line("number").contains("personal"), "{}", ran.out);
    assert!(
        ran.out.contains("puente.v1.<tenant>.orders.order.opened"),
        "{}",
        ran.out
    );
}

#[test]
fn programs_get_one_object_a_line_with_every_field() {
    let ran = puente(folder().path(), &[], &["events", "catalog", "--json"]);
    let entries: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), CATALOGUE.len());
    for entry in &entries {
        for name in ["name", "subject", "type", "owner", "about"] {
            assert!(!entry[name].as_str().unwrap().is_empty(), "{entry}");
        }
        for field in entry["fields"].as_array().unwrap() {
            assert!(!field["about"].as_str().unwrap().is_empty(), "{field}");
            assert!(field["personal"].is_boolean(), "{field}");
        }
    }
}

#[test]
fn a_wrong_subject_type_or_tenant_is_told_before_anything_is_connected_to() {
    for (arguments, told) in [
        (&["orders.order.openned"][..], "`orders.order.opened`"),
        (&["--type", "OrderOpend"], "`OrderOpened`"),
        (&["--tenant", "a.b"], "tenant"),
        (&["--since", "tomorrow"], "2h"),
        (&["--since", "1h", "--from-seq", "1"], "cannot be used with"),
    ] {
        let arguments = [&["events", "tail", "--nats-url", "nats://127.0.0.1:1"], arguments].concat();
        let ran = puente(folder().path(), &[], &arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn the_schema_of_every_event_is_written_for_clients_of_any_language() {
    let home = folder();
    let file = home.path().join("events.binpb");
    let arguments = ["events", "catalog", "--descriptors", file.to_str().unwrap()];
    let ran = puente(home.path(), &[], &arguments);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert_eq!(std::fs::read(&file).unwrap(), puente_proto::DESCRIPTORS);
}
