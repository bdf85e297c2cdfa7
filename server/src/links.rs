//! Which links a configuration gives, and what the city means to say by a channel that has none:
//! it would reach nobody there, so it is said at `sanfang check` and at each start.

use crate::courier::REQUEST;
use dispatch::directory::{Directory, Owner, Recipient};
use dispatch::gateway::notice::{carried_by, service_of};
use dispatch::gateway::web_push::Subscription;
use model::fault::{Fault, Severity};
use model::release::Flow;
use model::{Act, Authority, Channel, City, Reach};
use std::collections::{BTreeMap, BTreeSet};

/// Names listed in one notice; of more the count is said.
const NAMED_MAX: usize = 5;

/// Names of links that stand in for those that `given` lacks and `city` may speak by.
pub(crate) fn absent<'a>(given: impl Iterator<Item = &'a str>, city: &City) -> Vec<String> {
    let given: BTreeSet<&str> = given.collect();
    let channels = Channel::ALL.into_iter();
    let lacking = channels.filter(|channel| {
        may_speak(*channel, city) && !given.iter().any(|link| carries(link, *channel))
    });
    let lacking = lacking.map(Channel::name);
    // An authority without a target of its own may be among those that have one.
    let requests = (!given.contains(REQUEST)).then_some(REQUEST);
    lacking.chain(requests).map(str::to_owned).collect()
}

/// Whether a link of that name takes what is said by `channel`.
fn carries(link: &str, channel: Channel) -> bool {
    let rest = link.strip_prefix(channel.name());
    rest.is_some_and(|rest| {
        if channel.has_targets() {
            rest.starts_with('/')
        } else {
            rest.is_empty()
        }
    })
}

/// Whether anything is ever said by that channel: what a city need not name is (who is not
/// reached hears by a next channel, devices stand at sites, others are asked), the rest only
/// where its flows, ladders or calls to sign say so.
fn may_speak(channel: Channel, city: &City) -> bool {
    match channel {
        Channel::Sms
        | Channel::Cap
        | Channel::Push
        | Channel::Email
        | Channel::Webhook
        | Channel::Device => true,
        Channel::Voice | Channel::Area | Channel::Cell | Channel::Broadcast => {
            let policy = &city.policy;
            !speakers(channel, city).is_empty()
                || policy.telling.signing_channels.contains(&channel)
                || policy.telling.request_channels.contains(&channel)
        }
    }
}

/// Flows and ladders of `city.toml` that open a channel, in words.
fn speakers(channel: Channel, city: &City) -> Vec<String> {
    let flows = city.policy.flows.iter();
    let mut speakers: Vec<String> = flows
        .filter(|flow| flow.channels.contains(&channel))
        .map(flow_words)
        .collect();
    for ladder in &city.policy.ladders {
        if ladder.steps.iter().any(|s| s.channels.contains(&channel)) {
            let tiers: Vec<&str> = ladder.tiers.iter().map(|tier| tier.name()).collect();
            speakers.push(format!("the ladder of {}", tiers.join(", ")));
        }
    }
    speakers
}

/// What the links of a configuration file serve.
pub(crate) struct Served<'a> {
    /// The file, for the notices.
    pub(crate) file: &'a str,
    /// Names of the links it gives.
    pub(crate) links: &'a [String],
}

impl Served<'_> {
    /// Notices of everything in the city that has no link.
    pub(crate) fn notices(&self, city: &City, directory: Option<&Directory>) -> Vec<Fault> {
        let mut notices = Vec::new();
        for channel in Channel::ALL {
            if !self.has(channel) {
                notices.extend(self.channel(channel, city));
            }
        }
        for authority in asked(city) {
            notices.extend(self.request(authority));
        }
        if let Some(directory) = directory {
            notices.extend(self.devices(city, directory));
            notices.extend(self.people(directory));
            notices.extend(self.tokens(directory));
        }
        notices
    }

    fn has(&self, channel: Channel) -> bool {
        self.links.iter().any(|link| carries(link, channel))
    }

    /// Flows and ladders of `city.toml` that open a channel without a link. Devices are told of by
    /// their sites.
    fn channel(&self, channel: Channel, city: &City) -> Option<Fault> {
        if channel == Channel::Device {
            return None;
        }
        let users = speakers(channel, city);
        let name = channel.name();
        let (field, section) = section(channel);
        let what = format!(
            "city.toml speaks by {name} and there is no link: {}",
            listed(&users)
        );
        let remedy = format!("add {section} here, or take {name} out of city.toml");
        (!users.is_empty()).then(|| self.notice(field, what, remedy))
    }

    /// An authority that is asked and that nothing takes a request to.
    fn request(&self, authority: &Authority) -> Option<Fault> {
        let target = format!("{REQUEST}/{}/", authority.id);
        let by_mail = !authority.email.is_empty() && self.has(Channel::Email);
        if by_mail || self.links.iter().any(|link| link.starts_with(&target)) {
            return None;
        }
        let (name, id) = (&authority.name.zh, authority.id);
        let what = format!("requests to {name} ({id}) have no link and reach nobody");
        let mail = if authority.email.is_empty() {
            "[email] here and its email in city.toml"
        } else {
            "[email] here"
        };
        let remedy = format!("add {mail}, or a [[webhook]] with authority = \"{id}\"");
        Some(self.notice("webhook.authority", what, remedy))
    }

    fn devices(&self, city: &City, directory: &Directory) -> Option<Fault> {
        if self.has(Channel::Device) {
            return None;
        }
        let devices = directory.devices().iter();
        let named: Vec<String> = devices
            .map(|device| match device.owner {
                Owner::Site(no) => {
                    let site = city.site(no).map(|site| site.id.as_str());
                    format!("{} at site {}", device.id, site.unwrap_or_default())
                }
                Owner::Contact(_) => {
                    let contact = directory
                        .owner_of(device)
                        .map(|contact| contact.id.as_str());
                    format!("{} of contact {}", device.id, contact.unwrap_or_default())
                }
            })
            .collect();
        let what = format!(
            "devices have no link, each command calls the people of its site, or who helps the one \
             whose strobe it is: {}",
            listed(&named)
        );
        let remedy = "add [devices] here, or take the actuators out of sites.csv and the strobes out of \
                      contacts.csv";
        (!named.is_empty()).then(|| self.notice("devices", what, remedy.into()))
    }

    /// Responsible persons whom no link reaches.
    fn people(&self, directory: &Directory) -> Option<Fault> {
        let contacts = directory.contacts().iter();
        let of_ours = contacts.filter(|contact| !contact.id.starts_with("authority/"));
        let unreached: Vec<String> = of_ours
            .filter(|contact| {
                let person = Recipient::Contact(contact);
                let mut ways = Channel::ALL.into_iter();
                !ways.any(|channel| person.has(channel) && self.has(channel))
            })
            .map(|contact| contact.id.clone())
            .collect();
        let what = format!(
            "no link reaches these of contacts.csv: {}",
            listed(&unreached)
        );
        let remedy = "add a link of a channel they have, or an address of a channel that has one";
        (!unreached.is_empty()).then(|| self.notice("contacts", what, remedy.into()))
    }

    /// Push tokens of a kind that no link carries, and those that cannot be what they say.
    fn tokens(&self, directory: &Directory) -> Vec<Fault> {
        let mut uncarried: BTreeMap<&str, u64> = BTreeMap::new();
        let mut unreadable = Vec::new();
        for (contact, token) in directory.push_tokens() {
            let Some((service, rest)) = service_of(token) else {
                continue;
            };
            if !self
                .links
                .iter()
                .any(|link| carried_by(link) == Some(service))
            {
                *uncarried.entry(service).or_default() += 1;
            } else if service == "web"
                && let Err(why) = Subscription::parse(rest)
            {
                unreadable.push(format!("{}: {why}", contact.unwrap_or("a subscriber")));
            }
        }
        let missing = uncarried.iter().map(|(service, people)| {
            let what = format!(
                "{people} push tokens are of {service} and there is no link push/{service}: their \
                 people hear by their next channel"
            );
            let remedy = format!("add [push.{service}] here, or take them out of the push column");
            self.notice("push", what, remedy)
        });
        let wrong = (!unreadable.is_empty()).then(|| {
            let what = format!("subscriptions that cannot be read: {}", listed(&unreadable));
            let remedy = "write web: and the JSON of the PushSubscription, or endpoint#p256dh.auth";
            self.notice("push", what, remedy.into())
        });
        missing.chain(wrong).collect()
    }

    fn notice(&self, field: &str, what: String, remedy: String) -> Fault {
        Fault {
            file: self.file.to_owned(),
            line: None,
            field: field.to_owned(),
            excerpt: None,
            what,
            remedy,
            severity: Severity::Notice,
        }
    }
}

/// The other authorities that the matrix asks, each once.
pub(crate) fn asked(city: &City) -> Vec<&Authority> {
    let matrix = &city.policy.matrix;
    let rows = matrix.rows.iter().filter(|row| row.act == Act::Request);
    let asked: BTreeSet<_> = rows.filter_map(|row| row.counterpart).collect();
    asked.iter().filter_map(|id| matrix.authority(id)).collect()
}

/// The section of the configuration that gives a channel its link, and how it is written.
const fn section(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Sms => ("sms", "[[sms]]"),
        Channel::Email => ("email", "[email]"),
        Channel::Webhook => ("webhook", "[[webhook]]"),
        Channel::Device => ("devices", "[devices]"),
        Channel::Voice => ("voice", "[voice]"),
        Channel::Area => ("area", "[[area]]"),
        Channel::Cell => ("cell", "[[cell]]"),
        Channel::Broadcast => ("broadcast", "[[broadcast]]"),
        // Every process has these two.
        Channel::Cap => ("cap", "a CAP feed"),
        Channel::Push => ("push", "a push hub"),
    }
}

fn flow_words(flow: &Flow) -> String {
    let reach = match flow.reach {
        Reach::Device => "device",
        Reach::Responsible => "responsible",
        Reach::Public => "public",
    };
    let tiers: Vec<&str> = flow.tiers.iter().map(|tier| tier.name()).collect();
    let hazards: Vec<&str> = flow.hazards.iter().map(|hazard| hazard.code()).collect();
    let hazards = if hazards.is_empty() {
        String::new()
    } else {
        format!(" of {}", hazards.join(", "))
    };
    format!("the flow {reach}{hazards} ({})", tiers.join(", "))
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>();
    let more = names.len().saturating_sub(NAMED_MAX);
    if more == 0 {
        return shown.join("; ");
    }
    format!("{}; and {more} more", shown.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::path::Path;

    /// The demo city with `edit` made to its city.toml.
    fn city(edit: impl Fn(String) -> String) -> City {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city");
        let read = |name: &str| {
            let bytes = std::fs::read(folder.join(name)).ok()?;
            if name == "city.toml" {
                return Some(edit(String::from_utf8(bytes).ok()?).into_bytes());
            }
            Some(bytes)
        };
        City::read(read, &[]).unwrap()
    }

    #[test]
    fn each_channel_without_a_link_has_one_that_stands_in() {
        let city = city(|text| text);
        let given = [
            "cap",
            "push",
            "sms",
            "webhook/tv",
            "request/44010041600000/met",
        ];
        assert_eq!(
            absent(given.into_iter(), &city),
            ["email", "device", "request"]
        );
        let given = ["cap", "push", "email", "device"];
        assert_eq!(
            absent(given.into_iter(), &city),
            ["sms", "webhook", "request"]
        );
    }

    #[test]
    fn a_channel_that_a_city_need_not_have_is_stood_in_for_where_it_speaks_by_it() {
        let city = city(|text| {
            let of_public = r#"channels = ["cap", "sms", "push", "email", "webhook"]"#;
            text.replace(of_public, r#"channels = ["cap", "area", "cell"]"#)
        });
        let given = ["cap", "push", "sms", "email", "device", "area/12379"];
        assert_eq!(
            absent(given.into_iter(), &city),
            ["webhook", "cell", "request"]
        );
        let links = given.map(str::to_owned);
        let served = Served {
            file: "sanfang.toml",
            links: &links,
        };
        let notices = served.notices(&city, None);
        let fields: Vec<&str> = notices.iter().map(|n| n.field.as_str()).collect();
        assert!(
            fields.contains(&"cell") && !fields.contains(&"area"),
            "{fields:?}"
        );
    }
}
