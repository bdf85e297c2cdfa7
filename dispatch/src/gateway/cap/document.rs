//! One revision of a warning as one CAP 1.2 alert: an `info` per tier and language with its areas.

use super::shape::CapArea;
use super::{Authority, cap_time};
use model::warning::{AreaTier, Event as Happened};
use model::{AreaCode, Hazard, Language, Offset, Span, Tier, Time, Warning};
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Writer, escape};
use std::collections::BTreeMap;

/// `eventCode` `valueName` of the national code (GB/T 35965.1).
pub const EVENT_CODE_NAME: &str = "GB/T 35965";
/// `geocode` `valueName` of a division code.
pub const GEOCODE_NAME: &str = "GB/T 2260";

/// An act to be written.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// The revision.
    pub warning: &'a Warning,
    /// Minted by [`super::Mint`].
    pub identifier: &'a str,
    /// When it is sent.
    pub sent: Time,
    /// Offset that times are written with.
    pub offset: Offset,
    /// Whose act it is.
    pub authority: &'a Authority,
    /// To all, or to one authority that may issue what we may not.
    pub purpose: Purpose<'a>,
    /// Shapes and names of the areas, by code.
    pub areas: &'a BTreeMap<AreaCode, CapArea>,
    /// Words by tier and language; [`Tier::None`] is the all-clear.
    pub words: &'a BTreeMap<(Tier, Language), Words>,
    /// The first alert and the one before this; empty only for the first.
    pub references: &'a [Reference],
}

/// Who a document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Scope `Public`.
    Public,
    /// Scope `Restricted`: asks this authority to issue (提请).
    Request {
        /// The authority asked.
        to: &'a Authority,
    },
}

/// Words of one tier in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// CAP `headline`.
    pub headline: String,
    /// CAP `description`.
    pub description: String,
    /// CAP `instruction`.
    pub instruction: String,
}

/// Names an earlier message: `sender,identifier,sent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its sender.
    pub sender: String,
    /// Its identifier.
    pub identifier: String,
    /// When it was sent.
    pub sent: Time,
}

/// CAP 1.2 `msgType`, as far as we send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// First message.
    Alert,
    /// Replaces what it refers to.
    Update,
    /// Lifts what it refers to.
    Cancel,
}

/// A finished document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapDocument {
    /// CAP `identifier`.
    pub identifier: String,
    /// CAP `sender`.
    pub sender: String,
    /// CAP `sent`.
    pub sent: Time,
    /// CAP `msgType`.
    pub message_type: MessageType,
    /// True where anybody may read it: only these stand in the feed.
    pub public: bool,
    /// Headline of the first `info`, for the feed.
    pub title: String,
    /// Its description.
    pub text: String,
    /// Its instruction.
    pub instruction: String,
    /// The document, UTF-8.
    pub xml: String,
}

/// Why a revision cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// An empty area never means everybody (design §6.4).
    #[error("warning {warning} revision {revision} names no area: refused, add areas")]
    NoArea {
        /// The warning.
        warning: String,
        /// Its revision.
        revision: u32,
    },
    /// An area the city does not have.
    #[error("area {0} is not in areas.geojson: register it or take it out of the warning")]
    UnknownArea(AreaCode),
    /// A proposal is nobody's act yet.
    #[error("warning {0} is only proposed: approve it first")]
    NotReleased(String),
    /// Evaluated too late: shown, never sent (semantics §5).
    #[error("warning {0} was found too far behind the clock: it is shown and never sent")]
    Past(String),
    /// A Cancel must name the first alert and the one before.
    #[error("{0:?} without references: no document of ours stands that it could lift")]
    NoReference(MessageType),
    /// Its time is over.
    #[error("expires {expires} is not after sent {sent}: renew the warning before sending")]
    Expired {
        /// CAP `expires`.
        expires: Time,
        /// CAP `sent`.
        sent: Time,
    },
    /// No words in any language for a tier that holds somewhere.
    #[error("no words for tier {0} in any language: add them to the wording")]
    NoWords(Tier),
    /// An identifier or reference that would break `references`.
    #[error("identifier {0:?} has a space, a comma, `<` or `&`, which CAP 1.2 forbids")]
    Identifier(String),
}

impl MessageType {
    /// CAP's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "Alert",
            Self::Update => "Update",
            Self::Cancel => "Cancel",
        }
    }
}

/// Writes one revision. A partial cancel is an Update whose lifted areas stand in an all-clear
/// `info` (semantics §25).
///
/// # Errors
/// Whatever would make a document that misleads: see [`WriteError`].
pub fn alert(act: &Act<'_>) -> Result<CapDocument, WriteError> {
    let message_type = message_type(act);
    check(act, message_type)?;
    let groups = groups(act.warning, message_type);
    let infos = infos(act, &groups)?;
    let first = infos.first();
    let title = first.map(|info| headline(act, &info.words.headline));
    let words = first.map(|info| info.words.clone()).unwrap_or_default();
    let mut page = Page::new();
    head(&mut page, act, message_type);
    for info in &infos {
        write_info(&mut page, act, message_type, info)?;
    }
    page.close("alert");
    Ok(CapDocument {
        identifier: act.identifier.to_owned(),
        sender: act.authority.sender().to_owned(),
        sent: act.sent,
        message_type,
        public: act.purpose == Purpose::Public,
        title: title.unwrap_or_default(),
        text: words.description,
        instruction: words.instruction,
        xml: page.finish(),
    })
}

fn message_type(act: &Act<'_>) -> MessageType {
    match act.warning.event {
        Happened::Ended | Happened::Cancelled => MessageType::Cancel,
        Happened::Issued => MessageType::Alert,
        // The first document that could be written is a first message to whoever reads it.
        Happened::Updated if act.references.is_empty() => MessageType::Alert,
        Happened::Updated => MessageType::Update,
        // A request follows the proposal: each later revision of it refers to the first.
        Happened::Proposed if act.references.is_empty() => MessageType::Alert,
        Happened::Proposed => MessageType::Update,
    }
}

fn check(act: &Act<'_>, message_type: MessageType) -> Result<(), WriteError> {
    let warning = act.warning;
    if warning.past {
        return Err(WriteError::Past(warning.id.to_string()));
    }
    if warning.event == Happened::Proposed && act.purpose == Purpose::Public {
        return Err(WriteError::NotReleased(warning.id.to_string()));
    }
    if warning.areas.is_empty() {
        return Err(WriteError::NoArea {
            warning: warning.id.to_string(),
            revision: warning.revision,
        });
    }
    if message_type != MessageType::Alert && act.references.is_empty() {
        return Err(WriteError::NoReference(message_type));
    }
    if message_type != MessageType::Cancel && warning.expires <= act.sent {
        return Err(WriteError::Expired {
            expires: warning.expires,
            sent: act.sent,
        });
    }
    let forbidden = |c: char| c.is_whitespace() || matches!(c, ',' | '<' | '&');
    let names = act.references.iter().map(|r| r.identifier.as_str());
    for name in names.chain([act.identifier]) {
        if name.is_empty() || name.contains(forbidden) {
            return Err(WriteError::Identifier(name.to_owned()));
        }
    }
    Ok(())
}

/// Areas by tier, highest first, the all-clear last. A Cancel clears every area.
fn groups(warning: &Warning, message_type: MessageType) -> Vec<(Tier, Vec<(AreaCode, AreaTier)>)> {
    let mut by_tier: BTreeMap<Tier, Vec<(AreaCode, AreaTier)>> = BTreeMap::new();
    for (code, area) in &warning.areas {
        let tier = match message_type {
            MessageType::Cancel => Tier::None,
            MessageType::Alert | MessageType::Update => area.tier,
        };
        by_tier.entry(tier).or_default().push((*code, *area));
    }
    by_tier.into_iter().rev().collect()
}

struct Info<'a> {
    tier: Tier,
    language: Language,
    words: &'a Words,
    areas: &'a [(AreaCode, AreaTier)],
}

fn infos<'a>(
    act: &Act<'a>,
    groups: &'a [(Tier, Vec<(AreaCode, AreaTier)>)],
) -> Result<Vec<Info<'a>>, WriteError> {
    let mut infos = Vec::new();
    for (tier, areas) in groups {
        let before = infos.len();
        for language in Language::ALL {
            if let Some(words) = act.words.get(&(*tier, language)) {
                infos.push(Info {
                    tier: *tier,
                    language,
                    words,
                    areas,
                });
            }
        }
        if infos.len() == before {
            return Err(WriteError::NoWords(*tier));
        }
    }
    Ok(infos)
}

fn head(page: &mut Page, act: &Act<'_>, message_type: MessageType) {
    page.open_root();
    page.leaf("identifier", act.identifier);
    page.leaf("sender", act.authority.sender());
    page.leaf("sent", &cap_time(act.sent, act.offset));
    page.leaf("status", act.warning.mode.cap_status());
    page.leaf("msgType", message_type.name());
    match act.purpose {
        Purpose::Public => page.leaf("scope", "Public"),
        Purpose::Request { to } => {
            page.leaf("scope", "Restricted");
            let zh = to.name.get(Language::Zh);
            page.leaf("restriction", &format!("提请{zh}发布 request to issue"));
            page.leaf("addresses", to.sender());
        }
    }
    match act.warning.mode {
        model::Mode::Actual => {}
        model::Mode::Exercise => page.leaf("note", "演习 exercise: no action is needed"),
        model::Mode::Test => page.leaf("note", "测试 test: no action is needed"),
    }
    if !act.references.is_empty() {
        let references: Vec<String> = act
            .references
            .iter()
            .map(|r| {
                format!(
                    "{},{},{}",
                    r.sender,
                    r.identifier,
                    cap_time(r.sent, act.offset)
                )
            })
            .collect();
        page.leaf("references", &references.join(" "));
    }
}

fn write_info(
    page: &mut Page,
    act: &Act<'_>,
    message_type: MessageType,
    info: &Info<'_>,
) -> Result<(), WriteError> {
    let warning = act.warning;
    let onset = info.areas.iter().map(|(_, a)| a.onset).min();
    let onset = onset.unwrap_or(warning.time);
    page.open("info");
    page.leaf("language", info.language.bcp47());
    page.leaf("category", warning.hazard.cap_category());
    page.leaf("event", warning.name.get(info.language));
    for response in responses(warning.hazard, info.tier) {
        page.leaf("responseType", response);
    }
    page.leaf("urgency", urgency(info.tier, onset.since(act.sent)));
    page.leaf("severity", info.tier.cap_severity());
    page.leaf("certainty", certainty(info.tier, info.areas));
    page.pair("eventCode", EVENT_CODE_NAME, warning.hazard.code());
    page.leaf("effective", &cap_time(act.sent, act.offset));
    page.leaf("onset", &cap_time(onset, act.offset));
    if message_type != MessageType::Cancel {
        page.leaf("expires", &cap_time(warning.expires, act.offset));
    }
    page.leaf("senderName", act.authority.name.get(info.language));
    page.leaf("headline", &headline(act, &info.words.headline));
    page.leaf_unless_empty("description", &info.words.description);
    page.leaf_unless_empty("instruction", &info.words.instruction);
    page.leaf_unless_empty("web", &act.authority.web);
    page.leaf_unless_empty("contact", &act.authority.contact);
    page.pair("parameter", "colour", info.tier.name());
    page.pair("parameter", "warning", &warning.id.to_string());
    page.pair("parameter", "revision", &warning.revision.to_string());
    page.pair("parameter", "rule", &warning.rule);
    if let Some(evidence) = warning.evidence.first() {
        page.pair("parameter", "rule_version", &evidence.version);
    }
    for (code, _) in info.areas {
        let area = act.areas.get(code).ok_or(WriteError::UnknownArea(*code))?;
        page.open("area");
        page.leaf("areaDesc", area.name.get(info.language));
        for polygon in &area.polygons {
            page.leaf("polygon", polygon);
        }
        page.pair("geocode", GEOCODE_NAME, &area.geocode());
        page.close("area");
    }
    page.close("info");
    Ok(())
}

/// An exercise says so where people look first (design §6.3).
fn headline(act: &Act<'_>, text: &str) -> String {
    match act.warning.mode {
        model::Mode::Actual => text.to_owned(),
        model::Mode::Exercise => format!("【演习】{text}"),
        model::Mode::Test => format!("【测试】{text}"),
    }
}

/// Domain §7.4: up to an hour, up to six, later; lifting is past.
fn urgency(tier: Tier, ahead: Span) -> &'static str {
    if tier == Tier::None {
        "Past"
    } else if ahead <= Span::from_minutes(60) {
        "Immediate"
    } else if ahead <= Span::from_minutes(360) {
        "Expected"
    } else {
        "Future"
    }
}

/// Observed where every area has reached the tier; a person or a ratio went ahead elsewhere.
fn certainty(tier: Tier, areas: &[(AreaCode, AreaTier)]) -> &'static str {
    match tier {
        Tier::White => "Possible",
        Tier::None => "Observed",
        Tier::Blue | Tier::Yellow | Tier::Orange | Tier::Red => {
            if areas.iter().all(|(_, a)| a.reached >= tier) {
                "Observed"
            } else {
                "Likely"
            }
        }
    }
}

/// Domain §7.4; at red, what moves earth or water through houses means leaving, the rest staying in.
fn responses(hazard: Hazard, tier: Tier) -> &'static [&'static str] {
    match tier {
        Tier::None => &["AllClear"],
        Tier::White | Tier::Blue => &["Monitor"],
        Tier::Yellow => &["Prepare", "Monitor"],
        Tier::Orange => &["Prepare"],
        Tier::Red => match hazard {
            Hazard::RiverFlood
            | Hazard::FlashFlood
            | Hazard::GeologicalRisk
            | Hazard::Landslide
            | Hazard::DebrisFlow
            | Hazard::StormSurge => &["Evacuate"],
            Hazard::Waterlogging => &["Avoid", "Shelter"],
            // Roads and woods are kept out of; nobody has to leave their house.
            Hazard::RoadIcing | Hazard::FireDanger => &["Avoid"],
            Hazard::Drought => &["Prepare"],
            Hazard::Typhoon
            | Hazard::Rainstorm
            | Hazard::Snowstorm
            | Hazard::ColdWave
            | Hazard::Gale
            | Hazard::Cold
            | Hazard::Heat
            | Hazard::Lightning
            | Hazard::Hail
            | Hazard::Fog
            | Hazard::Haze
            | Hazard::ThunderGale => &["Shelter"],
        },
    }
}

/// The document as it grows. Writing to memory cannot fail, so the results carry nothing.
pub(super) struct Page(Writer<Vec<u8>>);

impl Page {
    pub(super) fn new() -> Self {
        let mut page = Self(Writer::new_with_indent(Vec::new(), b' ', 2));
        page.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        page
    }

    fn open_root(&mut self) {
        let mut root = BytesStart::new("alert");
        root.push_attribute(("xmlns", "urn:oasis:names:tc:emergency:cap:1.2"));
        self.event(Event::Start(root));
    }

    pub(super) fn event(&mut self, event: Event<'_>) {
        let _ = self.0.write_event(event);
    }

    pub(super) fn open(&mut self, name: &str) {
        self.event(Event::Start(BytesStart::new(name)));
    }

    pub(super) fn close(&mut self, name: &str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name);
        self.event(Event::Text(BytesText::from_escaped(
            escape::partial_escape(legal(text)).into_owned(),
        )));
        self.close(name);
    }

    fn leaf_unless_empty(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.leaf(name, text);
        }
    }

    fn pair(&mut self, name: &str, value_name: &str, value: &str) {
        self.open(name);
        self.leaf("valueName", value_name);
        self.leaf("value", value);
        self.close(name);
    }

    pub(super) fn finish(self) -> String {
        let mut text = String::from_utf8_lossy(&self.0.into_inner()).into_owned();
        text.push('\n');
        text
    }
}

/// XML 1.0 §2.2 has no control characters but tab and line ends; a pasted text may.
fn legal(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' => c,
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => ' ',
            other => other,
        })
        .collect()
}
