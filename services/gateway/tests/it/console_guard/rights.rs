//! Each role, and each tenant, on every route.

use puente_gateway::Access;
use puente_gateway::domain::{Right, Role, may};
use reqwest::StatusCode;

use super::{Browser, LIVE, bare, changes, console, guarded, location};
use crate::support::Stage;

/// What the design gives each route, written down a second time: the table is not its own judge.
const DESIGN: &[(Option<Right>, &[&str])] = &[
    (
        None,
        &[
            "POST /salir",
            "POST /organizacion",
            "GET /vivo",
            "GET /",
            "GET /buscar",
        ],
    ),
    (
        Some(Right::ReadOrders),
        &["GET /pedidos", "GET /pedidos/{number}"],
    ),
    (
        Some(Right::ChangeOrders),
        &[
            "POST /pedidos/{number}/mover",
            "POST /pedidos/{number}/asignar",
            "POST /pedidos/{number}/resumen",
        ],
    ),
    (
        Some(Right::RevealPersonal),
        &[
            "POST /pedidos/{number}/mostrar",
            "POST /conversaciones/{id}/mostrar",
        ],
    ),
    (
        Some(Right::ReadConversations),
        &["GET /conversaciones", "GET /conversaciones/{id}"],
    ),
    (
        Some(Right::ReadTraffic),
        &[
            "GET /entregas",
            "GET /entregas/{id}",
            "GET /repeticiones",
            "GET /repeticiones/{id}",
        ],
    ),
    (Some(Right::RevealPayload), &["POST /entregas/{id}/mostrar"]),
    (
        Some(Right::ReadEffects),
        &["GET /inciertos", "GET /inciertos/{id}"],
    ),
    (Some(Right::ResolveEffects), &["POST /inciertos/{id}/decidir"]),
    (
        Some(Right::ReadDeadLetters),
        &[
            "GET /cartas-muertas",
            "GET /cartas-muertas/{service}/{consumer}/{event}",
        ],
    ),
    (
        Some(Right::SettleDeadLetters),
        &[
            "POST /cartas-muertas/repetir",
            "POST /cartas-muertas/cerrar",
            "POST /cartas-muertas/{service}/{consumer}/{event}/repetir",
            "POST /cartas-muertas/{service}/{consumer}/{event}/cerrar",
        ],
    ),
    (
        Some(Right::Replay),
        &[
            "POST /repeticiones",
            "GET /repeticiones/nueva",
            "GET /repeticiones/ensayo",
            "POST /repeticiones/{id}/detener",
        ],
    ),
    (Some(Right::ReadSignatures), &["GET /firmas", "GET /firmas/{id}"]),
    (
        Some(Right::ChangeSignatures),
        &[
            "POST /pedidos/{number}/firmar",
            "POST /firmas/{id}/reenviar",
            "POST /firmas/{id}/avisado",
            "POST /firmas/{id}/consultar",
            "POST /firmas/{id}/reanudar",
            "GET /firmas/{id}/manual",
            "POST /firmas/{id}/manual",
            "GET /firmas/{id}/anular",
            "POST /firmas/{id}/anular",
            "POST /firmas/{id}/escaneo",
        ],
    ),
    (
        Some(Right::ReadCaptures),
        &[
            "GET /revision-ocr",
            "GET /revision-ocr/exactitud",
            "GET /revision-ocr/{id}",
        ],
    ),
    (
        Some(Right::ChangeCaptures),
        &[
            "POST /revision-ocr/{id}/serial",
            "POST /revision-ocr/{id}/otra-foto",
            "POST /revision-ocr/{id}/generar",
            "GET /activos/leer",
            "POST /activos/leer",
        ],
    ),
    (Some(Right::ReadAssets), &["GET /activos", "GET /activos/{id}"]),
    (Some(Right::ChangeAssets), &["POST /activos/{id}"]),
    (
        Some(Right::ReadDocuments),
        &["GET /documentos/{id}", "GET /documentos/{id}/imagen"],
    ),
    (
        Some(Right::BringDocuments),
        &[
            "POST /pedidos/{number}/documentos",
            "POST /directorio/{id}/documentos",
        ],
    ),
    (
        Some(Right::ReadDirectory),
        &["GET /directorio", "GET /directorio/{id}"],
    ),
    (
        Some(Right::ChangeDirectory),
        &[
            "POST /directorio",
            "GET /directorio/nuevo",
            "POST /directorio/{id}",
        ],
    ),
    (
        Some(Right::ReadConnections),
        &[
            "GET /plantillas/contrato",
            "GET /plantillas/contrato/muestra",
            "GET /integraciones",
        ],
    ),
    (
        Some(Right::ManageConnections),
        &[
            "GET /conexiones/{provider}/autorizar",
            "POST /conexiones/{provider}/autorizar",
            "GET /oauth/callback",
        ],
    ),
    (Some(Right::ReadHealth), &["GET /salud"]),
    (Some(Right::ReadAudit), &["GET /auditoria"]),
    (
        Some(Right::ManageAccess),
        &[
            "GET /accesos",
            "POST /accesos/personas",
            "GET /accesos/personas/{id}",
            "POST /accesos/personas/{id}/funcion",
            "POST /accesos/personas/{id}/clave",
            "POST /accesos/personas/{id}/cerrar",
            "POST /accesos/llaves",
            "POST /accesos/llaves/{id}/revocar",
        ],
    ),
];

#[test]
fn every_route_needs_the_right_that_the_design_gives_it_and_few_are_open_to_anyone() {
    for route in console() {
        let name = format!("{} {}", route.method, route.path);
        let open = [
            "GET /assets/{name}",
            "GET /entrar",
            "POST /entrar",
            "GET /{*rest}",
            "GET /archivos/{container}/{*key}",
        ];
        let designed = DESIGN.iter().find(|(_, names)| names.contains(&name.as_str()));
        let expected = match designed {
            Some((Some(right), _)) => Access::Needs(*right),
            Some((None, _)) => Access::Known,
            None if open.contains(&name.as_str()) => Access::Anyone,
            None => panic!("{name} is a new route: write down here who may use it"),
        };
        assert_eq!(route.access, expected, "{name}");
        assert_eq!(changes(&route), route.method == "POST", "{name}");
    }
}

#[tokio::test]
async fn each_role_gets_past_the_guard_of_its_routes_and_no_others() {
    let stage = Stage::set().await;
    let (mut passed, mut refused) = (0, 0);
    for role in Role::ALL {
        let browser = Browser::new(&stage, role).await;
        for route in console() {
            let answer = browser.request(&stage, &route).send().await.unwrap();
            let status = answer.status();
            let what = format!("{role} {} {}: {status}", route.method, route.path);
            assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{what}");
            match route.access {
                Access::Needs(right) if !may(role, right) => {
                    let expected = if changes(&route) {
                        StatusCode::FORBIDDEN
                    } else {
                        StatusCode::NOT_FOUND
                    };
                    assert_eq!(status, expected, "{what}");
                    refused += 1;
                }
                Access::Needs(_) | Access::Known => {
                    // Only who belongs to no tenant chooses one: its handler says so.
                    let only_wide = route.path == "/organizacion";
                    assert_eq!(status == StatusCode::FORBIDDEN, only_wide, "{what}");
                    let out = location(&answer).starts_with("/entrar");
                    assert_eq!(out, route.path == "/salir", "{what}");
                    // People and keys are the gateway's own: it knows without asking that there is none of this id.
                    let own = route.path.starts_with("/accesos/") && route.path.contains('{');
                    assert_eq!(status == StatusCode::NOT_FOUND, own, "{what}");
                    assert!(
                        ![401, 405, 429].contains(&status.as_u16()),
                        "{what}, with services that are away"
                    );
                    passed += 1;
                }
                // A link is its own proof, and this one is none of ours.
                Access::Anyone if route.path.starts_with("/archivos/") => {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
                }
                Access::Anyone => {
                    assert!(![403, 405, 429].contains(&status.as_u16()), "{what}");
                }
            }
        }
    }
    assert!(passed > 80 && refused > 60, "{passed} passed, {refused} refused");
}

#[tokio::test]
async fn whoever_asks_for_another_tenant_stays_in_their_own_on_every_page() {
    let stage = Stage::set().await;
    stage.person(Some("norte"), Role::Admin, "luis@norte.co").await;
    stage.key(Some("norte"), Role::Admin).await;
    let browser = Browser::new(&stage, Role::Admin).await;
    let cookie = format!("{}; puente-tenant=norte", browser.cookie);
    let mut pages = 0;
    for route in guarded() {
        if changes(&route) || route.path == LIVE {
            continue;
        }
        let asked = bare(&stage, &route).header("puente-tenant", "norte");
        let answer = asked.header("cookie", &cookie).send().await.unwrap();
        if answer.status() == StatusCode::SEE_OTHER {
            assert_eq!(
                route.path, "/repeticiones/ensayo",
                "leads back when nothing is chosen"
            );
            assert!(location(&answer).starts_with("/repeticiones/nueva?"));
            continue;
        }
        let text = answer.text().await.unwrap();
        assert!(text.contains("<small>algesta</small>"), "{}: {text}", route.path);
        assert!(!text.contains("norte"), "{}: {text}", route.path);
        pages += 1;
    }
    assert!(pages >= 18, "{pages}");
}
