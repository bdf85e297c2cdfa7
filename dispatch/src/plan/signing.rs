//! From a turn of the approval clock to intents: those who sign hear that a proposal waits.

use super::{Desk, issuer_of, measure};
use crate::intent::{Audience, Intent, IntentId};
use crate::wording::{Facts, Issuer, Names, Purpose};
use model::pending::Signing;
use model::{AreaCode, Reach, Tier, Time, Warning};
use std::collections::BTreeSet;

/// Adds one intent for each way to `out`: the contacts that have the ids of the people who are
/// asked. Nobody is called about an easing, and nobody who is asked by the screen alone.
pub fn signing(
    at: Time,
    warning: &Warning,
    signing: &Signing,
    desk: &Desk<'_>,
    out: &mut Vec<Intent>,
) {
    if signing.asked.is_empty() || !signing.rises {
        return;
    }
    let own = desk.city.policy.matrix.own();
    let mut named = own.filter(|authority| authority.id.to_string() == warning.authority);
    let issuer = named.next().map_or_else(Issuer::default, issuer_of);
    let areas = warning.areas.iter();
    let risen: BTreeSet<AreaCode> = areas
        .filter(|(_, area)| area.tier > Tier::None)
        .map(|(code, _)| *code)
        .collect();
    let place = Names::each(|language| desk.places.list(&risen, language));
    let area = Names::each(|language| desk.places.brief(&risen, language));
    let until = signing.until.unwrap_or(signing.ends);
    let facts = Facts {
        purpose: Purpose::Signature,
        mode: warning.mode,
        hazard: warning.hazard,
        hazard_name: &warning.name,
        tier: warning.tier(),
        from: Tier::None,
        issuer: &issuer,
        own: warning.relay.is_none(),
        issued: at,
        start: signing.since,
        deadline: until,
        offset: desk.city.offset_at(at),
        place: &place,
        area: &area,
        site: None,
        measure: &measure::of_areas(warning, &risen, desk),
        text: &warning.text,
        relay: warning.relay.as_ref(),
        plain: false,
        items: &[],
    };
    let telling = &desk.city.policy.telling;
    for channel in &telling.signing_channels {
        let link = channel.name().to_owned();
        let mut audience = Audience::of(Reach::Responsible, desk.directory);
        audience.contacts.clone_from(&signing.asked);
        out.push(Intent {
            id: IntentId::derive(
                warning.id,
                warning.revision,
                &link,
                Purpose::Signature,
                Reach::Responsible,
                &format!("turn {}", signing.turn),
            ),
            warning: warning.id,
            revision: warning.revision,
            purpose: Purpose::Signature,
            link,
            channel: *channel,
            mode: warning.mode,
            audience,
            only_told: false,
            only_new: false,
            again: false,
            by_area: false,
            words: desk
                .wording
                .languages(Purpose::Signature)
                .iter()
                .map(|language| desk.wording.message(*channel, *language, &facts))
                .collect(),
            spare: Vec::new(),
            instead_of: None,
            tried: Vec::new(),
            moved_from: Vec::new(),
            tier: warning.tier(),
            onset: signing.since,
            exposure: 0,
            not_before: None,
            not_after: until.max(at + telling.deadline(Tier::Red)),
            created: at,
        });
    }
}
