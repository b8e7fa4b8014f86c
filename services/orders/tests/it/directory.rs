//! The directory: who is kept, who is found, and who gets orders.

use puente_proto::Event as _;
use puente_proto::orders::{AssignOrderRequest, GetPersonRequest, ListPeopleRequest, OrderAssigned, Person};
use tonic::Code;

use crate::asking::{Asking, person, served};
use crate::commands::{assignment, with_order};

impl Asking {
    async fn people(&self, page_size: u32, cursor: &str, kind: &str) -> (Vec<String>, String) {
        let question = ListPeopleRequest {
            page_size,
            cursor: cursor.into(),
            kind: kind.into(),
        };
        let answer = self.directory.clone().list_people(self.signed(question)).await;
        let page = answer.unwrap().into_inner();
        let names = page.people.into_iter().map(|person| person.name).collect();
        (names, page.next_cursor)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_kept_in_one_form_replaced_by_id_and_found_by_nobody_else() {
    let stage = served().await;
    let acme = Asking::of(&stage, "acme").await;
    let kept = acme
        .puts(Person {
            phone: "+57 310 987 6543".into(),
            tax_id: "900.373.115-3".into(),
            ..person("frio-sas", "service_provider", "Frío S.A.S.")
        })
        .await
        .unwrap();
    assert_eq!(
        (kept.phone.as_str(), kept.tax_id.as_str()),
        ("+573109876543", "900373115-3")
    );
    acme.puts(Person {
        active: false,
        ..person("frio-sas", "service_provider", "Frío y Calor S.A.S.")
    })
    .await
    .unwrap();
    let wanted = || GetPersonRequest {
        person_id: "frio-sas".into(),
    };
    let found = acme.directory.clone().get_person(acme.signed(wanted())).await;
    let found = found.unwrap().into_inner().person.unwrap();
    assert_eq!(
        (found.name.as_str(), found.active),
        ("Frío y Calor S.A.S.", false)
    );
    assert_ne!(found.changed_at, kept.changed_at);

    let norte = Asking::of(&stage, "norte").await;
    let foreign = norte.directory.clone().get_person(norte.signed(wanted())).await;
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    assert_eq!(norte.people(0, "", "").await.0, [""; 0]);
    norte.puts(person("frio-sas", "agent", "Otro")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_usable_is_named_and_changes_nothing() {
    let stage = served().await;
    let acme = Asking::of(&stage, "acme").await;
    acme.puts(person("ana", "agent", "Ana Ruiz")).await.unwrap();
    let cases = [
        ("kind", person("ana", "service_provider", "Ana Ruiz")),
        ("kind", person("luis", "client", "Luis")),
        ("person_id", person("Ana Ruiz", "agent", "Ana Ruiz")),
        (
            "tax_id",
            Person {
                tax_id: "900373115-4".into(),
                ..person("ana", "agent", "Ana Ruiz")
            },
        ),
    ];
    for (field, wrong) in cases {
        let refused = acme.puts(wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(field), "{field}: {refused}");
    }
    assert_eq!(stage.count("SELECT count(*) FROM people").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_people_follow_each_other_by_name_without_regard_to_accents() {
    let stage = served().await;
    let acme = Asking::of(&stage, "acme").await;
    for (id, kind, name) in [
        ("z", "agent", "Ángela"),
        ("a", "service_provider", "Zeta S.A."),
        ("m", "agent", "beatriz"),
        ("b", "agent", "Beatriz"),
        ("c", "service_provider", "ñandú SAS"),
    ] {
        acme.puts(person(id, kind, name)).await.unwrap();
    }
    let (first, next) = acme.people(2, "", "").await;
    assert_eq!(first, ["Ángela", "Beatriz"]);
    let (second, next) = acme.people(2, &next, "").await;
    assert_eq!(second, ["beatriz", "ñandú SAS"]);
    let (third, next) = acme.people(2, &next, "").await;
    assert_eq!((third, next.as_str()), (vec!["Zeta S.A.".to_owned()], ""));
    let (agents, _) = acme.people(0, "", "agent").await;
    assert_eq!(agents, ["Ángela", "Beatriz", "beatriz"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_go_to_active_people_of_the_directory_and_to_anybody_while_there_is_none() {
    let (_stage, acme, id) = with_order().await;
    let free = acme.assigns(assignment(&id, "quien-sea", "k1")).await.unwrap();
    assert_eq!((free.agent.as_str(), free.agent_name.as_str()), ("quien-sea", ""));

    acme.puts(person("ana", "agent", "Ana Ruiz")).await.unwrap();
    acme.puts(Person {
        active: false,
        ..person("luis", "agent", "Luis Mora")
    })
    .await
    .unwrap();
    for (who, words) in [("quien-sea", "does not have them"), ("luis", "not active")] {
        let refused = acme.assigns(assignment(&id, who, "k2")).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(words), "{refused}");
    }
    let as_provider = AssignOrderRequest {
        agent: None,
        service_provider: Some("ana".into()),
        ..assignment(&id, "", "k2")
    };
    let refused = acme.assigns(as_provider).await.unwrap_err();
    assert!(refused.message().contains("something else"), "{refused}");
    let unlisted = AssignOrderRequest {
        service_provider: Some("frio-sas".into()),
        ..assignment(&id, "ana", "k2")
    };
    let order = acme.assigns(unlisted).await.unwrap();
    assert_eq!(
        (
            order.agent_name.as_str(),
            order.service_provider.as_str(),
            order.service_provider_name.as_str()
        ),
        ("Ana Ruiz", "frio-sas", ""),
        "there is no directory of service providers yet"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_says_how_those_are_reached_who_are_new_to_the_order_and_nobody_else() {
    let (stage, acme, id) = with_order().await;
    for (who, kind, name, phone) in [
        ("ana", "agent", "Ana Ruiz", "+57 310 987 6543"),
        ("frio-sas", "service_provider", "Frío S.A.S.", "+57 311 000 1122"),
        ("polo-sas", "service_provider", "Polo S.A.S.", ""),
    ] {
        let known = Person {
            phone: phone.into(),
            ..person(who, kind, name)
        };
        acme.puts(known).await.unwrap();
    }
    let both = |provider: &str, key: &str| AssignOrderRequest {
        service_provider: Some(provider.into()),
        ..assignment(&id, "ana", key)
    };
    for (provider, key) in [
        ("frio-sas", "k1"),
        ("frio-sas", "k1"),
        ("frio-sas", "k2"),
        ("polo-sas", "k3"),
    ] {
        acme.assigns(both(provider, key)).await.unwrap();
    }
    // What becomes of the directory later is not told of an earlier assignment.
    acme.puts(person("ana", "agent", "Ana R. Otra")).await.unwrap();

    let told: Vec<OrderAssigned> = stage
        .told()
        .await
        .iter()
        .filter(|event| event.name == OrderAssigned::TYPE.name)
        .map(|event| event.read())
        .collect();
    let reached: Vec<[&str; 4]> = told
        .iter()
        .map(|event| {
            [
                event.agent_name.as_str(),
                &event.agent_phone,
                &event.service_provider_name,
                &event.service_provider_phone,
            ]
        })
        .collect();
    assert_eq!(
        reached,
        [
            ["Ana Ruiz", "+573109876543", "Frío S.A.S.", "+573110001122"],
            ["", "", "Polo S.A.S.", ""],
        ],
        "a repeated command and a second one for the same people are no assignments"
    );
    assert_eq!(
        (told[1].agent.as_str(), told[1].previous_service_provider.as_str()),
        ("ana", "frio-sas")
    );
    assert!(!told[0].service.is_empty());
    assert_eq!(told[0].location, "Calle 10 # 5-20, Medellín");
}
