//! Which links carry an intent, and what becomes of one that none carries.

use crate::app::App;
use dispatch::directory::Recipient;
use dispatch::gateway::notice::{AREAS, HUB, carried_by};
use dispatch::intent::Intent;
use dispatch::wording::Purpose;
use model::{Channel, Reach};

/// The link of requests to an authority that has no target.
pub(crate) const REQUEST: &str = "request";

/// Where an intent goes: numbers of links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Links of the configuration.
    Links(Vec<usize>),
    /// No link of the configuration carries it, and people were to hear it that way: the link that
    /// stands in for the missing one fails it, so that it is shown and told otherwise.
    Unserved(Option<usize>),
    /// The same is said another way to all whom it is for.
    Elsewhere,
}

/// The route of an intent.
pub(crate) fn route(app: &App, intent: &Intent) -> Route {
    let links = app.links.iter().enumerate();
    let serving: Vec<usize> = links
        .filter(|(_, link)| app.is_served(link) && serves(link, intent))
        .map(|(number, _)| number)
        .collect();
    if !serving.is_empty() {
        return Route::Links(serving);
    }
    if !is_missed(app, intent) {
        return Route::Elsewhere;
    }
    let stand_in = match (intent.channel, &intent.audience.authority) {
        (Channel::Webhook, Some(_)) => REQUEST,
        _ => &intent.link,
    };
    let mut links = app.links.iter();
    Route::Unserved(links.position(|link| link == stand_in))
}

/// Whether a link carries an intent: its channel's link, or each of several targets; a request
/// goes to the authority's own targets alone.
fn serves(link: &str, intent: &Intent) -> bool {
    match intent.channel {
        Channel::Webhook => match &intent.audience.authority {
            None => is_target(link, &intent.link),
            Some(authority) => is_asked(link, authority),
        },
        Channel::Area | Channel::Cell | Channel::Broadcast => is_target(link, &intent.link),
        // Each link of apps finds those whose tokens it carries; topics are the public's.
        Channel::Push => {
            let is_public = intent.audience.reach == Reach::Public;
            if !intent.audience.came.is_empty() {
                // Whoever comes to a stream or a topic finds there what stands.
                return carried_by(link).is_some();
            }
            link == intent.link
                || (intent.link == HUB && carried_by(link).is_some())
                || (intent.link == HUB && link == AREAS && is_public)
        }
        // Each account takes the phones that are its own.
        Channel::Sms => is_target(link, &intent.link) || link == intent.link,
        // A release platform is put a form with the document.
        Channel::Cap => link == intent.link || is_target(link, &intent.link),
        Channel::Email | Channel::Device | Channel::Voice => link == intent.link,
    }
}

/// `webhook/tv` is a target of `webhook`.
fn is_target(link: &str, of: &str) -> bool {
    link.strip_prefix(of)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn is_asked(link: &str, authority: &str) -> bool {
    let rest = link.strip_prefix(REQUEST);
    rest.and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|rest| is_target(rest, authority))
}

/// Whether somebody hears nothing because this intent has no link. Requests and calls to sign take
/// every way there is at once: of them one is enough.
fn is_missed(app: &App, intent: &Intent) -> bool {
    let telling = &app.installation.city.policy.telling;
    let directory = &app.installation.directory;
    if !intent.audience.came.is_empty() {
        // What their area was told by is missed there already.
        return false;
    }
    if let Some(authority) = &intent.audience.authority {
        let by_mail = app.is_served(Channel::Email.name())
            && directory
                .contacts()
                .iter()
                .any(|contact| contact.role == *authority && !contact.email.is_empty());
        let has_target = |link: &String| app.is_served(link) && is_asked(link, authority);
        return !by_mail && !app.links.iter().any(has_target);
    }
    if intent.purpose == Purpose::Signature {
        let asked = intent.audience.contacts.iter();
        return asked
            .filter_map(|id| directory.contact(id))
            .map(Recipient::Contact)
            .filter(|signer| signer.has(intent.channel))
            .any(|signer| {
                let mut ways = telling.signing_channels.iter();
                !ways.any(|way| signer.has(*way) && app.is_served(way.name()))
            });
    }
    true
}
