//! The order in which it all happens.

use anyhow::ensure;

use crate::demo::cast::{Cast, Person, provider_name};
use crate::demo::gate::{self, Refused};
use crate::demo::plate::Sheet;
use crate::demo::screen::{Line, Side};
use crate::demo::signing::{Office, Signed};
use crate::demo::{Demo, Level, hop};
use crate::ui::Tone;

/// How often Luis' provider sends his first message.
const REPEATS: usize = 3;

/// What the story left behind.
#[derive(Debug)]
pub(crate) struct Told {
    /// Everybody who was to get an order.
    pub(crate) clients: Vec<Person>,
    /// The contract that was signed.
    pub(crate) signed: Signed,
    /// Who photographed a plate, and the record sheet that came of it.
    pub(crate) technician: Person,
    /// As above.
    pub(crate) sheet: Sheet,
    /// What was refused at the gate.
    pub(crate) refused: Refused,
}

impl Told {
    /// More people who were to get an order.
    pub(crate) fn extend(&mut self, more: Vec<Person>) {
        self.clients.extend(more);
    }
}

/// Plays it.
pub(crate) async fn tell(demo: &Demo, cast: &Cast, webhooks: &str, office: &Office) -> anyhow::Result<Told> {
    demo.show.set(Level::Outside);
    demo.screen.expect(1, "the journey");
    subscribe(demo, cast, webhooks).await?;
    whatsapp(demo, cast).await?;
    jelou(demo, cast).await?;
    norte(demo, cast).await?;
    let signed = office.play(demo, &cast.ana).await?;
    let number = demo
        .timeline
        .ledger()
        .orders_of(&cast.ana.contact)
        .last()
        .cloned();
    let number = number.map(|order| order.number).unwrap_or_default();
    let sheet = office.photograph(demo, &cast.julian, &number).await?;
    demo.show.set(Level::Outside);
    demo.screen.part("What must not get in");
    let refused = gate::rattle(demo, cast, webhooks).await?;
    demo.show.set(Level::Nothing);
    Ok(Told {
        clients: vec![cast.ana.clone(), cast.luis.clone()],
        signed,
        technician: cast.julian.clone(),
        sheet,
        refused,
    })
}

/// The handshake by which Meta makes sure whose address it is.
async fn subscribe(demo: &Demo, cast: &Cast, webhooks: &str) -> anyhow::Result<()> {
    demo.screen
        .part("WhatsApp Cloud asks whether the address is ours");
    let token = cast
        .whatsapp
        .require_secret("verify_token")
        .map_err(anyhow::Error::from)?;
    let challenge = "1158201444";
    let url = format!(
        "{webhooks}/webhooks/whatsapp_cloud/{}?hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={}",
        cast.whatsapp.id,
        token.expose()
    );
    let (status, text) = demo.post.get(&url).await?;
    ensure!(
        status == 200 && text == challenge,
        "the handshake was answered with {status}"
    );
    demo.screen.hop(&Line {
        who: "ingress".to_owned(),
        side: Side::Fleet,
        what: "handshake accepted".to_owned(),
        detail: "200, the challenge comes back".to_owned(),
        tone: Tone::Good,
    });
    Ok(())
}

async fn whatsapp(demo: &Demo, cast: &Cast) -> anyhow::Result<()> {
    let Cast {
        ana, marta, whatsapp, ..
    } = cast;
    demo.screen
        .part("Ana registers and asks for a repair, on WhatsApp");
    let both = [ana, marta];
    let mut webhooks = Vec::new();
    for person in both {
        webhooks.push(
            demo.hub
                .webhook(person.provider, &person.message(person.opening))?,
        );
        demo.screen.hop(&hop::person(&person.name, person.opening));
    }
    let answer = demo.post.send(&gate::batch(&webhooks, whatsapp)?).await?;
    let mut line = hop::answer(&answer, answer.word == "accepted");
    line.detail.push_str(", both in one delivery");
    demo.screen.hop(&line);
    ensure!(
        answer.word == "accepted",
        "the batch was answered with {}",
        answer.status
    );
    demo.hear(marta, 0).await?;
    demo.until_confirmed(ana, 0).await?;
    demo.until_read(ana).await?;
    demo.until_read(marta).await?;
    demo.show.set(Level::Outside);
    Ok(())
}

async fn jelou(demo: &Demo, cast: &Cast) -> anyhow::Result<()> {
    let Cast { luis, jelou, .. } = cast;
    demo.screen
        .part("Luis asks for an installation by Jelou, which repeats itself and mixes up its receipts");
    for account in demo
        .hub
        .accounts("jelou")
        .iter()
        .filter(|one| Some(&one.account) == jelou.account.as_ref())
    {
        let mut account = puente_providers::sim::Account::clone(account);
        account.callbacks.out_of_order = true;
        account.callbacks.duplicate = 1;
        demo.hub.put_account("jelou", account);
    }
    let webhook = demo.hub.webhook(luis.provider, &luis.message(luis.opening))?;
    demo.screen.hop(&hop::person(&luis.name, luis.opening));
    for n in 0..REPEATS {
        let answer = demo.post.send(&webhook).await?;
        let as_hoped = answer.word == if n == 0 { "accepted" } else { "duplicate" };
        demo.screen.hop(&hop::answer(&answer, as_hoped));
        ensure!(
            as_hoped,
            "delivery {} of the same message was answered with {}",
            n + 1,
            answer.word
        );
    }
    demo.until_heard(luis, 1).await?;
    demo.until_confirmed(luis, 0).await?;
    demo.until_read(luis).await?;
    demo.show.set(Level::Outside);
    Ok(())
}

async fn norte(demo: &Demo, cast: &Cast) -> anyhow::Result<()> {
    let name = provider_name(&cast.norte.provider);
    demo.screen.part(&format!(
        "Sofía writes to another tenant, on {name}, and hears from that one"
    ));
    demo.say(&cast.sofia, cast.sofia.opening).await?;
    demo.hear(&cast.sofia, 0).await?;
    demo.until_read(&cast.sofia).await
}
