//! What must not get in: each attempt, and the refusal that is due.

use anyhow::Context;
use bytes::Bytes;
use puente_ports::Connection;
use puente_providers::sim::Webhook;
use puente_webhook_auth::{Encoding, sign};
use serde_json::Value;

use crate::demo::cast::{Cast, Person};
use crate::demo::post::Answer;
use crate::demo::screen::{Line, Side};
use crate::demo::{Demo, hop};
use crate::ui::Tone;

/// What the attempts were answered with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    /// One byte was changed after signing.
    pub(crate) forged: u32,
    /// Signed with another tenant's secret.
    pub(crate) foreign: u32,
    /// Larger than the provider ever sends.
    pub(crate) oversized: u32,
    /// Not JSON.
    pub(crate) content_type: u32,
}

/// Tries all of them.
pub(crate) async fn rattle(demo: &Demo, cast: &Cast, webhooks: &str) -> anyhow::Result<Refused> {
    let mut refused = Refused::default();
    let whatsapp = demo
        .hub
        .webhook("whatsapp_cloud", &cast.ana.message("Quiero otra orden"))?;
    let jelou = demo
        .hub
        .webhook("jelou", &cast.luis.message("Quiero otra orden"))?;
    refused.forged += attempt(demo, "one byte changed after signing", 401, &forged(&whatsapp)).await?;
    refused.forged += attempt(demo, "one byte changed after signing", 401, &forged(&jelou)).await?;
    let foreign = foreign(demo, &cast.sofia, &cast.whatsapp, webhooks)?;
    refused.foreign += attempt(demo, "signed by another tenant's app", 401, &foreign).await?;
    refused.oversized += attempt(
        demo,
        "a body of more than 1 MiB",
        413,
        &oversized(&jelou, &cast.jelou)?,
    )
    .await?;
    refused.content_type += attempt(demo, "a form instead of JSON", 415, &as_form(&whatsapp)).await?;
    Ok(refused)
}

/// Sends it once; 1 if it was refused as it should be.
async fn attempt(demo: &Demo, what: &str, status: u16, webhook: &Webhook) -> anyhow::Result<u32> {
    let line = Line {
        who: "somebody".to_owned(),
        side: Side::Person,
        what: "sends".to_owned(),
        detail: what.to_owned(),
        tone: Tone::Strong,
    };
    demo.screen.hop(&line);
    let answer: Answer = demo.post.send(webhook).await?;
    let as_hoped = answer.status == status;
    demo.screen.hop(&hop::answer(&answer, as_hoped));
    Ok(u32::from(as_hoped))
}

fn forged(genuine: &Webhook) -> Webhook {
    let mut body = genuine.body.to_vec();
    // The last character of the text; still JSON, and another order.
    if let Some(at) = body.windows(4).position(|window| window == b"otra")
        && let Some(byte) = body.get_mut(at + 3)
    {
        *byte = b'o';
    }
    Webhook {
        body: body.into(),
        ..genuine.clone()
    }
}

/// A webhook of the other tenant's own number, sent to this tenant's address.
fn foreign(demo: &Demo, from: &Person, to: &Connection, webhooks: &str) -> anyhow::Result<Webhook> {
    let genuine = demo.hub.webhook(from.provider, &from.message("Hola"))?;
    Ok(Webhook {
        url: format!("{webhooks}/webhooks/{}/{}", to.provider, to.id),
        ..genuine
    })
}

/// Authentic, but a byte too long.
fn oversized(genuine: &Webhook, connection: &Connection) -> anyhow::Result<Webhook> {
    let manifest = puente_providers::find(&connection.provider)
        .context("no such provider")?
        .manifest();
    let mut body = genuine.body.to_vec();
    body.resize(manifest.max_body_bytes + 1, b' ');
    let secret = connection
        .secrets
        .get("signing_secret")
        .context("the connection has no signing secret")?;
    let signature = sign(secret, "sha256=", Encoding::Hex, &[&body]);
    Ok(with_header(
        Webhook {
            body: body.into(),
            ..genuine.clone()
        },
        "x-jelou-signature",
        &signature,
    ))
}

fn as_form(genuine: &Webhook) -> Webhook {
    with_header(
        genuine.clone(),
        "content-type",
        "application/x-www-form-urlencoded",
    )
}

fn with_header(mut webhook: Webhook, name: &str, value: &str) -> Webhook {
    for (_, old) in webhook.headers.iter_mut().filter(|(known, _)| known == name) {
        value.clone_into(old);
    }
    webhook
}

/// One delivery that carries several, as Meta sends them when much happens at once.
pub(crate) fn batch(webhooks: &[Webhook], connection: &Connection) -> anyhow::Result<Webhook> {
    let first = webhooks.first().context("an empty batch")?;
    let mut entries = Vec::new();
    for webhook in webhooks {
        let mut body: Value = serde_json::from_slice(&webhook.body).context("a webhook is no JSON")?;
        let entry = body
            .get_mut("entry")
            .and_then(Value::as_array_mut)
            .context("a webhook has no entry")?;
        entries.append(entry);
    }
    let body = serde_json::json!({ "object": "whatsapp_business_account", "entry": entries }).to_string();
    let secret = connection
        .secrets
        .get("app_secret")
        .context("the connection has no app secret")?;
    let signature = sign(secret, "sha256=", Encoding::Hex, &[body.as_bytes()]);
    let webhook = Webhook {
        body: Bytes::from(body),
        ..first.clone()
    };
    Ok(with_header(webhook, "x-hub-signature-256", &signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn genuine() -> Webhook {
        Webhook {
            url: "http://127.0.0.1:1/webhooks/x/y".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Bytes::from_static(br#"{"text":"Quiero otra orden"}"#),
        }
    }

    #[test]
    fn a_forged_webhook_differs_in_one_byte_and_is_still_json() {
        let forged = forged(&genuine());
        let differ = forged
            .body
            .iter()
            .zip(&genuine().body)
            .filter(|(one, other)| one != other)
            .count();
        assert_eq!((differ, forged.body.len()), (1, genuine().body.len()));
        assert!(serde_json::from_slice::<Value>(&forged.body).is_ok());
    }

    #[test]
    fn a_form_has_the_body_and_another_content_type() {
        let form = as_form(&genuine());
        assert_eq!(form.body, genuine().body);
        assert!(form.headers.iter().any(|(_, value)| value.contains("form")));
    }
}
