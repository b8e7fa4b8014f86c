//! A broker whose users are limited as `docs/how-to/subscribe.md` says.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::jetstream::{self, consumer};
use futures::StreamExt as _;
use puente_bus::topology;
use puente_testkit::{tools, wait_for, workspace};

use super::broker::{opened, publish, received, stream};
use super::reading::Reading;
use crate::command::{folder, puente};

const PATIENCE: Duration = Duration::from_secs(60);

/// A nats-server with the users of the how-to.
struct Limited {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Limited {
    async fn start() -> Self {
        let folder = folder();
        let conf = folder.path().join("nats-server.conf");
        std::fs::write(&conf, example("subscribe.md")).unwrap();
        let child = Command::new(tools().nats().unwrap())
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                "-1",
                "--jetstream",
                "--store_dir",
            ])
            .arg(folder.path())
            .arg("--ports_file_dir")
            .arg(folder.path())
            .arg("--config")
            .arg(&conf)
            .env("FLEET_PASSWORD", "fleet-password")
            .env("ALGESTA_TEAM_PASSWORD", "algesta-password")
            .env("ORDERS_TEAM_PASSWORD", "orders-password")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let file = folder.path().join(format!("nats-server_{}.ports", child.id()));
        let port = wait_for("the broker's port", PATIENCE, async || port(&file)).await;
        Self { child, port, folder }
    }

    fn url(&self, user: &str, password: &str) -> String {
        format!("nats://{user}:{password}@127.0.0.1:{}", self.port)
    }

    async fn fleet(&self) -> async_nats::Client {
        self.user("fleet", "fleet-password", PATIENCE).await
    }

    /// Connects as somebody who waits so long for an answer: what is refused gets none.
    async fn user(&self, user: &str, password: &str, patience: Duration) -> async_nats::Client {
        async_nats::ConnectOptions::new()
            .custom_inbox_prefix(format!("_INBOX.{user}"))
            .request_timeout(Some(patience))
            .user_and_password(user.to_owned(), password.to_owned())
            .connect(format!("nats://127.0.0.1:{}", self.port))
            .await
            .unwrap()
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port(file: &Path) -> Option<u16> {
    let ports: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    ports
        .pointer("/nats/0")?
        .as_str()?
        .rsplit_once(':')?
        .1
        .parse()
        .ok()
}

/// The configuration in the how-to, word for word.
fn example(page: &str) -> String {
    let page = std::fs::read_to_string(workspace().join("docs/how-to").join(page)).unwrap();
    let (_, rest) = page.split_once("```text\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    example.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_reads_what_it_may_with_only_an_address_and_a_login_and_is_told_what_it_may_not() {
    let broker = Limited::start().await;
    let fleet = broker.fleet().await;
    stream(&fleet).await;
    publish(&fleet, "algesta", &opened("OT-1")).await;
    publish(&fleet, "norte", &opened("OT-2")).await;
    publish(&fleet, "algesta", &received("Hola")).await;
    let read = |user: &str, password: &str, more: &[&str]| {
        let arguments = [&["--json", "--no-follow"], more].concat();
        let (out, err, status) = Reading::launch(&broker.url(user, password), &arguments).all();
        (out.len(), err.join("\n"), status.code())
    };
    let algesta = |more: &[&str]| read("algesta_team", "algesta-password", more);
    assert_eq!(algesta(&["--tenant", "algesta"]), (2, String::new(), Some(0)));
    assert_eq!(
        algesta(&["--tenant", "algesta", "orders"]),
        (1, String::new(), Some(0))
    );
    let orders = |more: &[&str]| read("orders_team", "orders-password", more);
    assert_eq!(orders(&["orders"]), (2, String::new(), Some(0)));
    for (count, err, code) in [
        algesta(&[]),
        algesta(&["--tenant", "norte"]),
        orders(&["messaging"]),
    ] {
        assert_eq!((count, code), (0, Some(1)), "{err}");
        assert!(
            err.contains("may not read `puente.v1.") && err.contains("subscribe.md"),
            "{err}"
        );
    }
    let (count, err, code) = read("algesta_team", "wrong-password", &["--tenant", "algesta"]);
    assert_eq!((count, code), (0, Some(1)));
    assert!(
        err.contains("does not know this user") && !err.contains("wrong-password"),
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_cannot_change_the_services_consumers_publish_events_or_hear_others_answers() {
    let broker = Limited::start().await;
    let fleet = broker.fleet().await;
    stream(&fleet).await;
    let team = broker
        .user("algesta_team", "algesta-password", Duration::from_secs(2))
        .await;
    let js = jetstream::new(team.clone());
    for spec in topology::CONSUMERS {
        let config = consumer::pull::Config {
            durable_name: Some(spec.durable.to_owned()),
            filter_subject: "puente.v1.algesta.>".to_owned(),
            ..Default::default()
        };
        let made = js.create_consumer_on_stream(config, topology::EVENTS).await;
        assert!(made.is_err(), "{} is the service's", spec.durable);
    }
    let mut heard = team.subscribe("_INBOX.>").await.unwrap();
    let mut events = fleet.subscribe("puente.v1.>").await.unwrap();
    team.publish("puente.v1.algesta.orders.order.opened", "".into())
        .await
        .unwrap();
    team.flush().await.unwrap();
    publish(&fleet, "norte", &opened("OT-1")).await;
    let first = events.next().await.unwrap();
    assert_eq!(
        first.subject.as_str(),
        "puente.v1.norte.orders.order.opened",
        "the team's is not there"
    );
    let silent = tokio::time::timeout(Duration::from_millis(200), heard.next()).await;
    assert!(
        silent.is_err(),
        "an answer to somebody else was heard: {silent:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_cannot_be_used_are_told() {
    let broker = Limited::start().await;
    let url = format!("nats://127.0.0.1:{}", broker.port);
    let file = broker.folder.path().join("team.creds");
    std::fs::write(&file, "no credentials").unwrap();
    for (more, code, told) in [
        (vec![], 1, "--creds FILE"),
        (
            vec!["--creds", file.to_str().unwrap()],
            2,
            "holds no NATS user credentials",
        ),
        (vec!["--creds", "absent.creds"], 2, "absent.creds"),
    ] {
        let arguments = [vec!["events", "tail", "--nats-url", &url], more].concat();
        let ran = puente(folder().path(), &[], &arguments);
        assert_eq!(ran.code, code, "{}", ran.err);
        assert!(ran.err.contains(told), "{}", ran.err);
    }
}

#[test]
fn both_languages_of_the_how_to_say_the_same_rules() {
    let rules = |page: &str| -> Vec<String> {
        let lines = example(page);
        let rules = lines.lines().filter(|line| !line.trim_start().starts_with('#'));
        rules.map(str::to_owned).collect()
    };
    assert_eq!(rules("subscribe.md"), rules("suscribirse.md"));
}
