//! Files in memory: whoever sends or reads slowly keeps nobody else away, and every place comes back.

use std::time::Duration;

use puente_gateway::domain::Role;
use puente_testkit::wait_for;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::PDF;
use crate::office::ORDER;
use crate::support::{PASSWORD, Stage, form};

const KIND: &[(&str, &str)] = &[("kind", "report")];
const SOON: Duration = Duration::from_secs(60);

fn path() -> String {
    format!("/api/orders/{ORDER}/documents")
}

/// Sends the head of a request and as much of its body; the rest never comes.
async fn begin(stage: &Stage, head: &str, body: &str) -> TcpStream {
    let host = stage.url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).await.unwrap();
    let text = format!("{head}\r\nhost: {host}\r\n\r\n{body}");
    socket.write_all(text.as_bytes()).await.unwrap();
    socket
}

/// A file that is being sent, and never is there. `who` is a header.
async fn begin_file(stage: &Stage, path: &str, who: &str) -> TcpStream {
    let head = format!(
        "POST {path} HTTP/1.1\r\n{who}\r\nidempotency-key: {}\r\ncontent-length: 100000\r\n\
         content-type: multipart/form-data; boundary=x",
        Uuid::now_v7()
    );
    begin(stage, &head, "--x\r\n").await
}

async fn sent(stage: &Stage, key: &str) -> Response {
    stage
        .upload(&path(), key, &Uuid::now_v7().to_string(), KIND, PDF)
        .await
}

/// A link to a file that was brought.
async fn linked(stage: &Stage, key: &str, file: &[u8]) -> String {
    let made = stage.upload(&path(), key, "linked", KIND, file).await;
    assert_eq!(made.status(), StatusCode::OK);
    let made: Value = made.json().await.unwrap();
    let id = made["document_id"].as_str().unwrap();
    let link = stage
        .post(&format!("/api/documents/{id}/link"), key, &json!({}))
        .await;
    let link: Value = link.json().await.unwrap();
    link["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_sends_slowly_keeps_neither_files_nor_links_from_others() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let slow = stage.key(Some("algesta"), Role::Agent).await;
    let other = stage.key(Some("algesta"), Role::Agent).await;
    let url = linked(&stage, &other, PDF).await;
    let sockets = Mutex::new(Vec::new());
    let refused = wait_for("the places of one are taken", SOON, async || {
        let answer = sent(&stage, &slow).await;
        if answer.status() == StatusCode::OK {
            // Whoever came while this one was looked at was refused.
            for _ in 0..8 {
                let who = format!("authorization: Bearer {slow}");
                let begun = begin_file(&stage, &path(), &who).await;
                sockets.lock().await.push(begun);
            }
            Err("it was taken")
        } else {
            Ok(answer)
        }
    });
    let refused = refused.await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let refused = refused.text().await.unwrap();
    assert!(
        refused.contains("two of your files are on their way"),
        "{refused}"
    );
    assert_eq!(sent(&stage, &other).await.status(), StatusCode::OK);
    let file = stage.http.get(&url).send().await.unwrap();
    assert_eq!(file.status(), StatusCode::OK);
    assert_eq!(file.headers()["content-length"], PDF.len().to_string().as_str());
    assert_eq!(&file.bytes().await.unwrap()[..], PDF);
    drop(sockets);
    wait_for("the places come back", SOON, async || {
        sent(&stage, &slow).await.status() == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn a_page_says_in_clear_words_that_two_files_are_on_their_way() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    stage.person(Some("algesta"), Role::Agent, "ana@algesta.co").await;
    let (cookie, csrf) = stage.log_in("ana@algesta.co", PASSWORD).await.unwrap();
    let page = "/pedidos/OT-000042/documentos";
    let sockets = Mutex::new(Vec::new());
    let refused = wait_for("the places of one are taken", SOON, async || {
        let texts = [("csrf", csrf.as_str()), ("once", "uno"), ("kind", "report")];
        let (kind, body) = form(&texts, PDF);
        let request = stage.ask(reqwest::Method::POST, page).header("cookie", &cookie);
        let answer = request
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap();
        if answer.status() == StatusCode::SEE_OTHER {
            // Whoever came while this one was looked at was refused.
            for _ in 0..2 {
                let begun = begin_file(&stage, page, &format!("cookie: {cookie}")).await;
                sockets.lock().await.push(begun);
            }
            Err("it was taken")
        } else {
            Ok(answer)
        }
    });
    let refused = refused.await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let text = refused.text().await.unwrap();
    assert!(text.contains("ya se están enviando dos suyos"), "{text}");
}

#[tokio::test]
async fn slow_readers_fill_the_places_and_give_them_back_when_they_leave() {
    let (stage, office) = Stage::with_office().await;
    office.orders("EnEjecucion");
    let key = stage.key(Some("algesta"), Role::Agent).await;
    // Far more than the connection of a reader who does not read takes up.
    let blanks = vec![b' '; 20 * 1024 * 1024];
    let large = [&PDF[..9], &blanks, &PDF[9..]].concat();
    let url = linked(&stage, &key, &large).await;
    let place = url.trim_start_matches(&stage.url);
    let mut readers = Vec::new();
    for _ in 0..8 {
        let mut socket = begin(&stage, &format!("GET {place} HTTP/1.1"), "").await;
        let mut first = [0; 15];
        socket.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        readers.push(socket);
    }
    let late = stage.http.get(&url).send().await.unwrap();
    assert_eq!(late.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(late.headers().contains_key("retry-after"));
    readers.pop();
    let whole = wait_for("the place of who left", SOON, async || {
        let answer = stage.http.get(&url).send().await.unwrap();
        (answer.status() == StatusCode::OK).then_some(answer)
    });
    let whole = whole.await.bytes().await.unwrap();
    assert!(whole == large, "{} bytes", whole.len());
    let again = stage.http.get(&url).send().await.unwrap();
    assert_eq!(
        again.status(),
        StatusCode::OK,
        "who has read it gave the place back"
    );
}
