//! The gateway as a program of its own.

fn main() -> std::process::ExitCode {
    puente_service::main::<puente_gateway::Gateway>()
}
