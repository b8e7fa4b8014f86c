//! After a whole journey nothing that opens a provider's door can be read anywhere, and nothing personal where it is told how
//! the work went.

use puente_e2e::{CONVERSATION, DOCUSIGN, DOCUSIGN_ACCOUNT, Office, PATIENCE, Person, Processes, Stage};
use puente_testkit::{OtlpSink, wait_for};

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
