//! DocuSign's JSON, named as DocuSign names it. Scalars are texts there, booleans and numbers too.

use serde::Serialize;

use crate::kit::{Text, lenient_structs};

lenient_structs! {
    /// A Connect message (JSON SIM).
    Message {
        event: Text,
        #[serde(rename = "generatedDateTime")]
        generated: Text,
        data: Data,
    }
    Data {
        #[serde(rename = "accountId")]
        account_id: Text,
        #[serde(rename = "envelopeId")]
        envelope_id: Text,
        #[serde(rename = "recipientId")]
        recipient_id: Text,
        #[serde(rename = "envelopeSummary")]
        summary: Option<Envelope>,
    }
    /// An envelope as answers and messages show it.
    Envelope {
        #[serde(rename = "envelopeId")]
        envelope_id: Text,
        status: Text,
        #[serde(rename = "sentDateTime")]
        sent: Text,
        #[serde(rename = "deliveredDateTime")]
        delivered: Text,
        #[serde(rename = "completedDateTime")]
        completed: Text,
        #[serde(rename = "declinedDateTime")]
        declined: Text,
        #[serde(rename = "voidedDateTime")]
        voided: Text,
        #[serde(rename = "statusChangedDateTime")]
        changed: Text,
        #[serde(rename = "voidedReason")]
        voided_reason: Text,
        #[serde(rename = "transactionId")]
        transaction_id: Text,
        #[serde(rename = "customFields")]
        custom_fields: CustomFields,
        recipients: Recipients,
    }
    CustomFields {
        #[serde(rename = "textCustomFields")]
        text: Vec<CustomField>,
    }
    CustomField { name: Text, value: Text }
    Recipients { signers: Vec<Signer> }
    Signer {
        #[serde(rename = "recipientId")]
        recipient_id: Text,
        status: Text,
        #[serde(rename = "sentDateTime")]
        sent: Text,
        #[serde(rename = "deliveredDateTime")]
        delivered: Text,
        #[serde(rename = "signedDateTime")]
        signed: Text,
        #[serde(rename = "declinedDateTime")]
        declined: Text,
        #[serde(rename = "declinedReason")]
        declined_reason: Text,
        #[serde(rename = "autoRespondedReason")]
        bounced_reason: Text,
    }
    /// The answer to a new envelope.
    Created {
        #[serde(rename = "envelopeId")]
        envelope_id: Text,
        status: Text,
    }
    /// A list of envelopes.
    Listing { envelopes: Vec<Envelope> }
    /// An error of the REST interface, or of OAuth.
    Refusal {
        #[serde(rename = "errorCode")]
        code: Text,
        message: Text,
        error: Text,
        #[serde(rename = "error_description")]
        description: Text,
    }
    UserInfo { accounts: Vec<Account> }
    Account {
        account_id: Text,
        is_default: Text,
        base_uri: Text,
    }
}

/// A new envelope; its documents follow as parts of their own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Definition<'a> {
    pub(super) email_subject: String,
    pub(super) email_blurb: String,
    pub(super) status: &'static str,
    pub(super) transaction_id: &'a str,
    pub(super) documents: Vec<NewDocument>,
    pub(super) recipients: NewRecipients<'a>,
    pub(super) custom_fields: NewCustomFields<'a>,
    pub(super) event_notification: EventNotification<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewDocument {
    pub(super) document_id: String,
    pub(super) name: String,
    pub(super) file_extension: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct NewRecipients<'a> {
    pub(super) signers: Vec<NewSigner<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewSigner<'a> {
    pub(super) recipient_id: &'a str,
    pub(super) routing_order: String,
    pub(super) name: String,
    pub(super) email: &'a str,
    pub(super) tabs: Tabs<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tabs<'a> {
    pub(super) sign_here_tabs: [SignHere<'a>; 1],
}

/// Where a signature goes: over the anchor's text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignHere<'a> {
    pub(super) anchor_string: &'a str,
    pub(super) anchor_units: &'static str,
    #[serde(rename = "anchorXOffset")]
    pub(super) anchor_x_offset: &'static str,
    #[serde(rename = "anchorYOffset")]
    pub(super) anchor_y_offset: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewCustomFields<'a> {
    pub(super) text_custom_fields: Vec<NewCustomField<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct NewCustomField<'a> {
    pub(super) name: &'static str,
    pub(super) value: &'a str,
    /// Whether signers see it.
    pub(super) show: &'static str,
}

/// Where and how Connect reports on this envelope.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventNotification<'a> {
    pub(super) url: &'a str,
    pub(super) require_acknowledgment: &'static str,
    pub(super) logging_enabled: &'static str,
    #[serde(rename = "includeHMAC")]
    pub(super) include_hmac: &'static str,
    pub(super) delivery_mode: &'static str,
    pub(super) events: &'static [&'static str],
    pub(super) event_data: EventData,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventData {
    pub(super) version: &'static str,
    pub(super) format: &'static str,
    pub(super) include_data: &'static [&'static str],
}

/// A change of an envelope's status.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Change<'a> {
    pub(super) status: &'static str,
    pub(super) voided_reason: &'a str,
}

/// An update that changes nothing, for calls that say everything in their query.
#[derive(Debug, Serialize)]
pub(super) struct Nothing {}
