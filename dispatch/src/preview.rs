//! Head-counts before signing: whom a release would reach, by channel, language and township.

use crate::intent::{Audience, Intent};
use crate::plan::{Desk, Planner, Remarks};
use crate::wording::{Message, Purpose, sms};
use model::warning::Event;
use model::{AreaCode, Channel, Language, Reach, Tier, Time, Warning};
use serde::Serialize;
use std::collections::BTreeMap;

/// Heads of one audience on one channel, as the directory counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Heads {
    /// Township they live in.
    pub township: AreaCode,
    /// Their language.
    pub language: Language,
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
}

/// Plans `warning` as if it were signed at `at`, on a copy, and counts with `count`.
pub fn preview(
    planner: &Planner,
    at: Time,
    warning: &Warning,
    desk: &Desk<'_>,
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
    preview
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
    for row in heads {
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
        heads: heads.iter().map(|row| row.heads).sum(),
        words: intent.words,
    }
}
