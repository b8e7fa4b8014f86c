//! The commands that ask services, against servers with the real door and guard whose answers the tests set.

mod deliveries;
mod dlq;
mod effects;
mod fake;
mod ocr;
mod replay;
mod who;
