//! What responsible persons answer, whichever way it comes: a reply by short message, a tap in the
//! app, the link of a mail.

use crate::app::App;
use dispatch::directory::Contact;
use journal::{Batch, JournalError, Priority};
use model::order::Answer;
use model::{Channel, Order, WarningId, Zone};

/// Characters kept of what a person wrote.
pub(crate) const NOTE_MAX: usize = 200;

/// What somebody said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply<'a> {
    /// What.
    pub(crate) answer: Answer,
    /// Their own words; may be empty.
    pub(crate) note: &'a str,
    /// The way it came.
    pub(crate) channel: Channel,
    /// The one warning that is answered; without it every call of theirs.
    pub(crate) warning: Option<WarningId>,
}

impl App {
    /// Puts what somebody answered into the zones' input, without waiting for the zones.
    pub(crate) async fn note(&self, orders: Vec<(Zone, Order)>) -> Result<(), JournalError> {
        let mut batch = Batch::new(self.clock.now().millis(), Priority::Vital);
        self.put_orders(orders, &mut batch);
        self.journal.submit(batch)?.await?;
        Ok(())
    }

    /// The orders that note the answer of everybody on whom `is_them` fits: one person may stand in
    /// several rows, and one word stops every call they answer for.
    pub(crate) fn answers(
        &self,
        is_them: impl Fn(&&Contact) -> bool,
        reply: &Reply<'_>,
    ) -> Vec<(Zone, Order)> {
        let installation = &self.installation;
        let is_meant = |warning| reply.warning.is_none_or(|only| only == warning);
        let note: String = reply.note.trim().chars().take(NOTE_MAX).collect();
        let mut orders = Vec::new();
        for contact in installation.directory.contacts().iter().filter(is_them) {
            let called = self
                .view
                .called(|call| is_meant(call.warning) && installation.answers_for(contact, call));
            for warning in called {
                let Ok(zone) = self.zone_of(warning) else {
                    continue;
                };
                let order = Order::Answer {
                    warning,
                    contact: contact.id.clone(),
                    answer: reply.answer,
                    note: note.clone(),
                    channel: Some(reply.channel),
                    noted_by: String::new(),
                    said: self.clock.now(),
                };
                orders.push((zone, order));
            }
        }
        orders
    }
}
