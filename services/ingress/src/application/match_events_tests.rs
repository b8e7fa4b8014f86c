use super::*;
use puente_proto::messaging::MessageReceived;
use puente_types::TenantId;
use time::OffsetDateTime;

fn event(aggregate: &str, message: &str, text: &str) -> NewEvent {
    let tenant: TenantId = "algesta".parse().unwrap();
    let message = MessageReceived {
        provider_message_id: message.into(),
        text: text.into(),
        ..MessageReceived::default()
    };
    NewEvent::new(&tenant, aggregate, &message)
}

fn again(events: &[NewEvent]) -> Again {
    Again {
        delivery: Uuid::from_u128(1),
        duplicate: false,
        events: (10..).map(Uuid::from_u128).zip(events.iter().cloned()).collect(),
    }
}

impl Then {
    fn with(mut self, event: &NewEvent, delivery: u128) -> Self {
        let id = event.id.uuid();
        self.by_delivery
            .entry(Uuid::from_u128(delivery))
            .or_default()
            .push(id);
        self.by_aggregate
            .entry(event.aggregate_id.clone())
            .or_default()
            .push(id);
        let committed = Committed {
            seq: 1,
            event: event.clone(),
            at: OffsetDateTime::UNIX_EPOCH,
        };
        self.stored.insert(id, committed);
        self
    }
}

#[test]
fn a_remembered_key_decides_whatever_the_content_says() {
    let (old, new) = (event("c", "m1", "hola"), event("d", "m1", "otro"));
    let mut then = Then::default().with(&old, 7);
    then.by_key.insert(Uuid::from_u128(10), old.id.uuid());
    let (fates, gone) = match_events(&again(&[new]), &then);
    assert_eq!(fates, [Fate::Known(old.id.uuid(), vec!["text".into()])]);
    assert!(gone.is_empty());
}

#[test]
fn without_keys_events_of_the_same_delivery_are_paired_by_the_fewest_differences() {
    let old = [
        event("c", "m1", "uno"),
        event("c", "m2", "dos"),
        event("c", "m3", "tres"),
    ];
    let then = old.iter().fold(Then::default(), |then, one| then.with(one, 1));
    // Today every text comes out in capitals, and in another order; the third is not made any more.
    let (fates, gone) = match_events(&again(&[event("c", "m2", "DOS"), event("c", "m1", "UNO")]), &then);
    let text = || vec!["text".to_owned()];
    assert_eq!(
        fates,
        [
            Fate::Known(old[1].id.uuid(), text()),
            Fate::Known(old[0].id.uuid(), text())
        ]
    );
    assert_eq!(gone, [old[2].id.uuid()]);
}

#[test]
fn what_an_earlier_delivery_told_already_is_known_by_its_content() {
    let old = event("c", "m1", "uno");
    let then = Then::default().with(&old, 99);
    let (fates, gone) = match_events(&again(&[event("c", "m1", "uno"), event("c", "m2", "dos")]), &then);
    assert_eq!(fates, [Fate::Known(old.id.uuid(), vec![]), Fate::Fresh]);
    assert!(gone.is_empty());
}

#[test]
fn nothing_is_made_of_a_delivery_that_was_nothing_but_duplicates() {
    let mut repeated = again(&[event("c", "m1", "uno")]);
    repeated.duplicate = true;
    assert_eq!(match_events(&repeated, &Then::default()).0, [Fate::Untold]);
}

#[test]
fn another_tenants_event_is_never_taken_for_ones_own() {
    let mut old = event("c", "m1", "uno");
    old.tenant = "norte".parse().unwrap();
    let then = Then::default().with(&old, 1);
    let (fates, gone) = match_events(&again(&[event("c", "m1", "uno")]), &then);
    assert_eq!((fates, gone), (vec![Fate::Fresh], vec![old.id.uuid()]));
}
