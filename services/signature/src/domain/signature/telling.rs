//! Telling those who had signed that somebody refused.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::event::Happened;
use crate::domain::notice::{NO_PHONE, NoticeState};
use crate::domain::signature::{Refused, Signature};
use crate::domain::signer::{Role, SignerState};
use crate::domain::state::State;

impl Signature {
    /// Who had signed, and is to be told now; each is named once.
    pub(super) fn newly_told(&mut self, at: OffsetDateTime) -> Vec<Role> {
        if self.state != State::Rechazado {
            return Vec::new();
        }
        let mut roles = Vec::new();
        for role in Role::ALL {
            let signed = self
                .signer(role)
                .is_some_and(|signer| signer.state == SignerState::Signed);
            if signed && self.notice_moves(role, NoticeState::Asked, "", "", at) {
                roles.push(role);
            }
        }
        roles
    }

    /// The message was asked for by this event; without one, there is no number to write to.
    pub(crate) fn asked_to_tell(&mut self, role: Role, asked_by: Option<Uuid>, at: OffsetDateTime) {
        match (asked_by, self.signers.iter_mut().find(|one| one.role == role)) {
            (Some(event), Some(signer)) => signer.notice.asked_by = Some(event),
            (None, _) => {
                self.notice_moves(role, NoticeState::Failed, NO_PHONE, "", at);
            }
            (Some(_), None) => {}
        }
    }

    /// What became of the message that this event asked for.
    pub(crate) fn hear_notice(&mut self, asked_by: Uuid, state: NoticeState, code: &str, at: OffsetDateTime) {
        let told = self
            .signers
            .iter()
            .find(|signer| signer.notice.asked_by == Some(asked_by));
        if let Some(role) = told.map(|signer| signer.role) {
            self.notice_moves(role, state, code, "", at);
        }
    }

    /// A person has told them.
    ///
    /// # Errors
    /// [`Refused::Told`].
    pub(crate) fn told_by_hand(&mut self, role: Role, by: &str, at: OffsetDateTime) -> Result<(), Refused> {
        let waits = self
            .signer(role)
            .is_some_and(|signer| signer.notice.waits_for_a_person());
        if !waits {
            return Err(Refused::Told);
        }
        self.notice_moves(role, NoticeState::ByHand, "", by, at);
        Ok(())
    }

    /// Whether somebody waits for a person to tell them.
    pub(super) fn somebody_is_untold(&self) -> bool {
        self.signers
            .iter()
            .any(|signer| signer.notice.waits_for_a_person())
    }

    fn notice_moves(
        &mut self,
        role: Role,
        state: NoticeState,
        code: &str,
        by: &str,
        at: OffsetDateTime,
    ) -> bool {
        let Some(signer) = self.signers.iter_mut().find(|signer| signer.role == role) else {
            return false;
        };
        if !signer.notice.moves(state, code) {
            return false;
        }
        let code = signer.notice.code.clone();
        let by = by.to_owned();
        self.record(Happened::Notice {
            role,
            state,
            code,
            by,
            at,
        });
        true
    }
}
