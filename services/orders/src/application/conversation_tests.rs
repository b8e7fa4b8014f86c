//! Plays the conversations of `tests/conversations/` against the skills that are compiled in: as they are, and with
//! every message coming three times.

use std::path::Path;
use std::time::Duration;

use puente_types::{ClientId, ConversationId, Nit, OrderId, Phone, Region};
use uuid::Uuid;

use crate::application::handle_message::{Message, handle_message};
use crate::domain::capture::{Attachment, CaptureTurn};
use crate::domain::client::{self, Client, Registration};
use crate::domain::company::{Company, Verdict};
use crate::domain::conversation::{Conversation, Heard, Speaker};
use crate::domain::error::StoreError;
use crate::domain::number::OrderNumber;
use crate::domain::order::{Channel, Contact, Order, Reach, Request};
use crate::domain::ports::Turn;
use crate::domain::skill::SkillSet;
use crate::skills::{Files, embedded, load};

/// A turn without a database, for one conversation.
#[derive(Default)]
struct Memory {
    client: Option<Client>,
    orders: Vec<Order>,
    registered: Vec<Client>,
    opened: Vec<Order>,
    /// The speaker stands in the directory.
    in_directory: bool,
    /// ocr has ended whatever is under way.
    ended: bool,
    /// Captures begun before.
    begun: u64,
    turns: Vec<CaptureTurn>,
    /// Clients that are not the speaker.
    companies: Vec<Client>,
    /// What is found out about a tax id that is no client's.
    erp: Option<Verdict>,
}

impl Turn for Memory {
    async fn client_of(&mut self, _: &Speaker) -> Result<Option<Client>, StoreError> {
        Ok(self.client.clone())
    }
    async fn register(&mut self, _: &Speaker, data: Registration) -> Result<Client, StoreError> {
        let client = Client {
            id: ClientId::new(),
            data,
        };
        self.client = Some(client.clone());
        self.registered.push(client.clone());
        Ok(client)
    }
    async fn open(
        &mut self,
        contact: Contact,
        request: Request,
        channel: Channel,
    ) -> Result<Order, StoreError> {
        let number = OrderNumber::new(i64::try_from(self.orders.len()).unwrap() + 1).unwrap();
        let (order, _) = Order::open(OrderId::new(), number, contact, request, channel);
        self.orders.push(order.clone());
        self.opened.push(order.clone());
        Ok(order)
    }
    async fn weigh(&mut self, nit: &Nit) -> Result<Option<Verdict>, StoreError> {
        if self.client_of_nit(nit).await?.is_some() {
            return Ok(Some(Verdict::Client));
        }
        Ok(Some(self.erp.clone().unwrap_or(Verdict::Unknown)))
    }
    async fn client_of_nit(&mut self, nit: &Nit) -> Result<Option<Client>, StoreError> {
        let own = self.client.iter().chain(&self.companies);
        Ok(own
            .into_iter()
            .find(|client| client.data.nit.as_ref() == Some(nit))
            .cloned())
    }
    async fn enrol(&mut self, data: Registration) -> Result<Client, StoreError> {
        let client = Client {
            id: ClientId::new(),
            data,
        };
        self.companies.push(client.clone());
        self.registered.push(client.clone());
        Ok(client)
    }
    async fn keep_nit(&mut self, client: ClientId, nit: &Nit) -> Result<(), StoreError> {
        let own = self.client.as_mut().filter(|own| own.id == client).unwrap();
        own.data.nit = Some(nit.clone());
        self.registered.push(own.clone());
        Ok(())
    }
    async fn order_of(
        &mut self,
        client: Option<ClientId>,
        number: OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        let theirs = |order: &&Order| {
            let order = order.snapshot();
            // The only conversation there is: an order that has its way of answering was opened in it.
            let here = !order.contact.reach.contact_id.is_empty();
            order.number == number && (here || Some(order.contact.client_id) == client)
        };
        Ok(self.orders.iter().find(theirs).cloned())
    }
    async fn order_to_serve(
        &mut self,
        _: &Speaker,
        client: Option<ClientId>,
        number: OrderNumber,
    ) -> Result<Option<OrderId>, StoreError> {
        let fits = |order: &&Order| {
            let order = order.snapshot();
            order.number == number && (self.in_directory || Some(order.contact.client_id) == client)
        };
        Ok(self.orders.iter().find(fits).map(|order| order.snapshot().id))
    }
    async fn capture_ended(&mut self, _: Uuid) -> Result<bool, StoreError> {
        Ok(std::mem::take(&mut self.ended))
    }
    async fn captures_of_a_day(&mut self) -> Result<u64, StoreError> {
        Ok(self.begun)
    }
    async fn tell_capture(
        &mut self,
        _: &Speaker,
        _: Option<&Client>,
        turn: CaptureTurn,
    ) -> Result<(), StoreError> {
        self.turns.push(turn);
        Ok(())
    }
}

struct Play {
    memory: Memory,
    speaker: Speaker,
    conversation: Conversation,
    pause: Option<Duration>,
    messages: usize,
    heard: Vec<String>,
    set: SkillSet,
}

impl Play {
    fn new() -> Self {
        let reach = Reach {
            provider: "wuzapi".into(),
            connection: "acme-wuzapi".into(),
            contact_id: "573001234567".into(),
        };
        let phone = Some(Phone::parse("+573001234567", Region::Co).unwrap());
        Self {
            memory: Memory::default(),
            speaker: Speaker {
                reach,
                phone,
                name: "Perfil".into(),
            },
            set: embedded().unwrap(),
            conversation: Conversation::default(),
            pause: None,
            messages: 0,
            heard: Vec::new(),
        }
    }

    /// Sends a message so often; what came of it is noted in the words of the fixtures.
    async fn say(&mut self, mut heard: Heard, times: usize) {
        self.messages += 1;
        heard.message_id = format!("m{}", self.messages);
        heard.pause = self.pause.take().or(Some(Duration::from_secs(20)));
        let set = self.set.clone();
        for _ in 0..times {
            let message = Message {
                id: ConversationId::new(),
                speaker: &self.speaker,
                heard: &heard,
                region: Region::Co,
                fresh: Uuid::now_v7(),
            };
            let conversation = std::mem::take(&mut self.conversation);
            let handled = handle_message(&set, &mut self.memory, conversation, message)
                .await
                .unwrap();
            self.conversation = handled.conversation;
            for client in self.memory.registered.drain(..) {
                let data = client.data;
                self.heard.push(format!(
                    "+ client {} | {} | {} | {}",
                    data.name,
                    data.email,
                    data.phone.as_e164(),
                    data.location
                ));
                if let Some(nit) = data
                    .nit
                    .filter(|_| !self.memory.companies.iter().any(|c| c.id == client.id))
                {
                    self.heard.push(format!("+ tax id {}", nit.body()));
                }
            }
            for order in self.memory.opened.drain(..) {
                let order = order.snapshot();
                let request = &order.request;
                self.heard.push(format!(
                    "+ order {} | {} | {} | {}",
                    order.number, request.service, request.description, request.location
                ));
                let whose = self.memory.client.iter().chain(&self.memory.companies);
                let whose = whose
                    .into_iter()
                    .find(|client| client.id == order.contact.client_id);
                if self.set.skills["order_creation"].client_step().is_some() {
                    self.heard.push(format!(
                        "+ for {}, told to {} {}",
                        whose.unwrap().data.name,
                        order.contact.name,
                        order.contact.phone
                    ));
                }
            }
            for turn in self.memory.turns.drain(..) {
                let order = self
                    .memory
                    .orders
                    .iter()
                    .find(|order| Some(order.snapshot().id) == turn.order);
                let order = order
                    .map(|order| format!(" of {}", order.snapshot().number))
                    .unwrap_or_default();
                let said = match turn.said {
                    None => "ended".to_owned(),
                    Some(said) => {
                        let photo = if said.file.is_some_and(|file| file.photo) {
                            "photo "
                        } else {
                            ""
                        };
                        let choice = said
                            .choice
                            .map(|choice| format!("[{choice}] "))
                            .unwrap_or_default();
                        format!("{photo}{choice}{}", said.text).trim_end().to_owned()
                    }
                };
                self.heard.push(format!("+ turn {}{order} | {said}", turn.turn));
            }
            for notice in handled.notices {
                assert_eq!(
                    (&notice.to, &notice.phone),
                    (&self.speaker.reach, &self.speaker.phone)
                );
                let variables = notice
                    .variables
                    .iter()
                    .map(|(k, v)| format!("{k}={}", v.replace('\n', "\\n")));
                self.heard.push(format!(
                    "< {} {}",
                    notice.template,
                    variables.collect::<Vec<_>>().join("\u{1}")
                ));
            }
        }
    }

    fn prepare(&mut self, line: &str) -> bool {
        let parts: Vec<&str> = line
            .split_once(' ')
            .map(|(_, rest)| rest)
            .unwrap_or_default()
            .split(" | ")
            .collect();
        let data = |name: &str, email: &str, location: &str| Registration {
            name: name.into(),
            email: email.into(),
            phone: Phone::parse("+573001234567", Region::Co).unwrap(),
            location: location.into(),
            nit: None,
        };
        let number = OrderNumber::new(i64::try_from(self.memory.orders.len()).unwrap() + 1).unwrap();
        let order = |client_id, request: [&str; 3]| {
            let contact = Contact {
                client_id,
                name: String::new(),
                phone: String::new(),
                reach: Reach::default(),
            };
            let [service, description, location] = request.map(str::to_owned);
            Order::open(
                OrderId::new(),
                number,
                contact,
                Request {
                    service,
                    description,
                    location,
                },
                Channel::App,
            )
            .0
        };
        if line == "contact hidden" {
            self.speaker.phone = None;
        } else if line == "speaker in directory" {
            self.memory.in_directory = true;
        } else if let Some(begun) = line.strip_prefix("captures begun ") {
            self.memory.begun = begun.parse().unwrap();
        } else if line == "skill checks" {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/skills");
            self.set = load(&Files::of_tenant(Some(&folder), "checks")).unwrap();
        } else if line == "erp away" {
            self.memory.erp = Some(Verdict::Unreachable);
        } else if line == "erp inactive" {
            self.memory.erp = Some(Verdict::Inactive);
        } else if line.starts_with("erp ") {
            let [name, email, phone, location] = parts[..] else {
                panic!("{line}")
            };
            self.memory.erp = Some(Verdict::Listed(Company {
                name: name.into(),
                email: email.into(),
                phone: Phone::parse(phone, Region::Co).ok(),
                location: location.into(),
                active: true,
                version: 1,
            }));
        } else if line.starts_with("company ") {
            let [name, nit] = parts[..] else { panic!("{line}") };
            let mut data = data(name, "facturas@acme.co", "CL 100");
            data.nit = client::nit(nit).ok();
            self.memory.companies.push(Client {
                id: ClientId::new(),
                data,
            });
        } else if line == "capture ended by ocr" {
            self.memory.ended = true;
        } else if line == "stranger's order" {
            self.memory
                .orders
                .push(order(ClientId::new(), ["otro", "de otra persona", "otro lugar"]));
        } else if line.starts_with("client ") {
            let [name, email, location] = parts[..] else {
                panic!("{line}")
            };
            self.memory.client = Some(Client {
                id: ClientId::new(),
                data: data(name, email, location),
            });
        } else if line.starts_with("order ") {
            let [service, description, location] = parts[..] else {
                panic!("{line}")
            };
            let client = self.memory.client.as_ref().unwrap().id;
            self.memory
                .orders
                .push(order(client, [service, description, location]));
        } else if let Some(hours) = line.strip_prefix("pause ") {
            self.pause = Some(Duration::from_secs(
                hours.trim_end_matches('h').parse::<u64>().unwrap() * 3600,
            ));
        } else {
            return false;
        }
        true
    }
}

fn heard(line: &str) -> Option<Heard> {
    let (mark, rest) = line.split_at(1);
    let text = rest.trim().to_owned();
    Some(match mark {
        ">" => Heard {
            text,
            ..Heard::default()
        },
        "*" => Heard {
            text,
            media: true,
            file: Some(Attachment {
                provider_id: "f1".into(),
                photo: true,
                ..Attachment::default()
            }),
            ..Heard::default()
        },
        "@" => Heard {
            place: Some(text),
            ..Heard::default()
        },
        "[" => {
            let (choice, title) = text.split_once("] ").unwrap();
            Heard {
                text: title.into(),
                choice: Some(choice.into()),
                ..Heard::default()
            }
        }
        _ => return None,
    })
}

/// Whether what came is what the fixture says: the same key, and at least these variables.
fn fits(expected: &str, came: &str) -> bool {
    let Some(expected) = expected.strip_prefix("< ") else {
        return expected == came;
    };
    let Some(came) = came.strip_prefix("< ") else {
        return false;
    };
    let (key, wanted) = expected.split_once(' ').unwrap_or((expected, ""));
    let (came_key, variables) = came.split_once(' ').unwrap();
    let variables: Vec<&str> = variables.split('\u{1}').collect();
    // Values may hold spaces: a new variable begins where a word has `=` in it.
    let mut pairs: Vec<String> = Vec::new();
    for word in wanted.split(' ').filter(|word| !word.is_empty()) {
        let begins = word
            .split_once('=')
            .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase()));
        match pairs.last_mut() {
            Some(last) if !begins => *last += &format!(" {word}"),
            _ => pairs.push(word.to_owned()),
        }
    }
    key == came_key && pairs.iter().all(|pair| variables.contains(&pair.as_str()))
}

async fn play(name: &str, script: &str, times: usize) {
    let mut play = Play::new();
    let mut said = String::from("(beginning)");
    for line in script
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let line = line.trim_end_matches('\r');
        if line.starts_with("< ") || line.starts_with("+ ") {
            assert!(
                !play.heard.is_empty(),
                "{name}: after `{said}` came nothing, expected `{line}`"
            );
            let came = play.heard.remove(0);
            assert!(
                fits(line, &came),
                "{name}: after `{said}` came `{came}`, expected `{line}`"
            );
            continue;
        }
        assert!(
            play.heard.is_empty(),
            "{name}: after `{said}` came unexpected {:?}",
            play.heard
        );
        if play.prepare(line) {
            continue;
        }
        said = line.to_owned();
        play.say(heard(line).unwrap_or_else(|| panic!("{name}: {line}")), times)
            .await;
    }
    assert!(
        play.heard.is_empty(),
        "{name}: at the end came unexpected {:?}",
        play.heard
    );
}

async fn play_all(times: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        play(
            &path.file_name().unwrap().to_string_lossy(),
            &std::fs::read_to_string(&path).unwrap(),
            times,
        )
        .await;
        played += 1;
    }
    assert!(played >= 10, "only {played} conversations found");
}

#[tokio::test]
async fn conversations_go_as_written() {
    play_all(1).await;
}

#[tokio::test]
async fn a_conversation_in_which_every_message_comes_three_times_ends_the_same() {
    play_all(3).await;
}
