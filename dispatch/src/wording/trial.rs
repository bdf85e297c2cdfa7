//! Every text that a city can send, made once and linted: with sample facts when the files are
//! read, with the city's own names and authorities in `sanfang check`.

use super::consequence::At;
use super::library::{Wording, WordingFault, fault, frames_of, needs};
use super::names::Names;
use super::{Facts, Issuer, Item, Places, Purpose};
use model::signal::{SignalKind, SignalText};
use model::warning::Relayed;
use model::{Channel, City, Hazard, Language, Mode, Named, Offset, Tier, Time};
use std::collections::{BTreeMap, BTreeSet};

/// What texts are tried out with.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Who speaks.
    pub issuer: Issuer,
    /// The list of places.
    pub place: Names,
    /// The same in short.
    pub area: Names,
}

impl Default for Sample {
    fn default() -> Self {
        let name = |zh: &str, en: &str| Named {
            zh: zh.into(),
            en: en.into(),
        };
        Self {
            issuer: Issuer {
                id: "44010036000000".into(),
                name: name("穗城市三防总指挥部", "Suicheng Three-Defence HQ"),
                signature: name("穗城三防", "Suicheng"),
                verify: name("12345", "12345"),
            },
            place: Names::from(&name(
                "天河区、海珠区等3区26个镇街",
                "26 townships in 3 districts incl. Tianhe",
            )),
            area: Names::each(|language| {
                let area = match language {
                    Language::Zh => "天河区等3区",
                    Language::ZhHant => "天河區等3區",
                    Language::En => "3 districts incl. Tianhe",
                    Language::Ja => "天河区など3区",
                    Language::Ko => "톈허구 등 3구",
                    Language::Fr => "3 districts dont Tianhe",
                };
                area.to_owned()
            }),
        }
    }
}

impl Sample {
    /// The samples of a city: each of its own authorities, with the area whose name takes the most
    /// room in some language.
    fn of(city: &City, places: &Places) -> Vec<Self> {
        let all: BTreeSet<_> = city.areas.iter().map(|area| area.code).collect();
        let singles = city.areas.iter().map(|area| BTreeSet::from([area.code]));
        let groups = places.districts();
        let mut widest: Vec<Names> = Vec::new();
        let briefs: Vec<Names> = singles
            .chain(groups)
            .chain([all])
            .map(|codes| Names::each(|language| places.brief(&codes, language)))
            .collect();
        for language in [Language::Zh, Language::En] {
            let longest = briefs.iter().max_by_key(|brief| brief.get(language).len());
            widest.extend(longest.cloned());
        }
        let own = city.policy.matrix.own();
        own.flat_map(|authority| {
            let issuer = crate::plan::issuer_of(authority);
            widest.iter().map(move |area| Self {
                issuer: issuer.clone(),
                place: area.clone(),
                area: area.clone(),
            })
        })
        .collect()
    }
}

impl Wording {
    /// What is wrong with the texts that `city` can send: no room for the names of its places and
    /// authorities, a channel of its flows that has no words.
    pub fn check(&self, city: &City, places: &Places) -> Vec<WordingFault> {
        let mut faults = Vec::new();
        let flows = city.policy.flows.iter().flat_map(|flow| &flow.channels);
        let steps = city.policy.ladders.iter().flat_map(|ladder| &ladder.steps);
        let all = flows.chain(steps.flat_map(|step| &step.channels));
        let used: BTreeSet<Channel> = all.map(|channel| frames_of(*channel)).collect();
        for channel in used.difference(&self.channels) {
            let what = "a flow or a ladder of city.toml opens this channel and it has no words";
            faults.push(fault(&format!("{channel}.toml"), "alert", what.into()));
        }
        if city.policy.telling.digest.is_some() {
            for channel in used
                .iter()
                .filter(|channel| needs(**channel, Purpose::Digest))
            {
                for language in self.languages(Purpose::Digest) {
                    if !self.has_words(*channel, Purpose::Digest, *language) {
                        let what =
                            "city.toml merges low tiers (telling.digest) and the frame is missing";
                        let key = format!("digest.{}", language.tag());
                        faults.push(fault(&format!("{channel}.toml"), &key, what.into()));
                    }
                }
            }
        }
        for sample in Sample::of(city, places) {
            self.try_out(&sample, &mut faults);
        }
        let mut seen = BTreeSet::new();
        faults.retain(|f| seen.insert((f.file.clone(), f.key.clone(), f.what.clone())));
        faults
    }

    /// Every short message that `city` can send, made with its own names: what the accounts at
    /// carriers are to pass. Each once, with the key of its template.
    pub fn short_messages(&self, city: &City, places: &Places) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for sample in Sample::of(city, places) {
            self.each(&sample, |facts, _| {
                let (channel, purpose) = (Channel::Sms, facts.purpose);
                let languages = self.languages(purpose).iter();
                let languages =
                    languages.filter(|language| self.has_words(channel, purpose, **language));
                for language in languages {
                    let text = self.message(channel, *language, facts).text;
                    let key = format!("{}.{}", purpose.name(), language.tag());
                    texts.entry(text).or_insert(key);
                }
            });
        }
        texts
    }

    /// Makes every text once with `sample` and lints it.
    pub(super) fn try_out(&self, sample: &Sample, faults: &mut Vec<WordingFault>) {
        let mut known = BTreeSet::new();
        let mut rendered: BTreeMap<(Channel, Purpose, Language), bool> = BTreeMap::new();
        self.each(sample, |facts, tier| {
            let purpose = facts.purpose;
            for channel in TRIED {
                let has_frames = self.channels.contains(&channel) || REQUIRED.contains(&channel);
                // What has room for anything is as good at one tier as at another.
                let is_same = tier != Tier::Orange && !is_budgeted(channel);
                if !has_frames || !needs(channel, purpose) || is_same {
                    continue;
                }
                let languages = self.languages(purpose).iter();
                for language in
                    languages.filter(|language| self.has_words(channel, purpose, **language))
                {
                    let frame = (channel, purpose, *language);
                    let is_whole = *rendered.entry(frame).or_insert_with(|| {
                        let found = self.unrendered(channel, *language, facts);
                        let is_whole = found.is_empty();
                        faults.extend(found);
                        is_whole
                    });
                    if !is_whole {
                        continue;
                    }
                    for plain in [false, true] {
                        if plain && !self.has_plain(channel, purpose, *language) {
                            continue;
                        }
                        let facts = Facts {
                            plain,
                            ..facts.clone()
                        };
                        for fault in self.try_one(channel, *language, &facts, tier) {
                            if known.insert((
                                fault.file.clone(),
                                fault.key.clone(),
                                fault.what.clone(),
                            )) {
                                faults.push(fault);
                            }
                        }
                    }
                }
            }
        });
    }

    /// Facts of each hazard, tier and purpose whose words differ.
    fn each(&self, sample: &Sample, mut with: impl FnMut(&Facts<'_>, Tier)) {
        let measure = Named {
            zh: "3小时雨量104.5毫米".into(),
            en: "rain 104.5 mm in 3 h".into(),
        };
        let (nothing, unnamed) = (BTreeMap::new(), Named::default());
        let site = Named {
            zh: "棠景涵洞".into(),
            en: "Tangjing culvert".into(),
        };
        let relay = sample_relay();
        let items = sample_items();
        for (hazard, tier, purpose) in combinations() {
            let own_white = self
                .phrases
                .get(&hazard)
                .is_some_and(|phrases| !phrases.white.is_empty());
            if tier == Tier::White && !own_white {
                continue;
            }
            let facts = Facts {
                purpose,
                mode: Mode::Actual,
                hazard,
                hazard_name: &unnamed,
                tier: match is_over(purpose) {
                    true => Tier::None,
                    false => tier,
                },
                from: match purpose {
                    Purpose::Alert => Tier::None,
                    Purpose::Ended | Purpose::Cancelled => tier,
                    Purpose::Rise
                    | Purpose::Fall
                    | Purpose::Reminder
                    | Purpose::StandDown
                    | Purpose::Request
                    | Purpose::RequestOver
                    | Purpose::SiteAlarm
                    | Purpose::DeviceFault
                    | Purpose::Strobe
                    | Purpose::StrobeOver
                    | Purpose::Relay
                    | Purpose::Signature
                    | Purpose::Digest
                    | Purpose::Withdraw => Tier::Yellow,
                },
                issuer: &sample.issuer,
                own: true,
                issued: Time::from_seconds(1_703_598_000),
                start: Time::from_seconds(1_703_597_700),
                deadline: Time::from_seconds(1_703_599_800),
                offset: Offset(480),
                place: &sample.place,
                area: &sample.area,
                site: Some(At {
                    id: "",
                    kind: "culvert",
                    name: &site,
                    threshold: "0.50",
                    tier,
                }),
                measure: &measure,
                text: &nothing,
                relay: Some(&relay),
                plain: false,
                items: if purpose == Purpose::Digest {
                    &items
                } else {
                    &[]
                },
            };
            with(&facts, tier);
        }
    }

    fn try_one(
        &self,
        channel: Channel,
        language: Language,
        facts: &Facts<'_>,
        tier: Tier,
    ) -> Vec<WordingFault> {
        let file = format!("{channel}.toml");
        let key = format!("{}.{}", facts.purpose.name(), language.tag());
        let (message, findings) = self.linted(channel, language, facts);
        let findings = findings.into_iter().map(|finding| {
            let hazard = facts.hazard;
            let text = [&message.subject, &message.text, &message.instruction];
            let what = format!("with the phrases of {hazard} {tier}: {finding}: {text:?}");
            fault(&file, &key, what)
        });
        findings.collect()
    }
}

/// Channels that have words of their own.
const TRIED: [Channel; 8] = [
    Channel::Sms,
    Channel::Email,
    Channel::Push,
    Channel::Cap,
    Channel::Device,
    Channel::Voice,
    Channel::Cell,
    Channel::Broadcast,
];

/// Those that every city has.
const REQUIRED: [Channel; 5] = [
    Channel::Sms,
    Channel::Email,
    Channel::Push,
    Channel::Cap,
    Channel::Device,
];

/// Channels whose texts have a budget, and those with one text alone.
const fn is_budgeted(channel: Channel) -> bool {
    match channel {
        Channel::Sms
        | Channel::Area
        | Channel::Cell
        | Channel::Voice
        | Channel::Broadcast
        | Channel::Device => true,
        Channel::Email | Channel::Push | Channel::Cap | Channel::Webhook => false,
    }
}

const fn is_over(purpose: Purpose) -> bool {
    matches!(
        purpose,
        Purpose::Ended | Purpose::Cancelled | Purpose::StandDown | Purpose::RequestOver
    )
}

/// Each hazard and tier with each purpose whose words depend on both; what depends on the hazard
/// alone is tried at orange, whose name is the longest.
fn combinations() -> impl Iterator<Item = (Hazard, Tier, Purpose)> {
    Hazard::ALL.into_iter().flat_map(|hazard| {
        Purpose::WORDED.into_iter().flat_map(move |purpose| {
            let by_tier = match purpose {
                Purpose::Alert | Purpose::Rise | Purpose::Reminder | Purpose::SiteAlarm => true,
                Purpose::Fall
                | Purpose::Ended
                | Purpose::Cancelled
                | Purpose::StandDown
                | Purpose::Request
                | Purpose::RequestOver
                | Purpose::DeviceFault
                | Purpose::Strobe
                | Purpose::StrobeOver
                | Purpose::Relay
                | Purpose::Signature
                | Purpose::Digest
                | Purpose::Withdraw => false,
            };
            // Its own hazards are what a digest names: that it is under one of them shows nowhere.
            let is_once = purpose == Purpose::Digest && hazard != Hazard::Waterlogging;
            let tiers = Tier::WARNING.into_iter().filter(move |_| !is_once);
            let tiers = tiers.filter(move |tier| by_tier || *tier == Tier::Orange);
            tiers.map(move |tier| (hazard, tier, purpose))
        })
    })
}

/// What a digest is tried out with: as many as one place has at a time, and names that are long.
fn sample_items() -> [Item; 4] {
    let of = |hazard, from, to| Item {
        hazard,
        name: Named::default(),
        from,
        to,
        own: true,
        start: Time::from_seconds(1_703_597_700),
    };
    [
        of(Hazard::Waterlogging, Tier::None, Tier::Yellow),
        of(Hazard::DebrisFlow, Tier::None, Tier::Blue),
        of(Hazard::Landslide, Tier::Yellow, Tier::Blue),
        of(Hazard::Rainstorm, Tier::Blue, Tier::None),
    ]
}

/// What templates are tried out with.
fn sample_relay() -> Relayed {
    let text = SignalText {
        language: Language::Zh,
        headline: "市气象台发布暴雨橙色预警信号".into(),
        description: "预计未来3小时雨量将达50毫米以上".into(),
        instruction: "请做好防御".into(),
    };
    Relayed {
        identifier: "44010041600000_20230907214000".into(),
        authority: model::AuthorityId::default(),
        sender_name: "市气象台".into(),
        sent: Time::from_seconds(1_703_597_700),
        kind: SignalKind::Alert,
        texts: BTreeMap::from([(Tier::Orange, vec![text])]),
    }
}
