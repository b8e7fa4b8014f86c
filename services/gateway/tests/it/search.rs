//! The search: nobody is told of an order by a way around.

use puente_gateway::domain::Role;
use puente_proto::notifications::Message;
use serde_json::Value;

use crate::office::{ORDER, OTHER, order};
use crate::support::Stage;

#[tokio::test]
async fn a_trace_leads_technicians_to_their_own_orders_and_everybody_else_to_all() {
    let (stage, office) = Stage::with_messages().await;
    let technician = stage.key(Some("algesta"), Role::Technician).await;
    let agent = stage.key(Some("algesta"), Role::Agent).await;
    let me: Value = stage.get("/api/me", &technician).await.json().await.unwrap();
    let me = me["subject"]
        .as_str()
        .unwrap()
        .trim_start_matches("key:")
        .to_owned();
    {
        let mut tables = office.tables();
        let mut mine = order(OTHER, "OT-000043", "EnEjecucion");
        mine.service_provider = me;
        let theirs = order(ORDER, "OT-000042", "EnEjecucion");
        tables.orders = [mine, theirs].map(|one| ("algesta".to_owned(), one)).to_vec();
        let about = |order: &str, id: &str| Message {
            message_id: id.to_owned(),
            about: order.to_owned(),
            template: "order_opened".to_owned(),
            ..Message::default()
        };
        let messages = [about(ORDER, "m-1"), about(OTHER, "m-2"), about(ORDER, "m-3")];
        tables.messages = messages.map(|one| ("algesta".to_owned(), one)).to_vec();
    }
    let path = format!("/api/search?q={}", "0af7651916cd43dd8448eb211c80319c");
    let orders = async |key: &str| {
        let found: Value = stage.get(&path, key).await.json().await.unwrap();
        let hits = found["found"].as_array().unwrap().clone();
        let orders = hits.into_iter().filter(|hit| hit["kind"] == "order");
        orders
            .map(|hit| hit["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(orders(&agent).await, [ORDER, OTHER]);
    assert_eq!(orders(&technician).await, [OTHER]);
}
