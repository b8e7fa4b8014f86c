//! A turn of the conversation: a photograph is counted, words are taken in, or nothing more comes.

use puente_outbox::Tx;

use super::Steps;
use crate::infrastructure::store::attempt;
use crate::infrastructure::store::row::{self, Change, Row};
use crate::infrastructure::store::turn::{self, Turn};
use crate::infrastructure::work::Trouble;

impl Steps {
    /// Takes in a turn, in the transaction that marks it as worked.
    pub(super) async fn take(&self, tx: &mut Tx, row: &mut Row, next: Turn) -> Result<(), Trouble> {
        let now = self.desk.clock.now();
        let cause = next.event_id.to_string();
        if next.said.ended {
            row.capture.abandon(now);
        } else if let Some(file) = &next.said.file {
            if file.mime_type.is_empty() || file.mime_type.starts_with("image/") {
                match row.capture.photo(now) {
                    Ok(number) => {
                        attempt::open(tx, &row.tenant, row.id, number, next.turn, file, next.at).await?;
                    }
                    Err(say) => self.desk.say(tx, row, say, &cause),
                }
            } else {
                // A voice message or a paper is no photograph: what came with it counts as words.
                self.desk.words(tx, row, &next.said, &cause, now).await?;
            }
        } else {
            self.desk.words(tx, row, &next.said, &cause, now).await?;
        }
        row.next_turn = next.turn + 1;
        row.tries = 0;
        turn::worked(tx, &row.tenant, row.id, next.turn, now).await?;
        let change = Change {
            cause: &cause,
            now,
            touched: true,
            wake: true,
        };
        row::save(tx, row, change).await?;
        Ok(())
    }
}
