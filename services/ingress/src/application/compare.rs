//! Which fields of two messages of one type differ. Names only: values are people's.

use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage as _, Value};
use puente_proto::json::described;

/// What tells of the delivery and not of what happened: a repeated delivery has others.
const OF_THE_DELIVERY: [&str; 2] = ["delivery_id", "receipt_sequence"];

/// The names of the fields that differ between two payloads of the type `name`, inner ones with a dot. A payload that
/// is no such message differs in `*`.
#[must_use]
pub(crate) fn differing_fields(name: &str, then: &[u8], now: &[u8]) -> Vec<String> {
    if then == now {
        return Vec::new();
    }
    let descriptor = described(name);
    let decoded = descriptor.and_then(|descriptor| {
        let then = DynamicMessage::decode(descriptor.clone(), then).ok()?;
        let now = DynamicMessage::decode(descriptor.clone(), now).ok()?;
        Some((descriptor, then, now))
    });
    let Some((descriptor, then, now)) = decoded else {
        return vec!["*".to_owned()];
    };
    let mut fields = Vec::new();
    collect(&descriptor, &then, &now, "", &mut fields);
    fields.retain(|field| !OF_THE_DELIVERY.contains(&field.as_str()));
    fields
}

fn collect(
    descriptor: &MessageDescriptor,
    then: &DynamicMessage,
    now: &DynamicMessage,
    prefix: &str,
    fields: &mut Vec<String>,
) {
    for field in descriptor.fields() {
        if then.has_field(&field) == now.has_field(&field) && then.get_field(&field) == now.get_field(&field)
        {
            continue;
        }
        let name = format!("{prefix}{}", field.name());
        match (&*then.get_field(&field), &*now.get_field(&field)) {
            (Value::Message(then), Value::Message(now)) => {
                collect(&then.descriptor(), then, now, &format!("{name}."), fields);
            }
            _ => fields.push(name),
        }
    }
    // What this version's descriptors do not name is compared as a whole.
    if !then.unknown_fields().eq(now.unknown_fields()) {
        fields.push(format!("{prefix}*"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use puente_proto::Event as _;
    use puente_proto::messaging::{Media, MessageReceived};

    fn encoded<E: puente_proto::Event>(message: &E) -> Vec<u8> {
        message.encode_to_vec()
    }

    #[test]
    fn differences_are_named_inner_ones_too_and_those_of_the_delivery_do_not_count() {
        let then = MessageReceived {
            text: "hola".into(),
            delivery_id: "d1".into(),
            receipt_sequence: 1,
            media: Some(Media {
                url: "https://a".into(),
                ..Media::default()
            }),
            ..MessageReceived::default()
        };
        let name = MessageReceived::TYPE.name;
        let mut now = then.clone();
        now.delivery_id = "d2".into();
        now.receipt_sequence = 2;
        assert_eq!(differing_fields(name, &encoded(&then), &encoded(&now)), [""; 0]);
        now.text = "adiós".into();
        now.media = Some(Media {
            mime_type: "image/png".into(),
            url: "https://a".into(),
            ..Media::default()
        });
        assert_eq!(
            differing_fields(name, &encoded(&then), &encoded(&now)),
            ["text", "media.mime_type"]
        );
        assert_eq!(differing_fields(name, b"\xff\xff", &encoded(&now)), ["*"]);
    }
}
