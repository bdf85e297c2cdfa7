//! The templates of a city, read once and tried out whole: a wording that loads cannot fail later.

use super::answering::Lines;
use super::files::{Frames, Phrases};
use super::roles::{self, Roles};
use super::{Facts, Issuer, Message, Purpose, clock, clock_near, lint, tier_word};
use minijinja::{Environment, UndefinedBehavior, Value};
use model::signal::{SignalKind, SignalText};
use model::warning::Relayed;
use model::{Channel, Hazard, Language, Mode, Named, Offset, Tier, Time};
use std::collections::BTreeMap;

/// A fault in a template file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wording/{file}: key {key}: {what}")]
pub struct WordingFault {
    /// File name within `wording/`.
    pub file: String,
    /// Dotted key.
    pub key: String,
    /// What is wrong and what to do.
    pub what: String,
}

/// All templates and phrases of a city.
#[derive(Debug)]
pub struct Wording {
    environment: Environment<'static>,
    phrases: BTreeMap<Hazard, Phrases>,
    /// Most parts a short message may have, by language.
    sms_parts_max: BTreeMap<Language, usize>,
    /// Where mails say how to answer by a click.
    links: Lines,
    roles: Roles,
}

/// What a frame may name.
#[derive(Debug, Default)]
struct Variables {
    signature: String,
    issuer: String,
    verify: String,
    issued: String,
    start: String,
    deadline: String,
    hazard: String,
    tier: String,
    from: String,
    place: String,
    measure: String,
    effect: String,
    action: String,
    duty: String,
    sign: String,
    after: String,
    own: bool,
    sender: String,
    sent: String,
    headline: String,
    description: String,
    instruction: String,
}

const SLOTS: [&str; 3] = ["subject", "text", "instruction"];

/// Default bound of parts where `[limits]` names none.
const SMS_PARTS_MAX: usize = 3;

impl Wording {
    /// Reads every file of `wording/` (name and text): `sms.toml`, `email.toml`, `push.toml`,
    /// `cap.toml`, `device.toml`, `roles.toml` and one per hazard named by its code. Every fault at
    /// once.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<WordingFault>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let mut this = Self {
            environment,
            phrases: BTreeMap::new(),
            sms_parts_max: BTreeMap::new(),
            links: Lines::default(),
            roles: Roles::default(),
        };
        let mut faults = Vec::new();
        for (file, text) in files {
            match frame_channel(file) {
                Some(channel) => this.read_frames(channel, file, text, &mut faults),
                None if *file == roles::FILE => match toml::from_str(text) {
                    Ok(named) => this.roles = Roles::read(named, &mut faults),
                    Err(error) => faults.push(toml_fault(file, &error)),
                },
                None => this.read_phrases(file, text, &mut faults),
            }
        }
        for hazard in Hazard::ALL {
            if !this.phrases.contains_key(&hazard) {
                faults.push(fault(
                    &format!("{hazard}.toml"),
                    "hazard",
                    "the file is missing; write effect, action, duty and sign for each tier".into(),
                ));
            }
        }
        if faults.is_empty() {
            this.try_out(&mut faults);
        }
        if faults.is_empty() {
            Ok(this)
        } else {
            Err(faults)
        }
    }

    /// Of an installation that composes nothing: a relay says what others wrote.
    pub fn silent() -> Self {
        Self {
            environment: Environment::new(),
            phrases: BTreeMap::new(),
            sms_parts_max: BTreeMap::new(),
            links: Lines::default(),
            roles: Roles::default(),
        }
    }

    /// The text of `facts` for one channel and language; variant numbers follow the language.
    pub fn message(&self, channel: Channel, language: Language, facts: &Facts<'_>) -> Message {
        let variables = self.variables(language, facts);
        let render = |slot: &str| {
            let name = template_name(frames_of(channel), facts.purpose, language, slot);
            self.environment
                .get_template(&name)
                .and_then(|template| template.render(variables.value()))
                .unwrap_or_default()
        };
        let mut message = Message {
            language,
            channel,
            text: render("text"),
            subject: render("subject"),
            instruction: render("instruction"),
            variant_no: language_variant(language),
        };
        if message.text.is_empty() {
            message.text = plain(&variables, language);
        }
        if let Some(words) = facts.text.get(language.tag())
            && facts.purpose.takes_words()
        {
            message.text = match channel {
                Channel::Sms | Channel::Area => format!("【{}】{words}", variables.signature),
                Channel::Cap
                | Channel::Push
                | Channel::Email
                | Channel::Webhook
                | Channel::Device
                | Channel::Voice
                | Channel::Cell
                | Channel::Broadcast => words.clone(),
            };
        }
        mark_mode(&mut message, facts.mode);
        message
    }

    /// The most parts that a short message in `language` may have.
    pub fn sms_parts_max(&self, language: Language) -> usize {
        self.sms_parts_max
            .get(&language)
            .copied()
            .unwrap_or(SMS_PARTS_MAX)
    }

    /// What the roles of responsible persons are called.
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The line of a mail behind which `address` answers.
    pub fn answer_line(&self, language: Language, address: &str) -> String {
        self.links.line(language, address)
    }

    fn read_frames(
        &mut self,
        channel: Channel,
        file: &str,
        text: &str,
        faults: &mut Vec<WordingFault>,
    ) {
        let frames: Frames = match toml::from_str(text) {
            Ok(frames) => frames,
            Err(error) => return faults.push(toml_fault(file, &error)),
        };
        if channel == Channel::Sms {
            self.sms_parts_max = frames.limits.clone();
        }
        if channel == Channel::Email {
            self.links = Lines::read(file, &frames.link, faults);
        }
        for purpose in Purpose::WORDED {
            for language in Language::ALL {
                let key = format!("{}.{}", purpose.name(), language.tag());
                let Some(frame) = frames.of(purpose).and_then(|by| by.get(&language)) else {
                    if needs(channel, purpose) {
                        faults.push(fault(file, &key, "the frame is missing".into()));
                    }
                    continue;
                };
                for (slot, source) in SLOTS.into_iter().zip(frame.slots()) {
                    let name = template_name(channel, purpose, language, slot);
                    if let Err(error) = self.environment.add_template_owned(name, source.to_owned())
                    {
                        faults.push(fault(file, &format!("{key}.{slot}"), error.to_string()));
                    }
                }
            }
        }
    }

    fn read_phrases(&mut self, file: &str, text: &str, faults: &mut Vec<WordingFault>) {
        let phrases: Phrases = match toml::from_str(text) {
            Ok(phrases) => phrases,
            Err(error) => return faults.push(toml_fault(file, &error)),
        };
        if file != format!("{}.toml", phrases.hazard) {
            let what = format!("{} belongs in {0}.toml", phrases.hazard);
            faults.push(fault(file, "hazard", what));
        }
        for language in Language::ALL {
            if !phrases.after.contains_key(&language) {
                let key = format!("after.{}", language.tag());
                faults.push(fault(file, &key, "the phrases are missing".into()));
            }
            for tier in Tier::WARNING {
                let key = format!("{tier}.{}", language.tag());
                match phrases.of(tier, language) {
                    None => faults.push(fault(file, &key, "the phrases are missing".into())),
                    Some(phrase) if phrase.has_gap() => {
                        let what = "effect, action, duty and sign must all say something";
                        faults.push(fault(file, &key, what.into()));
                    }
                    Some(_) => {}
                }
            }
        }
        self.phrases.insert(phrases.hazard, phrases);
    }

    /// Renders every text once with sample facts and lints it.
    fn try_out(&self, faults: &mut Vec<WordingFault>) {
        let name = |zh: &str, en: &str| Named {
            zh: zh.into(),
            en: en.into(),
        };
        let issuer = Issuer {
            id: "44010036000000".into(),
            name: name("穗城市三防总指挥部", "Suicheng Three-Defence HQ"),
            signature: name("穗城三防", "Suicheng"),
            verify: name("12345", "12345"),
        };
        let place = name(
            "天河区、海珠区等3区26个镇街",
            "26 townships in 3 districts incl. Tianhe",
        );
        let measure = name("3小时雨量104.5毫米", "rain 104.5 mm in 3 h");
        let (nothing, empty) = (BTreeMap::new(), Named::default());
        let relay = sample_relay();
        for (hazard, tier, purpose, language, channel) in combinations() {
            let facts = Facts {
                purpose,
                mode: Mode::Actual,
                hazard,
                hazard_name: &empty,
                tier: match purpose {
                    Purpose::Ended
                    | Purpose::Cancelled
                    | Purpose::StandDown
                    | Purpose::RequestOver => Tier::None,
                    Purpose::Alert
                    | Purpose::Rise
                    | Purpose::Fall
                    | Purpose::Reminder
                    | Purpose::Request
                    | Purpose::SiteAlarm
                    | Purpose::DeviceFault
                    | Purpose::Relay
                    | Purpose::Signature
                    | Purpose::Withdraw => tier,
                },
                from: Tier::Yellow,
                issuer: &issuer,
                own: true,
                issued: Time::from_seconds(1_694_094_000),
                start: Time::from_seconds(1_694_093_700),
                deadline: Time::from_seconds(1_694_095_800),
                offset: Offset(480),
                place: &place,
                measure: &measure,
                text: &nothing,
                relay: Some(&relay),
            };
            let file = format!("{channel}.toml");
            let variables = self.variables(language, &facts);
            for slot in SLOTS {
                let template = template_name(channel, purpose, language, slot);
                let rendered = self
                    .environment
                    .get_template(&template)
                    .and_then(|template| template.render(variables.value()));
                if let Err(error) = rendered {
                    let key = format!("{}.{}.{slot}", purpose.name(), language.tag());
                    faults.push(fault(
                        &file,
                        &key,
                        format!("{error}; see the list of variables"),
                    ));
                }
            }
            let message = self.message(channel, language, &facts);
            for finding in lint(&message, &facts, self.sms_parts_max(language)) {
                let key = format!("{}.{}", purpose.name(), language.tag());
                let what = format!("with the phrases of {hazard}.toml {tier}: {finding}");
                faults.push(fault(&file, &key, what));
            }
        }
        faults.dedup();
    }

    fn variables(&self, language: Language, facts: &Facts<'_>) -> Variables {
        // A fall speaks of what remains, so its phrases are those of the tier left behind.
        let spoken = if facts.tier == Tier::None {
            facts.from
        } else {
            facts.tier
        };
        let phrases = self.phrases.get(&facts.hazard);
        let phrase = phrases
            .and_then(|p| p.of(spoken, language))
            .cloned()
            .unwrap_or_default();
        let after = phrases.and_then(|p| p.after.get(&language)).map(|after| {
            if facts.tier == Tier::None {
                &after.ended
            } else {
                &after.fall
            }
        });
        let relay = facts.relay;
        let words = relay.and_then(|relay| words_of(relay, spoken, language));
        let name = facts.hazard_name.get(language);
        let hazard = match language {
            Language::Zh if name.is_empty() => facts.hazard.zh(),
            Language::En if facts.hazard_name.en.is_empty() => facts.hazard.en(),
            Language::Zh | Language::En => name,
        };
        Variables {
            signature: facts.issuer.signature.get(language).to_owned(),
            issuer: facts.issuer.name.get(language).to_owned(),
            verify: facts.issuer.verify.get(language).to_owned(),
            issued: clock(facts.issued, facts.offset, language),
            start: clock_near(facts.start, facts.issued, facts.offset, language),
            deadline: clock_near(facts.deadline, facts.issued, facts.offset, language),
            hazard: hazard.to_owned(),
            tier: tier_word(facts.tier, language),
            from: tier_word(facts.from, language),
            place: facts.place.get(language).to_owned(),
            measure: facts.measure.get(language).to_owned(),
            effect: phrase.effect,
            action: phrase.action,
            duty: phrase.duty,
            sign: phrase.sign,
            after: after.cloned().unwrap_or_default(),
            own: facts.own,
            sender: relay.map(|r| r.sender_name.clone()).unwrap_or_default(),
            sent: relay.map_or_else(String::new, |r| clock(r.sent, facts.offset, language)),
            headline: words.map(|w| w.headline.clone()).unwrap_or_default(),
            description: words.map(|w| w.description.clone()).unwrap_or_default(),
            instruction: words.map(|w| w.instruction.clone()).unwrap_or_default(),
        }
    }
}

impl Variables {
    fn value(&self) -> Value {
        Value::from_pairs([
            ("signature", Value::from(self.signature.as_str())),
            ("issuer", Value::from(self.issuer.as_str())),
            ("verify", Value::from(self.verify.as_str())),
            ("issued", Value::from(self.issued.as_str())),
            ("start", Value::from(self.start.as_str())),
            ("deadline", Value::from(self.deadline.as_str())),
            ("hazard", Value::from(self.hazard.as_str())),
            ("tier", Value::from(self.tier.as_str())),
            ("from", Value::from(self.from.as_str())),
            ("place", Value::from(self.place.as_str())),
            ("measure", Value::from(self.measure.as_str())),
            ("effect", Value::from(self.effect.as_str())),
            ("action", Value::from(self.action.as_str())),
            ("duty", Value::from(self.duty.as_str())),
            ("sign", Value::from(self.sign.as_str())),
            ("after", Value::from(self.after.as_str())),
            ("own", Value::from(self.own)),
            ("sender", Value::from(self.sender.as_str())),
            ("sent", Value::from(self.sent.as_str())),
            ("headline", Value::from(self.headline.as_str())),
            ("description", Value::from(self.description.as_str())),
            ("instruction", Value::from(self.instruction.as_str())),
        ])
    }
}

/// What a signal says at a tier: in the reader's language where it speaks that, else as it stands.
fn words_of(relay: &Relayed, tier: Tier, language: Language) -> Option<&SignalText> {
    let texts = relay.texts_of(tier);
    let own = texts.iter().find(|text| text.language == language);
    own.or(texts.first())
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
        sent: Time::from_seconds(1_694_094_000),
        kind: SignalKind::Alert,
        texts: BTreeMap::from([(Tier::Orange, vec![text])]),
    }
}

/// The number of a language's wording within an intent.
pub const fn language_variant(language: Language) -> u8 {
    match language {
        Language::Zh => 0,
        Language::En => 1,
    }
}

fn combinations() -> impl Iterator<Item = (Hazard, Tier, Purpose, Language, Channel)> {
    let channels = [
        Channel::Sms,
        Channel::Email,
        Channel::Push,
        Channel::Cap,
        Channel::Device,
    ];
    Hazard::ALL.into_iter().flat_map(move |hazard| {
        Tier::WARNING.into_iter().flat_map(move |tier| {
            Purpose::WORDED.into_iter().flat_map(move |purpose| {
                Language::ALL.into_iter().flat_map(move |language| {
                    channels
                        .into_iter()
                        .filter(move |channel| needs(*channel, purpose))
                        .map(move |channel| (hazard, tier, purpose, language, channel))
                })
            })
        })
    })
}

fn needs(channel: Channel, purpose: Purpose) -> bool {
    match channel {
        Channel::Sms | Channel::Email | Channel::Push | Channel::Voice => {
            !matches!(purpose, Purpose::SiteAlarm | Purpose::Withdraw)
        }
        Channel::Cap | Channel::Webhook | Channel::Area | Channel::Cell | Channel::Broadcast => {
            purpose.is_public()
                || matches!(
                    purpose,
                    Purpose::Request | Purpose::RequestOver | Purpose::Relay
                )
        }
        Channel::Device => purpose == Purpose::SiteAlarm,
    }
}

fn frame_channel(file: &str) -> Option<Channel> {
    let stem = file.strip_suffix(".toml")?;
    Channel::ALL
        .into_iter()
        .find(|channel| channel.name() == stem)
}

/// Webhooks carry the words of CAP, whatever else has no words of its own those of short
/// messages.
const fn frames_of(channel: Channel) -> Channel {
    match channel {
        Channel::Webhook => Channel::Cap,
        Channel::Area | Channel::Cell | Channel::Voice | Channel::Broadcast => Channel::Sms,
        Channel::Sms | Channel::Cap | Channel::Push | Channel::Email | Channel::Device => channel,
    }
}

fn template_name(channel: Channel, purpose: Purpose, language: Language, slot: &str) -> String {
    format!("{channel}.{}.{}.{slot}", purpose.name(), language.tag())
}

/// The barest true text, for a combination that has no frame (a reminder by CAP, say).
fn plain(variables: &Variables, language: Language) -> String {
    let Variables {
        signature,
        issued,
        place,
        hazard,
        tier,
        verify,
        ..
    } = variables;
    match language {
        Language::Zh => format!("【{signature}】{issued}{place}{hazard}{tier}。核实{verify}"),
        Language::En => {
            format!("【{signature}】{issued} {place}: {hazard} {tier}. Verify: {verify}")
        }
    }
}

/// Exercises and tests are marked first and last, after the signature where there is one.
fn mark_mode(message: &mut Message, mode: Mode) {
    let mark = match (mode, message.language) {
        (Mode::Actual, _) => return,
        (Mode::Exercise, Language::Zh) => "【演练】",
        (Mode::Exercise, Language::En) => " EXERCISE ",
        (Mode::Test, Language::Zh) => "【测试】",
        (Mode::Test, Language::En) => " TEST ",
    };
    let body = std::mem::take(&mut message.text);
    message.text = match body.split_once('】').filter(|_| body.starts_with('【')) {
        Some((signature, rest)) => format!("{signature}】{mark}{rest}{mark}"),
        None => format!("{mark}{body}{mark}"),
    };
    if !message.subject.is_empty() {
        message.subject = format!("{mark}{}{mark}", message.subject);
    }
}

fn fault(file: &str, key: &str, what: String) -> WordingFault {
    WordingFault {
        file: file.into(),
        key: key.into(),
        what,
    }
}

fn toml_fault(file: &str, error: &toml::de::Error) -> WordingFault {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().to_owned();
    fault(file, &line, error.message().to_owned())
}
