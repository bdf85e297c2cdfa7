//! What comes back of calls: the answers of people, and whether devices did what they were told.

use super::{Machine, Outputs, answering};
use dispatch::ladder::{self, Place, Said};
use model::order::PlaceFor;
use model::{Channel, DeviceReport, Order, Tier, Time};

impl Machine {
    /// A device that did not confirm calls the people of its site; one that did ends that call.
    pub(super) fn reported(&mut self, at: Time, report: &DeviceReport, out: &mut Outputs) {
        if let Some(contact) = &report.contact {
            return self.strobe_reported(at, report, contact, out);
        }
        let Some(standing) = self.standing.get(&report.warning) else {
            return;
        };
        let site = standing.sites.get(&report.site);
        let is_warned = site.is_some_and(|site| site.tier != Tier::None);
        let tier = if report.confirmed || !is_warned {
            Tier::None
        } else {
            report.tier
        };
        let event = ladder::Event::Warned {
            warning: report.warning,
            place: Place::Device {
                site: report.site.clone(),
                device: report.device.clone(),
            },
            tier,
            ladder: {
                let city = &self.installation.city;
                city.policy.ladder_at(tier, at, city.offset_at(at))
            },
            needed: 1,
            onset: None,
        };
        self.calls.step(at, event, &mut self.asked);
    }

    /// An answer counts for every place its giver answers for, and for those they were asked about.
    pub(super) fn answered(&mut self, at: Time, order: &Order) {
        let Order::Answer {
            warning,
            contact,
            answer,
            note,
            channel,
            noted_by,
            said,
        } = order
        else {
            return;
        };
        let Some(contact_row) = self.installation.directory.contact(contact) else {
            return;
        };
        if self
            .white_list()
            .is_some_and(|list| !list.has_person(contact))
        {
            // Nobody of the exercise asked them.
            return;
        }
        if *channel == Some(Channel::Voice) && !contact_row.hears {
            // Whoever pressed that key, it was not they.
            return;
        }
        let board = self.calls.board().iter();
        let places: Vec<Place> = board
            .filter(|call| call.warning == *warning)
            .filter(|call| self.installation.answers_for(contact_row, call))
            .map(|call| call.place.clone())
            .collect();
        let event = ladder::Event::Answered {
            warning: *warning,
            places: &places,
            answer: Said {
                contact: contact.clone(),
                answer: *answer,
                note: note.clone(),
                channel: *channel,
                noted_by: noted_by.clone(),
                said: *said,
            },
        };
        self.calls.step(at, event, &mut self.asked);
    }

    /// Somebody answers for a place that nobody of the directory answered for.
    pub(super) fn answered_for(&mut self, at: Time, order: &Order) {
        let Order::AnswerFor {
            warning,
            place,
            by,
            answer,
            note,
            person,
            said,
        } = order
        else {
            return;
        };
        let Some(standing) = self.standing.get(warning) else {
            return;
        };
        let city = &self.installation.city;
        let (place, area) = match place {
            PlaceFor::Area(code) => (Place::Area(*code), city.area_no(*code)),
            PlaceFor::Site(id) => {
                let site = city.site_no(id).and_then(|no| city.site(no));
                (Place::Site(id.clone()), site.map(|site| site.area))
            }
        };
        let event = ladder::Event::AnsweredFor {
            warning: *warning,
            place,
            tier: area.map_or(Tier::None, |area| answering::tier(city, standing, area)),
            answer: Said {
                contact: by.clone(),
                answer: *answer,
                note: note.clone(),
                channel: None,
                noted_by: person.clone(),
                said: *said,
            },
        };
        self.calls.step(at, event, &mut self.asked);
    }
}
