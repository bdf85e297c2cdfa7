//! Whether what a storm must bring went out: raised, and taken by whoever carries it.

use crate::app::App;
use crate::command::Failure;
use crate::view::Way;
use model::{Channel, Tier};
use std::path::Path;

/// Every expected warning must have been put forward, signed where it needs signatures, at its tier
/// or higher at some time; and at that tier it must have been taken: by people's phones, or their
/// mailboxes where they have no other way, and of a request by the office that is asked.
pub(super) fn check(app: &App, expected: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(expected)
        .map_err(|error| Failure::BadInput(format!("{}: {error}", expected.display())))?;
    let is_line = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let lines: Vec<&str> = text.lines().filter(is_line).collect();
    if lines.is_empty() {
        let file = expected.display();
        return Err(Failure::BadInput(format!("{file}: expects nothing")));
    }
    if app.failure.lock().is_some() || app.stopping() {
        return Err(Failure::Failed("the process stopped early".into()));
    }
    let missing: Vec<String> = lines.iter().filter_map(|line| missing(app, line)).collect();
    if missing.is_empty() {
        println!("expected       all {} warnings went out", lines.len());
        return Ok(());
    }
    let missing = missing.join("\n");
    Err(Failure::Failed(format!("did not go out:\n{missing}")))
}

/// The line and what is missing of it.
fn missing(app: &App, line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap_or_default();
    let (hazard, zone, tier) = (word(), word(), word());
    let tier = Tier::from_name(tier).unwrap_or(Tier::Red);
    let key = (hazard.to_owned(), zone.to_owned());
    if app.view.peaks().get(&key).is_none_or(|peak| *peak < tier) {
        return Some(format!("{line}: not raised"));
    }
    let untaken = untaken(&app.view.ways(&key), tier)?;
    Some(format!("{line}: raised and not sent: {untaken}"))
}

/// The ways by which that tier left and was not taken.
fn untaken(ways: &[Way], tier: Tier) -> Option<String> {
    let left = |way: &&Way| way.planned >= tier;
    let taken = |way: &Way| way.accepted >= tier;
    let mut without = Vec::new();
    let requests: Vec<&Way> = ways
        .iter()
        .filter(|way| way.is_request)
        .filter(left)
        .collect();
    if !requests.is_empty() && !requests.iter().any(|way| taken(way)) {
        without.push("no office took the request".to_owned());
    }
    let to_people: Vec<&Way> = ways
        .iter()
        .filter(|way| !way.is_request)
        .filter(left)
        .collect();
    let by = |channel: Channel| to_people.iter().find(|way| way.channel == channel);
    // As fast as the machine can, a storm's hours pass before a relay has taken every mail: it is
    // looked at where no phone was to ring.
    match by(Channel::Sms).or_else(|| by(Channel::Email)) {
        None if requests.is_empty() => without.push("nobody was to be told".to_owned()),
        Some(way) if !taken(way) => {
            without.push(format!("{} took no message", way.channel.name()));
        }
        Some(_) | None => {}
    }
    (!without.is_empty()).then(|| without.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(channel: Channel, is_request: bool, planned: Tier, accepted: Tier) -> Way {
        Way {
            channel,
            is_request,
            planned,
            accepted,
        }
    }

    #[test]
    fn what_was_to_be_told_must_have_been_taken() {
        use Channel::{Device, Email, Sms, Webhook};
        use Tier::{None, Orange, Red};
        let sms = |accepted| way(Sms, false, Red, accepted);
        let mail = way(Email, false, Red, Red);
        let office = |accepted| way(Webhook, true, Red, accepted);
        let cases = [
            (vec![sms(Red), mail], ""),
            (vec![sms(Orange), mail], "sms took no message"),
            (
                vec![sms(None), way(Email, false, Orange, None)],
                "sms took no message",
            ),
            (vec![sms(Red), way(Email, false, Red, None)], ""),
            (vec![way(Email, false, Red, None)], "email took no message"),
            (vec![mail], ""),
            (vec![], "nobody was to be told"),
            (vec![way(Device, false, Red, Red)], "nobody was to be told"),
            (vec![office(Red)], ""),
            (vec![office(None), sms(Red)], "no office took the request"),
            (vec![office(None), way(Email, true, Red, Red)], ""),
        ];
        for (ways, wanted) in cases {
            let said = untaken(&ways, Red).unwrap_or_default();
            assert_eq!(said, wanted, "{ways:?}");
        }
    }
}
