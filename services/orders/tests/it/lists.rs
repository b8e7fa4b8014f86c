//! Lists and single answers about orders, clients and conversations, each held against another tenant.

use puente_proto::orders::get_order_request::Key;
use puente_proto::orders::{
    CountOrdersRequest, GetClientRequest, GetConversationRequest, GetJournalRequest, ListClientsRequest,
    ListClientsResponse, ListConversationsRequest, ListOrdersRequest, ListOrdersResponse,
};
use tonic::{Code, Status};

use crate::asking::{Asking, seed, served};
use crate::support::{LAURA, PEDRO, Stage};

fn numbers(page: &ListOrdersResponse) -> Vec<&str> {
    page.orders.iter().map(|order| order.number.as_str()).collect()
}

impl Asking {
    async fn clients(
        &self,
        phone: &str,
        cursor: &str,
        page_size: u32,
    ) -> Result<ListClientsResponse, Status> {
        let question = ListClientsRequest {
            page_size,
            cursor: cursor.into(),
            phone: phone.into(),
        };
        let answer = self.queries.clone().list_clients(self.signed(question)).await?;
        Ok(answer.into_inner())
    }

    async fn conversations(&self, question: ListConversationsRequest) -> Result<Vec<String>, Status> {
        let answer = self
            .queries
            .clone()
            .list_conversations(self.signed(question))
            .await?;
        let found = answer.into_inner().conversations.into_iter();
        Ok(found.map(|conversation| conversation.conversation_id).collect())
    }
}

/// Two clients of `acme` with one order each; `norte` with one client of the first one's number.
async fn peopled() -> Stage {
    let stage = served().await;
    stage.with_order("acme", LAURA).await;
    stage.with_order("acme", PEDRO).await;
    stage.with_order("norte", LAURA).await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_with_its_client_conversation_and_what_may_be_done() {
    let stage = peopled().await;
    let acme = Asking::of(&stage, "acme").await;
    let order = acme.get(Some(Key::Number("OT-000001".into()))).await.unwrap();
    assert_eq!(
        (
            order.client_phone.as_str(),
            order.channel.as_str(),
            order.location.as_str()
        ),
        (LAURA, "whatsapp", "Calle 10 # 5-20, Medellín")
    );
    assert_eq!((order.agent.as_str(), order.service_provider.as_str()), ("", ""));
    assert_eq!(order.transitions, ["assign", "start_quotation", "cancel"]);
    let client = acme
        .queries
        .clone()
        .get_client(acme.signed(GetClientRequest {
            client_id: order.client_id.clone(),
        }))
        .await
        .unwrap();
    assert_eq!(client.into_inner().client.unwrap().name, "Laura Gómez");
    let question = GetConversationRequest {
        conversation_id: order.conversation_id.clone(),
    };
    let answer = acme
        .queries
        .clone()
        .get_conversation(acme.signed(question))
        .await
        .unwrap();
    let answer = answer.into_inner();
    let conversation = answer.conversation.unwrap();
    assert_eq!(conversation.client_id, order.client_id);
    assert_eq!(conversation.client_name, "Laura Gómez");
    assert_eq!(
        (conversation.connection.as_str(), conversation.waiting),
        ("acme-chat", 0)
    );
    // The stage publishes with the contact's id as the aggregate.
    assert_eq!(conversation.aggregate_id, conversation.contact_id);
    assert!(conversation.last_at.is_some());
    assert_eq!(answer.messages.len(), 5);
    assert!(answer.messages.iter().all(|message| message.worked_at.is_some()));
    let times: Vec<_> = answer
        .messages
        .iter()
        .map(|message| message.occurred_at.unwrap())
        .map(|at| (at.seconds, at.nanos))
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_by_state_client_phone_and_number() {
    let stage = peopled().await;
    let acme = Asking::of(&stage, "acme").await;
    let pedro = acme.get(Some(Key::Number("OT-000002".into()))).await.unwrap();
    let found = async |change: fn(&mut ListOrdersRequest, &str)| {
        let mut question = ListOrdersRequest::default();
        change(&mut question, &pedro.client_id);
        let page = acme.find(question).await.unwrap();
        numbers(&page).join(" ")
    };
    assert_eq!(
        found(|q, _| q.states = vec!["Nueva".into()]).await,
        "OT-000002 OT-000001"
    );
    assert_eq!(
        found(|q, _| q.states = vec!["Cerrada".into(), "EnFirma".into()]).await,
        ""
    );
    assert_eq!(found(|q, client| q.client_id = client.into()).await, "OT-000002");
    for search in ["OT-000002", "2", "+573109876543", "310 987 6543", "9876543"] {
        let page = acme
            .find(ListOrdersRequest {
                search: search.into(),
                ..ListOrdersRequest::default()
            })
            .await
            .unwrap();
        assert_eq!(numbers(&page), ["OT-000002"], "{search}");
    }
    assert_eq!(
        found(|q, _| q.search = "+579876543".into()).await,
        "",
        "a whole number is no ending"
    );
    let narrow = |q: &mut ListOrdersRequest, client: &str| {
        q.search = "OT-1".into();
        q.client_id = client.into();
    };
    assert_eq!(found(narrow).await, "", "all filters hold together");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_and_conversations_are_found_by_phone_and_paged() {
    let stage = peopled().await;
    let acme = Asking::of(&stage, "acme").await;
    let first = acme.clients("", "", 1).await.unwrap();
    let second = acme.clients("", &first.next_cursor, 1).await.unwrap();
    assert_eq!(second.next_cursor, "");
    let phones = [&first, &second].map(|page| page.clients[0].phone.clone());
    assert_eq!(phones, [PEDRO, LAURA], "newest first");
    let found = acme.clients("1234567", "", 0).await.unwrap().clients;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].phone, LAURA);

    let all = acme
        .conversations(ListConversationsRequest::default())
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    for phone in ["+573001234567", "1234567"] {
        let by_phone = ListConversationsRequest {
            phone: phone.into(),
            ..ListConversationsRequest::default()
        };
        assert_eq!(acme.conversations(by_phone).await.unwrap(), all[1..], "{phone}");
    }
    let by_client = ListConversationsRequest {
        client_id: found[0].client_id.clone(),
        ..ListConversationsRequest::default()
    };
    assert_eq!(acme.conversations(by_client).await.unwrap(), all[1..]);
    // The one who writes again comes first.
    stage.say("acme", LAURA, 6, "menú").await;
    let again = acme
        .conversations(ListConversationsRequest::default())
        .await
        .unwrap();
    assert_eq!(again, [all[1].clone(), all[0].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_ids_lead_nowhere_in_any_question() {
    let stage = peopled().await;
    let (acme, norte) = (
        Asking::of(&stage, "acme").await,
        Asking::of(&stage, "norte").await,
    );
    let theirs = acme.get(Some(Key::Number("OT-000002".into()))).await.unwrap();
    let journal = GetJournalRequest {
        order_id: theirs.order_id.clone(),
    };
    let client = GetClientRequest {
        client_id: theirs.client_id.clone(),
    };
    let conversation = GetConversationRequest {
        conversation_id: theirs.conversation_id.clone(),
    };
    let mut queries = norte.queries.clone();
    let codes = [
        queries
            .get_journal(norte.signed(journal))
            .await
            .unwrap_err()
            .code(),
        queries.get_client(norte.signed(client)).await.unwrap_err().code(),
        queries
            .get_conversation(norte.signed(conversation))
            .await
            .unwrap_err()
            .code(),
    ];
    assert_eq!(codes, [Code::NotFound; 3]);
    let by_client = ListOrdersRequest {
        client_id: theirs.client_id.clone(),
        ..ListOrdersRequest::default()
    };
    assert_eq!(norte.find(by_client).await.unwrap().orders, []);
    assert_eq!(norte.clients(PEDRO, "", 0).await.unwrap().clients, []);
    let by_client = ListConversationsRequest {
        client_id: theirs.client_id,
        ..ListConversationsRequest::default()
    };
    assert!(norte.conversations(by_client).await.unwrap().is_empty());
    let counts = queries
        .count_orders(norte.signed(CountOrdersRequest::default()))
        .await
        .unwrap();
    let counts = counts.into_inner();
    assert_eq!(
        (counts.states.len(), counts.states[0].count, counts.opened_today),
        (1, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_tell_states_in_the_order_of_an_orders_life_and_what_was_opened_today() {
    let stage = served().await;
    seed(&stage, "acme", 1, 5).await;
    let set =
        "UPDATE orders SET state = 'Cerrada', opened_at = now() - interval '25 hours' WHERE number <= 2";
    sqlx::query(set).execute(&stage.pool).await.unwrap();
    let acme = Asking::of(&stage, "acme").await;
    let counts = acme
        .queries
        .clone()
        .count_orders(acme.signed(CountOrdersRequest::default()))
        .await
        .unwrap()
        .into_inner();
    let states: Vec<_> = counts
        .states
        .iter()
        .map(|s| (s.state.as_str(), s.count))
        .collect();
    assert_eq!(states, [("Nueva", 3), ("Cerrada", 2)]);
    assert_eq!(counts.opened_today, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_orders_finds_and_counts_their_own_page_by_page() {
    let stage = served().await;
    seed(&stage, "acme", 1, 6).await;
    let set = "UPDATE orders SET agent = CASE WHEN number IN (1, 4) THEN 'tec-1' ELSE 'tec-2' END,
                   service_provider = CASE WHEN number = 6 THEN 'tec-1' END";
    sqlx::query(set).execute(&stage.pool).await.unwrap();
    let acme = Asking::of(&stage, "acme").await;
    let of = |assignee: &str, cursor: &str| ListOrdersRequest {
        page_size: 2,
        cursor: cursor.into(),
        assignee: assignee.into(),
        ..ListOrdersRequest::default()
    };
    let first = acme.find(of("tec-1", "")).await.unwrap();
    assert_eq!(numbers(&first), ["OT-000006", "OT-000004"], "pages are full");
    let second = acme.find(of("tec-1", &first.next_cursor)).await.unwrap();
    assert_eq!(numbers(&second), ["OT-000001"]);
    assert_eq!(second.next_cursor, "");
    assert!(acme.find(of("nobody", "")).await.unwrap().orders.is_empty());
    let counts = acme
        .queries
        .clone()
        .count_orders(acme.signed(CountOrdersRequest {
            assignee: "tec-1".into(),
        }))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((counts.states[0].count, counts.opened_today), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_in_every_list() {
    let stage = served().await;
    let acme = Asking::of(&stage, "acme").await;
    let orders = [
        ListOrdersRequest {
            states: vec!["Perdida".into()],
            ..ListOrdersRequest::default()
        },
        ListOrdersRequest {
            client_id: "7".into(),
            ..ListOrdersRequest::default()
        },
        ListOrdersRequest {
            search: "nevera".into(),
            ..ListOrdersRequest::default()
        },
        ListOrdersRequest {
            search: "57 12".into(),
            ..ListOrdersRequest::default()
        },
    ];
    for question in orders {
        let refused = acme.find(question.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{question:?}");
    }
    for (phone, cursor) in [("123", ""), ("%1234567", ""), ("", "x"), ("", "AQAAAAAAAAAB")] {
        let refused = acme.clients(phone, cursor, 0).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{phone} {cursor}");
        let question = ListConversationsRequest {
            phone: phone.into(),
            cursor: cursor.into(),
            ..ListConversationsRequest::default()
        };
        let refused = acme.conversations(question).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{phone} {cursor}");
    }
    let mut queries = acme.queries.clone();
    let nonsense = String::from("no-id");
    let journal = GetJournalRequest {
        order_id: nonsense.clone(),
    };
    let client = GetClientRequest {
        client_id: nonsense.clone(),
    };
    let conversation = GetConversationRequest {
        conversation_id: nonsense,
    };
    let codes = [
        queries
            .get_journal(acme.signed(journal))
            .await
            .unwrap_err()
            .code(),
        queries.get_client(acme.signed(client)).await.unwrap_err().code(),
        queries
            .get_conversation(acme.signed(conversation))
            .await
            .unwrap_err()
            .code(),
    ];
    assert_eq!(codes, [Code::InvalidArgument; 3]);
}
