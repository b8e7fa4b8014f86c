//! After a whole journey nothing that opens a provider's door can be read anywhere, and nothing personal where it is told how
//! the work went.

use std::collections::BTreeSet;
use std::sync::Arc;

use puente_e2e::{
    CONVERSATION, DOCUSIGN, DOCUSIGN_ACCOUNT, Office, PATIENCE, Person, Plates, Processes, RPC_KEY, SERVICES,
    Stage,
};
use puente_gateway::accounts::{self, NewAccount};
use puente_gateway::domain::Role;
use puente_gateway::keys::{self, NewKey};
use puente_proto::orders as directory;
use puente_proto::orders::directory_client::DirectoryClient;
use puente_proto::orders::order_commands_client::OrderCommandsClient;
use puente_rpc::{Caller, Calls, RpcKeys, Scope};
use puente_testkit::{OtlpSink, wait_for};
use puente_types::{Clock as _, Secret, SystemClock};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// How the simulated DocuSign ends its tokens, after an id.
const TOKENS: [&str; 2] = [".access", ".refresh"];
/// Secrets of the stage's connections.
const SECRETS: [&str; 3] = ["e2e-docusign-secret", "e2e-hmac-key=", "e2e-token-algesta"];

/// The secrets that stand in a text, as they are, or in hex as `bytea` is dumped.
fn leaks(text: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    let hex = |secret: &str| -> String { secret.bytes().map(|byte| format!("{byte:02x}")).collect() };
    let secret = |secret: &&str| text.contains(*secret) || lower.contains(&hex(secret));
    let token = |end: &&str| {
        let after_an_id = |(at, _): (usize, &str)| text[..at].ends_with(|c: char| c.is_ascii_hexdigit());
        text.match_indices(*end).any(after_an_id) || lower.contains(&hex(end))
    };
    let secrets = SECRETS.into_iter().filter(secret);
    secrets.chain(TOKENS.into_iter().filter(token)).collect()
}

/// What is personal and stands in a text: the number of who wrote, whatever they said of themselves, and the numbers and
/// addresses of the others who sign.
fn personal(text: &str, person: &Person) -> Vec<String> {
    let said = CONVERSATION.iter().skip(1).filter(|said| said.len() > 4);
    let said = said.map(|said| (*said).to_owned());
    let known = [
        person.phone.clone(),
        "573011234567".to_owned(),
        "Carrera 15 # 93-75".to_owned(),
        "@example".to_owned(),
    ];
    known
        .into_iter()
        .chain(said)
        .filter(|one| text.contains(one))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_signed_contract_no_token_is_in_a_log_a_span_an_error_or_a_dump_and_nothing_personal_in_log_or_span()
 {
    let sink = OtlpSink::start().await;
    let stage = Stage::raise(false).await;
    let fleet = Processes::start(&stage, Some(sink.endpoint())).await;
    let office = Office::of("algesta", &fleet.grpc_url("orders"), &fleet.grpc_url("signature"));
    office.open().await;
    office.authorise(DOCUSIGN).await;
    let account = stage.hub.account("docusign", DOCUSIGN_ACCOUNT).unwrap();
    let mut account = (*account).clone();
    account
        .settings
        .insert("auto_sign_ms".to_owned(), "20".to_owned());
    stage.hub.put_account("docusign", account);
    let person = Person::on_cloud(1);
    person.order(&stage, &fleet.url(), 0).await;
    let number = person.order_number(&stage);
    // A token that the provider takes back: the refusal, its error and the renewal leave traces, too.
    let expire = format!("{}/sim/docusign/_control/grants/expire", stage.sims);
    assert!(
        stage
            .http
            .post(expire)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    office.send_to_signature(&number, "1").await;
    wait_for("the order to be signed", PATIENCE, || async {
        let order = office.order(&number).await;
        if order.state == "PolizaAsignada" {
            Ok(())
        } else {
            Err(order.state)
        }
    })
    .await;
    let logs = fleet.logs();
    fleet.stop().await;

    assert!(
        logs.contains("envelopes.create"),
        "the logs tell of the call: {logs}"
    );
    assert_eq!(leaks(&logs), Vec::<&str>::new(), "in the logs");
    assert_eq!(personal(&logs, &person), Vec::<String>::new(), "in the logs");
    let spans = sink.spans();
    assert!(spans.iter().any(|span| span.name.contains("provider.call")));
    for span in &spans {
        let text = format!("{span:?}");
        assert_eq!(leaks(&text), Vec::<&str>::new(), "in {}", span.name);
        assert_eq!(personal(&text, &person), Vec::<String>::new(), "in {}", span.name);
    }
    let dump = stage.db.dump().await;
    assert!(
        dump.contains("oauth_tokens") && dump.contains(&number[3..]) && !personal(&dump, &person).is_empty(),
        "a whole dump"
    );
    assert_eq!(leaks(&dump), Vec::<&str>::new(), "in a dump of the database");
}

/// What people write, each where it is asked for, by a word that stands nowhere else.
const WRITTEN: [(&str, &str); 13] = [
    ("a description", "zafirmarca"),
    ("an e-mail that is none", "malcorreomarca"),
    ("a name", "nombremarca"),
    ("an e-mail", "correomarca"),
    ("an address", "direccionmarca"),
    ("a caption", "leyendamarca"),
    ("a serial", "zmk-778899"),
    ("words about consent", "bajamarca"),
    ("a name at the desk", "escritoriomarca"),
    ("an e-mail at the desk", "buzonmarca"),
    ("a phone at the desk", "3155566677"),
    ("a NIT", "901.555.777"),
    ("a reason", "razonmarca"),
];
/// Refused where it was written, so that it is kept nowhere but in what came in.
const REFUSED: &str = "rechazomarca";

/// Which of it stands in a text, however it is written.
fn written(text: &str, phone: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    let stands = |marker: &str| lower.contains(marker);
    let mut found: Vec<_> = WRITTEN
        .iter()
        .filter(|(_, marker)| stands(marker))
        .map(|(what, _)| *what)
        .collect();
    if stands(REFUSED) {
        found.push("what was refused");
    }
    if stands(phone) {
        found.push("the number of who wrote");
    }
    found
}

/// What a dump of the database holds: as text, or in hex as `bytea` is dumped.
fn dumped(dump: &str, marker: &str) -> bool {
    let lower = dump.to_lowercase();
    let hex: String = marker.bytes().map(|byte| format!("{byte:02x}")).collect();
    lower.contains(marker) || lower.contains(&hex)
}

/// What a service counts, as Prometheus reads it.
async fn metrics(stage: &Stage, logs: &str) -> Vec<String> {
    let told = logs.match_indices("health and metrics on ");
    let addresses: BTreeSet<&str> = told
        .filter_map(|(at, before)| {
            let rest = &logs[at + before.len()..];
            rest.split(|c: char| c != '.' && c != ':' && !c.is_ascii_digit())
                .next()
        })
        .collect();
    let mut all = Vec::new();
    for address in addresses {
        let answer = stage
            .http
            .get(format!("http://{address}/metrics"))
            .send()
            .await
            .unwrap();
        all.push(answer.text().await.unwrap());
    }
    all
}

/// An agent of `norte`, who asks orders.
struct Agent {
    channel: Channel,
    calls: Calls,
}

impl Agent {
    fn of(fleet: &Processes) -> Self {
        let keys = RpcKeys::parse(&Secret::new(RPC_KEY)).unwrap();
        Self {
            channel: Endpoint::from_shared(fleet.grpc_url("orders"))
                .unwrap()
                .connect_lazy(),
            calls: Calls::new(keys, "orders", Arc::new(SystemClock), PATIENCE),
        }
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        let caller = Caller {
            scope: Scope::Tenant("norte".parse().unwrap()),
            subject: "laura".to_owned(),
            role: "agent".to_owned(),
        };
        self.calls.request(&caller, message).unwrap()
    }

    async fn puts(&self, email: &str) -> Result<(), Status> {
        let person = directory::Person {
            person_id: "agente".to_owned(),
            kind: "agent".to_owned(),
            name: "Eva Escritoriomarca".to_owned(),
            email: email.to_owned(),
            phone: "+573155566677".to_owned(),
            tax_id: "901.555.777".to_owned(),
            address: "Avenida 5 # 4-3".to_owned(),
            active: true,
            changed_at: None,
        };
        let request = self.signed(directory::PutPersonRequest { person: Some(person) });
        let mut client = DirectoryClient::new(self.channel.clone());
        client.put_person(request).await.map(drop)
    }

    async fn cancels(&self, office: &Office, number: &str, reason: &str) -> Result<(), Status> {
        let request = directory::MoveOrderRequest {
            order_id: office.order(number).await.order_id,
            transition: "cancel".to_owned(),
            reason: reason.to_owned(),
            idempotency_key: "cancel-1".to_owned(),
            ..directory::MoveOrderRequest::default()
        };
        let mut client = OrderCommandsClient::new(self.channel.clone());
        client.move_order(self.signed(request)).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_wherever_they_are_asked_is_in_no_log_span_metric_or_error_of_any_service() {
    let sink = OtlpSink::start().await;
    let stage = Stage::raise(false).await;
    let fleet = Processes::start(&stage, Some(sink.endpoint())).await;
    let office = Office::of("norte", &fleet.grpc_url("orders"), &fleet.grpc_url("signature"));
    let plates = Plates::of("norte", &fleet.grpc_url("ocr"), &fleet.grpc_url("orders"));
    let person = Person::of_norte(7_654_321);

    let said = [
        "Hola",
        "Necesito reparar la nevera zafirmarca, no enfría desde ayer",
        "Nombremarca Quintero",
        "malcorreomarca@@example",
        "correomarca@example.com",
        "Calle 77 # 88-99 direccionmarca, Bogotá",
        "sí",
    ];
    for (n, text) in said.iter().enumerate() {
        person.say(&stage, &fleet.url(), text, 0).await;
        person.wait_for_answers(&stage, n + 1).await;
    }
    let number = person.order_number(&stage);
    person.say(&stage, &fleet.url(), "placa", 0).await;
    person.wait_for_answers(&stage, said.len() + 1).await;
    let photo = include_bytes!("photos/grey-1.jpg");
    person
        .show(&stage, &fleet.url(), photo, "leyendamarca de la nevera", 0)
        .await;
    plates.until(&["OtraFoto", "PorConfirmar", "Ilegible"]).await;
    person.say(&stage, &fleet.url(), "zmk-778899", 0).await;
    let capture = plates.until(&["EscritoAMano"]).await;
    assert_eq!(capture.serial, "ZMK-778899");
    plates.asset("ZMK778899").await;
    let before = person.answers(&stage).await;
    person
        .say(&stage, &fleet.url(), "quiero que me den de baja bajamarca ya", 0)
        .await;
    person.wait_for_answers(&stage, before + 1).await;

    let agent = Agent::of(&fleet);
    let refused = agent.puts("rechazomarca@@example").await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(written(refused.message(), &person.phone), Vec::<&str>::new());
    agent.puts("buzonmarca@example.com").await.unwrap();
    agent
        .cancels(&office, &number, "razonmarca: ya no la necesita")
        .await
        .unwrap();
    person.wait_for_answers(&stage, before + 2).await;

    let logs = fleet.logs();
    let counted = metrics(&stage, &logs).await;
    assert_eq!(counted.len(), SERVICES.len(), "every service counts: {logs}");
    assert!(counted.iter().any(|text| text.contains("puente_webhooks")));
    for text in &counted {
        assert_eq!(written(text, &person.phone), Vec::<&str>::new(), "in a metric");
    }
    fleet.stop().await;
    assert!(
        logs.contains(&number) || logs.contains("norte"),
        "the logs tell of the work: {logs}"
    );
    assert_eq!(written(&logs, &person.phone), Vec::<&str>::new(), "in the logs");
    let spans = sink.spans();
    for service in ["ingress", "orders", "notifications", "ocr"] {
        assert!(
            spans.iter().any(|span| span.service.contains(service)),
            "{service} told of its work"
        );
    }
    for span in &spans {
        let text = format!("{span:?}");
        assert_eq!(
            written(&text, &person.phone),
            Vec::<&str>::new(),
            "in {}",
            span.name
        );
    }
    let dump = stage.db.dump().await;
    for (what, marker) in WRITTEN {
        assert!(dumped(&dump, marker), "{what} was written, and kept");
    }
}

/// What opens the gateway, and must be readable nowhere afterwards, not even in a dump.
struct Doorkeys {
    key: String,
    password: String,
    session: String,
    /// Typed wrong, which is often what opens another door.
    mistyped: [String; 2],
}

impl Doorkeys {
    /// A key and a person of `norte`, who has mistaken the password before and is in now.
    async fn of(stage: &Stage, gateway: &str) -> Self {
        let pool = stage.db.pool("gateway");
        let (tenant, now) = ("norte".parse().unwrap(), SystemClock.now());
        let new = NewKey {
            tenant: Some(tenant),
            name: "the shop".to_owned(),
            role: Role::Agent,
            per_minute: 600,
            expires_at: None,
            created_by: "test".to_owned(),
        };
        let key = keys::create(&pool, &new, now).await.unwrap().text;
        let person = NewAccount {
            tenant: new.tenant.clone(),
            email: DOOR_EMAIL.to_owned(),
            name: "Puertamarca Soto".to_owned(),
            role: Role::Agent,
            language: "es".to_owned(),
        };
        let password = accounts::random_password();
        accounts::create(&pool, &person, &password, now).await.unwrap();
        let enter = |password: &str| {
            let body = serde_json::json!({ "email": DOOR_EMAIL, "password": password });
            stage
                .http
                .post(format!("{gateway}/api/session"))
                .json(&body)
                .send()
        };
        let mistyped = [format!("{}x", password.expose()), format!("{}x", key.expose())];
        assert_eq!(enter(&mistyped[0]).await.unwrap().status(), 401);
        let entered = enter(password.expose()).await.unwrap();
        assert_eq!(entered.status(), 200);
        let cookie = entered.headers()["set-cookie"].to_str().unwrap();
        let session = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
        Self {
            key: key.expose().to_owned(),
            password: password.expose().to_owned(),
            session,
            mistyped,
        }
    }

    /// Those that stand in a text.
    fn leaks(&self, text: &str) -> Vec<&'static str> {
        let [password, key] = &self.mistyped;
        let all = [
            ("the key", &self.key),
            ("the password", &self.password),
            ("the session", &self.session),
            ("a mistyped password", password),
            ("a mistyped key", key),
        ];
        let stands = |secret: &str| !secret.is_empty() && dumped(text, &secret.to_lowercase());
        all.into_iter()
            .filter(|(_, secret)| stands(secret))
            .map(|(what, _)| what)
            .collect()
    }
}

/// With which somebody logs in.
const DOOR_EMAIL: &str = "puertamarca@example.com";
/// What is asked for at the gateway and is personal.
const ASKED: [&str; 3] = ["puertamarca", "901.555.777", "901555777"];

#[tokio::test(flavor = "multi_thread")]
async fn what_opens_the_gateway_is_readable_nowhere_and_whom_one_asks_for_there_in_no_log_span_or_metric() {
    let sink = OtlpSink::start().await;
    let stage = Stage::raise(false).await;
    let fleet = Processes::start(&stage, Some(sink.endpoint())).await;
    let gateway = fleet.gateway_url();
    let person = Person::of_norte(7_654_322);
    person.order(&stage, &fleet.url(), 0).await;
    let number = person.order_number(&stage);
    let door = Doorkeys::of(&stage, &gateway).await;

    let get = |path: String| stage.http.get(format!("{gateway}{path}"));
    let order = get(format!("/api/orders/{number}")).bearer_auth(&door.key);
    assert_eq!(order.send().await.unwrap().status(), 200);
    let stranger = get(format!("/api/orders/{number}")).bearer_auth(&door.mistyped[1]);
    assert_eq!(stranger.send().await.unwrap().status(), 401);
    let searched = get(format!("/api/search?q={}", person.phone)).bearer_auth(&door.key);
    let searched = searched.send().await.unwrap().text().await.unwrap();
    assert!(
        searched.contains(&number) || searched.contains("client"),
        "{searched}"
    );
    for asked in [
        "/api/clients/lookup-by-nit?nit=901.555.777".to_owned(),
        format!("/buscar?q={}", person.phone),
        format!("/pedidos/{number}"),
    ] {
        let answer = get(asked.clone()).header("cookie", format!("puente_session={}", door.session));
        let status = answer.send().await.unwrap().status();
        assert!(
            status.is_success() || status.is_redirection(),
            "{asked}: {status}"
        );
    }
    // Told in the wrong place, and so refused.
    let wrong = stage
        .http
        .post(format!("{gateway}/api/session"))
        .header("content-type", "application/json");
    let wrong = wrong.body(format!(
        "{{\"phone\": \"{}\", \"password\": \"{}\"",
        person.phone, door.password
    ));
    assert!(wrong.send().await.unwrap().status().is_client_error());

    let logs = fleet.logs();
    let counted = metrics(&stage, &logs).await;
    assert_eq!(counted.len(), SERVICES.len(), "every service counts: {logs}");
    assert!(counted.iter().any(|text| text.contains("gateway")));
    fleet.stop().await;
    let spans = sink.spans();
    let of_the_gateway = |name: &str| {
        spans
            .iter()
            .any(|span| span.service.contains("gateway") && span.name.contains(name))
    };
    assert!(of_the_gateway("/api/search") && of_the_gateway("/api/session"));
    let spans = spans.iter().map(|span| (span.name.clone(), format!("{span:?}")));
    let metrics = counted.into_iter().map(|text| ("a metric".to_owned(), text));
    for (place, text) in spans.chain(metrics).chain([("the logs".to_owned(), logs)]) {
        assert_eq!(door.leaks(&text), Vec::<&str>::new(), "in {place}");
        let lower = text.to_lowercase();
        let personal = ASKED.iter().copied().chain([person.phone.as_str()]);
        assert_eq!(
            personal.filter(|one| lower.contains(one)).count(),
            0,
            "in {place}: {text}"
        );
    }
    let dump = stage.db.dump().await;
    assert!(dumped(&dump, DOOR_EMAIL), "a whole dump");
    assert_eq!(door.leaks(&dump), Vec::<&str>::new(), "in a dump of the database");
}
