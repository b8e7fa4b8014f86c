//! `bot.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;

use super::super::file::{BotFile, IntentFile, WordsFile};
use super::{check, phrases};
use crate::domain::skill::{Bot, BotTexts, Intent, Words};
use crate::domain::words::Phrase;
use crate::infrastructure::skills::problem::Examined;

/// Two weeks: after that nobody remembers what was being asked.
const MAX_MINUTES: u64 = 14 * 24 * 60;

/// The names of the skills, and the bot.
pub(super) fn build(written: BotFile, file: &mut Examined<'_>) -> (Vec<String>, Bot) {
    check::format(&written.format, file);
    check::version(&written.version, file);
    if written.language.get_ref() != "es" {
        file.at(&written.language.span(), "language", "only `es` is supported");
    }
    let mut skills: Vec<String> = Vec::new();
    for name in &written.skills {
        if skills.contains(name.get_ref()) {
            file.at(
                &name.span(),
                "skills",
                format!("`{}` is listed twice", name.get_ref()),
            );
        } else if check::name(name, "skills", file) {
            skills.push(name.get_ref().clone());
        }
    }
    let free_text = written.free_text.map(|free| {
        known(&free.skill, "free_text.skill", &skills, file);
        let words = check::within(&free.min_words, 1, 100, "free_text.min_words", file);
        (free.skill.into_inner(), words)
    });
    let texts = &written.texts;
    let bot = Bot {
        version: *written.version.get_ref(),
        language: written.language.get_ref().clone(),
        intents: intents(written.intents, &skills, file),
        free_text,
        texts: BotTexts {
            greeting_new: check::text_key(&texts.greeting_new, "texts.greeting_new", file),
            greeting_known: check::text_key(&texts.greeting_known, "texts.greeting_known", file),
            menu: check::text_key(&texts.menu, "texts.menu", file),
            fallback: check::text_key(&texts.fallback, "texts.fallback", file),
            cancelled: check::text_key(&texts.cancelled, "texts.cancelled", file),
            media: check::text_key(&texts.media, "texts.media", file),
            person: check::text_key(&texts.person, "texts.person", file),
        },
        words: words(written.words, file),
        idle: minutes(&written.idle_minutes, "idle_minutes", file),
        with_person: minutes(&written.with_person_minutes, "with_person_minutes", file),
    };
    (skills, bot)
}

fn minutes(minutes: &Spanned<u64>, key: &str, file: &mut Examined<'_>) -> Duration {
    Duration::from_secs(check::within(minutes, 1, MAX_MINUTES, key, file) * 60)
}

fn known(skill: &Spanned<String>, key: &str, skills: &[String], file: &mut Examined<'_>) {
    if !skills.contains(skill.get_ref()) {
        file.at(
            &skill.span(),
            key,
            format!("`{}` is not among the bot's skills", skill.get_ref()),
        );
    }
}

fn words(written: WordsFile, file: &mut Examined<'_>) -> Words {
    for (list, key) in [
        (&written.cancel, "words.cancel"),
        (&written.yes, "words.yes"),
        (&written.no, "words.no"),
    ] {
        if list.is_empty() {
            file.whole(key, "needs at least one word, or nobody can say it");
        }
    }
    let mut list = |list, key| phrases(list, key, file);
    let words = Words {
        greeting: list(written.greeting, "words.greeting"),
        cancel: list(written.cancel, "words.cancel"),
        menu: list(written.menu, "words.menu"),
        person: list(written.person, "words.person"),
        yes: list(written.yes, "words.yes"),
        no: list(written.no, "words.no"),
        polite: list(written.polite, "words.polite"),
        skip: list(written.skip, "words.skip"),
    };
    if let Some(both) = words.yes.iter().find(|word| words.no.contains(word)) {
        file.whole("words", format!("a word means both yes and no: {both:?}"));
    }
    words
}

fn intents(written: Vec<Spanned<IntentFile>>, skills: &[String], file: &mut Examined<'_>) -> Vec<Intent> {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let mut numbers: Option<String> = None;
    let mut intents = Vec::with_capacity(written.len());
    for intent in written {
        let span = intent.span();
        let intent = intent.into_inner();
        let skill = intent.skill.get_ref().clone();
        known(&intent.skill, "intents.skill", skills, file);
        if intent.phrases.is_empty() && intent.choices.is_empty() && !intent.order_number {
            file.at(
                &span,
                "intents",
                format!("nothing leads to `{skill}`: give phrases, choices or order_number"),
            );
        }
        for (list, kind) in [(&intent.phrases, "phrase"), (&intent.choices, "choice")] {
            for text in list {
                let key = if kind == "phrase" {
                    format!("{:?}", Phrase::new(text.get_ref()))
                } else {
                    text.get_ref().clone()
                };
                if let Some(first) = taken.insert(format!("{kind} {key}"), skill.clone()) {
                    file.at(
                        &text.span(),
                        "intents",
                        format!("the {kind} `{}` already leads to `{first}`", text.get_ref()),
                    );
                }
            }
        }
        if intent.order_number {
            if let Some(first) = &numbers {
                file.at(
                    &span,
                    "intents.order_number",
                    format!("order numbers already lead to `{first}`"),
                );
            }
            numbers = Some(skill.clone());
        }
        intents.push(Intent {
            skill,
            phrases: phrases(intent.phrases, "intents.phrases", file),
            choices: intent.choices.into_iter().map(Spanned::into_inner).collect(),
            order_number: intent.order_number,
            with_order_number: intent.with_order_number,
        });
    }
    intents
}
