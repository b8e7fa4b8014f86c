//! puente-orders
