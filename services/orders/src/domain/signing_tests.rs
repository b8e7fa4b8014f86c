use super::*;

fn party(name: &str, email: &str) -> Party {
    Party {
        name: name.into(),
        email: email.into(),
        ..Party::default()
    }
}

fn three() -> Parties {
    Parties {
        client: party("Laura Gómez", "laura@correo.co"),
        service_provider: party("Frío S.A.S.", "firma@frio.co"),
        agent: party("Ana Ruiz", "ana@algesta.co"),
    }
}

#[test]
fn all_that_is_missing_is_listed_at_once() {
    let none = Parties::default().complete().unwrap_err();
    assert_eq!(
        none,
        Refused::PartiesMissing(
            "client.name, client.email, service_provider.name, service_provider.email, agent.name, agent.email".into()
        )
    );
    let mut one = three();
    one.agent.email = String::new();
    assert_eq!(one.complete(), Err(Refused::PartiesMissing("agent.email".into())));
    assert_eq!(three().complete(), Ok(()));
}

#[test]
fn nobody_signs_for_client_and_service_provider() {
    let mut same = three();
    same.service_provider.email = "LAURA@correo.co".into();
    assert_eq!(same.complete(), Err(Refused::OneSignsForBoth));
    let mut own = three();
    own.agent.email = "firma@frio.co".into();
    assert_eq!(own.complete(), Ok(()), "a provider may send its own agent");
}

#[test]
fn what_is_said_of_a_party_goes_over_what_is_known_field_by_field() {
    let said = Parties::read([("agent".to_owned(), party("", "otra@algesta.co"))]).unwrap();
    let parties = said.over(three());
    assert_eq!(
        (parties.agent.name.as_str(), parties.agent.email.as_str()),
        ("Ana Ruiz", "otra@algesta.co")
    );
    assert_eq!(parties.client, three().client);
}

#[test]
fn a_party_that_is_not_usable_is_named() {
    let said = |role: &str, party: Party| Parties::read([(role.to_owned(), party)]).unwrap_err();
    assert_eq!(said("notary", Party::default()), BadParty::Role);
    let wrong = said("client", party("", "no es un correo")).to_string();
    assert!(wrong.starts_with("client: email"), "{wrong}");
    let twice = ["agent", "agent"].map(|role| (role.to_owned(), Party::default()));
    assert_eq!(Parties::read(twice), Err(BadParty::Twice(Role::Agent)));
}
