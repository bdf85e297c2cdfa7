//! Whom an intent is for: the rows that the outbox asks for, and how many people that is.

use super::Courier;
use dispatch::intent::{Intent, RecipientNo};
use dispatch::outbox::{Event, Resolve, Row};
use std::sync::Arc;

impl Courier {
    pub(super) fn planned_heads(&mut self, intent: &Intent) -> u64 {
        if intent.is_publication() {
            return 1;
        }
        if self.share.is_some() {
            // Whose phones are this account's is known as they are gone through.
            return 0;
        }
        if let Some(people) = self.heads.get(&intent.id) {
            return *people;
        }
        let installation = &self.app.installation;
        let directory = &installation.directory;
        let audience = intent.audience.in_version(directory.version());
        let preview = directory.preview(&installation.city, &audience, &[intent.channel]);
        let people = preview.map_or(0, |preview| preview.people);
        self.heads.insert(intent.id, people);
        people
    }

    pub(super) fn resolve(&mut self, wanted: &Resolve) {
        let Some(intent) = self.intents.get(&wanted.intent).cloned() else {
            return;
        };
        self.rows.clear();
        if intent.is_publication() {
            self.publication(wanted);
            return;
        }
        let installation = Arc::clone(&self.app.installation);
        // Planned before a restart, it goes on in the directory that stands now: who came in the
        // meantime is told, who left is not, and the ledger says by number who was told already.
        let directory = &installation.directory;
        let audience = wanted.audience.in_version(directory.version());
        let page = directory.resolve(
            &installation.city,
            &audience,
            intent.channel,
            (wanted.pass, wanted.cursor),
            wanted.rows_max as usize,
            &mut self.rows,
        );
        let (cursor, end) = match page {
            Ok(page) => (page.cursor, page.end),
            Err(error) => {
                tracing::error!(intent = %intent.id, %error, "audience not resolved");
                (wanted.cursor, true)
            }
        };
        // Rows were sorted by list; the wording of a language the intent lacks is its first.
        if let Some(share) = &self.share {
            self.rows.retain(|row| share.has(row.address));
        }
        let rows = std::mem::take(&mut self.rows);
        self.step(Event::Rows {
            intent: wanted.intent,
            pass: wanted.pass,
            epoch: wanted.epoch,
            cursor,
            rows: &rows,
            end,
        });
        self.rows = rows;
    }

    /// One row stands for the document.
    fn publication(&mut self, wanted: &Resolve) {
        let rows = [Row {
            recipient: RecipientNo(0),
            variant: 0,
            shared: false,
            address: 0,
        }];
        self.step(Event::Rows {
            intent: wanted.intent,
            pass: wanted.pass,
            epoch: wanted.epoch,
            cursor: 1,
            rows: if wanted.pass == 0 { &rows } else { &[] },
            end: true,
        });
    }
}
