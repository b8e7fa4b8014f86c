//! `puente events` against real brokers: what is shown, what is masked, and that a reading goes on.

mod broker;
mod catalogue;
mod limited;
mod reading;
mod tail;
