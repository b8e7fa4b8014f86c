//! puente-e2e
