//! stub
pub(crate) fn run(_: &crate::cli::SkillsArgs, _: &crate::ui::Ui) -> crate::exit::Done { Ok(()) }
