//! The ocr service as a program of its own.

fn main() -> std::process::ExitCode {
    puente_service::main::<puente_ocr::Ocr>()
}
