//! Webhooks as the WhatsApp Cloud API sends them: built by its simulator once, then numbered and signed.
//!
//! Every request has its own message id and sender, and a signature over exactly its bytes. They are signed before the
//! clock starts; only ids, sender and signature are written into a connection's buffer while it runs.

use anyhow::{Context, Result};
use puente_providers::sim::{Account, Hub, Inbound};
use puente_types::Secret;
use puente_webhook_auth::{Encoding, sign};
use serde::{Deserialize, Serialize};

/// The account that is written to.
pub(crate) const NUMBER: &str = "106540352242922";
/// The secret of the app.
pub(crate) const APP_SECRET: &str = "bench-app-secret";
/// The path that an app's webhooks have.
pub(crate) const PATH: &str = "/webhooks/whatsapp_cloud";
/// Makes a body of about one kilobyte.
const WORDS: &str =
    "No enfria desde ayer y gotea por debajo, adjunto la referencia del equipo y la direccion de la bodega. ";
const ID: &str = "wamid.BENCH000000000000000000";
const SENDER: &str = "573000000000";
const SIGNATURE: usize = 64;

/// Which webhooks: `count` of them, numbered from `first`, by so many senders.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) senders: u64,
}

/// Requests that differ in their ids, senders and signatures.
pub(crate) struct Webhooks {
    request: Vec<u8>,
    body: usize,
    ids: Vec<usize>,
    senders: Vec<usize>,
    signature: usize,
    numbers: Numbers,
    signatures: Vec<[u8; SIGNATURE]>,
}

impl Webhooks {
    /// Builds and signs them.
    pub(crate) fn prepare(numbers: Numbers) -> Result<Self> {
        let body = body()?;
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: bench\r\nuser-agent: facebookexternalua\r\naccept: */*\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nx-hub-signature-256: sha256={}\r\n\r\n",
            body.len(),
            "0".repeat(SIGNATURE),
        );
        let signature = head.rfind("sha256=").context("our own header")? + "sha256=".len();
        let start = head.len();
        let found = |marker: &str| {
            body.match_indices(marker)
                .map(|(at, _)| start + at)
                .collect::<Vec<_>>()
        };
        let mut webhooks = Self {
            ids: found(ID),
            senders: found(SENDER),
            request: (head + &body).into_bytes(),
            body: start,
            signature,
            numbers,
            signatures: Vec::new(),
        };
        anyhow::ensure!(
            !webhooks.ids.is_empty() && !webhooks.senders.is_empty(),
            "the body has no ids"
        );
        webhooks.signatures = webhooks.sign_all();
        Ok(webhooks)
    }

    /// On every core: the clock does not run yet.
    fn sign_all(&self) -> Vec<[u8; SIGNATURE]> {
        let workers = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let share = self.numbers.count.div_ceil(workers).max(1);
        std::thread::scope(|scope| {
            let shares: Vec<_> = (0..workers)
                .map(|worker| scope.spawn(move || self.sign_share(worker * share, share)))
                .collect();
            shares
                .into_iter()
                .flat_map(|share| share.join().unwrap_or_default())
                .collect()
        })
    }

    fn sign_share(&self, from: u64, most: u64) -> Vec<[u8; SIGNATURE]> {
        let secret = Secret::new(APP_SECRET);
        let mut request = self.request.clone();
        let numbers = from..(from + most).min(self.numbers.count);
        numbers
            .map(|n| {
                self.number(&mut request, n);
                let body = request.get(self.body..).unwrap_or_default();
                let mut signature = [0; SIGNATURE];
                copy(
                    &mut signature,
                    0,
                    sign(&secret, "", Encoding::Hex, &[body]).as_bytes(),
                );
                signature
            })
            .collect()
    }

    fn number(&self, request: &mut [u8], n: u64) {
        let id = format!("{:020}", self.numbers.first + n);
        let sender = format!("{:07}", n % self.numbers.senders);
        for at in &self.ids {
            copy(request, at + ID.len() - id.len(), id.as_bytes());
        }
        for at in &self.senders {
            copy(request, at + SENDER.len() - sender.len(), sender.as_bytes());
        }
    }

    /// A buffer for [`Webhooks::write`].
    pub(crate) fn buffer(&self) -> Vec<u8> {
        self.request.clone()
    }

    /// Turns the buffer into the n-th request; beyond the last, into an earlier one.
    pub(crate) fn write(&self, request: &mut [u8], n: u64) {
        let n = n % self.numbers.count.max(1);
        self.number(request, n);
        if let Some(signature) = usize::try_from(n).ok().and_then(|n| self.signatures.get(n)) {
            copy(request, self.signature, signature);
        }
    }
}

fn copy(to: &mut [u8], at: usize, from: &[u8]) {
    if let Some(place) = to.get_mut(at..at + from.len()) {
        place.copy_from_slice(from);
    }
}

fn body() -> Result<String> {
    let hub = Hub::new();
    let account = Account {
        account: NUMBER.to_owned(),
        secrets: [("app_secret".to_owned(), Secret::new(APP_SECRET))]
            .into_iter()
            .collect(),
        webhook_url: Some(format!("http://bench{PATH}")),
        ..Account::default()
    };
    hub.put_account("whatsapp_cloud", account);
    let mut message = Inbound::text(NUMBER, SENDER, &WORDS.repeat(5));
    message.id = Some(ID.to_owned());
    message.name = "Ana".to_owned();
    let webhook = hub
        .webhook("whatsapp_cloud", &message)
        .map_err(|error| anyhow::anyhow!("the simulator made no webhook: {error}"))?;
    Ok(String::from_utf8(webhook.body.to_vec())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_about_a_kilobyte_with_its_own_id_and_the_signature_of_its_own_bytes() {
        let webhooks = Webhooks::prepare(Numbers {
            first: 7,
            count: 5,
            senders: 3,
        })
        .unwrap();
        let mut seen = std::collections::HashSet::new();
        for n in 0..5 {
            let mut request = webhooks.buffer();
            webhooks.write(&mut request, n);
            let text = String::from_utf8(request).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let expected = sign(
                &Secret::new(APP_SECRET),
                "sha256=",
                Encoding::Hex,
                &[body.as_bytes()],
            );
            assert!(head.ends_with(&expected), "{head}");
            assert!(
                body.contains(&format!("{:020}", 7 + n)) && (800..1200).contains(&body.len()),
                "{}",
                body.len()
            );
            assert!(seen.insert(expected));
        }
    }
}
