//! Values that arrive dirty and must be read the same way everywhere: phones and tax ids.

mod nit;
mod nit_properties;
mod phone;
mod phone_properties;
