//! Who was not reached here is reached otherwise: by another account, a person by their next channel, a
//! device's site by its people, a strobe's person by who helps them.

use super::{Courier, INTENT};
use dispatch::directory::{Contact, Device, Recipient};
use dispatch::gateway::notice::{HUB, service_of};
use dispatch::intent::{Intent, IntentId, RecipientNo, Recipients};
use dispatch::outbox::Note;
use dispatch::wording::Purpose;
use journal::{Batch, Kind, Partition, Topic};
use model::{Channel, DeviceReport, Input};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The link that carries a token.
fn push_link(token: &str) -> String {
    service_of(token).map_or_else(|| HUB.to_owned(), |(service, _)| format!("{HUB}/{service}"))
}

impl Courier {
    /// Adds to `batch` what notes ask for.
    pub(super) fn stand_in(&mut self, notes: Vec<Note>, batch: &mut Batch) {
        let mut handed: BTreeMap<(IntentId, Arc<str>, bool), Vec<RecipientNo>> = BTreeMap::new();
        for note in notes {
            match note {
                Note::HandOver {
                    intent,
                    to,
                    recipient,
                    asks,
                } => {
                    let whose = handed.entry((intent, to, asks)).or_default();
                    whose.push(recipient);
                }
                Note::FallBack { intent, recipient } => self.fall_back(intent, recipient, batch),
                Note::WrongLink(intent) => {
                    tracing::error!(link = self.outbox.link(), %intent, "intent of another link");
                }
                Note::Forgotten(warning) => {
                    tracing::warn!(
                        link = self.outbox.link(),
                        %warning,
                        "who was told is forgotten: too many warnings stand; its end goes to everybody"
                    );
                }
                Note::Closed { .. } => {}
            }
        }
        for ((id, to, asks), people) in handed {
            self.hand_over(id, &to, people, asks, batch);
        }
    }

    /// Some people of an intent are told by the account `to`, since this one cannot.
    fn hand_over(
        &self,
        id: IntentId,
        to: &str,
        mut people: Vec<RecipientNo>,
        asks: bool,
        batch: &mut Batch,
    ) {
        let app = &self.app;
        let number = app.links.iter().position(|name| name == to);
        let (Some(intent), Some(number)) = (self.intents.get(&id), number) else {
            let (link, people) = (self.outbox.link(), people.len());
            tracing::error!(link, to, intent = %id, people, "nobody is there that tells them");
            return;
        };
        let labels = [self.outbox.link(), to];
        let count = app.metrics.handed.with_label_values(&labels);
        count.inc_by(people.len() as u64);
        people.sort_unstable();
        for some in people.chunks(Recipients::MAX) {
            let some = Recipients::of(some.to_vec());
            let handed = intent.handed(app.clock.now(), some, to, asks);
            self.put_intent(number, &handed, batch);
        }
    }

    fn fall_back(&mut self, id: IntentId, recipient: RecipientNo, batch: &mut Batch) {
        let Some(intent) = self.intents.get(&id).cloned() else {
            return;
        };
        if self.to_another_account(&intent, recipient, batch) {
            return;
        }
        let installation = self.app.installation.clone();
        match installation.directory.recipient(recipient) {
            Some(Recipient::Contact(contact)) => self.next_channel(&intent, contact, batch),
            // That a light still flashes is no danger: it ends by its own time.
            Some(Recipient::Device(_)) if intent.purpose == Purpose::StrobeOver => {}
            Some(Recipient::Device(device)) => {
                self.doubted.insert((id, recipient));
                self.report(&intent, device, false, batch);
            }
            // The public hears by everything that was released, all at once.
            Some(Recipient::Subscriber(_)) | None => {}
        }
    }

    /// A number that moved to another carrier is told by the next account; true where there is one.
    fn to_another_account(
        &self,
        intent: &Intent,
        recipient: RecipientNo,
        batch: &mut Batch,
    ) -> bool {
        let (Some(share), Some(phone)) = (&self.share, self.phone(recipient)) else {
            return false;
        };
        let ledger = self.outbox.ledger();
        if ledger.retired_at(recipient, phone).is_none() {
            return false;
        }
        let app = &self.app;
        let only = Recipients::of(vec![recipient]);
        let now = app.clock.now();
        // Of phones that it only stands in for, the account that they are of says who is next.
        let stands_in = !intent.tried.is_empty() && !intent.is_back();
        let (next, told) = if stands_in {
            let next = intent.heir(now, &self.fail_over);
            (next, next.map(|next| intent.handed(now, only, next, true)))
        } else {
            let accounts = app.accounts.links();
            let next = share.next(phone).and_then(|next| accounts.get(next));
            let next = next.filter(|next| !intent.moved_from.contains(next));
            let next = next.map(String::as_str);
            (next, next.map(|next| intent.moved(now, only, next)))
        };
        let number = app
            .links
            .iter()
            .position(|name| Some(name.as_str()) == next);
        let (Some(next), Some(told), Some(number)) = (next, told, number) else {
            return false;
        };
        let labels = [self.outbox.link(), next];
        app.metrics.moved.with_label_values(&labels).inc();
        self.put_intent(number, &told, batch);
        true
    }

    fn put_intent(&self, number: usize, intent: &Intent, batch: &mut Batch) {
        let topic = Topic::new(Kind::Deliveries, self.app.mode);
        let partition = Partition(u16::try_from(number).unwrap_or(u16::MAX));
        batch.append_with(topic, partition, INTENT, &[], |out| {
            // Writing our own plain types to memory cannot fail.
            drop(serde_json::to_writer(out, intent));
        });
    }

    fn next_channel(&self, intent: &Intent, contact: &Contact, batch: &mut Batch) {
        let app = &self.app;
        let link_of = |channel: Channel| {
            let person = Recipient::Contact(contact);
            let link = match channel {
                Channel::Push => push_link(person.push()?),
                Channel::Sms
                | Channel::Cap
                | Channel::Email
                | Channel::Webhook
                | Channel::Device
                | Channel::Voice
                | Channel::Area
                | Channel::Cell
                | Channel::Broadcast => channel.name().to_owned(),
            };
            (app.is_served(&link) && person.has(channel)).then_some(link)
        };
        let Some(next) = intent.fall_back(app.clock.now(), &contact.id, link_of) else {
            return;
        };
        let Some(number) = app.links.iter().position(|name| *name == next.link) else {
            return;
        };
        let labels = [intent.channel.name(), next.channel.name()];
        app.metrics.fallen_back.with_label_values(&labels).inc();
        self.put_intent(number, &next, batch);
    }

    /// Tells the zone of a device's site or person what came of its command.
    fn report(&self, intent: &Intent, device: &Device, confirmed: bool, batch: &mut Batch) {
        let installation = &self.app.installation;
        let (city, directory) = (&installation.city, &installation.directory);
        let Some((area, site)) = directory.place_of(city, device) else {
            return;
        };
        let site = site.and_then(|no| city.site(no));
        let contact = directory.owner_of(device);
        let zone = self.app.zone_of(intent.warning);
        let zone = zone.unwrap_or_else(|_| city.zone_of(area));
        let report = Input::Device(Box::new(DeviceReport {
            warning: intent.warning,
            site: site.map(|site| site.id.clone()).unwrap_or_default(),
            device: device.id.clone(),
            tier: intent.tier,
            confirmed,
            contact: contact.map(|contact| contact.id.clone()),
        }));
        let input = Topic::new(Kind::Input, self.app.mode);
        batch.append(
            input,
            Partition(zone.0),
            report.kind(),
            &[],
            &report.encode(),
        );
    }

    /// Devices that confirm after all: their people need not go any more.
    pub(super) fn confirmed_late(&mut self, batch: &mut Batch) {
        if self.doubted.is_empty() {
            return;
        }
        let now = self.app.clock.now();
        let intents = &self.intents;
        let may_come = |id: &IntentId| intents.get(id).is_some_and(|intent| now < intent.not_after);
        self.doubted.retain(|(id, _)| may_come(id));
        let ledger = self.outbox.ledger();
        let done = |(id, recipient): &(IntentId, RecipientNo)| {
            ledger.state(*id, *recipient) == dispatch::ledger::State::Acknowledged
        };
        let late: Vec<_> = self.doubted.iter().copied().filter(done).collect();
        for (id, recipient) in late {
            self.doubted.remove(&(id, recipient));
            let installation = self.app.installation.clone();
            let device = installation.directory.recipient(recipient);
            if let (Some(intent), Some(Recipient::Device(device))) = (self.intents.get(&id), device)
            {
                self.report(intent, device, true, batch);
            }
        }
    }
}
