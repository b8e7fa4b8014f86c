//! puente-http
