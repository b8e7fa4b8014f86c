//! What contacts' own messages say: session window and consent. Times only rise, so their order does not matter.

use puente_outbox::Tx;
use puente_types::TenantId;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::domain::consent::{Consent, Word};

/// A contact as far as sending is concerned.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Contact {
    /// When they wrote last.
    pub(crate) last_inbound_at: Option<OffsetDateTime>,
    opted_in_at: Option<OffsetDateTime>,
    marketing_at: Option<OffsetDateTime>,
    opted_out_at: Option<OffsetDateTime>,
}

impl Contact {
    /// Since when they want no messages.
    pub(crate) fn opted_out_since(&self) -> Option<OffsetDateTime> {
        self.opted_out_at.filter(|_| self.consent() == Consent::OptedOut)
    }

    /// What they want.
    pub(crate) fn consent(&self) -> Consent {
        if self
            .opted_out_at
            .is_some_and(|out| self.marketing_at.is_none_or(|back| back <= out))
        {
            Consent::OptedOut
        } else if self.marketing_at.is_some() {
            Consent::Marketing
        } else if self.opted_in_at.is_some() {
            Consent::Service
        } else {
            Consent::None
        }
    }
}

/// What is known of a contact; nothing is known of a stranger.
pub(crate) async fn find(
    database: &mut PgConnection,
    tenant: &TenantId,
    connection: &str,
    contact_id: &str,
) -> Result<Contact, sqlx::Error> {
    let contact = sqlx::query_as!(
        Contact,
        "SELECT last_inbound_at, opted_in_at, marketing_at, opted_out_at FROM message_contacts
         WHERE tenant = $1 AND connection = $2 AND contact_id = $3",
        tenant.as_str(),
        connection,
        contact_id,
    )
    .fetch_optional(database)
    .await?;
    Ok(contact.unwrap_or_default())
}

/// The one of these connections that a contact wrote to last.
pub(crate) async fn last_connection(
    database: &mut PgConnection,
    tenant: &TenantId,
    connections: &[String],
    contact_id: &str,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT connection FROM message_contacts
         WHERE tenant = $1 AND connection = ANY ($2) AND contact_id = $3 AND last_inbound_at IS NOT NULL
         ORDER BY last_inbound_at DESC, connection LIMIT 1",
        tenant.as_str(),
        connections,
        contact_id,
    )
    .fetch_optional(database)
    .await
}

/// A contact wrote. Writing first opts in to service messages; a word of consent is written down with its source.
pub(crate) async fn wrote(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &str,
    contact_id: &str,
    at: OffsetDateTime,
    word: Option<Word>,
) -> Result<(), sqlx::Error> {
    let start = (word == Some(Word::Start)).then_some(at);
    let stop = (word == Some(Word::Stop)).then_some(at);
    sqlx::query!(
        "INSERT INTO message_contacts AS c (tenant, connection, contact_id, last_inbound_at, opted_in_at, opted_in_by,
                                            marketing_at, opted_out_at, opted_out_by)
         VALUES ($1, $2, $3, $4, $4, CASE WHEN $5::timestamptz IS NULL THEN 'wrote_first' ELSE 'start_word' END,
                 $5, $6, CASE WHEN $6::timestamptz IS NULL THEN NULL ELSE 'stop_word' END)
         ON CONFLICT (tenant, connection, contact_id) DO UPDATE
         SET last_inbound_at = greatest(c.last_inbound_at, excluded.last_inbound_at),
             opted_in_at = coalesce(c.opted_in_at, excluded.opted_in_at),
             opted_in_by = CASE WHEN excluded.marketing_at IS NOT NULL THEN 'start_word'
                                ELSE coalesce(c.opted_in_by, excluded.opted_in_by) END,
             marketing_at = greatest(c.marketing_at, excluded.marketing_at),
             opted_out_at = greatest(c.opted_out_at, excluded.opted_out_at),
             opted_out_by = coalesce(c.opted_out_by, excluded.opted_out_by)",
        tenant.as_str(),
        connection,
        contact_id,
        at,
        start,
        stop,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(seconds).ok()
    }

    #[test]
    fn a_stop_word_holds_until_a_later_start_word() {
        let mut contact = Contact::default();
        assert_eq!(contact.consent(), Consent::None);
        contact.opted_in_at = at(1);
        assert_eq!(contact.consent(), Consent::Service);
        contact.opted_out_at = at(5);
        assert_eq!(contact.consent(), Consent::OptedOut);
        contact.marketing_at = at(5);
        assert_eq!(
            contact.consent(),
            Consent::OptedOut,
            "at the same second the refusal counts"
        );
        contact.marketing_at = at(6);
        assert_eq!(contact.consent(), Consent::Marketing);
    }
}
