//! The client of grants against an OAuth server that we did not write: what we and our simulator agree on may be wrong.
//!
//! The server is npm's oauth2-mock-server (`tests/oauth-server`, fetched by `make test`). Without it the test says that
//! it was skipped, except where `CI` is set: there it fails.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::header::LOCATION;
use http::{HeaderMap, Method};
use puente_http::{Http, HttpConfig};
use puente_ports::{Connection, ErrorTag, Outbound as _, OutboundRequest, ProviderError};
use puente_types::Secret;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{SLUG, oauth};
use crate::support::{DEADLINE, Setup, ctx};

const BACK: &str = "https://puente.example.test/oauth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Node reads some hundred files first.
const READY: Duration = Duration::from_secs(60);

fn home() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oauth-server"))
}

/// Starts the server; `None`, with a word about it, where it is not installed.
#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must see that this one did not run"
)]
async fn start() -> Option<(tokio::process::Child, String)> {
    let there = home()
        .join("node_modules/oauth2-mock-server/package.json")
        .is_file()
        && Command::new("node")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok();
    if !there {
        assert!(
            std::env::var_os("CI").is_none(),
            "oauth2-mock-server must be there in CI: run `npm ci` in tests/oauth-server"
        );
        eprintln!(
            "SKIPPED: oauth2-mock-server is not installed; run `npm ci` in tests/oauth-server, or `make test`"
        );
        return None;
    }
    let mut child = tokio::process::Command::new("node")
        .arg("serve.mjs")
        .current_dir(home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(READY, lines.next_line())
        .await
        .expect("the server is ready in time");
    let line = line.unwrap().expect("the server says where it listens");
    let (_, url) = line.split_once("listens on ").unwrap();
    Some((child, url.to_owned()))
}

async fn code(http: &Http, connection: &Connection) -> Secret {
    let state = Secret::new("a state");
    let url = oauth()
        .authorize_url(connection, BACK, &state, CHALLENGE)
        .unwrap();
    let request = OutboundRequest {
        operation: "consent",
        method: Method::GET,
        url,
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    let answer = http.send(connection, request, DEADLINE).await.unwrap();
    let back = answer.headers.get(LOCATION).unwrap().to_str().unwrap();
    assert!(
        back.starts_with(BACK) && (back.contains("state=a+state") || back.contains("state=a%20state")),
        "{back}"
    );
    let (_, code) = back.split_once("code=").unwrap();
    Secret::new(code.split('&').next().unwrap())
}

#[tokio::test]
async fn code_with_pkce_and_refresh_work_against_a_server_of_others() {
    let Some((_server, url)) = start().await else {
        return;
    };
    let http = Http::new(HttpConfig::local()).unwrap();
    let mut connection = Setup::of(SLUG).connection(SLUG);
    connection.settings.insert("base_url".to_owned(), url.into());
    let exchange = async |code: &Secret, verifier: &str| -> Result<_, ProviderError> {
        let call = ctx(&connection, &http, None);
        oauth().exchange(call, code, &Secret::new(verifier), BACK).await
    };
    let wrong = code(&http, &connection).await;
    let other = "another-verifier-of-the-right-length-0123456789";
    let error = exchange(&wrong, other).await.unwrap_err();
    assert_ne!(
        error.tag(),
        ErrorTag::Temporary,
        "the challenge does not fit, and never will: {error}"
    );

    let once = code(&http, &connection).await;
    let grant = exchange(&once, VERIFIER).await.unwrap();
    assert!(!grant.access.expose().is_empty() && grant.life > Duration::from_secs(60));
    assert!(exchange(&once, VERIFIER).await.is_err(), "a code is good once");

    let call = ctx(&connection, &http, None);
    let next = oauth()
        .renew(call, grant.refresh.as_ref(), time::OffsetDateTime::UNIX_EPOCH)
        .await
        .unwrap();
    // Its access tokens of one second are alike, signature and all.
    assert!(!next.access.expose().is_empty());
    assert_ne!(next.refresh.unwrap().expose(), grant.refresh.unwrap().expose());

    // It knows no JWT grant, and says so as OAuth prescribes.
    let key = (
        "private_key".to_owned(),
        Secret::new(include_str!("test_key.pem")),
    );
    let kept: Vec<_> = connection
        .secrets
        .iter()
        .map(|(name, secret)| (name.to_owned(), secret.clone()))
        .collect();
    let mut service = connection.clone();
    service.secrets = kept.into_iter().chain([key]).collect();
    service.settings.insert("user_id".to_owned(), "user-1".into());
    let call = ctx(&service, &http, None);
    let error = oauth()
        .renew(call, None, time::OffsetDateTime::UNIX_EPOCH)
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.tag()),
        ("invalid_grant", ErrorTag::Configuration)
    );
}
