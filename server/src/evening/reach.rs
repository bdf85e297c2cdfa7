//! Who can be reached tonight, by township: posts and counts, never names or numbers.
//!
//! The directory holds nobody who cannot be reached at all. At night the voice comes first, so that
//! the gap is who has no telephone, and townships where nobody is registered.

use dispatch::directory::Contact;
use dispatch::ladder::{Call, Place};
use model::{AreaCode, AreaNo, City};
use rules::service::Tonight;
use std::collections::BTreeSet;

/// The responsible persons of one township.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// Township.
    pub(crate) area: AreaCode,
    /// Responsible persons there.
    pub(crate) people: usize,
    /// Those with a telephone.
    pub(crate) with_phone: usize,
    /// Those with mail or an app alone.
    pub(crate) without_phone: usize,
    /// Places there that the newest warning asked.
    pub(crate) called: usize,
    /// Those of them that answered.
    pub(crate) answered: usize,
    /// Each post.
    pub(crate) posts: Vec<Post>,
}

/// One responsible person, by post.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// Role.
    pub(crate) role: String,
    /// Where.
    pub(crate) area: AreaCode,
    /// Site, where it is one's.
    pub(crate) site: Option<String>,
    /// How they can be reached.
    pub(crate) channels: Vec<&'static str>,
    /// Whether they answered the newest warning there that asked.
    pub(crate) answered: bool,
}

impl Post {
    /// True where a voice reaches them.
    pub(super) fn has_phone(&self) -> bool {
        self.channels.contains(&"sms")
    }
}

/// By township with a risk or a transfer, in code order.
pub(super) fn of(
    city: &City,
    contacts: &[Contact],
    calls: &[Call],
    tonight: &Tonight,
) -> Vec<Reach> {
    let risks = tonight.risks.iter().map(|risk| risk.area);
    let transfers = tonight.transfers.iter().map(|transfer| transfer.area);
    let areas: BTreeSet<AreaCode> = risks.chain(transfers).collect();
    let numbered = areas.into_iter();
    let numbered = numbered.filter_map(|code| Some((code, city.area_no(code)?)));
    numbered
        .map(|(code, no)| of_area(city, contacts, calls, (code, no)))
        .collect()
}

fn of_area(
    city: &City,
    contacts: &[Contact],
    calls: &[Call],
    (area, no): (AreaCode, AreaNo),
) -> Reach {
    let here = calls
        .iter()
        .filter(|call| place(city, &call.place).is_some_and(|place| city.is_within(place, no)));
    let newest = here.clone().max_by_key(|call| (call.since, call.warning));
    let warning = newest.map(|call| call.warning);
    let last: Vec<&Call> = here.filter(|call| Some(call.warning) == warning).collect();
    let answers = last.iter().filter_map(|call| call.answered.as_ref());
    let answered: BTreeSet<&str> = answers.map(|said| said.contact.as_str()).collect();
    let theirs = contacts
        .iter()
        .filter(|contact| contact.answers_for_places() && city.is_within(contact.area, no));
    let posts = theirs.map(|contact| {
        let ways = [
            ("sms", contact.phone.is_some()),
            ("email", !contact.email.is_empty()),
            ("push", !contact.push.is_empty()),
        ];
        let area = city.area(contact.area).map_or(area, |area| area.code);
        let site = contact.site.and_then(|site| city.site(site));
        Post {
            role: contact.role.clone(),
            area,
            site: site.map(|site| site.id.clone()),
            channels: ways
                .into_iter()
                .filter(|way| way.1)
                .map(|way| way.0)
                .collect(),
            answered: answered.contains(contact.id.as_str()),
        }
    });
    let posts: Vec<Post> = posts.collect();
    let with_phone = posts.iter().filter(|post| post.has_phone()).count();
    Reach {
        area,
        people: posts.len(),
        with_phone,
        without_phone: posts.len() - with_phone,
        called: last.len(),
        answered: last.iter().filter(|call| call.answered.is_some()).count(),
        posts,
    }
}

fn place(city: &City, place: &Place) -> Option<AreaNo> {
    match place {
        Place::Area(code) => city.area_no(*code),
        Place::Site(_) | Place::Device { .. } => {
            let site = place.site().and_then(|id| city.site_no(id));
            site.and_then(|no| city.site(no)).map(|site| site.area)
        }
    }
}
