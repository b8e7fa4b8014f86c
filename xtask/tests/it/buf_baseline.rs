//! The committed baseline is readable and holds no event that is gone.

use prost_reflect::{DescriptorPool, FieldDescriptor};

#[test]
fn no_event_of_the_last_release_is_gone_or_moved() {
    let root = xtask::tree::root().unwrap();
    let released = DescriptorPool::decode(
        std::fs::read(root.join("proto/baseline.binpb"))
            .unwrap()
            .as_slice(),
    )
    .unwrap();
    let now = DescriptorPool::decode(puente_proto::DESCRIPTORS).unwrap();
    let mut fields = 0;
    for message in released
        .all_messages()
        .filter(|m| m.full_name().starts_with("puente."))
    {
        let present = now
            .get_message_by_name(message.full_name())
            .expect("a message was removed");
        for field in message.fields() {
            let same = present.get_field(field.number()).expect("a field was removed");
            assert_eq!(shape(&same), shape(&field));
            fields += 1;
        }
    }
    assert!(fields > 40, "only {fields} fields were compared");
}

/// What a reader of old bytes relies on. Types are compared by name: the two sides have descriptors of their own.
fn shape(field: &FieldDescriptor) -> String {
    format!(
        "{} {} {:?} {:?}",
        field.number(),
        field.name(),
        field.kind(),
        field.cardinality()
    )
}
