//! Who takes part: people with numbers of their own in every run, and what they answer to the bot.

use puente_ports::Connection;
use puente_providers::sim::Inbound;

use crate::exit::Done;
use crate::simulators::Simulators;

/// A person with a phone, at one of the tenants' numbers.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// What the profile shows.
    pub(crate) name: String,
    /// Their e-mail address.
    email: String,
    /// Their number, as providers write it.
    pub(crate) contact: String,
    /// The provider's slug.
    pub(crate) provider: &'static str,
    /// The tenant's account that they write to.
    pub(crate) account: String,
    /// What they say first.
    pub(crate) opening: &'static str,
    /// What they want.
    pub(crate) wish: &'static str,
}

/// The technician's number in the directory: whoever writes from a number that is there may read plates for any order.
pub(crate) const TECHNICIAN: &str = "573031234567";

/// The people of the story.
#[derive(Debug)]
pub(crate) struct Cast {
    /// Registers, and opens an order, on WhatsApp.
    pub(crate) ana: Person,
    /// Shares a delivery with Ana, and only says hello.
    pub(crate) marta: Person,
    /// Registers, and opens an order, by Jelou.
    pub(crate) luis: Person,
    /// Writes to another tenant.
    pub(crate) sofia: Person,
    /// Photographs plates.
    pub(crate) julian: Person,
    /// Ana's and Luis' connections, and the other tenant's.
    pub(crate) whatsapp: Connection,
    /// As above.
    pub(crate) jelou: Connection,
    /// As above.
    pub(crate) norte: Connection,
}

impl Cast {
    /// New numbers, so that a second run meets new people.
    pub(crate) fn of_this_run(simulators: &Simulators) -> Done<Self> {
        let whatsapp = simulators.connection("whatsapp_cloud", "algesta")?.clone();
        let jelou = simulators.connection("jelou", "algesta")?.clone();
        let norte = simulators.connection("whatsapp_cloud", "norte")?.clone();
        let run = run_number();
        let person = |n: u64, name: &str, connection: &Connection, opening, wish| Person {
            name: name.to_owned(),
            email: format!("{}@example.com", plain(name)),
            contact: format!("57300{:07}", (run + n) % 10_000_000),
            provider: slug(connection),
            account: connection.account.clone().unwrap_or_default(),
            opening,
            wish,
        };
        let repair = "Se dañó el aire acondicionado de la sala de ventas y no enfría";
        let install = "Necesito instalar dos cámaras en la bodega de Fontibón";
        Ok(Self {
            ana: person(0, "Ana Torres", &whatsapp, "Hola, buenos días", repair),
            marta: person(1, "Marta Ruiz", &whatsapp, "Hola", repair),
            luis: person(2, "Luis Peña", &jelou, install, install),
            sofia: person(3, "Sofía Rey", &norte, "Buenas tardes", install),
            julian: Person {
                contact: TECHNICIAN.to_owned(),
                ..person(4, "Julián Ortiz", &whatsapp, "leer placa", repair)
            },
            whatsapp,
            jelou,
            norte,
        })
    }
}

/// So many more people, half of them on each provider.
pub(crate) fn crowd(simulators: &Simulators, size: u32) -> Done<Vec<Person>> {
    let both = [
        simulators.connection("whatsapp_cloud", "algesta")?,
        simulators.connection("jelou", "algesta")?,
    ];
    let run = run_number();
    let people = (0..u64::from(size))
        .zip(both.into_iter().cycle())
        .map(|(n, connection)| Person {
            name: "Camila Rojas".to_owned(),
            email: format!("cliente{}@example.com", n + 1),
            contact: format!("57310{:07}", (run + n) % 10_000_000),
            provider: slug(connection),
            account: connection.account.clone().unwrap_or_default(),
            opening: "Hola",
            wish: "Necesito mantenimiento preventivo para la planta eléctrica del edificio",
        });
    Ok(people.collect())
}

/// The name of a provider for people.
pub(crate) fn provider_name(slug: &str) -> &'static str {
    puente_providers::find(slug).map_or("provider", |provider| match provider.manifest().name.as_str() {
        "WhatsApp Business Cloud API" => "WhatsApp Cloud",
        name => name,
    })
}

fn slug(connection: &Connection) -> &'static str {
    puente_providers::find(&connection.provider).map_or("", |provider| provider.manifest().slug.as_str())
}

/// A name as it stands in an address: `ana.torres`.
fn plain(name: &str) -> String {
    let plain = |c: char| match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ñ' => 'n',
        ' ' => '.',
        other => other,
    };
    name.to_lowercase().chars().map(plain).collect()
}

/// Differs from run to run.
fn run_number() -> u64 {
    let (_, low) = uuid::Uuid::now_v7().as_u64_pair();
    low % 10_000_000
}

impl Person {
    /// A message of theirs, on its way to the provider.
    pub(crate) fn message(&self, text: &str) -> Inbound {
        let mut message = Inbound::text(&self.account, &self.contact, text);
        message.name.clone_from(&self.name);
        message
    }

    /// What they answer to a text of the bot, by its key. `None`: they are content, or at a loss.
    pub(crate) fn answer(&self, template: &str) -> Option<String> {
        Some(match template {
            "bot_greeting_new" | "bot_menu" | "bot_fallback" => "Quiero registrarme".to_owned(),
            "bot_greeting" | "registration_done" | "registration_already" | "order_description" => {
                self.wish.to_owned()
            }
            "registration_name" => format!("Me llamo {}", self.name),
            "registration_email" => self.email.clone(),
            "registration_phone" => self.contact.clone(),
            "registration_location" | "order_location" => "Calle 100 # 8A-55, Bogotá".to_owned(),
            "order_service" => "Reparación".to_owned(),
            "order_confirm" => "Sí".to_owned(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn people_have_valid_numbers_of_their_own() {
        let simulators = Simulators::start(std::net::SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let cast = Cast::of_this_run(&simulators).unwrap();
        let mut people = vec![cast.ana, cast.marta, cast.luis, cast.sofia, cast.julian];
        people.extend(crowd(&simulators, 10).unwrap());
        let mut contacts: Vec<_> = people.iter().map(|person| person.contact.clone()).collect();
        for contact in &contacts {
            assert!(
                format!("+{contact}").parse::<puente_types::Phone>().is_ok(),
                "{contact}"
            );
        }
        contacts.sort_unstable();
        contacts.dedup();
        assert_eq!(contacts.len(), people.len());
        simulators.stop().await;
    }
}
