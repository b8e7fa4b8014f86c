//! Orders as a spreadsheet.

use puente_gateway::domain::{Right, Role, may};
use reqwest::StatusCode;

use crate::office::{ORDER, order};
use crate::support::Stage;

const FILE: &str = "/api/orders.csv";

#[tokio::test]
async fn orders_become_a_spreadsheet_without_formulas_masked_and_with_its_row() {
    let (stage, office) = Stage::with_office().await;
    let mut first = order(ORDER, "OT-000001", "Nueva");
    first.service = "=HYPERLINK(\"https://example.com\")".to_owned();
    let closed = order(ORDER, "OT-000002", "Cerrada");
    office.tables().orders = vec![("algesta".to_owned(), first), ("algesta".to_owned(), closed)];
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let answer = stage.get(&format!("{FILE}?states=Nueva"), &key).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    assert!(answer.headers().get("puente-next-cursor").is_none());
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("\"OT-000001\"") && !text.contains("OT-000002"),
        "{text}"
    );
    assert!(
        text.contains("\"'=HYPERLINK(\"\"https") && text.contains("\"128400000\",\"COP\""),
        "{text}"
    );
    assert!(!text.contains("3001234567"), "numbers are masked: {text}");
    assert_eq!(stage.trail().await[0].0, "orders.exported");
    let theirs = stage.key(Some("norte"), Role::Admin).await;
    let foreign = stage.get(FILE, &theirs).await.text().await.unwrap();
    assert_eq!(foreign.lines().count(), 1, "{foreign}");
}

#[tokio::test]
async fn a_file_is_bounded_and_says_where_the_next_one_begins() {
    let (stage, office) = Stage::with_office().await;
    let many = (0..2_150).map(|n| ("algesta".to_owned(), order(ORDER, &format!("OT-{n:06}"), "Nueva")));
    office.tables().orders = many.collect();
    let key = stage.key(Some("algesta"), Role::Admin).await;
    let first = stage.get(FILE, &key).await;
    let next = first.headers()["puente-next-cursor"].to_str().unwrap().to_owned();
    assert_eq!(first.text().await.unwrap().lines().count(), 2_001);
    let second = stage.get(&format!("{FILE}?cursor={next}"), &key).await;
    assert!(second.headers().get("puente-next-cursor").is_none());
    assert_eq!(second.text().await.unwrap().lines().count(), 151);
}

#[tokio::test]
async fn only_roles_that_see_orders_take_the_file_and_technicians_their_own() {
    let (stage, office) = Stage::with_office().await;
    office.tables().orders = vec![("algesta".to_owned(), order(ORDER, "OT-000001", "Nueva"))];
    for role in Role::ALL {
        let key = stage.key(Some("algesta"), role).await;
        let answer = stage.get(FILE, &key).await;
        let sees = may(role, Right::ReadOrders);
        assert_eq!(answer.status() == StatusCode::OK, sees, "{role}");
        if sees {
            let rows = answer.text().await.unwrap().lines().count() - 1;
            assert_eq!(rows, usize::from(role != Role::Technician), "{role}");
        }
    }
}
