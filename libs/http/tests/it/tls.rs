//! With whom a connection is made: a server that the machine's authorities vouch for, under the name that was called, now.
//!
//! The authorities of the machine are those of a file here (`SSL_CERT_FILE`), which is read once in a process: so every
//! call is made by this program, started once more.

use std::process::Stdio;
use std::sync::Arc;

use puente_http::{Http, HttpConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{post, send};

const URL: &str = "PUENTE_TLS_TEST_URL";
/// What a call from the other process begins its one line with.
const SAID: &str = "the call ended: ";

/// An authority that the calling process trusts, in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Self { issuer, file }
    }

    /// A server with the certificate of these names, vouched for by this authority.
    async fn serve(&self, params: CertificateParams) -> u16 {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        serve(certificate.der().clone(), &key).await
    }

    /// How a call to `localhost` ends in a process that trusts this authority: its status, or the code of its error.
    async fn call(&self, port: u16) -> String {
        let output = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tls::one_call", "--ignored", "--nocapture"])
            .env("SSL_CERT_FILE", self.file.path())
            .env_remove("SSL_CERT_DIR")
            .env(URL, format!("https://localhost:{port}/"))
            .stderr(Stdio::inherit())
            .output()
            .await
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.split_once(SAID));
        let (_, ended) = line.unwrap();
        ended.to_owned()
    }
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

/// A server that takes a call and answers it with 200, if the caller goes on after the handshake.
async fn serve(certificate: CertificateDer<'static>, key: &KeyPair) -> u16 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut seen = Vec::new();
            while !seen.ends_with(b"}") && stream.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {}
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_a_trusted_authority_vouches_for_is_called() {
    let authority = Authority::new();
    let port = authority.serve(named("localhost")).await;
    assert_eq!(authority.call(port).await, "200");
}

#[tokio::test]
async fn a_server_that_vouches_for_itself_is_refused() {
    let key = KeyPair::generate().unwrap();
    let own = named("localhost").self_signed(&key).unwrap();
    let port = serve(own.der().clone(), &key).await;
    assert_eq!(Authority::new().call(port).await, "tls_failed");
}

#[tokio::test]
async fn a_server_that_an_unknown_authority_vouches_for_is_refused() {
    let port = Authority::new().serve(named("localhost")).await;
    assert_eq!(Authority::new().call(port).await, "tls_failed");
}

#[tokio::test]
async fn a_server_with_the_certificate_of_another_name_is_refused() {
    let authority = Authority::new();
    let port = authority.serve(named("api.example.com")).await;
    assert_eq!(authority.call(port).await, "tls_failed");
}

#[tokio::test]
async fn a_server_whose_certificate_ran_out_is_refused() {
    let authority = Authority::new();
    let mut params = named("localhost");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    let port = authority.serve(params).await;
    assert_eq!(authority.call(port).await, "tls_failed");
}

/// As a service in production calls, but that this machine may be called.
#[tokio::test]
#[ignore = "the part of the tests above that runs in a process of its own"]
#[expect(
    clippy::disallowed_methods,
    reason = "told by the test that starts this process"
)]
async fn one_call() {
    let http = Http::new(HttpConfig {
        allow_private: true,
        ..HttpConfig::default()
    })
    .unwrap();
    let ended = match send(&http, post(std::env::var(URL).unwrap())).await {
        Ok(answer) => answer.status.as_u16().to_string(),
        Err(error) => error.code().to_owned(),
    };
    println!("{SAID}{ended}");
}
