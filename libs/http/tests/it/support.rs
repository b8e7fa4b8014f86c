//! Servers that answer as told, a connection, and a sink for records.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use puente_http::{AuditSink, CallRecord, Hooks, Http, HttpConfig};
use puente_ports::{Connection, Outbound as _, OutboundRequest, OutboundResponse, ProviderError};
use puente_types::Secrets;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Long enough for any answer that does come.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

pub(crate) fn connection(id: &str) -> Connection {
    Connection {
        id: id.parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        provider: "jelou".into(),
        account: None,
        settings: serde_json::Map::new(),
        secrets: Secrets::default(),
    }
}

pub(crate) fn post(url: impl Into<String>) -> OutboundRequest {
    OutboundRequest {
        operation: "messages.send",
        method: Method::POST,
        url: url.into(),
        headers: HeaderMap::from_iter([(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )]),
        body: Bytes::from_static(br#"{"text":"Hola"}"#),
    }
}

pub(crate) fn get(url: impl Into<String>) -> OutboundRequest {
    OutboundRequest {
        operation: "messages.find",
        method: Method::GET,
        body: Bytes::new(),
        ..post(url)
    }
}

pub(crate) async fn send(http: &Http, request: OutboundRequest) -> Result<OutboundResponse, ProviderError> {
    http.send(&connection("acme-jelou"), request, PATIENT).await
}

/// Keeps every record.
#[derive(Default)]
pub(crate) struct Collector(pub(crate) Mutex<Vec<CallRecord>>);

impl AuditSink for Collector {
    fn record(&self, record: CallRecord) {
        self.0.lock().unwrap().push(record);
    }
}

pub(crate) fn audited(config: HttpConfig) -> (Http, Arc<Collector>) {
    let collector = Arc::new(Collector::default());
    let hooks = Hooks {
        audit: collector.clone(),
        ..Hooks::default()
    };
    (Http::with_hooks(config, hooks).unwrap(), collector)
}

/// Serves a router on a free port; returns its base URL.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

/// A base URL where nothing listens: nobody else is given the port while the socket is there.
pub(crate) fn nowhere() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    (socket, base)
}

/// Answers everything with one status.
pub(crate) fn always(status: StatusCode) -> Router {
    Router::new().fallback(move || async move {
        Response::builder()
            .status(status)
            .body(Body::from("said"))
            .unwrap()
    })
}

/// Reads a whole [`post`], then writes `answer` and cuts. Returns the base URL.
pub(crate) async fn cuts_after(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    base
}

async fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"}") {
        assert_ne!(
            stream.read_buf(&mut seen).await.unwrap(),
            0,
            "the request came whole"
        );
    }
}
