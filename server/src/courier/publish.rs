//! What a zone said, put into the commit and before the screens.

use super::INTENT;
use super::route::{Route, route};
use crate::app::App;
use crate::pump::{self, kind};
use crate::remember::CallOver;
use crate::silence::item as silence_item;
use crate::view::{AnswerItem, CallItem, Release, SituationItem, WarningItem, missed};
use crate::zone::Outputs;
use dispatch::directory::Contact;
use dispatch::exercise::Gate;
use dispatch::intent::Intent;
use dispatch::ladder::{Call, Place};
use dispatch::preview;
use dispatch::wording::{Message, Purpose};
use geo::BoundingRect;
use journal::{Batch, Kind, Partition, Topic};
use model::{Act, AreaCode, AreaNo, Channel, City, Input, Reach, Time, Warning, Zone};
use rules::Change;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Adds the outputs of one record to `batch`. `accepted` is when the observation behind them came
/// in, for the latency histogram.
pub(crate) fn publish(
    app: &App,
    zone: Zone,
    outputs: &Outputs,
    batch: &mut Batch,
    accepted: Option<u64>,
) {
    let warnings = Topic::new(Kind::Warnings, app.mode);
    let partition = Partition(zone.0);
    for change in &outputs.changes {
        append(batch, warnings, partition, kind::CHANGE, change);
    }
    for warning in &outputs.warnings {
        append(batch, warnings, partition, kind::WARNING, warning);
        app.view.decided(warning.clone());
    }
    for pending in &outputs.pending {
        append(batch, warnings, partition, kind::PENDING, pending);
    }
    for muted in &outputs.muted {
        append(batch, warnings, partition, kind::MUTED, muted);
    }
    for (warning, place, call) in &outputs.calls {
        match call {
            Some(call) => append(batch, warnings, partition, kind::CALL, call),
            None => {
                let over = CallOver {
                    warning: *warning,
                    place: place.clone(),
                };
                append(batch, warnings, partition, kind::CALL_OVER, &over);
            }
        }
    }
    for signal in &outputs.signals {
        append(batch, warnings, partition, kind::SIGNAL, signal);
        app.view.signal(signal);
    }
    if !outputs.forecasts.is_empty() {
        let series = Topic::new(Kind::Series, app.mode);
        let stored = Input::Forecasts(outputs.forecasts.clone()).encode();
        let packed = lz4_flex::compress_prepend_size(&stored);
        batch.append(series, partition, pump::FORECASTS, &[], &packed);
    }
    for entry in &outputs.entries {
        append(batch, warnings, partition, kind::ENTRY, entry);
    }
    for silence in &outputs.silences {
        append(batch, warnings, partition, kind::SILENCE, silence);
    }
    for withheld in &outputs.withheld {
        append(batch, warnings, partition, kind::WITHHELD, withheld);
    }
    for taken in &outputs.taken_over {
        append(batch, warnings, partition, kind::TAKEN_OVER, taken);
    }
    for revised in &outputs.revised {
        let input = Topic::new(Kind::Input, app.mode);
        let city = Partition(app.installation.city.city_zone().0);
        let entry = Input::Revised(Box::new(revised.clone()));
        batch.append(input, city, entry.kind(), &[], &entry.encode());
    }
    let mut unserved = BTreeSet::new();
    for intent in &outputs.intents {
        match route(app, intent) {
            Route::Links(links) => {
                for number in links {
                    queue(app, intent, number, batch);
                }
                if let Some(micros) = accepted {
                    app.latency.caused(intent.id.to_string(), micros);
                }
            }
            Route::Unserved(stand_in) => {
                let channel = intent.channel.name();
                app.metrics.unserved.with_label_values(&[channel]).inc();
                unserved.insert((intent.warning, channel));
                if let Some(number) = stand_in {
                    queue(app, intent, number, batch);
                }
            }
            Route::Elsewhere => {}
        }
    }
    for (warning, channel) in unserved {
        tracing::error!(
            %warning,
            channel,
            "no link of that channel: it reaches nobody there; `sanfang check` says what to do"
        );
    }
}

/// Puts an intent into the queue of a link.
pub(crate) fn queue(app: &App, intent: &Intent, number: usize, batch: &mut Batch) {
    let own = Intent {
        link: app.links.get(number).cloned().unwrap_or_default(),
        ..intent.clone()
    };
    let partition = Partition(u16::try_from(number).unwrap_or(u16::MAX));
    let deliveries = Topic::new(Kind::Deliveries, app.mode);
    append(batch, deliveries, partition, INTENT, &own);
}

/// Shows the outputs of one record. Done once they are on their way to the disk: the screens wait
/// for the messages, never the messages for the screens.
pub(crate) fn show(app: &App, at: Time, outputs: &Outputs) {
    for change in &outputs.changes {
        show_change(app, change);
    }
    for warning in &outputs.warnings {
        let labels = [warning.hazard.code(), warning.event.name()];
        app.metrics.warnings.with_label_values(&labels).inc();
        if let Some(lapsed) = app.view.lapsed_before(warning.id, at) {
            app.missed(&lapsed);
        }
        show_warning(app, warning, at);
    }
    for pending in &outputs.pending {
        app.view.pending(pending.clone());
    }
    for muted in &outputs.muted {
        app.view.muted(&app.installation.city, muted);
    }
    for (warning, place, call) in &outputs.calls {
        show_call(app, *warning, place, call.as_ref());
    }
    for entry in &outputs.entries {
        if let Some((process, slot)) = missed(entry) {
            let kind = if process == "evening" { process } else { slot };
            app.metrics.products_missed.with_label_values(&[kind]).inc();
            tracing::error!(process, slot, "no product in time: see /v1/services");
        }
        app.view.entry(entry);
    }
    for taken in &outputs.taken_over {
        app.view.taken_over(taken);
    }
    for withheld in &outputs.withheld {
        app.withheld(Gate::Plan, withheld.channel, 1);
    }
    for silence in &outputs.silences {
        app.alarm(silence);
        app.view.silence(silence, silence_item(app, silence));
    }
}

/// Shows a revision with what its release needs.
pub(crate) fn show_warning(app: &App, warning: &Warning, at: Time) {
    let item = WarningItem::new(
        warning,
        app.installation.city.offset,
        release(app, warning, at),
    );
    app.view.warning(warning, item);
}

/// What the policy says of the public release of a warning.
fn release(app: &App, warning: &Warning, at: Time) -> Release {
    let city = &app.installation.city;
    let relay_of = warning.relay.as_ref().map(|relay| &relay.authority);
    let area = warning.foremost().and_then(|code| city.area_no(code));
    let ruling =
        area.and_then(|area| city.ruling_on(warning.hazard, area, warning.tier(), relay_of));
    let request = ruling.filter(|ruling| ruling.act == Act::Request);
    Release {
        request_to: request.and_then(|r| r.counterpart).map(|a| a.name.clone()),
        text: public_words(app, warning, at),
    }
}

/// Shows a change of tier at a subject.
pub(crate) fn show_change(app: &App, change: &Change) {
    let city = &app.installation.city;
    let site = city.site_no(&change.subject).and_then(|no| city.site(no));
    let station = city
        .station_no(&change.subject)
        .and_then(|no| city.station(no));
    let at = site
        .map(|s| (s.area, s.lon, s.lat))
        .or_else(|| station.map(|s| (s.area, s.lon, s.lat)))
        .or_else(|| middle_of(city, &change.subject));
    let Some((area, lon, lat)) = at else { return };
    let rulebook = app.reload.rulebook();
    let Some((_, rule)) = rulebook.rule(&change.rule) else {
        // Its rule went with its tier.
        app.view.situation_over(&change.rule, &change.subject);
        return;
    };
    let values = change.values.iter();
    app.view.situation(SituationItem {
        rule: change.rule.clone(),
        hazard: rule.hazard,
        subject: change.subject.clone(),
        area: city
            .area(area)
            .map(|a| a.code.to_string())
            .unwrap_or_default(),
        lon,
        lat,
        tier: change.to,
        since: app.view.text(change.time),
        values: values
            .filter_map(|(call, value)| Some((call.clone(), value.clone()?)))
            .collect(),
        stale: app.is_stale(&change.rule, &change.subject),
        muted: app.view.muted_in(city, &change.rule, area),
        source: rule.source_of(change.to).cloned(),
    });
}

/// An area that is a subject itself, and the middle of its bounds.
fn middle_of(city: &City, code: &str) -> Option<(AreaNo, f64, f64)> {
    let no = city.area_no(AreaCode::parse(code).ok()?)?;
    let middle = city.area(no)?.shape.bounding_rect()?.center();
    Some((no, middle.x, middle.y))
}

/// Shows a line of the call board, or takes it away.
pub(crate) fn show_call(app: &App, warning: model::WarningId, place: &Place, call: Option<&Call>) {
    let city = &app.installation.city;
    let Some(call) = call else {
        app.view.call_over(warning, place);
        return;
    };
    let area_of = |id: &str| {
        let site = city.site_no(id).and_then(|no| city.site(no));
        let area = site.and_then(|s| city.area(s.area));
        area.map(|a| a.code.to_string()).unwrap_or_default()
    };
    let (area, device) = match place {
        Place::Area(code) => (code.to_string(), None),
        Place::Site(site) => (area_of(site), None),
        Place::Device { site, device } => (area_of(site), Some(device.clone())),
    };
    let asked = call.asked.last();
    let contact = responsible(app, place);
    let text = |time: Time| app.view.text(time);
    let next = call.rungs.get(call.next_rung());
    let answered = call.answered.as_ref();
    app.view.call(
        call,
        CallItem {
            warning: warning.to_string(),
            area,
            site: place.site().map(str::to_owned),
            device,
            contact: contact.map(|c| c.id.clone()).unwrap_or_default(),
            role: contact.map(|c| c.role.clone()).unwrap_or_default(),
            name: contact.map(|c| c.name.clone()).unwrap_or_default(),
            phone_masked: contact
                .and_then(|c| c.phone)
                .map(dispatch::directory::phone::masked)
                .unwrap_or_default(),
            told_at: text(asked.map_or(call.since, |(_, at)| *at)),
            tier: call.tier,
            state: match (answered, call.climbed()) {
                (Some(_), _) => "answered",
                (None, 0 | 1) => "waiting",
                (None, _) => "escalated",
            },
            next_at: call.next.map(text),
            next_role: next
                .filter(|_| call.next.is_some())
                .map(|rung| format!("{:?}", rung.ask).to_lowercase()),
            answers: call.answers.len(),
            needed: call.needed,
            recall_at: call.recall.map(text),
            unlit: call.unlit.clone(),
            answer: answered.map(|said| AnswerItem {
                contact: said.contact.clone(),
                answer: said.answer,
                note: said.note.clone(),
                channel: said.channel.map(Channel::name),
                noted_by: said.noted_by.clone(),
                said: text(said.said),
            }),
        },
    );
}

/// Who answers first for a place.
fn responsible<'a>(app: &'a App, place: &Place) -> Option<&'a Contact> {
    let installation = &app.installation;
    let city = &installation.city;
    let mut contacts = installation
        .directory
        .contacts()
        .iter()
        .filter(|c| !c.is_deputy);
    match place {
        Place::Area(code) => {
            let area = city.area_no(*code);
            contacts.find(|c| c.site.is_none() && Some(c.area) == area)
        }
        Place::Site(id) | Place::Device { site: id, .. } => {
            let site = city.site_no(id);
            contacts.find(|c| c.site.is_some() && c.site == site)
        }
    }
}

/// The short message the public would get by language, as a signer reads it; where we may only
/// ask, what the authority would be asked.
fn public_words(app: &App, warning: &Warning, at: Time) -> BTreeMap<String, String> {
    let desk = app.installation.desk();
    let reached = preview::public(at, warning, &desk);
    let public = reached.iter().filter(|r| r.reach == Reach::Public);
    let sms = public
        .clone()
        .find(|r| r.channel == Channel::Sms)
        .or(public.clone().next());
    let asked = reached.iter().find(|r| r.purpose == Purpose::Request);
    let words = sms
        .or(asked)
        .map(|reached| reached.words.as_slice())
        .unwrap_or_default();
    let text = |message: &Message| (message.language.tag().to_owned(), message.text.clone());
    words.iter().map(text).collect()
}

fn append<T: Serialize>(batch: &mut Batch, topic: Topic, partition: Partition, kind: u8, item: &T) {
    batch.append_with(topic, partition, kind, &[], |out| {
        // Writing our own plain types to memory cannot fail; an empty body is passed over by readers.
        drop(serde_json::to_writer(out, item));
    });
}
