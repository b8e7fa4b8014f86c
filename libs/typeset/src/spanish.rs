//! How Colombian Spanish writes what documents are full of: dates, money, amounts in words, ordinals.

mod dates;
mod money;
mod ordinals;

pub(crate) use dates::{date, moment};
pub(crate) use money::{amount, amount_in_words};
pub(crate) use ordinals::clause_ordinal;
