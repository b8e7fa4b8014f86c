use std::io::Write;

use puente_service::config::{ConfigError, Loaded, load};
use puente_service::{DatabaseConfig, NatsConfig, Overrides, Sources};
use puente_types::Secret;
use serde::Deserialize;

const DEFAULTS: &str = r#"
listen = "127.0.0.1:8081"
[limits]
batch = 500
names = ["a", "b"]
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shop {
    listen: std::net::SocketAddr,
    limits: Limits,
    signing_secret: Option<Secret>,
    database: DatabaseConfig,
    nats: NatsConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    batch: u32,
    names: Vec<String>,
}

fn sources(file: &str, env: &[(&str, &str)]) -> Sources {
    Sources {
        file: Some(("puente.toml".into(), file.into())),
        env: env
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        ..Sources::default()
    }
}

fn shop(sources: &Sources) -> Result<Loaded<Shop>, ConfigError> {
    load("shop", DEFAULTS, sources)
}

fn origin<'a>(loaded: &'a Loaded<Shop>, key: &str) -> (&'a str, &'a str) {
    let shown = loaded
        .shown
        .iter()
        .find(|shown| shown.key == key)
        .expect("the key is shown");
    (shown.value.as_str(), shown.origin.as_str())
}

#[test]
fn the_defaults_alone_are_a_configuration() {
    let loaded = shop(&Sources::default()).unwrap();
    assert_eq!(
        (loaded.service.listen.port(), loaded.service.limits.batch),
        (8081, 500)
    );
    assert_eq!(loaded.service.limits.names, ["a", "b"]);
    assert_eq!(loaded.service.database.max_connections, 12);
    assert_eq!(loaded.service.nats.credentials_file, None);
    assert_eq!(loaded.telemetry.service_name, "puente-shop");
    assert_eq!(loaded.telemetry.otlp_endpoint, None);
    assert_eq!(origin(&loaded, "limits.batch"), ("500", "defaults of shop"));
    assert_eq!(
        origin(&loaded, "database.max_connections"),
        ("12", "shared defaults")
    );
}

#[test]
fn each_layer_wins_over_the_one_below_and_every_key_knows_its_origin() {
    let file =
        "[database]\nmax_connections = 5\n[shop.limits]\nbatch = 1\n[shop.database]\nmax_connections = 6\n";
    let loaded = shop(&sources(file, &[])).unwrap();
    assert_eq!(
        (
            loaded.service.limits.batch,
            loaded.service.database.max_connections
        ),
        (1, 6)
    );
    assert_eq!(
        origin(&loaded, "database.max_connections"),
        ("6", "puente.toml [shop]")
    );

    let env = [
        ("PUENTE_SHOP__LIMITS__BATCH", "2"),
        ("PUENTE_DATABASE__MAX_CONNECTIONS", "7"),
    ];
    let loaded = shop(&sources(file, &env)).unwrap();
    assert_eq!(
        (
            loaded.service.limits.batch,
            loaded.service.database.max_connections
        ),
        (2, 7)
    );
    assert_eq!(
        origin(&loaded, "limits.batch"),
        ("2", "variable PUENTE_SHOP__LIMITS__BATCH")
    );

    let overrides = Overrides::default().set("limits.batch", 3_u32);
    let loaded = shop(&sources(file, &env).with_overrides(overrides)).unwrap();
    assert_eq!(origin(&loaded, "limits.batch"), ("3", "override"));
    assert_eq!(loaded.service.limits.batch, 3);
}

#[test]
fn the_well_known_variables_are_understood_and_the_particular_one_wins() {
    let mut env = vec![
        ("DATABASE_URL", "postgres://u:hush@h/a"),
        ("NATS_URL", "nats://n:1"),
    ];
    let loaded = shop(&sources("", &env)).unwrap();
    assert_eq!(loaded.service.database.url.expose(), "postgres://u:hush@h/a");
    assert_eq!(loaded.service.nats.url, "nats://n:1");
    env.push(("PUENTE_SHOP__DATABASE__URL", "postgres://h/b"));
    assert_eq!(
        shop(&sources("", &env)).unwrap().service.database.url.expose(),
        "postgres://h/b"
    );
}

#[test]
fn secrets_may_come_from_files_and_are_never_shown() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "12345").unwrap();
    let path = file.path().to_str().unwrap();
    let env = [
        ("PUENTE_SHOP__SIGNING_SECRET_FILE", path),
        ("DATABASE_URL", "postgres://u:hush@h/a"),
    ];
    let loaded = shop(&sources("", &env)).unwrap();
    assert_eq!(
        loaded.service.signing_secret.as_ref().map(Secret::expose),
        Some("12345")
    );
    let shown: String = loaded.shown.iter().map(|shown| format!("{shown}\n")).collect();
    assert!(shown.contains("signing_secret = ••••"), "{shown}");
    assert!(
        shown.contains("postgres://u:••••@h/a") && !shown.contains("hush"),
        "{shown}"
    );
}

#[test]
fn a_key_that_ends_in_file_is_itself_when_it_is_declared() {
    let env = [("PUENTE_NATS__CREDENTIALS_FILE", "/run/nats.creds")];
    let loaded = shop(&sources("", &env)).unwrap();
    assert_eq!(
        loaded.service.nats.credentials_file.unwrap().to_str(),
        Some("/run/nats.creds")
    );
}

#[test]
fn a_password_of_digits_stays_a_word() {
    let env = [("PUENTE_SHOP__SIGNING_SECRET", "12345")];
    let loaded = shop(&sources("", &env)).unwrap();
    assert_eq!(loaded.service.signing_secret.unwrap().expose(), "12345");
}

#[test]
fn every_mistake_is_told_at_once_with_its_origin() {
    let file = "[shop]\nlisten = 7\ntypo = 1\n[shop.limits]\nnames = \"a\"\n[databse]\nurl = \"x\"\n";
    let env = [
        ("PUENTE_SHOP__LIMITS__BATCH", "many"),
        ("PUENTE_SHOP__SIGNING_SECRET_FILE", "/nowhere/at/all"),
        ("PUENTE_TELEMETRY__LOG_FORMAT", "xml"),
        ("PUENTE_SHPO__LISTEN", "1"),
    ];
    let sources = sources(file, &env).with_services(["shop", "depot"]);
    let error = shop(&sources).unwrap_err();
    let text = error.to_string();
    for expected in [
        "has 8 mistakes",
        "\n  typo: unknown key; known are listen, limits",
        "\n  limits.batch: is string \"many\", but must be u32 (from variable PUENTE_SHOP__LIMITS__BATCH)",
        "\n  limits.names: is string \"a\", but must be",
        "\n  listen: ",
        "\n  databse: unknown key: neither a shared table nor a service (from puente.toml)",
        "\n  shpo: unknown key: neither a shared table nor a service (from variable PUENTE_SHPO__LISTEN)",
        "\n  signing_secret: the file /nowhere/at/all cannot be read: entity not found",
        "\n  telemetry.log_format: is \"xml\", but must be one of json, pretty, compact",
    ] {
        assert!(text.contains(expected), "missing {expected:?} in:\n{text}");
    }
}

#[test]
fn a_missing_key_is_named_and_another_services_table_is_not_a_mistake() {
    let loaded = load::<Shop>("shop", "[limits]\nnames = []", &sources("[depot]\nx = 1", &[]));
    let error = loaded.unwrap_err();
    let keys: Vec<_> = error
        .problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["limits.batch", "listen"]);
    assert!(error.problems.iter().all(|problem| problem.what == "is missing"));
}

#[test]
fn the_value_of_a_wrong_secret_is_not_told() {
    let file = "[shop]\nsigning_secret = [\"hush\"]\n[database]\nurl = [\"hush\"]\n";
    let text = shop(&sources(file, &[])).unwrap_err().to_string();
    assert!(
        text.contains("signing_secret: is not valid") && !text.contains("hush"),
        "{text}"
    );
}

#[test]
fn a_service_without_a_database_ignores_the_shared_table() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        size: u8,
    }
    let loaded = load::<Small>(
        "small",
        "size = 1",
        &sources("[database]\nmax_connections = 3", &[]),
    );
    assert_eq!(loaded.unwrap().service.size, 1);
}

#[test]
fn a_file_that_is_not_toml_is_one_mistake_with_its_place() {
    let error = shop(&sources("[shop\n", &[])).unwrap_err();
    assert_eq!(error.problems.len(), 1, "{error}");
    assert_eq!(error.problems[0].origin.as_deref(), Some("puente.toml"));
}
