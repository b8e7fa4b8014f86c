//! stub
pub(crate) async fn run(_: crate::cli::DemoArgs, _: &crate::ui::Ui) -> crate::exit::Done { Ok(()) }
