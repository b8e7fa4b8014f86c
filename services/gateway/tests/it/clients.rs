//! Clients looked up by their tax id.

use puente_gateway::domain::Role;
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::Stage;

const ASKED: &str = "/api/clients/lookup-by-nit?nit=900.373.115-3";

#[tokio::test]
async fn a_tax_id_leads_to_what_the_erp_last_said_with_its_age_and_contact_data_masked() {
    let (stage, _office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let answer = stage.get(ASKED, &key).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let found: Value = answer.json().await.unwrap();
    assert_eq!(found["directory"], "unreachable");
    assert_eq!(found["age_seconds"], 7_200);
    assert_eq!(found["client"], Value::Null);
    assert_eq!(found["company"]["name"], "ACME SERVICIOS SAS");
    let told = found.to_string();
    for hidden in ["900373115", "576013456789", "facturas", "CL 100"] {
        assert!(!told.contains(hidden), "{hidden} in {told}");
    }
    let theirs = stage.key(Some("norte"), Role::Agent).await;
    let foreign: Value = stage.get(ASKED, &theirs).await.json().await.unwrap();
    assert_eq!(
        (&foreign["directory"], &foreign["company"]),
        (&Value::from("off"), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_no_tax_id_is_refused_without_saying_it_again() {
    let (stage, _office) = Stage::with_office().await;
    let key = stage.key(Some("algesta"), Role::Agent).await;
    let long = "9".repeat(65);
    let bad = [
        "",
        "?nit=",
        "?nit=%20",
        "?nit=900373115-4",
        "?nit=%00",
        "?nit=%FF",
        "?nit=900373115-3&nit=900373115-3",
        "?nit=900373115-3&other=1",
        &format!("?nit={long}"),
    ];
    for query in bad {
        let answer = stage
            .get(&format!("/api/clients/lookup-by-nit{query}"), &key)
            .await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
        let told = answer.text().await.unwrap();
        assert!(!told.contains("900373115") && !told.contains(&long), "{told}");
    }
}

#[tokio::test]
async fn only_roles_that_see_clients_look_them_up() {
    let (stage, _office) = Stage::with_office().await;
    for role in Role::ALL {
        let key = stage.key(Some("algesta"), role).await;
        let may = puente_gateway::domain::may(role, puente_gateway::domain::Right::ReadClients);
        let status = stage.get(ASKED, &key).await.status();
        let wanted = if may {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(status, wanted, "{role}");
    }
}
