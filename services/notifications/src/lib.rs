//! puente-notifications
