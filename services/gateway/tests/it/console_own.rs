//! Technicians in the console: they are told of the orders that are theirs, on every page, and of no others.

use puente_gateway::domain::Role;
use puente_proto::documents::Document;
use puente_proto::timestamp;
use reqwest::{Method, StatusCode};

use crate::console::read_until;
use crate::office::{ORDER, OTHER, Office, order};
use crate::support::{NOW, Stage, form};
use crate::visitor::{Visitor, place};

const THEIRS: &str = "OT-000042";
const MINE: &str = "OT-000007";

/// A technician with one order, the oldest of sixty.
async fn set() -> (Stage, Office, Visitor) {
    let (stage, office) = Stage::with_office().await;
    let technician = Visitor::new(&stage, Role::Technician).await;
    let others = (43..=100)
        .rev()
        .map(|n| order(&format!("other-{n}"), &format!("OT-{n:06}"), "EnEjecucion"));
    let mut mine = order(OTHER, MINE, "EnEjecucion");
    mine.service_provider = technician.id.to_string();
    let all = others.chain([order(ORDER, THEIRS, "EnEjecucion"), mine]);
    office.tables().orders = all.map(|one| ("algesta".to_owned(), one)).collect();
    (stage, office, technician)
}

#[tokio::test]
async fn a_technician_lists_and_counts_their_own_orders_and_an_agent_all() {
    let (stage, _office, technician) = set().await;
    let list = technician.see(&stage, "/pedidos").await;
    assert!(
        list.contains(MINE),
        "the page is not used up by others' orders: {list}"
    );
    assert!(!list.contains(THEIRS), "{list}");
    assert!(
        !list.contains("OT-000100") && !list.contains("rel=\"next\""),
        "{list}"
    );
    assert!(list.contains("1 pedidos abiertos, 1 de hoy"), "{list}");
    let home = technician.see(&stage, "/").await;
    assert!(home.contains("1 nuevos hoy"), "{home}");
    let agent = Visitor::new(&stage, Role::Agent).await;
    let list = agent.see(&stage, "/pedidos").await;
    assert!(
        list.contains("60 pedidos abiertos") && list.contains("OT-000100"),
        "{list}"
    );
}

#[tokio::test]
async fn an_order_of_somebody_else_does_not_exist_for_a_technician_and_neither_do_its_documents() {
    let (stage, office, technician) = set().await;
    let document = |id: &str, order: &str| Document {
        document_id: id.to_owned(),
        about_kind: "order".to_owned(),
        about_id: order.to_owned(),
        kind: "report".to_owned(),
        container: "reports".to_owned(),
        file_name: format!("informe-{order}.pdf"),
        media_type: "application/pdf".to_owned(),
        stored_at: Some(timestamp(NOW)),
        ..Document::default()
    };
    let (a, b) = (
        "019469d2-0000-7000-8000-0000000000d1",
        "019469d2-0000-7000-8000-0000000000d2",
    );
    office.tables().documents = [(a, ORDER), (b, OTHER)]
        .map(|(id, of)| ("orders", "algesta".to_owned(), document(id, of)))
        .to_vec();
    let page = technician.see(&stage, &format!("/pedidos/{MINE}")).await;
    assert!(
        page.contains(MINE) && page.contains(&format!("informe-{OTHER}")),
        "{page}"
    );
    technician.see(&stage, &format!("/pedidos/{OTHER}")).await;
    for path in [
        format!("/pedidos/{THEIRS}"),
        format!("/pedidos/{ORDER}"),
        format!("/documentos/{a}"),
        format!("/documentos/{a}/imagen"),
    ] {
        let answer = technician.ask(&stage, &path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        let text = answer.text().await.unwrap();
        assert!(
            !text.contains("Reparación") && !text.contains("informe"),
            "{path}: {text}"
        );
    }
    let (kind, body) = form(
        &[("csrf", &technician.csrf), ("kind", "report")],
        crate::papers::PDF,
    );
    let request = stage.ask(Method::POST, &format!("/pedidos/{THEIRS}/documentos"));
    let request = request
        .header("cookie", &technician.cookie)
        .header("content-type", kind);
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(office.tables().documents.len(), 2, "nothing was brought");
    let agent = Visitor::new(&stage, Role::Agent).await;
    agent.see(&stage, &format!("/pedidos/{THEIRS}")).await;
}

#[tokio::test]
async fn no_search_leads_a_technician_to_an_order_of_somebody_else() {
    let (stage, _office, technician) = set().await;
    let agent = Visitor::new(&stage, Role::Agent).await;
    for query in [THEIRS, "42", ORDER] {
        let path = format!("/buscar?q={query}");
        let text = technician.see(&stage, &path).await;
        assert!(!text.contains("/pedidos/OT-000042"), "{query}: {text}");
        assert_eq!(
            place(&agent.ask(&stage, &path).await),
            format!("/pedidos/{THEIRS}"),
            "{query}"
        );
    }
    assert_eq!(
        place(&technician.ask(&stage, "/buscar?q=7").await),
        format!("/pedidos/{MINE}")
    );
    // The phone number that all these orders have.
    let path = "/buscar?q=3001234567";
    let text = technician.see(&stage, path).await;
    assert!(text.contains(MINE) && !text.contains("OT-000100"), "{text}");
    assert!(agent.see(&stage, path).await.contains("OT-000100"));
}

#[tokio::test]
async fn an_order_of_somebody_else_is_not_streamed_to_a_technician() {
    let (stage, _office, technician) = set().await;
    let first = async |order: &str| {
        let path = format!("/vivo?temas=order:{order}");
        let mut stream = technician.ask(&stage, &path).await;
        read_until(&mut stream, "\n\n").await
    };
    let own = first(MINE).await;
    assert!(
        own.contains("event: parts") && own.contains("Reparación"),
        "{own}"
    );
    for order in [THEIRS, ORDER] {
        let read = first(order).await;
        assert!(
            read.contains("event: beat") && !read.contains("Reparación"),
            "{read}"
        );
    }
}
