//! The rules catch what they should and nothing else, and the tree keeps them.

use xtask::check_layers::check;
use xtask::check_layers::rules::Workspace;

fn workspace() -> Workspace {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Workspace {
        services: list(&["ingress", "orders"]),
        crates: list(&[
            "puente_types",
            "puente_orders",
            "puente_bus",
            "serde",
            "sqlx",
            "thiserror",
            "tracing",
            "time",
            "reqwest",
        ]),
    }
}

fn judge(file: &str, source: &str) -> Vec<String> {
    workspace().judge(file, source)
}

#[test]
fn the_tree_keeps_its_layers() {
    let (breaches, files) = check(&xtask::tree::root().unwrap()).unwrap();
    assert_eq!(breaches, Vec::<String>::new());
    assert!(files > 50, "only {files} files were read");
}

#[test]
fn a_domain_is_free_of_transport_storage_and_runtime() {
    let file = "services/orders/src/domain/order.rs";
    let good = "use std::fmt;\nuse puente_types::{OrderId, TenantId};\nuse thiserror::Error;\nuse super::state::State;\n\
                use crate::domain::event;\nfn f(at: time::OffsetDateTime) {}\n";
    assert_eq!(judge(file, good), Vec::<String>::new());
    for (line, source) in [
        (1, "use serde::Serialize;"),
        (1, "use puente_bus::Envelope;"),
        (2, "fn f() {\n    tracing::info!(\"x\");\n}"),
        (3, "use std::{\n    fmt,\n};use sqlx::{self};"),
        (1, "#[derive(serde::Serialize)] struct A;"),
        (1, "use crate::{domain::order, infrastructure::store};"),
        (1, "use super::super::application::open_order;"),
    ] {
        let found = judge(file, source);
        assert_eq!(found.len(), 1, "{source}: {found:?}");
        assert!(
            found[0].starts_with(&format!("{file}:{line}: domain imports ")),
            "{}",
            found[0]
        );
    }
}

#[test]
fn application_never_reaches_outwards() {
    let file = "services/orders/src/application/open_order.rs";
    assert_eq!(
        judge(
            file,
            "use crate::domain::{Order, ports::OrderStore};\nuse tracing::info;"
        ),
        Vec::<String>::new()
    );
    for source in [
        "use crate::infrastructure::store::Store;",
        "async fn f(p: &sqlx::PgPool) {}",
        "use super::super::infrastructure;",
    ] {
        assert_eq!(judge(file, source).len(), 1, "{source}");
    }
}

#[test]
fn a_consumer_never_imports_the_store() {
    let file = "services/orders/src/infrastructure/consumer.rs";
    assert_eq!(
        judge(
            file,
            "use crate::application::open_order;\nfn f(s: S) { s.store.save(); }"
        ),
        Vec::<String>::new()
    );
    for source in [
        "use super::store::Store;",
        "use crate::infrastructure::{store, wire};",
        "fn f() { super::store::save(); }",
    ] {
        assert!(
            judge(file, source)[0].contains("consumer.rs never imports the store"),
            "{source}"
        );
    }
}

#[test]
fn services_and_providers_and_libraries_never_import_services() {
    let source = "use puente_orders::Orders;";
    for (file, whose) in [
        (
            "services/ingress/src/wiring.rs",
            "services never import each other",
        ),
        (
            "libs/providers/src/jelou/map.rs",
            "providers never import services",
        ),
        ("libs/bus/src/consume.rs", "libraries never import services"),
    ] {
        assert!(judge(file, source)[0].contains(whose), "{file}");
    }
    for file in ["services/orders/src/main.rs", "apps/puente/src/fleet.rs"] {
        assert_eq!(judge(file, source), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn outside_calls_and_publishing_have_one_room_each() {
    let call = "fn f() { let _ = reqwest::get(\"http://x\"); }";
    let publish = "async fn f(js: J) { js.publish(subject, bytes).await; }";
    for (file, source) in [
        ("services/orders/src/infrastructure/http.rs", call),
        ("libs/providers/src/jelou/mod.rs", call),
    ] {
        assert!(
            judge(file, source)[0].contains("outside calls go through libs/http"),
            "{file}"
        );
    }
    for file in [
        "libs/http/src/client.rs",
        "libs/providers/src/jelou/sim.rs",
        "libs/providers/src/jelou/sim/send.rs",
    ] {
        assert_eq!(judge(file, call), Vec::<String>::new(), "{file}");
    }
    assert!(
        judge("services/orders/src/infrastructure/store.rs", publish)[0]
            .contains("only libs/outbox publishes")
    );
    assert_eq!(judge("libs/outbox/src/relay.rs", publish), Vec::<String>::new());
    assert_eq!(
        judge("libs/http/src/client.rs", "fn f(m: Metric) { m.publish(); }"),
        Vec::<String>::new()
    );
}

#[test]
fn prose_strings_and_test_modules_do_not_count() {
    let source = "//! use sqlx::Pool;\n/* sqlx::query */\nconst A: &str = \"sqlx::query\";\nconst B: &str = r#\"use sqlx::\"#;\n\
                  const Q: char = '\\'';\nconst D: char = '\"';\nfn f<'a>(x: &'a str) {}\n#[cfg(test)]\nmod tests {\n    use sqlx::Pool;\n}\n";
    assert_eq!(
        judge("services/orders/src/domain/order.rs", source),
        Vec::<String>::new()
    );
}

#[test]
fn the_gateway_may_name_the_status_of_a_question_and_no_other_transport() {
    let file = "services/gateway/src/application/search.rs";
    assert_eq!(judge(file, "use tonic::{Code, Status};"), Vec::<String>::new());
    for source in [
        "use tonic::transport::Channel;",
        "use sqlx::PgPool;",
        "use axum::Json;",
    ] {
        assert_eq!(judge(file, source).len(), 1, "{source}");
    }
    let elsewhere = "services/orders/src/application/open_order.rs";
    assert_eq!(judge(elsewhere, "use tonic::Status;").len(), 1);
}
