//! Documents by id and by what they are about, from all services that keep them, as far as the principal reaches.

use futures::future::join_all;
use puente_proto::documents::{Document, GetDocumentRequest, ListDocumentsRequest};
use tonic::Status;
use uuid::Uuid;

use super::failure::Failure;
use super::fanout::{self, Cursor, Page, Part};
use super::orders::order;
use super::questions::Ask;
use crate::domain::documents::{About, Container, Reach, reach};
use crate::domain::{Principal, Role};

/// The name of a document's message.
pub(crate) const DOCUMENT: &str = "puente.documents.v1.Document";

/// Which part of the list is wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// What they are about; empty for all.
    pub(crate) about_kind: String,
    /// Which of them; an order's number or id.
    pub(crate) about_id: String,
    /// Of these kinds; none for all.
    pub(crate) kinds: Vec<String>,
    /// That end by then; empty for all.
    pub(crate) expires_until: String,
}

/// How far the principal reaches to the document.
pub(crate) fn reaches(principal: &Principal, document: &Document) -> Reach {
    document
        .container
        .parse::<Container>()
        .map_or(Reach::Nothing, |container| reach(principal.role, container))
}

/// The document of this id, with the service that keeps it. What the principal may not know of is not there.
pub(crate) async fn find(
    ask: Ask<'_>,
    principal: &Principal,
    id: &str,
) -> Result<(&'static str, Document), Failure> {
    Uuid::try_parse(id).map_err(|_| Failure::NotFound)?;
    let asked = ask.keepers().into_iter().map(|peer| {
        let wanted = GetDocumentRequest {
            document_id: id.to_owned(),
        };
        async move { (peer.name, ask.get_document(peer, wanted).await) }
    });
    let mut silent = None;
    for (service, answer) in join_all(asked).await {
        match answer.map_err(|status| Failure::of(service, &status)) {
            Ok(found) => {
                let document = found.document.ok_or(Failure::NotFound)?;
                if reaches(principal, &document) == Reach::Nothing {
                    return Err(Failure::NotFound);
                }
                theirs(ask, principal, &document.about_kind, &document.about_id).await?;
                return Ok((service, document));
            }
            Err(Failure::NotFound) => {}
            Err(failure) if failure.is_away() => silent = Some(failure),
            Err(failure) => return Err(failure),
        }
    }
    Err(silent.unwrap_or(Failure::NotFound))
}

/// What belongs to no order in particular.
fn of_equipment(kind: &str) -> bool {
    kind == About::Asset.word() || kind == About::Capture.word()
}

/// Technicians reach what is about orders that are theirs, and about equipment.
async fn theirs(ask: Ask<'_>, principal: &Principal, kind: &str, id: &str) -> Result<(), Failure> {
    if principal.role != Role::Technician {
        return Ok(());
    }
    if of_equipment(kind) {
        return Ok(());
    }
    if kind != About::Order.word() {
        return Err(Failure::NotFound);
    }
    order(ask, principal, id).await.map(drop)
}

/// Documents, newest first.
pub(crate) async fn list(
    ask: Ask<'_>,
    principal: &Principal,
    wanted: &Wanted,
    cursor: &str,
    limit: u32,
) -> Result<Page<Document>, Failure> {
    // Without its id, an order is every order.
    let of_order = wanted.about_kind == About::Order.word() && !wanted.about_id.is_empty();
    let known = of_order || of_equipment(&wanted.about_kind);
    if principal.role == Role::Technician && !known {
        return Err(Failure::Invalid(
            "say whose: about_kind=order and its about_id, or about_kind=asset or capture".to_owned(),
        ));
    }
    let mut about_id = wanted.about_id.clone();
    if wanted.about_kind == About::Order.word() && !about_id.is_empty() {
        about_id = order(ask, principal, &about_id).await?.order_id;
    }
    let services: Vec<&'static str> = ask.keepers().iter().map(|peer| peer.name).collect();
    let cursor = Cursor::read(cursor)?;
    let about_id = &about_id;
    let of_one = |service: &'static str, cursor: String| async move {
        let peer = ask
            .named(service)
            .ok_or_else(|| Status::unavailable("not connected"))?;
        let question = ListDocumentsRequest {
            page_size: limit,
            cursor,
            about_kind: wanted.about_kind.clone(),
            about_id: about_id.clone(),
            kinds: wanted.kinds.clone(),
            expires_until: wanted.expires_until.clone(),
        };
        let found = ask.list_documents(peer, question).await?;
        Ok(Part {
            items: found.documents,
            next: found.next_cursor,
            count: 0,
        })
    };
    let mut page = fanout::page(
        &services,
        &cursor,
        usize::try_from(limit).unwrap_or(usize::MAX),
        of_one,
        // What services page by.
        |document: &Document| document.document_id.clone(),
    )
    .await?;
    page.items
        .retain(|(_, document)| reaches(principal, document) > Reach::Nothing);
    Ok(page)
}

/// The documents of an order that its page shows, newest first; and who did not answer.
pub(crate) async fn of_order(
    ask: Ask<'_>,
    principal: &Principal,
    order_id: &str,
    most: u32,
) -> Result<Page<Document>, Failure> {
    let wanted = Wanted {
        about_kind: About::Order.word().to_owned(),
        about_id: order_id.to_owned(),
        ..Wanted::default()
    };
    list(ask, principal, &wanted, "", most).await
}
