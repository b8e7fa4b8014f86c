//! Serial plates: a capture is opened, hears what the person says, and ends. ocr answers; the bot keeps silent meanwhile,
//! but for its first question and the words that are obeyed anywhere.

use std::collections::BTreeMap;

use crate::domain::capture::{Capture, Said};
use crate::domain::conversation::{Heard, Mode};
use crate::domain::engine::route::chosen;
use crate::domain::engine::{Action, Bot};
use crate::domain::number::OrderNumber;

impl Bot<'_> {
    /// Opens a capture: with the photograph that the message brought, else by asking for one. An order that the speaker
    /// may not name is answered like one that does not exist, and nothing is opened.
    pub(super) fn open_capture(&mut self, ask: &str, order_unknown: &str, opening: &str) {
        let named = OrderNumber::find(opening);
        let order = self.facts.order.filter(|(number, _)| Some(*number) == named);
        if let (Some(number), None) = (named, order) {
            let variables = BTreeMap::from([("number".to_owned(), number.to_string())]);
            return self.reply(order_unknown, variables);
        }
        let mut capture = Capture {
            id: self.facts.fresh,
            turns: 0,
            order: order.map(|(_, id)| id),
        };
        let heard = self.heard;
        // The message that led here, and not one that ended a registration in between.
        if heard.text == opening && heard.file.as_ref().is_some_and(|file| file.photo) {
            self.tell(&mut capture, heard);
        } else {
            self.reply(ask, BTreeMap::new());
        }
        self.conversation.mode = Mode::Capturing(capture);
    }

    /// A capture is under way: whatever is said is for it. Only a button of the menu leads away.
    pub(super) fn feed(&mut self, mut capture: Capture, heard: &Heard) {
        let set = self.set;
        if let Some(other) = heard.choice.as_deref().and_then(|choice| chosen(set, choice)) {
            self.end_capture(capture);
            return self.begin(other, "");
        }
        self.tell(&mut capture, heard);
        self.conversation.mode = Mode::Capturing(capture);
    }

    /// The person turns to something else. A capture that ocr never heard of needs no end.
    pub(super) fn end_capture(&mut self, mut capture: Capture) {
        if capture.turns > 0 {
            self.actions.push(Action::TellCapture(capture.next(None)));
        }
    }

    fn tell(&mut self, capture: &mut Capture, heard: &Heard) {
        let said = Said {
            file: heard.file.clone(),
            text: heard.text.clone(),
            choice: heard.choice.clone(),
        };
        self.actions.push(Action::TellCapture(capture.next(Some(said))));
    }
}
