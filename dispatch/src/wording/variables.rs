//! What a frame may name, and what of it the lint looks for.

use super::consequence::Consequences;
use super::files::Phrase;
use super::library::Wording;
use super::terms::{danger_word, tier_word};
use super::traditional::traditional;
use super::{Facts, clock, clock_near, items, spoken};
use minijinja::Value;
use model::signal::SignalText;
use model::warning::Relayed;
use model::{Hazard, Language, Named, Tier, Working};

/// What a frame may name.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) signature: String,
    /// The signature in its brackets.
    pub(super) signed: String,
    pub(super) issuer: String,
    pub(super) verify: String,
    pub(super) issued: String,
    pub(super) start: String,
    /// True where the start is still to come.
    pub(super) ahead: bool,
    pub(super) deadline: String,
    pub(super) hazard: String,
    /// The hazard's other names: a text may use any.
    pub(super) also_hazard: String,
    pub(super) easy: String,
    pub(super) tier: String,
    pub(super) from: String,
    pub(super) danger: String,
    pub(super) place: String,
    pub(super) area: String,
    pub(super) site: String,
    pub(super) consequence: String,
    pub(super) measure: String,
    pub(super) effect: String,
    pub(super) act: String,
    pub(super) action: String,
    /// What the action says beyond the order.
    pub(super) rest: String,
    pub(super) duty: String,
    pub(super) sign: String,
    pub(super) after: String,
    pub(super) own: bool,
    pub(super) sender: String,
    pub(super) sent: String,
    pub(super) headline: String,
    pub(super) description: String,
    pub(super) instruction: String,
    /// What a digest names, with times and without, and how many that is.
    pub(super) items: String,
    pub(super) list: String,
    pub(super) count: usize,
}

/// What the lint looks for in a text.
#[derive(Debug)]
pub(super) struct Known<'v> {
    pub(super) signature: &'v str,
    pub(super) issuer: &'v str,
    pub(super) verify: &'v str,
    pub(super) hazard: &'v str,
    pub(super) hazards: [&'v str; 1],
    pub(super) easy: &'v str,
    pub(super) area: &'v str,
    pub(super) site: &'v str,
    pub(super) act: &'v str,
    pub(super) orders: [&'v str; 3],
}

impl Variables {
    pub(super) fn known(&self) -> Known<'_> {
        Known {
            signature: &self.signature,
            issuer: &self.issuer,
            verify: &self.verify,
            hazard: &self.hazard,
            hazards: [&self.also_hazard],
            easy: &self.easy,
            area: &self.area,
            site: &self.site,
            act: &self.act,
            orders: [&self.act, &self.action, &self.after],
        }
    }

    pub(super) fn value(&self) -> Value {
        Value::from_pairs([
            ("signature", Value::from(self.signature.as_str())),
            ("signed", Value::from(self.signed.as_str())),
            ("issuer", Value::from(self.issuer.as_str())),
            ("verify", Value::from(self.verify.as_str())),
            ("issued", Value::from(self.issued.as_str())),
            ("start", Value::from(self.start.as_str())),
            ("ahead", Value::from(self.ahead)),
            ("deadline", Value::from(self.deadline.as_str())),
            ("hazard", Value::from(self.hazard.as_str())),
            ("easy", Value::from(self.easy.as_str())),
            ("tier", Value::from(self.tier.as_str())),
            ("from", Value::from(self.from.as_str())),
            ("danger", Value::from(self.danger.as_str())),
            ("place", Value::from(self.place.as_str())),
            ("area", Value::from(self.area.as_str())),
            ("site", Value::from(self.site.as_str())),
            ("consequence", Value::from(self.consequence.as_str())),
            ("measure", Value::from(self.measure.as_str())),
            ("effect", Value::from(self.effect.as_str())),
            ("act", Value::from(self.act.as_str())),
            ("action", Value::from(self.action.as_str())),
            ("rest", Value::from(self.rest.as_str())),
            ("duty", Value::from(self.duty.as_str())),
            ("sign", Value::from(self.sign.as_str())),
            ("after", Value::from(self.after.as_str())),
            ("own", Value::from(self.own)),
            ("sender", Value::from(self.sender.as_str())),
            ("sent", Value::from(self.sent.as_str())),
            ("headline", Value::from(self.headline.as_str())),
            ("description", Value::from(self.description.as_str())),
            ("instruction", Value::from(self.instruction.as_str())),
            ("items", Value::from(self.items.as_str())),
            ("list", Value::from(self.list.as_str())),
            ("count", Value::from(self.count)),
        ])
    }
}

impl Wording {
    /// The variables of a text; times as they are said where it is read out.
    pub(super) fn variables(
        &self,
        language: Language,
        facts: &Facts<'_>,
        is_spoken: bool,
    ) -> Variables {
        let at = |time| match is_spoken {
            true => spoken::clock(time, facts.offset, language),
            false => clock(time, facts.offset, language),
        };
        let near = |time| match is_spoken {
            true => spoken::clock_near(time, facts.issued, facts.offset, language),
            false => clock_near(time, facts.issued, facts.offset, language),
        };
        // A fall speaks of what remains, so its phrases are those of the tier left behind.
        let spoken_of = if facts.tier == Tier::None {
            facts.from
        } else {
            facts.tier
        };
        let phrases = self.phrases.get(&facts.hazard);
        let phrase = phrases.and_then(|p| p.of(spoken_of, language));
        let Phrase {
            effect,
            act,
            action,
            duty,
            sign,
        } = phrase.cloned().unwrap_or_default();
        let after = phrases.and_then(|p| p.after.get(&language)).map(|after| {
            if facts.tier == Tier::None {
                &after.ended
            } else {
                &after.fall
            }
        });
        let relay = facts.relay;
        let words = relay.and_then(|relay| words_of(relay, spoken_of, language));
        let own_hazard = self.hazard(facts.hazard, language);
        let hazard = self.hazard_of(facts.hazard, facts.hazard_name, language);
        let named = facts.items.iter().map(|item| {
            let hazard = self.hazard_of(item.hazard, &item.name, language);
            (item, items::say(item, &hazard, language))
        });
        let named: Vec<_> = named.collect();
        let with_times = named.iter().map(|(item, said)| {
            let is_ahead = item.start > facts.issued;
            items::since(said, &near(item.start), is_ahead, language)
        });
        // What the carrier has registered is sent as it is registered.
        let signature = match language {
            Language::ZhHant => facts.issuer.signature.zh.clone(),
            Language::Zh | Language::En | Language::Ja | Language::Ko | Language::Fr => {
                self.names.name(&facts.issuer.signature, language)
            }
        };
        let site = facts.site.as_ref();
        let consequence =
            site.map(|at| Consequences::say(&self.environment, &self.names, at, language));
        Variables {
            signed: self.settings.signed(&signature, language),
            signature,
            issuer: self.names.name(&facts.issuer.name, language),
            verify: self.names.name(&facts.issuer.verify, language),
            issued: at(facts.issued),
            start: near(facts.start),
            ahead: facts.start > facts.issued,
            deadline: near(facts.deadline),
            hazard,
            also_hazard: own_hazard,
            easy: phrases
                .and_then(|p| p.easy.get(&language))
                .cloned()
                .unwrap_or_default(),
            tier: tier_word(facts.tier, language),
            from: tier_word(facts.from, language),
            danger: danger_word(facts.tier, language),
            place: facts.place.get(language).to_owned(),
            area: facts.area.get(language).to_owned(),
            site: site.map_or_else(String::new, |at| self.names.name(at.name, language)),
            consequence: consequence.unwrap_or_default(),
            measure: match language {
                Language::ZhHant => traditional(&facts.measure.zh),
                Language::Zh | Language::En | Language::Ja | Language::Ko | Language::Fr => {
                    facts.measure.get(language).to_owned()
                }
            },
            effect,
            rest: rest_of(&action, &act),
            act,
            action,
            duty,
            sign,
            after: after.cloned().unwrap_or_default(),
            own: facts.own,
            sender: relay.map(|r| r.sender_name.clone()).unwrap_or_default(),
            sent: relay.map_or_else(String::new, |r| at(r.sent)),
            headline: words.map(|w| w.headline.clone()).unwrap_or_default(),
            description: words.map(|w| w.description.clone()).unwrap_or_default(),
            instruction: words.map(|w| w.instruction.clone()).unwrap_or_default(),
            items: items::join(with_times, language),
            list: items::join(named.iter().map(|(_, said)| said.clone()), language),
            count: named.len(),
        }
    }

    /// The name of a hazard as a rule gives it, else its own.
    fn hazard_of(&self, hazard: Hazard, name: &Named, language: Language) -> String {
        let given = match language {
            Language::Zh | Language::En => name.get(language).to_owned(),
            Language::ZhHant => traditional(&name.zh),
            Language::Ja | Language::Ko | Language::Fr => String::new(),
        };
        match given.is_empty() {
            true => self.hazard(hazard, language),
            false => given,
        }
    }

    /// The name of a hazard: what the city's files call it, else the registry's.
    fn hazard(&self, hazard: Hazard, language: Language) -> String {
        let own = self
            .phrases
            .get(&hazard)
            .and_then(|p| p.name.get(&language));
        match (own, language) {
            (Some(own), _) => own.clone(),
            (None, Language::ZhHant) => traditional(hazard.zh()),
            (None, Language::Zh | Language::En | Language::Ja | Language::Ko | Language::Fr) => {
                match language.working() {
                    Working::Zh => hazard.zh().to_owned(),
                    Working::En => hazard.en().to_owned(),
                }
            }
        }
    }
}

/// `action` without the order that opens it, where it opens with it.
fn rest_of(action: &str, act: &str) -> String {
    let rest = action.strip_prefix(act).unwrap_or(action);
    let is_between = |c: char| c.is_whitespace() || [',', ';', '、', '.', '。'].contains(&c);
    rest.trim_start_matches(is_between).to_owned()
}

/// What a signal says at a tier: in the reader's language where it speaks that, in Chinese for
/// who reads it in other characters, in English for other foreigners, else as it stands.
fn words_of(relay: &Relayed, tier: Tier, language: Language) -> Option<&SignalText> {
    let texts = relay.texts_of(tier);
    let of = |wanted: Language| texts.iter().find(move |text| text.language == wanted);
    let near = texts
        .iter()
        .find(|text| text.language.working() == language.working());
    of(language).or(near).or(texts.first())
}
