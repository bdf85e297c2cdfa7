//! From a rung of call-and-answer to intents: the same reminder, to the next people.

use super::attention::Attention;
use super::digest::Held;
use super::eased::Eased;
use super::saying::Saying;
use super::told::{Change, Told, Way};
use super::{Desk, Plan, measure, site_name};
use crate::intent::{Audience, Intent, IntentId};
use crate::ladder::{Place, Rung};
use crate::wording::{Names, Purpose};
use model::{AreaCode, Reach, Tier, Time, Warning};
use std::collections::BTreeSet;

/// A rung that is due, as the ladder says it.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Which place.
    pub place: &'a Place,
    /// The tier there.
    pub tier: Tier,
    /// Number of the telling within the call.
    pub turn: u32,
    /// Whom and how.
    pub rung: &'a Rung,
    /// Whose strobe did not confirm: their helper alone is asked, to go there.
    pub unlit: Option<Unlit<'a>>,
}

/// A strobe that did not confirm that it flashes.
#[derive(Clone, Copy, Debug)]
pub struct Unlit<'a> {
    /// The strobe, by id.
    pub strobe: &'a str,
    /// Who helps the one that it is for, by contact id.
    pub helper: &'a str,
}

/// Whom a rung asks about a place.
pub fn audience_of(place: &Place, rung: &Rung, directory: &str) -> Audience {
    let mut audience = Audience::of(Reach::Responsible, directory);
    match place {
        Place::Area(code) => audience.areas = vec![*code],
        Place::Site(site) | Place::Device { site, .. } => audience.sites = vec![site.clone()],
    }
    audience.ask = Some(rung.ask);
    audience.roles.clone_from(&rung.roles);
    audience
}

/// Adds one intent for each way of the rung to `out`.
pub fn asking(
    at: Time,
    warning: &Warning,
    asking: &Asking<'_>,
    desk: &Desk<'_>,
    out: &mut Vec<Intent>,
) {
    let purpose = match (asking.place, &asking.unlit) {
        (Place::Area(_) | Place::Site(_), None) => Purpose::Reminder,
        (Place::Device { .. }, _) | (_, Some(_)) => Purpose::DeviceFault,
    };
    let (mut told, mut eased) = (Told::default(), Eased::default());
    let (mut attention, mut held) = (Attention::default(), Held::default());
    let mut plan = Plan {
        at,
        warning,
        desk,
        told: &mut told,
        eased: &mut eased,
        attention: &mut attention,
        held: &mut held,
        out,
        remarks: None,
    };
    for channel in &asking.rung.channels {
        let (areas, site, place, measure, onset) = match asking.place {
            Place::Area(code) => (
                BTreeSet::from([*code]),
                None,
                plan.name(*code),
                measure::of_area(warning, *code, desk),
                onset_at(warning, *code, desk),
            ),
            Place::Site(id) => (
                BTreeSet::new(),
                Some(id.clone()),
                site_name(desk, id),
                measure::of_site(warning, id),
                warning.sites.get(id).map(|site| site.onset),
            ),
            Place::Device { site, device } => (
                BTreeSet::new(),
                Some(site.clone()),
                device_name(desk, site, device),
                measure::of_site(warning, site),
                warning.sites.get(site).map(|site| site.onset),
            ),
        };
        let mut audience = audience_of(asking.place, asking.rung, desk.directory);
        let (mut place, mut about) = (place, format!("{:?}", asking.place));
        if let Some(Unlit { strobe, helper }) = asking.unlit {
            audience.contacts = vec![helper.to_owned()];
            place = Names::each(|language| format!("{} {strobe}", place.get(language)));
            about = format!("{about}/{strobe}");
        }
        let way = Way {
            reach: Reach::Responsible,
            channel: *channel,
        };
        plan.push(
            Saying {
                way,
                change: Change {
                    from: Tier::None,
                    to: asking.tier,
                },
                purpose,
                areas,
                site,
                onset: onset.unwrap_or(warning.time),
                place,
                measure,
                exposure: 1,
                own_words: true,
            },
            audience,
            &asking.rung.channels,
        );
        if let Some(intent) = plan.out.last_mut() {
            intent.again = true;
            let place = format!("ladder/{}/{about}", asking.turn);
            intent.id = IntentId::derive(
                warning.id,
                warning.revision,
                &intent.link,
                purpose,
                Reach::Responsible,
                &place,
            );
        }
    }
}

/// When it began at an area, or at the warned one that it lies in.
fn onset_at(warning: &Warning, code: AreaCode, desk: &Desk<'_>) -> Option<Time> {
    let mut upwards = desk.places.upwards(code).into_iter();
    upwards.find_map(|code| Some(warning.areas.get(&code)?.onset))
}

/// `东风涵洞 barrier-C1`: which of the site's devices.
fn device_name(desk: &Desk<'_>, site: &str, device: &str) -> Names {
    let site = site_name(desk, site);
    Names::each(|language| format!("{} {device}", site.get(language)))
}
