//! Behaviour of the gateway on a real database; the services behind it are away. Stories with the whole fleet are in
//! `tests/e2e`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access;
mod clients;
mod console;
mod console_acts;
mod console_effects;
mod console_guard;
mod console_own;
mod console_replays;
mod console_tenant;
mod dead_letters;
mod document;
mod headers;
mod idempotency;
mod keys;
mod limits;
mod matrix;
mod office;
mod operations;
mod orders_csv;
mod papers;
mod people;
mod plates;
mod problems;
mod replays;
mod search;
mod sessions;
mod support;
mod tasks;
mod tenants;
mod visitor;

#[test]
fn every_role_has_a_word_of_its_own() {
    let roles = puente_gateway::domain::Role::ALL;
    for role in roles {
        assert_eq!(role.word().parse::<puente_gateway::domain::Role>().unwrap(), role);
    }
}
