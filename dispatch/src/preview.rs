//! Head-counts before signing: whom a release would reach, by channel, language and township.

use crate::gateway::sms::{Account, Day};
use crate::intent::{Audience, Intent};
use crate::plan::{Desk, Planner, Remarks};
use crate::wording::{Finding, Message, Purpose, sms};
use model::warning::Event;
use model::{AreaCode, Channel, Language, Reach, Tier, Time, Warning};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Heads of one audience on one channel, as the directory counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Heads {
    /// Township they live in.
    pub township: AreaCode,
    /// Their language.
    pub language: Language,
    /// Of short messages, the account that tells them, by its place; 0 where there is one.
    pub account: u8,
    /// How many, each address once.
    pub heads: u64,
}

/// What one intent would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Devices, responsible persons or the public.
    pub reach: Reach,
    /// Way.
    pub channel: Channel,
    /// Why.
    pub purpose: Purpose,
    /// Tier.
    pub tier: Tier,
    /// The words, as they would go out.
    pub words: Vec<Message>,
    /// Parts of a short message by language: what it costs.
    pub parts: BTreeMap<Language, usize>,
    /// By language.
    pub by_language: BTreeMap<Language, u64>,
    /// By township.
    pub by_township: BTreeMap<AreaCode, u64>,
    /// By the account that tells them, by its place, and by language.
    pub by_account: BTreeMap<u8, BTreeMap<Language, u64>>,
    /// In all.
    pub heads: u64,
}

/// What releasing a warning as it stands would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Each intent, the most exposed first.
    pub reached: Vec<Reached>,
    /// Heads by channel, the public alone.
    pub public: BTreeMap<Channel, u64>,
    /// How often the public of each of its areas was rung up in the 24 hours before, by this zone's
    /// warnings.
    pub interrupted: BTreeMap<AreaCode, u32>,
    /// What release platforms and carriers would be asked to say: they count for themselves.
    #[serde(skip)]
    pub jobs: Vec<Intent>,
    /// What is wrong with the short messages the public would get: who signs them should know.
    pub remarks: Remarks,
    /// Languages in which no account passes the short message to the public: signed as it stands, it
    /// reaches nobody by that channel.
    pub unsendable: BTreeSet<Language>,
}

/// The accounts that short messages go out by, on the day of the preview.
#[derive(Clone, Copy, Debug)]
pub struct Sms<'a> {
    /// Each account, with what it took of that day.
    pub accounts: &'a [Account],
    /// The day.
    pub day: Day,
}

/// Plans `warning` as if it were signed at `at`, on a copy, and counts with `count`.
pub fn preview(
    planner: &Planner,
    at: Time,
    warning: &Warning,
    desk: &Desk<'_>,
    sms: Sms<'_>,
    count: impl Fn(&Audience, Channel) -> Vec<Heads>,
) -> Preview {
    let signed = signed(warning);
    let lately = planner.interrupted(at);
    let mut intents = Vec::new();
    planner.clone().step(at, &signed, desk, &mut intents);
    let mut preview = Preview {
        remarks: planner.clone().public(at, &signed, desk, &mut Vec::new()),
        ..Preview::default()
    };
    // Those who missed the first message are counted with the fall that goes to the others.
    for intent in intents.into_iter().filter(|intent| !intent.only_new) {
        if intent.audience.reach == Reach::Public {
            let rung = lately.iter();
            let rung = rung.filter(|(area, _)| intent.audience.areas.contains(area));
            preview.interrupted.extend(rung);
        }
        if intent.channel == Channel::Area {
            preview.jobs.push(intent);
            continue;
        }
        let heads = count(&intent.audience, intent.channel);
        let reached = reached(intent, &heads);
        if reached.reach == Reach::Public {
            *preview.public.entry(reached.channel).or_default() += reached.heads;
        }
        preview.reached.push(reached);
    }
    preview.hold(sms);
    preview
}

impl Preview {
    /// Holds each short message to the public against the accounts.
    fn hold(&mut self, sms: Sms<'_>) {
        let Sms { accounts, day } = sms;
        let told = self.reached.iter();
        let told = told.filter(|r| r.reach == Reach::Public && r.channel == Channel::Sms);
        let told: Vec<&Reached> = told.collect();
        let needed = |place: u8| -> u64 {
            let parts = told.iter().map(|reached| {
                reached.parts_by(place, |words| sms::size(&words.text).parts as u64)
            });
            parts.fold(0, u64::saturating_add)
        };
        let needed: Vec<u64> = (0..=u8::MAX)
            .zip(accounts)
            .map(|(it, _)| needed(it))
            .collect();
        for message in told.iter().flat_map(|reached| &reached.words) {
            let mut refused = 0;
            for (account, needed) in accounts.iter().zip(&needed) {
                let Some(why) = account.refusal_of(&message.text, day, *needed) else {
                    continue;
                };
                refused += usize::from(why.is_total());
                let account = account.name.clone();
                let finding = Finding::NotPassed { account, why };
                let remarks = self.remarks.entry(message.language).or_default();
                if !remarks.contains(&finding) {
                    remarks.push(finding);
                }
            }
            if refused == accounts.len() && refused > 0 {
                self.unsendable.insert(message.language);
            }
        }
    }
}

impl Reached {
    /// Parts that telling the phones of an account takes, `parts_of` one message each; who has a
    /// language without words gets the first.
    pub fn parts_by(&self, account: u8, parts_of: impl Fn(&Message) -> u64) -> u64 {
        let heads = self.by_account.get(&account).into_iter().flatten();
        let parts = heads.map(|(language, heads)| {
            let mut words = self.words.iter();
            let own = words.find(|words| words.language == *language);
            let parts = own.or(self.words.first()).map_or(1, &parts_of);
            heads.saturating_mul(parts)
        });
        parts.fold(0, u64::saturating_add)
    }
}

/// What the public of a warning's areas would be told if it were signed at `at` and nobody had
/// been told before, and what would be asked of another authority; nobody is counted.
pub fn public(at: Time, warning: &Warning, desk: &Desk<'_>) -> Vec<Reached> {
    let mut intents = Vec::new();
    drop(Planner::default().public(at, &signed(warning), desk, &mut intents));
    intents.into_iter().map(|i| reached(i, &[])).collect()
}

/// The warning as it stands once it is signed.
fn signed(warning: &Warning) -> Warning {
    let mut signed = warning.clone();
    if signed.event == Event::Proposed {
        signed.event = if signed.revision == 1 {
            Event::Issued
        } else {
            Event::Updated
        };
    }
    signed
}

fn reached(intent: Intent, heads: &[Heads]) -> Reached {
    let mut by_language = BTreeMap::new();
    let mut by_township = BTreeMap::new();
    let mut by_account: BTreeMap<u8, BTreeMap<Language, u64>> = BTreeMap::new();
    for row in heads {
        let of_account = by_account.entry(row.account).or_default();
        *of_account.entry(row.language).or_default() += row.heads;
        *by_language.entry(row.language).or_default() += row.heads;
        *by_township.entry(row.township).or_default() += row.heads;
    }
    let texts = intent
        .words
        .iter()
        .filter(|_| intent.channel == Channel::Sms);
    Reached {
        reach: intent.audience.reach,
        channel: intent.channel,
        purpose: intent.purpose,
        tier: intent.tier,
        parts: texts
            .map(|words| (words.language, sms::size(&words.text).parts))
            .collect(),
        by_language,
        by_township,
        by_account,
        heads: heads.iter().map(|row| row.heads).sum(),
        words: intent.words,
    }
}
