//! The templates of a city, read once and tried out whole: a wording that loads cannot fail later.

use super::answering::{Lines, Openings};
use super::consequence::{self, Consequences};
use super::files::{Frame, Frames, Phrases, Translated};
use super::lint::{self, Finding};
use super::names::{self, NameBook};
use super::roles::{self, Roles};
use super::settings::{self, Settings};
use super::terms::{Local, mark, spoken_mark};
use super::traditional::traditional;
use super::variables::Variables;
use super::{Facts, Message, Purpose, Sample, language_variant, sms, spoken};
use minijinja::{Environment, UndefinedBehavior, Value};
use model::{Channel, Hazard, Language, Mode, Offset, Tier, Time};
use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) environment: Environment<'static>,
    pub(super) phrases: BTreeMap<Hazard, Phrases>,
    pub(super) settings: Settings,
    pub(super) names: NameBook,
    /// How many forms each slot of each frame has.
    forms: BTreeMap<Slot, usize>,
    /// Channels that have a file of frames.
    pub(super) channels: BTreeSet<Channel>,
    /// Channels that always speak in easy words.
    plain: BTreeSet<Channel>,
    /// Where mails say how to answer by a click.
    links: Lines,
    /// What a call says first that has several things to say.
    openings: Openings,
    roles: Roles,
}

/// One slot of one frame.
type Slot = (Channel, Purpose, Language, &'static str);

impl Wording {
    /// Reads every file of `wording/` (name and text): `wording.toml`, `sms.toml`, `email.toml`,
    /// `push.toml`, `cap.toml`, `device.toml`, `voice.toml`, `cell.toml`, `broadcast.toml`,
    /// `roles.toml`, `names.toml`, `consequences.toml`, one per hazard named by its code and one
    /// per further language named by its tag. Every fault at once.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<WordingFault>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let mut faults = Vec::new();
        let mut this = Self {
            environment,
            ..Self::silent()
        };
        // What the others are read by comes first.
        if let Some((file, text)) = files.iter().find(|(file, _)| *file == settings::FILE) {
            match toml::from_str(text) {
                Ok(read) => this.settings = read,
                Err(error) => faults.push(toml_fault(file, &error)),
            }
        }
        this.settings.check(&mut faults);
        let mut translations = Vec::new();
        for (file, text) in files {
            if let Some(channel) = frame_channel(file) {
                this.read_frames(channel, file, text, &mut faults);
            } else if let Some(language) = language_of(file) {
                translations.push((language, *file, *text));
            } else {
                match *file {
                    settings::FILE => {}
                    roles::FILE => match toml::from_str(text) {
                        Ok(named) => this.roles = Roles::read(named, &mut faults),
                        Err(error) => faults.push(toml_fault(file, &error)),
                    },
                    names::FILE => match toml::from_str(text) {
                        Ok(named) => this.names = NameBook::read(named, &mut faults),
                        Err(error) => faults.push(toml_fault(file, &error)),
                    },
                    consequence::FILE => {
                        let languages = &this.settings.languages.public;
                        Consequences::read(text, languages, &mut this.environment, &mut faults);
                    }
                    _ => this.read_phrases(file, text, &mut faults),
                }
            }
        }
        for (language, file, text) in translations {
            this.read_translation(language, file, text, &mut faults);
        }
        for phrases in this.phrases.values_mut() {
            phrases.derive(Language::Zh, Language::ZhHant, traditional);
        }
        this.find_gaps(&mut faults);
        if faults.is_empty() {
            this.try_out(&Sample::default(), &mut faults);
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
            settings: Settings::default(),
            names: NameBook::default(),
            forms: BTreeMap::new(),
            channels: BTreeSet::new(),
            plain: BTreeSet::new(),
            links: Lines::default(),
            openings: Openings::default(),
            roles: Roles::default(),
        }
    }

    /// The languages that a text of that purpose is made in.
    pub fn languages(&self, purpose: Purpose) -> &[Language] {
        self.settings.languages(purpose)
    }

    /// What in the words that a person puts in place of the template's is not to be signed by mistake, by
    /// language: times that two people would read differently, links, and languages of the public that
    /// are missing. `names` of places are none of it. Nothing where nothing was written.
    pub fn objections(
        &self,
        text: &BTreeMap<String, String>,
        (at, offset): (Time, Offset),
        names: &[String],
    ) -> BTreeMap<Language, Vec<Finding>> {
        let hour = Local::of(at, offset).map_or(12, |local| local.hour);
        let mut found: BTreeMap<Language, Vec<Finding>> = BTreeMap::new();
        if text.is_empty() {
            return found;
        }
        for language in self.languages(Purpose::Alert).iter().copied() {
            let findings = match text.get(language.tag()) {
                Some(words) => lint::objections(words, language, hour, names),
                // Who reads traditional characters gets the simplified words converted.
                None if language == Language::ZhHant && text.contains_key(Language::Zh.tag()) => {
                    Vec::new()
                }
                None => vec![Finding::Untranslated],
            };
            if !findings.is_empty() {
                found.insert(language, findings);
            }
        }
        found
    }

    /// What the city calls its places in languages that its registry does not have.
    pub const fn names(&self) -> &NameBook {
        &self.names
    }

    /// The text of `facts` for one channel and language, each part in the longest form that its
    /// channel has room for; variant numbers follow the language. Where no form fits, the shortest
    /// stands whole and the lint says so: nothing is cut.
    pub fn message(&self, channel: Channel, language: Language, facts: &Facts<'_>) -> Message {
        let written = self.variables(language, facts, false);
        self.compose(channel, language, facts, &written)
    }

    /// The text of `facts` and everything wrong with it.
    pub(super) fn linted(
        &self,
        channel: Channel,
        language: Language,
        facts: &Facts<'_>,
    ) -> (Message, Vec<Finding>) {
        let written = self.variables(language, facts, false);
        let message = self.compose(channel, language, facts, &written);
        let findings = lint::lint(&message, facts, &written.known(), &self.settings);
        (message, findings)
    }

    fn compose(
        &self,
        channel: Channel,
        language: Language,
        facts: &Facts<'_>,
        written: &Variables,
    ) -> Message {
        let (written_value, said) = (written.value(), speaks(channel));
        let said = said.then(|| self.variables(language, facts, true).value());
        let part = |slot| {
            let is_spoken = is_spoken(channel, slot);
            let value = match &said {
                Some(said) if is_spoken => said,
                Some(_) | None => &written_value,
            };
            self.slot(channel, language, facts, slot, value, written)
        };
        let mut message = Message {
            language,
            channel,
            text: part("text"),
            subject: part("subject"),
            instruction: part("instruction"),
            variant_no: language_variant(language),
        };
        if message.text.is_empty() {
            let text = bare(written, language);
            message.text = finish(channel, language, facts.mode, "text", text, written);
        }
        if let Some(words) = own_words(facts, language) {
            let finish = |slot, text| finish(channel, language, facts.mode, slot, text, written);
            match channel {
                Channel::Sms | Channel::Area => {
                    let signed = &written.signed;
                    message.text = finish("text", format!("{signed}{words}"));
                }
                Channel::Broadcast => {
                    message.text = finish("text", words.clone());
                    message.instruction = finish("instruction", words);
                }
                Channel::Cap
                | Channel::Push
                | Channel::Email
                | Channel::Webhook
                | Channel::Device
                | Channel::Voice
                | Channel::Cell => message.text = finish("text", words),
            }
        }
        message
    }

    /// Everything wrong with a text of `facts`; empty where it may go out.
    pub fn lint(&self, message: &Message, facts: &Facts<'_>) -> Vec<Finding> {
        let variables = self.variables(message.language, facts, false);
        lint::lint(message, facts, &variables.known(), &self.settings)
    }

    /// Why words that a person wrote may not go out at all in that world.
    pub fn forbidden(text: &str, mode: Mode) -> Option<Finding> {
        lint::forbidden(text, mode)
    }

    /// What the roles of responsible persons are called.
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The line of a mail behind which `address` answers.
    pub fn answer_line(&self, language: Language, address: &str) -> String {
        self.links.line(language, address)
    }

    /// What a call says first that has so many things to say.
    pub fn opening(&self, language: Language, count: usize) -> String {
        self.openings.say(language, count)
    }

    /// True where a frame has words for who asks for easy ones.
    pub(super) fn has_plain(&self, channel: Channel, purpose: Purpose, language: Language) -> bool {
        let count = self.forms.get(&(channel, purpose, language, "plain"));
        count.is_some_and(|count| *count > 0)
    }

    /// True where a channel has words for a purpose; a digest is only said by cities that want it.
    pub(super) fn has_words(&self, channel: Channel, purpose: Purpose, language: Language) -> bool {
        let frame = (frames_of(channel), purpose, language, "text");
        needs(channel, purpose) && (purpose != Purpose::Digest || self.forms.contains_key(&frame))
    }

    /// What templates name and is not there, and frames that are missing.
    pub(super) fn unrendered(
        &self,
        channel: Channel,
        language: Language,
        facts: &Facts<'_>,
    ) -> Vec<WordingFault> {
        let file = format!("{channel}.toml");
        let key = format!("{}.{}", facts.purpose.name(), language.tag());
        let frame = (channel, facts.purpose, language);
        if !self
            .forms
            .contains_key(&(frame.0, frame.1, frame.2, "text"))
        {
            return vec![fault(&file, &key, "the frame is missing".into())];
        }
        let value = self.variables(language, facts, false).value();
        let mut faults = Vec::new();
        for slot in ["subject", "text", "instruction", "plain"] {
            let count = self.forms.get(&(frame.0, frame.1, frame.2, slot));
            for form in 0..count.copied().unwrap_or(0) {
                let name = template_name(frame.0, frame.1, frame.2, slot, form);
                let template = self.environment.get_template(&name);
                if let Err(error) = template.and_then(|template| template.render(&value)) {
                    let what = format!("{error}; see the list of variables");
                    faults.push(fault(&file, &format!("{key}.{slot}"), what));
                }
            }
        }
        faults
    }

    /// One part of a message: the first form that fits, or the last there is.
    fn slot(
        &self,
        channel: Channel,
        language: Language,
        facts: &Facts<'_>,
        slot: &'static str,
        value: &Value,
        variables: &Variables,
    ) -> String {
        let frames = frames_of(channel);
        let count = |slot| {
            let count = self.forms.get(&(frames, facts.purpose, language, slot));
            count.copied().unwrap_or(0)
        };
        let wants_plain = facts.plain || self.plain.contains(&frames);
        let source = match slot {
            "text" if wants_plain && count("plain") > 0 => "plain",
            other => other,
        };
        let mut said = String::new();
        for form in 0..count(source) {
            let name = template_name(frames, facts.purpose, language, source, form);
            let template = self.environment.get_template(&name);
            let text = template.and_then(|template| template.render(value));
            let text = text.unwrap_or_default();
            if text.trim().is_empty() {
                continue;
            }
            said = finish(channel, language, facts.mode, slot, text, variables);
            let way = (channel, facts.purpose);
            let cost = self.settings.cost(way, slot, language, &said);
            if cost.is_none_or(|cost| cost.fits()) {
                break;
            }
        }
        said
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
        self.channels.insert(channel);
        if frames.plain {
            self.plain.insert(channel);
        }
        if channel == Channel::Email {
            self.links = Lines::read(file, &frames.link, faults);
        }
        if channel == Channel::Voice {
            self.openings = Openings::read(file, &frames.several, faults);
        }
        for purpose in Purpose::WORDED {
            let mut written = frames.of(purpose).cloned().unwrap_or_default();
            if let Some(simple) = written
                .get(&Language::Zh)
                .map(|frame| frame.map(traditional))
            {
                written.entry(Language::ZhHant).or_insert(simple);
            }
            let wanted = self.settings.languages(purpose).iter();
            let missing = wanted.filter(|language| !written.contains_key(language));
            let missing: Vec<Language> = missing.copied().collect();
            // What merges low tiers is asked for where a city does so.
            let is_needed = needs(channel, purpose) && purpose != Purpose::Digest;
            for language in missing.iter().filter(|_| is_needed) {
                let key = format!("{}.{}", purpose.name(), language.tag());
                faults.push(fault(file, &key, "the frame is missing".into()));
            }
            for (language, frame) in written {
                self.add_frame((channel, purpose, language), &frame, file, faults);
            }
        }
    }

    fn add_frame(
        &mut self,
        (channel, purpose, language): (Channel, Purpose, Language),
        frame: &Frame,
        file: &str,
        faults: &mut Vec<WordingFault>,
    ) {
        let key = format!("{}.{}", purpose.name(), language.tag());
        for (slot, forms) in frame.slots() {
            self.forms
                .insert((channel, purpose, language, slot), forms.0.len());
            for (at, source) in forms.0.iter().enumerate() {
                let name = template_name(channel, purpose, language, slot, at);
                let added = self.environment.add_template_owned(name, source.clone());
                if let Err(error) = added {
                    faults.push(fault(file, &format!("{key}.{slot}"), error.to_string()));
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
        self.phrases.insert(phrases.hazard, phrases);
    }

    fn read_translation(
        &mut self,
        language: Language,
        file: &str,
        text: &str,
        faults: &mut Vec<WordingFault>,
    ) {
        let hazards: BTreeMap<Hazard, Translated> = match toml::from_str(text) {
            Ok(hazards) => hazards,
            Err(error) => return faults.push(toml_fault(file, &error)),
        };
        for (hazard, said) in hazards {
            let is_new = self
                .phrases
                .get_mut(&hazard)
                .is_none_or(|phrases| phrases.add(language, said));
            if !is_new {
                let what = format!("{hazard}.toml has {} already", language.tag());
                faults.push(fault(file, &hazard.to_string(), what));
            }
        }
    }

    /// Each hazard, tier and language that the city can send and has no words for.
    fn find_gaps(&self, faults: &mut Vec<WordingFault>) {
        let Settings { languages, .. } = &self.settings;
        let all: BTreeSet<Language> = languages
            .public
            .iter()
            .chain(&languages.staff)
            .copied()
            .collect();
        for hazard in Hazard::ALL {
            let file = format!("{hazard}.toml");
            let Some(phrases) = self.phrases.get(&hazard) else {
                let what =
                    "the file is missing; write effect, act, action, duty and sign for each tier";
                faults.push(fault(&file, "hazard", what.into()));
                continue;
            };
            for language in all.iter().copied() {
                let tag = language.tag();
                let mut add = |key: String, what: String| faults.push(fault(&file, &key, what));
                if !phrases.after.contains_key(&language) {
                    add(format!("after.{tag}"), "the phrases are missing".into());
                }
                if phrases
                    .easy
                    .get(&language)
                    .is_none_or(|said| said.trim().is_empty())
                {
                    let what = "say in easy words what comes";
                    add(format!("easy.{tag}"), what.into());
                }
                let is_registered = match language {
                    Language::Zh | Language::En | Language::ZhHant => true,
                    Language::Ja | Language::Ko | Language::Fr => false,
                };
                if !is_registered && !phrases.name.contains_key(&language) {
                    add(format!("name.{tag}"), "say what it is called".into());
                }
                for tier in Tier::WARNING {
                    let Some(phrase) = phrases.of(tier, language) else {
                        add(format!("{tier}.{tag}"), "the phrases are missing".into());
                        continue;
                    };
                    let mut gaps = phrase.gaps();
                    if languages.staff.contains(&language) {
                        gaps.extend(phrase.staff_gaps());
                    }
                    if !gaps.is_empty() {
                        let what = format!("{} must say something", gaps.join(", "));
                        add(format!("{tier}.{tag}"), what);
                    }
                }
            }
        }
    }
}

/// What a person wrote in that language; who reads Chinese in traditional characters gets the
/// simplified words converted.
fn own_words(facts: &Facts<'_>, language: Language) -> Option<String> {
    if !facts.purpose.takes_words() {
        return None;
    }
    let own = facts.text.get(language.tag()).cloned();
    let simple = || {
        let words = facts.text.get(Language::Zh.tag())?;
        (language == Language::ZhHant).then(|| traditional(words))
    };
    own.or_else(simple)
}

/// True where a channel has a part that is read out.
const fn speaks(channel: Channel) -> bool {
    matches!(channel, Channel::Voice | Channel::Broadcast)
}

fn is_spoken(channel: Channel, slot: &str) -> bool {
    match channel {
        Channel::Voice => slot == "text",
        Channel::Broadcast => slot == "instruction",
        Channel::Sms
        | Channel::Cap
        | Channel::Push
        | Channel::Email
        | Channel::Webhook
        | Channel::Device
        | Channel::Area
        | Channel::Cell => false,
    }
}

/// A rendered part as it goes out: numbers in words where it is read out, an alphabet that costs
/// less where it is sent by the part, marks where it is no earnest.
fn finish(
    channel: Channel,
    language: Language,
    mode: Mode,
    slot: &str,
    text: String,
    variables: &Variables,
) -> String {
    let is_spoken = is_spoken(channel, slot);
    let text = match channel {
        Channel::Sms | Channel::Area | Channel::Cell => match language {
            Language::En | Language::Fr => sms::fold(&text),
            Language::Zh | Language::ZhHant | Language::Ja | Language::Ko => text,
        },
        Channel::Voice | Channel::Broadcast if is_spoken => spoken::words(&text, language),
        Channel::Voice
        | Channel::Broadcast
        | Channel::Cap
        | Channel::Push
        | Channel::Email
        | Channel::Webhook
        | Channel::Device => text,
    };
    let mark = match is_spoken {
        true => spoken_mark(mode, language),
        false => mark(mode, language),
    };
    let (first, last) = (mark.trim_start(), mark.trim_end());
    if mark.is_empty() {
        return text;
    }
    match text.strip_prefix(variables.signed.as_str()) {
        Some(rest) => format!("{}{mark}{}{last}", variables.signed, rest.trim_start()),
        None => format!("{first}{}{last}", text.trim_end()),
    }
}

/// Whether a channel says something for a purpose.
pub(super) const fn needs(channel: Channel, purpose: Purpose) -> bool {
    match channel {
        Channel::Sms | Channel::Email | Channel::Push | Channel::Voice => !matches!(
            purpose,
            Purpose::SiteAlarm | Purpose::Strobe | Purpose::StrobeOver | Purpose::Withdraw
        ),
        Channel::Cap | Channel::Webhook => {
            purpose.is_public()
                || matches!(
                    purpose,
                    Purpose::Request | Purpose::RequestOver | Purpose::Relay
                )
        }
        Channel::Area | Channel::Cell | Channel::Broadcast => {
            purpose.is_public() || matches!(purpose, Purpose::Relay)
        }
        Channel::Device => matches!(purpose, Purpose::SiteAlarm),
    }
}

fn frame_channel(file: &str) -> Option<Channel> {
    let stem = file.strip_suffix(".toml")?;
    let channel = Channel::ALL
        .into_iter()
        .find(|channel| channel.name() == stem)?;
    (frames_of(channel) == channel).then_some(channel)
}

fn language_of(file: &str) -> Option<Language> {
    let stem = file.strip_suffix(".toml")?;
    Language::ALL
        .into_iter()
        .find(|language| language.tag() == stem)
}

/// Webhooks carry the words of CAP, area jobs those of short messages to the public.
pub(super) const fn frames_of(channel: Channel) -> Channel {
    match channel {
        Channel::Webhook => Channel::Cap,
        Channel::Area => Channel::Sms,
        Channel::Sms
        | Channel::Cap
        | Channel::Push
        | Channel::Email
        | Channel::Device
        | Channel::Voice
        | Channel::Cell
        | Channel::Broadcast => channel,
    }
}

fn template_name(
    channel: Channel,
    purpose: Purpose,
    language: Language,
    slot: &str,
    form: usize,
) -> String {
    format!(
        "{channel}.{}.{}.{slot}.{form}",
        purpose.name(),
        language.tag()
    )
}

/// The barest true text, for a combination that has no frame (a reminder by CAP, say).
fn bare(variables: &Variables, language: Language) -> String {
    let Variables {
        signed,
        issued,
        place,
        hazard,
        tier,
        verify,
        ..
    } = variables;
    match language {
        Language::Zh => format!("{signed}{issued}{place}{hazard}{tier}。核实{verify}"),
        Language::ZhHant => format!("{signed}{issued}{place}{hazard}{tier}。核實{verify}"),
        Language::En => format!("{signed} {issued} {place}: {hazard} {tier}. Verify: {verify}"),
        Language::Ja => format!("{signed}{issued} {place} {hazard} {tier}。確認 {verify}"),
        Language::Ko => format!("{signed} {issued} {place} {hazard} {tier}. 확인 {verify}"),
        Language::Fr => format!("{signed} {issued} {place} : {hazard} {tier}. Vérifier : {verify}"),
    }
}

pub(super) fn fault(file: &str, key: &str, what: String) -> WordingFault {
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
