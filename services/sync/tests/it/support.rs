//! A stage: database, broker, the running service, and the provider and the orders that the test plays.

mod asking;
mod fake;
mod orders;

use std::net::SocketAddr;
use std::ops::Deref;

use puente_bus::Envelope;
use puente_ports::Connection;
use puente_proto::orders::{Contact, OrderAssigned, OrderOpened, OrderStateChanged, OrderSummary};
use puente_proto::{Event, sync::TaskChanged, timestamp};
use puente_service::{Base, Overrides, Runtime, Service};
use puente_sync::{Config, Sync};
use puente_testkit::service::{Ground, envelope, outside};
use puente_testkit::wait_for;
use puente_types::OrderId;
use serde_json::json;
use time::OffsetDateTime;

pub(crate) use asking::Asking;
pub(crate) use fake::{Fake, Reply};
pub(crate) use orders::OrdersDoor;
pub(crate) use puente_testkit::service::{KEY, PATIENCE};

/// The trace of orders.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A task's row as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Seen {
    pub(crate) state: String,
    pub(crate) stage: String,
    pub(crate) task_id: String,
    pub(crate) version: i64,
    pub(crate) problem_code: Option<String>,
    pub(crate) problem_change: Option<String>,
}

pub(crate) struct Stage {
    ground: Ground,
    pub(crate) orders: OrdersDoor,
    /// Where the service is asked.
    pub(crate) grpc: SocketAddr,
}

impl Deref for Stage {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

pub(crate) fn connection(id: &str, tenant_name: &str, settings: serde_json::Value) -> Connection {
    Connection {
        settings: settings.as_object().unwrap().clone(),
        ..puente_testkit::service::connection(id, tenant_name, "fake")
    }
}

impl Stage {
    /// Everything running, for the tenants `acme` and `other` with a connection each; `poor` has none, and `rich` two, of
    /// which none is named.
    pub(crate) async fn set() -> Self {
        Self::set_with(vec![
            connection("acme-tasks", "acme", json!({ "assignees": ["ana=1207"] })),
            connection("other-tasks", "other", json!({ "tasks_show_client": "true" })),
            connection("rich-one", "rich", json!({})),
            connection("rich-two", "rich", json!({})),
        ])
        .await
    }

    pub(crate) async fn set_with(connections: Vec<Connection>) -> Self {
        let ground = Ground::lay("sync", &puente_outbox::MIGRATIONS, &puente_sync::MIGRATIONS);
        let mut stage = Self {
            ground: ground.await,
            orders: OrdersDoor::open().await,
            grpc: ([127, 0, 0, 1], 0).into(),
        };
        stage.grpc = stage.start(&stage.rt, connections).await;
        stage
    }

    /// One more replica on the same database and broker; returns where it is asked.
    pub(crate) async fn start(&self, rt: &Runtime, connections: Vec<Connection>) -> SocketAddr {
        let overrides = Overrides::default()
            .set("orders_url", format!("http://{}", self.orders.address))
            .set("again_ms", 100);
        let config: Config = self.config("sync", Sync::DEFAULTS, overrides);
        let base = Base::open("sync", config.base(), rt.clone()).await;
        let base = base.expect("servers that answer");
        let service =
            Sync::with_parts(config, base, outside(connections, fake::find)).expect("the service starts");
        let address = service.grpc_address().unwrap().expect("gRPC is served");
        tokio::spawn(service.run());
        address
    }

    /// Publishes an event of an order as orders would.
    pub(crate) async fn publish<E: Event>(
        &self,
        tenant_name: &str,
        order: &str,
        version: i64,
        event: &E,
    ) -> Envelope {
        let envelope = Envelope {
            aggregate_version: Some(version),
            traceparent: Some(format!("00-{TRACE}-00f067aa0ba902b7-01")),
            ..envelope(tenant_name, order, event)
        };
        self.send(&envelope).await;
        envelope
    }

    /// An order is opened; returns its id.
    pub(crate) async fn opens(&self, tenant_name: &str) -> String {
        let opened = opened();
        self.publish(tenant_name, &opened.order_id, 1, &opened).await;
        opened.order_id
    }

    /// It comes to another state.
    pub(crate) async fn moves(
        &self,
        tenant_name: &str,
        order: &str,
        version: i64,
        before: &str,
        after: &str,
    ) -> Envelope {
        self.publish(tenant_name, order, version, &moved(order, before, after))
            .await
    }

    /// It is somebody else's.
    pub(crate) async fn assigns(
        &self,
        tenant_name: &str,
        order: &str,
        version: i64,
        agent: &str,
    ) -> Envelope {
        self.publish(tenant_name, order, version, &assigned(order, agent, ""))
            .await
    }

    /// The task of an order.
    pub(crate) async fn seen(&self, order: &str) -> Option<Seen> {
        sqlx::query_as(
            "SELECT state, stage, task_id, version, problem_code, problem_change FROM tasks WHERE order_id::text = $1",
        )
        .bind(order)
        .fetch_optional(&self.pool)
        .await
        .expect("the task")
    }

    /// Waits until the task of an order is as wanted.
    pub(crate) async fn becomes(&self, order: &str, fits: impl Fn(&Seen) -> bool) -> Seen {
        wait_for("the task", PATIENCE, async || match self.seen(order).await {
            Some(seen) if fits(&seen) => Ok(seen),
            seen => Err((seen, Fake::tried())),
        })
        .await
    }

    /// Waits until the service has applied an order's event of this version.
    pub(crate) async fn applied(&self, order: &str, version: i64) {
        wait_for("the order's events to be applied", PATIENCE, async || {
            let applied: Option<i64> =
                sqlx::query_scalar("SELECT version FROM watched_orders WHERE order_id::text = $1")
                    .bind(order)
                    .fetch_optional(&self.pool)
                    .await
                    .expect("the watch");
            if applied == Some(version) {
                Ok(())
            } else {
                Err(applied)
            }
        })
        .await;
    }

    /// Waits until the service has acknowledged all that was published.
    pub(crate) async fn nothing_is_left(&self) {
        let js = async_nats::jetstream::new(self.client.clone());
        wait_for("the consumer to be done", PATIENCE, async || {
            let stream = js.get_stream("EVENTS").await.map_err(|error| error.to_string())?;
            let info = stream
                .consumer_info("sync")
                .await
                .map_err(|error| error.to_string())?;
            match (info.num_pending, info.num_ack_pending) {
                (0, 0) => Ok(()),
                left => Err(format!("{left:?}")),
            }
        })
        .await;
    }

    /// What the service told about the task of an order, in its order.
    pub(crate) async fn told(&self, order: &str) -> Vec<TaskChanged> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT o.payload FROM outbox o JOIN tasks t ON t.id::text = o.aggregate_id
             WHERE t.order_id::text = $1 AND o.type = $2 ORDER BY o.aggregate_version",
        )
        .bind(order)
        .bind(TaskChanged::TYPE.name)
        .fetch_all(&self.pool)
        .await
        .expect("the outbox");
        let decoded = rows.iter().map(|row| prost::Message::decode(row.as_slice()));
        decoded.collect::<Result<_, _>>().unwrap()
    }
}

pub(crate) fn opened() -> OrderOpened {
    OrderOpened {
        order_id: OrderId::new().to_string(),
        number: "OT-000042".to_owned(),
        contact: Some(Contact {
            name: "Ana Ruiz".to_owned(),
            phone: "+573001234567".to_owned(),
            ..Contact::default()
        }),
        service: "Mantenimiento".to_owned(),
        description: "La planta no enciende".to_owned(),
        location: "Calle 1 # 2-3, Bogotá".to_owned(),
        channel: "whatsapp".to_owned(),
        state: "Nueva".to_owned(),
        opened_at: Some(timestamp(now())),
        ..OrderOpened::default()
    }
}

pub(crate) fn moved(order: &str, before: &str, after: &str) -> OrderStateChanged {
    OrderStateChanged {
        order_id: order.to_owned(),
        number: "OT-000042".to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
        changed_at: Some(timestamp(now())),
        ..OrderStateChanged::default()
    }
}

pub(crate) fn assigned(order: &str, agent: &str, previous: &str) -> OrderAssigned {
    let known = !agent.is_empty() && agent != "stranger";
    OrderAssigned {
        order_id: order.to_owned(),
        number: "OT-000042".to_owned(),
        agent: agent.to_owned(),
        previous_agent: previous.to_owned(),
        agent_email: if known {
            format!("{agent}@example.test")
        } else {
            String::new()
        },
        assigned_at: Some(timestamp(now())),
        ..OrderAssigned::default()
    }
}

/// An order as orders tells it.
pub(crate) fn summary(order: &str, version: i64, state: &str, agent: &str) -> OrderSummary {
    OrderSummary {
        order_id: order.to_owned(),
        number: "OT-000042".to_owned(),
        state: state.to_owned(),
        service: "Mantenimiento".to_owned(),
        description: "La planta no enciende".to_owned(),
        client_name: "Ana Ruiz".to_owned(),
        client_phone: "+573001234567".to_owned(),
        version,
        agent: agent.to_owned(),
        ..OrderSummary::default()
    }
}

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
