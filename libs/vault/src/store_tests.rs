//! What readers may ask of a set of connections.

use puente_types::{Secret, Secrets};

use super::*;

fn connection(id: &str, provider: &str, account: Option<&str>, settings: &str) -> Connection {
    Connection {
        id: id.parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        provider: provider.to_owned(),
        account: account.map(str::to_owned),
        settings: serde_json::from_str(settings).unwrap(),
        secrets: [("token".to_owned(), Secret::new("hunter2"))]
            .into_iter()
            .collect::<Secrets>(),
    }
}

fn ids(list: &[Arc<Connection>]) -> Vec<&str> {
    list.iter().map(|c| c.id.as_str()).collect()
}

#[test]
fn connections_are_found_by_id_provider_and_account() {
    let set = Connections::fixed(vec![
        connection("b", "chat", Some("2"), "{}"),
        connection("a", "chat", Some("1"), r#"{"accounts":["10","1","11"]}"#),
        connection("c", "mail", Some("1"), "{}"),
    ]);
    assert_eq!(
        set.get(&"b".parse().unwrap()).unwrap().account.as_deref(),
        Some("2")
    );
    assert!(set.get(&"z".parse().unwrap()).is_none());
    assert_eq!(ids(&set.all()), ["a", "b", "c"]);
    assert_eq!(ids(&set.of_provider("chat")), ["a", "b"]);
    assert!(set.of_provider("fax").is_empty());
    assert_eq!(ids(&set.by_account("chat", "1")), ["a"]);
    assert_eq!(ids(&set.by_account("chat", "11")), ["a"]);
    assert_eq!(ids(&set.by_account("mail", "1")), ["c"]);
    assert!(set.by_account("mail", "2").is_empty() && set.by_account("fax", "1").is_empty());
    assert!(set.problems().is_empty());
}

#[test]
fn several_connections_may_answer_for_one_account() {
    let set = Connections::fixed(vec![
        connection("a", "chat", Some("1"), "{}"),
        connection("b", "chat", None, r#"{"accounts":["1"]}"#),
    ]);
    assert_eq!(ids(&set.by_account("chat", "1")), ["a", "b"]);
}
