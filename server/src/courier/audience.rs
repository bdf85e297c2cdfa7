//! Whom an intent is for: the rows that the outbox asks for, and how many people that is.

use super::Courier;
use dispatch::exercise::{Gate, may_leave};
use dispatch::gateway::notice::{BROWSERS, HUB, carried_by, service_of};
use dispatch::gateway::sms::Phone;
use dispatch::gateway::sms::share::Share;
use dispatch::intent::{Intent, RecipientNo, Recipients};
use dispatch::outbox::{Event, Resolve, Row};
use model::{Channel, Reach};
use std::sync::Arc;

/// People of an audience up to whom each telephone is looked at for how many are planned: some 20 ms of the link's
/// time. Of more, those left out are counted as planned.
const SORTED_MAX: u64 = 2_000_000;
/// Cursors from here on are of subscriptions, which follow the directory.
const SUBSCRIBED: u64 = 1 << 40;
/// Cursors from here on are of those who left, which come last.
const GONE: u64 = 1 << 41;

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
        if intent.channel == Channel::Push {
            // Whose token is of this link's kind is found as rows come.
            return 0;
        }
        let installation = &self.app.installation;
        let directory = self.app.directory();
        let audience = intent.audience.in_version(directory.version());
        let channels = [intent.channel];
        let count = |sorter| {
            let city = &installation.city;
            let preview = directory.preview_by(city, &audience, &channels, sorter);
            preview.map_or(0, |preview| preview.people)
        };
        let mut people = count(None);
        // Who is left out of an audience is not planned either, where it holds up nothing to look at
        // every telephone.
        let is_sorted = audience.reach == Reach::Public && !self.sorter.is_plain();
        if is_sorted && people <= SORTED_MAX {
            people = count(Some(&self.sorter));
        }
        self.heads.insert(intent.id, people);
        people
    }

    pub(super) fn resolve(&mut self, wanted: &Resolve) {
        let Some(intent) = self.intents.get(&wanted.intent).cloned() else {
            return;
        };
        self.rows.clear();
        if self.is_barred(&intent, wanted) {
            return;
        }
        if intent.is_publication() {
            self.publication(wanted);
            return;
        }
        if let Some(only) = &intent.audience.only {
            self.handed_here(wanted, only, intent.channel);
            return;
        }
        if !intent.audience.came.is_empty() || wanted.cursor >= GONE {
            self.by_number(wanted, &intent);
            return;
        }
        let installation = Arc::clone(&self.app.installation);
        // Planned before a restart or a change, it goes on in the directory that stands now: who came
        // in the meantime is told, who left is not, and the ledger says by number who was told already.
        self.people = self.app.directory();
        let directory = Arc::clone(&self.people);
        if wanted.cursor >= SUBSCRIBED {
            self.subscribed(wanted);
            return;
        }
        let audience = wanted.audience.in_version(directory.version());
        let page = directory.resolve(
            &installation.city,
            &audience,
            intent.channel,
            (wanted.pass, wanted.cursor),
            wanted.rows_max as usize,
            &mut self.rows,
        );
        let (mut cursor, mut end) = match page {
            Ok(page) => (page.cursor, page.end),
            Err(error) => {
                tracing::error!(intent = %intent.id, %error, "audience not resolved");
                (wanted.cursor, true)
            }
        };
        if intent.channel == Channel::Push {
            self.keep_carried();
        }
        if end && self.app.subscriptions.is_some() && self.outbox.link() == BROWSERS {
            (cursor, end) = (SUBSCRIBED, intent.audience.reach != Reach::Public);
        }
        self.keep_listed(intent.channel);
        if end && !wanted.audience.also.is_empty() {
            (cursor, end) = (GONE, false);
        }
        // Rows were sorted by list; the wording of a language the intent lacks is its first.
        self.keep_own(intent.channel, intent.audience.reach);
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

    /// The gate of exercises at the gateway: a message of another world, or one of an exercise that
    /// would reach more than named people and devices, goes to nobody and is counted.
    fn is_barred(&mut self, intent: &Intent, wanted: &Resolve) -> bool {
        let Err(barred) = may_leave(intent, self.app.mode) else {
            return false;
        };
        if wanted.pass == 0 && wanted.cursor == 0 {
            let link = self.outbox.link();
            tracing::error!(link, intent = %intent.id, %barred, "kept back");
            self.app.withheld(Gate::Gateway, intent.channel, 1);
        }
        self.step(Event::Rows {
            intent: wanted.intent,
            pass: wanted.pass,
            epoch: wanted.epoch,
            cursor: wanted.cursor,
            rows: &[],
            end: true,
        });
        true
    }

    /// The same for each row: nobody of an exercise but who is on its white list, whatever the record
    /// says.
    fn keep_listed(&mut self, channel: Channel) {
        let Some(world) = &self.app.drills else {
            return;
        };
        let before = self.rows.len();
        let directory = &self.app.installation.directory;
        self.rows.retain(|row| {
            let person = directory.recipient(row.recipient);
            person.is_some_and(|person| world.may_hear(&person))
        });
        let left_out = before - self.rows.len();
        self.app.withheld(Gate::Gateway, channel, left_out as u64);
    }

    /// Lets go of rows of other accounts and, of the public, of those to whom no short message goes. A named
    /// person stays: what cannot be sent to them goes to their next channel.
    fn keep_own(&mut self, channel: Channel, reach: Reach) {
        if channel != Channel::Sms || self.sorter.is_plain() {
            return;
        }
        let (sorter, share) = (&self.sorter, self.share.as_ref());
        let own = share.map_or(0, Share::own);
        let is_theirs = |phone| share.is_none_or(|share| share.has(phone));
        let mut left_out = [0_u64; Phone::UNTOLD.len()];
        self.rows.retain(|row| match sorter.account(row.address) {
            Ok(account) => account == own,
            Err(_) if reach != Reach::Public => is_theirs(row.address),
            Err(untold) => {
                let place = Phone::UNTOLD.iter().position(|it| *it == untold);
                // Each account goes through all rows: one of them counts.
                let place = place.filter(|_| is_theirs(row.address));
                if let Some(count) = place.and_then(|place| left_out.get_mut(place)) {
                    *count += 1;
                }
                false
            }
        });
        for (what, count) in Phone::UNTOLD.iter().zip(left_out) {
            if count > 0 {
                let labels = [self.outbox.link(), what.name()];
                let metric = self.app.metrics.left_out.with_label_values(&labels);
                metric.inc_by(count);
            }
        }
    }

    /// Those whom another account had and could not tell.
    fn handed_here(&mut self, wanted: &Resolve, only: &Recipients, channel: Channel) {
        self.people = self.app.directory();
        let begin = usize::try_from(wanted.cursor).unwrap_or(usize::MAX);
        let all = only.all();
        let left = all.get(begin..).unwrap_or_default();
        let page = left.get(..wanted.rows_max as usize).unwrap_or(left);
        let people = &self.people;
        people.rows_of(None, channel, wanted.pass, page, &mut self.rows);
        self.keep_listed(channel);
        let rows = std::mem::take(&mut self.rows);
        self.step(Event::Rows {
            intent: wanted.intent,
            pass: wanted.pass,
            epoch: wanted.epoch,
            cursor: wanted.cursor + page.len() as u64,
            rows: &rows,
            end: begin + page.len() >= all.len(),
        });
        self.rows = rows;
    }

    /// Lets go of rows whose tokens another link carries. The hub has those that name no service,
    /// and those of a service that no link carries: it says so of each.
    fn keep_carried(&mut self) {
        let app = &self.app;
        let carried = carried_by(self.outbox.link());
        let directory = &self.people;
        self.rows.retain(|row| {
            let person = directory.recipient(row.recipient);
            let token = person.as_ref().and_then(|person| person.push());
            match (token.and_then(service_of), carried) {
                (None, carried) => carried.is_none(),
                (Some((service, _)), Some(carried)) => service == carried,
                (Some((service, _)), None) => !app.is_served(&format!("{HUB}/{service}")),
            }
        });
    }

    /// Residents who left a subscription, behind the last row of the directory. None has another way.
    fn subscribed(&mut self, wanted: &Resolve) {
        let from = wanted.cursor - SUBSCRIBED;
        let rows_max = wanted.rows_max as usize;
        let is_asked = wanted.pass == 0 && wanted.audience.roles.is_empty();
        let subscriptions = self.app.subscriptions.as_ref().filter(|_| is_asked);
        let page = subscriptions.map(|all| all.page(&wanted.audience.areas, from, rows_max));
        let (rows, next) = page.unwrap_or_default();
        let is_last = next.is_none() && !wanted.audience.also.is_empty();
        self.step(Event::Rows {
            intent: wanted.intent,
            pass: wanted.pass,
            epoch: wanted.epoch,
            cursor: match (next, is_last) {
                (Some(next), _) => SUBSCRIBED + next,
                (None, true) => GONE,
                (None, false) => SUBSCRIBED,
            },
            rows: &rows,
            end: next.is_none() && !is_last,
        });
    }

    /// Some of the public by their numbers: who came into the areas, or who left them, wherever they are.
    fn by_number(&mut self, wanted: &Resolve, intent: &Intent) {
        self.people = self.app.directory();
        let directory = Arc::clone(&self.people);
        let installation = Arc::clone(&self.app.installation);
        let audience = wanted.audience.in_version(directory.version());
        let (numbers, from) = match wanted.cursor.checked_sub(GONE) {
            Some(from) => (&audience.also, from),
            None => (&audience.came, wanted.cursor),
        };
        let begin = usize::try_from(from).unwrap_or(usize::MAX);
        let page = numbers.iter().skip(begin).take(wanted.rows_max as usize);
        let page: Vec<RecipientNo> = page.copied().collect();
        let is_inside = wanted.cursor < GONE;
        let among = is_inside.then_some((&*installation.city, &audience));
        let (channel, pass) = (intent.channel, wanted.pass);
        directory.rows_of(among, channel, pass, &page, &mut self.rows);
        if channel == Channel::Push {
            self.keep_carried();
        }
        let asks_browsers = pass == 0 && self.outbox.link() == BROWSERS;
        if let Some(subscriptions) = self.app.subscriptions.as_ref().filter(|_| asks_browsers) {
            let areas = is_inside.then_some(&audience.areas[..]);
            let left = page.iter().filter_map(|no| subscriptions.row(*no, areas));
            self.rows.extend(left);
        }
        self.keep_own(channel, intent.audience.reach);
        let cursor = wanted.cursor + page.len() as u64;
        let rows = std::mem::take(&mut self.rows);
        self.step(Event::Rows {
            intent: wanted.intent,
            pass: wanted.pass,
            epoch: wanted.epoch,
            cursor,
            rows: &rows,
            end: begin + page.len() >= numbers.len(),
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
