//! Who lives in an area, and who of them is known by name.

use crate::command::Failure;
use crate::installation::{self, CONTACTS, SUBSCRIBERS};
use dispatch::directory::Directory;
use dispatch::intent::Audience;
use model::{AreaNo, Channel, City, Hazard, Reach};
use rules::score::{Issued, Woken};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Heads of a city by area.
pub(super) struct Heads {
    city: Arc<City>,
    /// The recipients' directory, where the city has one.
    directory: Option<Directory>,
    named: RefCell<BTreeMap<AreaNo, u64>>,
}

/// Whom warnings tell, among those who live there and among those who are known by name.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub(super) residents: Woken,
    pub(super) named: Option<Woken>,
}

impl Heads {
    /// Those of a city directory.
    pub(super) fn open(folder: &Path, city: &Arc<City>) -> Result<Self, Failure> {
        let is_there = |name: &str| folder.join(name).is_file();
        let directory = (is_there(CONTACTS) && SUBSCRIBERS.iter().any(|name| is_there(name)))
            .then(|| installation::people(folder, city, None))
            .transpose()
            .map_err(|faulty| Failure::BadInput(faulty.to_string()))?
            .map(|loaded| loaded.directory);
        Ok(Self {
            city: Arc::clone(city),
            directory,
            named: RefCell::new(BTreeMap::new()),
        })
    }

    /// Whom the rises of one rulebook tell, of one hazard or of all.
    pub(super) fn told(&self, issued: &Issued, hazard: Option<Hazard>) -> Told {
        let residents = |area| self.city.area(area).map_or(0, |area| area.population);
        let named = self.directory.as_ref().map(|directory| {
            issued.woken(&self.city, hazard, |area| {
                let mut known = self.named.borrow_mut();
                *known
                    .entry(area)
                    .or_insert_with(|| self.named(directory, area))
            })
        });
        Told {
            residents: issued.woken(&self.city, hazard, residents),
            named,
        }
    }

    /// Subscribers and responsible persons in an area who have any way to be told.
    fn named(&self, directory: &Directory, area: AreaNo) -> u64 {
        let Some(code) = self.city.area(area).map(|area| area.code) else {
            return 0;
        };
        let audience = Audience {
            alone: false,
            shape: None,
            reach: Reach::Public,
            areas: vec![code],
            sites: Vec::new(),
            ask: None,
            roles: Vec::new(),
            contacts: Vec::new(),
            only: None,
            among: None,
            off_duty: Vec::new(),
            authority: None,
            directory: directory.version().to_owned(),
        };
        let ways = [Channel::Sms, Channel::Email, Channel::Push];
        let preview = directory.preview(&self.city, &audience, &ways);
        let contacts = directory.contacts().iter();
        let contacts = contacts.filter(|contact| self.city.is_within(contact.area, area));
        preview.map_or(0, |preview| preview.people) + contacts.count() as u64
    }
}

/// The four counts by name.
pub(super) fn counts(woken: &Woken) -> [(&'static str, u64); 4] {
    [
        ("people", woken.people),
        ("people_night", woken.people_night),
        ("rings", woken.rings),
        ("rings_night", woken.rings_night),
    ]
}

/// Old, new and how many more, by count.
pub(super) fn compared(old: &Woken, new: &Woken) -> Value {
    let all = counts(old).into_iter().zip(counts(new));
    let all = all.map(|((name, old), (_, new))| {
        let more = i128::from(new) - i128::from(old);
        let more = i64::try_from(more).unwrap_or(i64::MAX);
        (
            name.to_owned(),
            json!({ "old": old, "new": new, "more": more }),
        )
    });
    Value::Object(all.collect())
}
