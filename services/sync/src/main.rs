//! The sync service as a program of its own.

fn main() -> std::process::ExitCode {
    puente_service::main::<puente_sync::Sync>()
}
