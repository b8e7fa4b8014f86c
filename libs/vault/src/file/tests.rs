//! What a connections file may say, and how its mistakes are told.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::*;

static CHAT: LazyLock<Manifest> = LazyLock::new(|| {
    Manifest::parse(
        "chat",
        r#"
        slug = "chat"
        name = "Chat"
        code = "INT-900"
        state = "implemented"
        capabilities = ["webhook", "message"]
        owner = "notifications"
        fallback = "None."
        urls = { base_url = "https://chat.example" }
        timeout_ms = 1000
        redelivery_hours = 1
        max_body_bytes = 1000
        secrets = [
            { name = "app_secret", env = "CHAT_APP_SECRET", about = "Signs webhooks.", required = true },
            { name = "token", env = "CHAT_TOKEN", about = "Calls." },
        ]
        settings = [
            { name = "phone_id", about = "The number.", required = true },
            { name = "retries", about = "How often.", default = "3", required = true },
        ]
        "#,
    )
    .unwrap()
});

fn manifests(slug: &str) -> Option<&'static Manifest> {
    (slug == "chat").then(|| &*CHAT)
}

fn parse_with(text: &str, env: &[(&str, &str)]) -> Result<Vec<Connection>, FileErrors> {
    let env: BTreeMap<&str, &str> = env.iter().copied().collect();
    let lookup = |name: &str| env.get(name).map(|value| (*value).to_owned());
    ConnectionsFile::parse(text, Path::new("/nowhere"), &manifests, &lookup).map(|file| file.connections)
}

fn mistakes(text: &str) -> Vec<(String, String)> {
    parse_with(text, &[])
        .unwrap_err()
        .0
        .into_iter()
        .map(|e| (e.connection, e.key))
        .collect()
}

fn secret(connection: &Connection, name: &str) -> Option<String> {
    connection
        .secrets
        .get(name)
        .map(|secret| secret.expose().to_owned())
}

const GOOD: &str = r#"
[[connection]]
id = "acme-chat"
tenant = "acme"
provider = "chat"
account = "1055"
settings = { phone_id = 77, base_url = "https://eu.chat.example", accounts = ["1056"] }
secrets = { app_secret = "literal", app_secret_previous = "former", token = { env = "ACME_TOKEN" } }
"#;

#[test]
fn a_right_file_gives_connections() {
    let connections = parse_with(GOOD, &[("ACME_TOKEN", "from-env")]).unwrap();
    let [acme] = connections.as_slice() else {
        panic!("one connection")
    };
    assert_eq!((acme.id.as_str(), acme.tenant.as_str()), ("acme-chat", "acme"));
    assert_eq!(acme.account.as_deref(), Some("1055"));
    assert_eq!(
        acme.setting("phone_id"),
        Some("77"),
        "numbers become the texts that adapters read"
    );
    assert_eq!(acme.settings["accounts"], serde_json::json!(["1056"]));
    assert_eq!(secret(acme, "app_secret").as_deref(), Some("literal"));
    assert_eq!(secret(acme, "token").as_deref(), Some("from-env"));
    assert_eq!(acme.secrets.accepted("app_secret").count(), 2);
}

#[test]
fn secrets_may_lie_in_files_beside_the_connections_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("app.txt"), "in-file\n").unwrap();
    let path = dir.path().join("connections.toml");
    std::fs::write(&path, GOOD.replace("\"literal\"", "{ file = \"app.txt\" }")).unwrap();
    let file = ConnectionsFile::read(&path, &manifests, &|_| Some("x".to_owned())).unwrap();
    assert_eq!(
        secret(&file.connections[0], "app_secret").as_deref(),
        Some("in-file")
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = r#"
        surplus = 1
        [[connection]]
        id = "Not An Id"
        provider = "chat"
        colour = "red"
        settings = { base_url = {}, height = "1" }
        secrets = { token = { env = "UNSET" }, app_secret = "", password = "hunter2", token_previous = { file = "gone" } }
        [[connection]]
        id = "b"
        tenant = "acme"
        provider = "fax"
        credentials = "borrowed"
    "#;
    let found = mistakes(text);
    let expected = [
        ("", "surplus"),
        ("Not An Id", "id"),
        ("Not An Id", "tenant"),
        ("Not An Id", "colour"),
        ("Not An Id", "settings.base_url"),
        ("Not An Id", "settings.height"),
        ("Not An Id", "settings.phone_id"),
        ("Not An Id", "secrets.app_secret"),
        ("Not An Id", "secrets.password"),
        ("Not An Id", "secrets.token"),
        ("Not An Id", "secrets.token_previous"),
        ("b", "credentials"),
        ("b", "provider"),
    ];
    assert_eq!(found, expected.map(|(c, k)| (c.to_owned(), k.to_owned())));
    let shown = parse_with(text, &[]).unwrap_err().to_string();
    assert!(shown.contains("`UNSET`") && shown.contains("`fax`") && !shown.contains("hunter2"));
}

#[test]
fn ids_and_accounts_may_not_be_given_twice() {
    let twice = format!("{GOOD}{GOOD}").replace("{ env = \"ACME_TOKEN\" }", "\"t\"");
    assert_eq!(mistakes(&twice), [("acme-chat".to_owned(), "id".to_owned())]);
    let other = GOOD
        .replace("acme-chat", "beta-chat")
        .replace("\"1055\"", "\"1056\"");
    let both = format!("{GOOD}{other}").replace("{ env = \"ACME_TOKEN\" }", "\"t\"");
    assert_eq!(mistakes(&both), [("beta-chat".to_owned(), "account".to_owned())]);
}

#[test]
fn credentials_resolve_to_the_tenants_own_before_the_global_ones() {
    let file = |credentials: &str, secrets: &str| {
        format!(
            "[[connection]]\nid = \"a\"\ntenant = \"acme\"\nprovider = \"chat\"\nsettings = {{ phone_id = \"1\" }}\n\
             credentials = \"{credentials}\"\nsecrets = {{ {secrets} }}\n"
        )
    };
    let env = [("CHAT_APP_SECRET", "global"), ("CHAT_TOKEN", "global")];
    let resolved =
        |text: String| parse_with(&text, &env).map(|c| (secret(&c[0], "app_secret"), secret(&c[0], "token")));
    let (own, global) = (Some("own".to_owned()), Some("global".to_owned()));
    assert_eq!(
        resolved(file("tenant", "app_secret = \"own\"")).unwrap(),
        (own.clone(), None)
    );
    assert_eq!(
        resolved(file("hybrid", "app_secret = \"own\"")).unwrap(),
        (own, global.clone())
    );
    assert_eq!(resolved(file("global", "")).unwrap(), (global.clone(), global));
    assert!(
        resolved(file("tenant", "")).is_err(),
        "a tenant never gets the global secret unasked"
    );
    assert!(resolved(file("global", "app_secret = \"own\"")).is_err());
    assert!(parse_with(&file("hybrid", ""), &[("CHAT_APP_SECRET", "")]).is_err());
}

#[test]
fn a_syntax_error_is_told_by_its_place_and_never_quotes_the_line() {
    let text = "[[connection]]\nid = \"a\"\nsecrets = { token = \"hunter2 }\n";
    let shown = parse_with(text, &[]).unwrap_err().to_string();
    assert!(shown.contains("line 3"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_file_without_connections_or_a_missing_file_says_so() {
    assert!(
        parse_with("", &[])
            .unwrap_err()
            .to_string()
            .contains("no `[[connection]]`")
    );
    assert!(parse_with("connection = 1", &[]).is_err());
    assert_eq!(mistakes("connection = [1]")[0].0, "#1");
    let gone = ConnectionsFile::read(Path::new("/nowhere/c.toml"), &manifests, &|_| None).unwrap_err();
    assert!(gone.to_string().contains("/nowhere/c.toml"));
}

#[test]
fn the_last_day_of_a_secret_goes_along_with_the_settings() {
    let text = r#"
        [[connection]]
        id = "a"
        tenant = "acme"
        provider = "chat"
        settings = { phone_id = "1" }
        secrets = { app_secret = "x", token = "y" }
        expires_on = { token = "2026-12-31", app_secret_previous = 2026-11-30 }
    "#;
    let read = parse_with(text, &[]).unwrap();
    assert_eq!(
        read[0].settings["expires_on"],
        serde_json::json!({"token": "2026-12-31", "app_secret_previous": "2026-11-30"})
    );
    let wrong = text
        .replace("2026-12-31", "soon")
        .replace("app_secret_previous =", "nothing =");
    let keys: Vec<_> = mistakes(&wrong).into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys, ["expires_on.nothing", "expires_on.token"]);
}
