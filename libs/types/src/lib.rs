//! The words every room of Puente shares: typed ids, tenant, money, phone, NIT, clock, secrets, the
//! containers of documents.
//!
//! No I/O and no async live here. Values are parsed once at the edge and are valid ever after.

mod clock;
mod container;
mod id;
mod money;
mod nit;
mod phone;
mod phone_ending;
mod secret;
mod tenant;

pub use clock::{Clock, ManualClock, SystemClock};
pub use container::{Container, ContainerError};
pub use id::{
    ClientId, ConnectionId, ConversationId, DeliveryId, EffectId, EventId, IdError, MessageId, OrderId,
};
pub use money::{Currency, Money, MoneyError};
pub use nit::{Nit, NitError, NitReading, check_digit};
pub use phone::{Phone, PhoneError, Region, mask_phone};
pub use phone_ending::{PhoneEnding, PhoneEndingError};
pub use secret::{Secret, Secrets};
pub use tenant::{TenantError, TenantId};
