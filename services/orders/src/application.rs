//! What can be asked of orders, one use case a file. They take ports and return events or notices; no SQL, no
//! protobuf, no clock of their own.

pub mod apply_signature;
pub mod change_state;
pub mod command_order;
pub mod handle_message;
pub mod list_assets;
pub mod list_clients;
pub mod list_conversations;
pub mod list_orders;
pub mod list_people;
pub mod look_up_client;
pub mod open_order;
pub mod page;
pub mod register_client;
pub mod track_order;
