//! Questions of other services: answered from the caller's tenant, or not at all.

use std::time::Duration;

use puente_proto::messaging::ReceiptState;
use puente_proto::notifications::message_queries_client::MessageQueriesClient;
use puente_proto::notifications::{
    CountMessagesRequest, DeliveryState, GetContactRequest, GetContactResponse, GetMessageRequest,
    ListMessagesRequest, Message,
};
use puente_testkit::service::Asker;
use puente_types::EventId;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::support::{ANA, Fake, PATIENCE, Reply, Stage, now, request};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Asking {
    client: MessageQueriesClient<Channel>,
    asker: Asker,
}

impl Asking {
    async fn of(stage: &Stage, tenant_name: &str) -> Self {
        let asker = Asker::of("notifications", stage.grpc, tenant_name)
            .await
            .as_role("viewer");
        Self {
            client: MessageQueriesClient::new(asker.channel.clone()),
            asker,
        }
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        self.asker.signed(message)
    }

    async fn list(&self, question: ListMessagesRequest) -> Result<(Vec<Message>, String), Status> {
        let answer = self.client.clone().list_messages(self.signed(question)).await?;
        let answer = answer.into_inner();
        Ok((answer.messages, answer.next_cursor))
    }

    /// The ids found, as they are listed.
    async fn ids(&self, question: ListMessagesRequest) -> Vec<String> {
        let (messages, _) = self.list(question).await.unwrap();
        messages.into_iter().map(|message| message.message_id).collect()
    }

    async fn get(&self, id: &str) -> Result<Message, Status> {
        let question = GetMessageRequest {
            message_id: id.to_owned(),
        };
        let answer = self.client.clone().get_message(self.signed(question)).await?;
        Ok(answer.into_inner().message.unwrap())
    }

    async fn contact(&self, contact_id: &str) -> Result<GetContactResponse, Status> {
        let question = GetContactRequest {
            connection: format!("{}-chat", self.asker.caller.tenant().unwrap()),
            contact_id: contact_id.to_owned(),
        };
        let answer = self.client.clone().get_contact(self.signed(question)).await?;
        Ok(answer.into_inner())
    }
}

fn any() -> ListMessagesRequest {
    ListMessagesRequest::default()
}

/// A message to Ana that was read, one that the provider refused and one that is in doubt, oldest first; and one of
/// the tenant `other`.
async fn told() -> (Stage, Vec<String>, EventId) {
    let stage = Stage::set().await;
    Fake::will(&[
        Reply::Take("wamid.1"),
        Reply::Reject,
        Reply::Silence,
        Reply::Take("wamid.4"),
    ]);
    for (tenant_name, contact) in [("acme", ANA), ("acme", "573109876543"), ("other", ANA)] {
        let heard = stage
            .hears(tenant_name, contact, "hola", Duration::from_secs(60))
            .await;
        stage.handled(heard).await;
    }
    let cause = EventId::new();
    let ask = request("acme", ANA, "bot_menu", &[]);
    stage
        .publish_in(Some(TRACE), cause, "acme", ANA, None, &ask)
        .await;
    stage.settled("acme", 1, |m| m.state == "sent").await;
    stage.reports("acme", "wamid.1", "", ReceiptState::Read).await;
    stage.settled("acme", 1, |m| m.state == "read").await;
    stage.asks("acme", "573109876543", "bot_menu", &[]).await;
    stage
        .settled("acme", 2, |m| m.state == "read" || m.state == "failed")
        .await;
    stage.asks("acme", ANA, "bot_menu", &[]).await;
    puente_testkit::wait_for("the message in doubt", PATIENCE, async || {
        let parked = "SELECT count(*) FROM messages WHERE parked_at IS NOT NULL";
        stage.count(parked).await == 1
    })
    .await;
    stage.asks("other", ANA, "bot_menu", &[]).await;
    stage.settled("other", 1, |m| m.state == "sent").await;
    let ids = stage.messages("acme").await.into_iter().map(|m| m.id).collect();
    (stage, ids, cause)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_found_by_whatever_is_known_of_them() {
    let (stage, ids, cause) = told().await;
    let acme = Asking::of(&stage, "acme").await;
    let [read, failed, doubtful] = ids.as_slice() else {
        panic!("three messages: {ids:?}");
    };
    let newest_first = [doubtful.clone(), failed.clone(), read.clone()];
    assert_eq!(acme.ids(any()).await, newest_first);
    let trace_id = puente_telemetry::trace_id(TRACE).unwrap().to_owned();
    let of_ana = [doubtful, read].map(Clone::clone);
    let cases = [
        (
            ListMessagesRequest {
                about: "conversation-1".into(),
                ..any()
            },
            newest_first.to_vec(),
        ),
        (
            ListMessagesRequest {
                connection: "acme-chat".into(),
                contact_id: ANA.into(),
                ..any()
            },
            of_ana.to_vec(),
        ),
        (
            ListMessagesRequest {
                states: vec![DeliveryState::Failed.into()],
                ..any()
            },
            vec![failed.clone()],
        ),
        (
            ListMessagesRequest {
                states: vec![DeliveryState::Queued.into()],
                ..any()
            },
            vec![doubtful.clone()],
        ),
        (
            ListMessagesRequest {
                states: vec![DeliveryState::Read.into(), DeliveryState::Failed.into()],
                ..any()
            },
            vec![failed.clone(), read.clone()],
        ),
        (ListMessagesRequest { trace_id, ..any() }, vec![read.clone()]),
        (
            ListMessagesRequest {
                parked: true,
                ..any()
            },
            vec![doubtful.clone()],
        ),
        (
            ListMessagesRequest {
                cause: cause.to_string(),
                ..any()
            },
            vec![read.clone()],
        ),
        (
            ListMessagesRequest {
                phone: "+573001234567".into(),
                ..any()
            },
            of_ana.to_vec(),
        ),
        (
            ListMessagesRequest {
                phone: "987 6543".into(),
                ..any()
            },
            vec![failed.clone()],
        ),
        (
            ListMessagesRequest {
                phone: "9876543".into(),
                parked: true,
                ..any()
            },
            vec![],
        ),
    ];
    for (question, wanted) in cases {
        assert_eq!(acme.ids(question.clone()).await, wanted, "{question:?}");
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let question = ListMessagesRequest {
            page_size: 2,
            cursor,
            ..any()
        };
        let (page, next) = acme.list(question).await.unwrap();
        seen.extend(page.into_iter().map(|message| message.message_id));
        cursor = next;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, newest_first);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_with_its_timeline_and_when_it_last_moved() {
    let (stage, ids, cause) = told().await;
    let acme = Asking::of(&stage, "acme").await;
    let read = acme.get(&ids[0]).await.unwrap();
    assert_eq!(
        (
            read.state(),
            read.provider_message_id.as_str(),
            read.form.as_str(),
            read.parked
        ),
        (DeliveryState::Read, "wamid.1", "session", false)
    );
    assert_eq!(read.cause, cause.to_string());
    assert_eq!(read.recipient.unwrap().contact_id, ANA);
    let steps: Vec<_> = read
        .timeline
        .iter()
        .map(|step| (step.state(), step.source.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (DeliveryState::Queued, "request"),
            (DeliveryState::Sent, "call"),
            (DeliveryState::Read, "receipt"),
        ]
    );
    assert_eq!(
        read.changed_at, read.timeline[2].at,
        "it last moved when it was read"
    );
    let failed = acme.get(&ids[1]).await.unwrap();
    assert_eq!(failed.state(), DeliveryState::Failed);
    assert!(
        !failed.error_code.is_empty() && failed.error_tag == "permanent",
        "{failed:?}"
    );
    let doubtful = acme.get(&ids[2]).await.unwrap();
    assert!(doubtful.parked && doubtful.effect_key == format!("message:{}", ids[2]));
    let (listed, _) = acme.list(any()).await.unwrap();
    assert!(listed.iter().all(|message| message.timeline.is_empty()));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_finds_nothing_of_them_in_any_question() {
    let (stage, ids, cause) = told().await;
    let other = Asking::of(&stage, "other").await;
    for id in &ids {
        assert_eq!(other.get(id).await.unwrap_err().code(), Code::NotFound);
    }
    let own = other.ids(any()).await;
    assert_eq!(own.len(), 1);
    assert!(!ids.contains(&own[0]));
    let by_cause = ListMessagesRequest {
        cause: cause.to_string(),
        ..any()
    };
    assert!(other.ids(by_cause).await.is_empty());
    let by_connection = ListMessagesRequest {
        connection: "acme-chat".into(),
        ..any()
    };
    assert!(other.ids(by_connection).await.is_empty());
    let question = GetContactRequest {
        connection: "acme-chat".into(),
        contact_id: ANA.into(),
    };
    let foreign = other
        .client
        .clone()
        .get_contact(other.signed(question))
        .await
        .unwrap();
    assert_eq!(foreign.into_inner(), GetContactResponse::default());
    let question = other.signed(CountMessagesRequest::default());
    let counted = other
        .client
        .clone()
        .count_messages(question)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(counted.buckets.iter().map(|bucket| bucket.queued).sum::<u64>(), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_leave_no_bucket_out_and_tell_what_became_of_the_messages() {
    let (stage, ids, _) = told().await;
    let acme = Asking::of(&stage, "acme").await;
    let count = async |window_seconds, bucket_seconds| {
        let question = acme.signed(CountMessagesRequest {
            window_seconds,
            bucket_seconds,
        });
        acme.client.clone().count_messages(question).await
    };
    let buckets = count(0, 0).await.unwrap().into_inner().buckets;
    assert_eq!(buckets.len(), 61);
    let starts: Vec<i64> = buckets
        .iter()
        .map(|bucket| bucket.start.unwrap().seconds)
        .collect();
    assert!(
        starts.windows(2).all(|pair| pair[1] - pair[0] == 60),
        "{starts:?}"
    );
    let sum = buckets.iter().fold([0; 4], |sum, b| {
        [
            sum[0] + b.queued,
            sum[1] + b.sent,
            sum[2] + b.failed,
            sum[3] + b.parked,
        ]
    });
    assert_eq!(sum, [3, 1, 1, 1]);
    // A message of yesterday is in no window of an hour, and in one of a day.
    sqlx::query("UPDATE messages SET queued_at = queued_at - interval '20 hours' WHERE id = $1::uuid")
        .bind(&ids[0])
        .execute(&stage.pool)
        .await
        .unwrap();
    let total = async |window, bucket| {
        let buckets = count(window, bucket).await.unwrap().into_inner().buckets;
        buckets.iter().map(|b| b.queued).sum::<u64>()
    };
    assert_eq!((total(3_600, 600).await, total(u32::MAX, 3_600).await), (2, 3));
    assert_eq!(count(0, 61).await.unwrap_err().code(), Code::InvalidArgument);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contacts_window_and_silence_are_told_as_the_desk_sees_them() {
    let stage = Stage::set().await;
    let acme = Asking::of(&stage, "acme").await;
    assert_eq!(acme.contact(ANA).await.unwrap(), GetContactResponse::default());
    let long_ago = Duration::from_secs(25 * 60 * 60);
    let heard = stage.hears("acme", ANA, "hola", long_ago).await;
    stage.handled(heard).await;
    let closed = acme.contact(ANA).await.unwrap();
    assert!(
        closed.last_inbound_at.is_some() && closed.session_until.is_none(),
        "{closed:?}"
    );
    let heard = stage.hears("acme", ANA, "baja", Duration::from_secs(60)).await;
    stage.handled(heard).await;
    let open = acme.contact(ANA).await.unwrap();
    let until = open.session_until.unwrap().seconds;
    assert_eq!(until - open.last_inbound_at.unwrap().seconds, 24 * 60 * 60 - 60);
    assert!(until > now().unix_timestamp());
    assert_eq!(open.opted_out_at, open.last_inbound_at);
    let heard = stage.hears("acme", ANA, "alta", Duration::ZERO).await;
    stage.handled(heard).await;
    assert_eq!(acme.contact(ANA).await.unwrap().opted_out_at, None);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused() {
    let stage = Stage::set().await;
    let acme = Asking::of(&stage, "acme").await;
    let questions = [
        ListMessagesRequest {
            about: "a\0".into(),
            ..any()
        },
        ListMessagesRequest {
            contact_id: "c".repeat(600),
            ..any()
        },
        ListMessagesRequest {
            states: vec![0],
            ..any()
        },
        ListMessagesRequest {
            states: vec![99],
            ..any()
        },
        ListMessagesRequest {
            trace_id: "xyz".into(),
            ..any()
        },
        ListMessagesRequest {
            cause: "7".into(),
            ..any()
        },
        ListMessagesRequest {
            phone: "123".into(),
            ..any()
        },
        ListMessagesRequest {
            cursor: "AQAAAAAAAAAB".into(),
            ..any()
        },
    ];
    for question in questions {
        let refused = acme.list(question.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{question:?}");
    }
    assert_eq!(acme.get("7").await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(acme.contact("").await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(
        acme.contact("a\0b").await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let unsigned = acme.client.clone().list_messages(any()).await.unwrap_err();
    assert_eq!(unsigned.code(), Code::Unauthenticated);
    stage.stop().await;
}
