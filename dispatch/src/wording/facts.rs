//! What a text speaks of, and the finished text.

use super::Purpose;
use super::consequence::At;
use super::names::Names;
use model::warning::Relayed;
use model::{Channel, Hazard, Language, Mode, Named, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The authority a text speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// 14-character authority code.
    pub id: String,
    /// Full name.
    pub name: Named,
    /// Registered SMS signature, without brackets.
    pub signature: Named,
    /// Where to check that a message is true: a hotline or an address.
    pub verify: Named,
}

/// Everything a text speaks of.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Why it is said.
    pub purpose: Purpose,
    /// World; anything but actual is marked first and last.
    pub mode: Mode,
    /// Hazard.
    pub hazard: Hazard,
    /// Its name as the rule gives it; the hazard's own where empty.
    pub hazard_name: &'a Named,
    /// Tier in force after this message.
    pub tier: Tier,
    /// Tier told before; none at first.
    pub from: Tier,
    /// Who speaks.
    pub issuer: &'a Issuer,
    /// False where the coloured signal belongs to another authority.
    pub own: bool,
    /// Issue time.
    pub issued: Time,
    /// When it begins (or eases, or ends) at the place.
    pub start: Time,
    /// Latest time for a responsible person to have acted.
    pub deadline: Time,
    /// Offset of the city for display.
    pub offset: model::Offset,
    /// Area list or site name.
    pub place: &'a Names,
    /// The same as short as it can be said: `天河区等3区`.
    pub area: &'a Names,
    /// The site that the text is about, or the worst of its areas: what the tier means there.
    pub site: Option<At<'a>>,
    /// What was measured; may be empty.
    pub measure: &'a Named,
    /// Words a person put in place of the template's, by language tag; used where a text calls
    /// to act ([`Purpose::takes_words`]).
    pub text: &'a BTreeMap<String, String>,
    /// The signal that is passed on.
    pub relay: Option<&'a Relayed>,
    /// True where the audience asks for easy words.
    pub plain: bool,
    /// Of a digest: what it names, the most urgent first; empty elsewhere.
    pub items: &'a [Item],
}

/// One warning that a digest names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Hazard.
    pub hazard: Hazard,
    /// Its name as the rule gives it; the hazard's own where empty.
    pub name: Named,
    /// Tier told before.
    pub from: Tier,
    /// Tier now; none where it is over.
    pub to: Tier,
    /// False where the coloured signal belongs to another authority.
    pub own: bool,
    /// Since when.
    pub start: Time,
}

/// One finished text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Language.
    pub language: Language,
    /// Channel it was made for.
    pub channel: Channel,
    /// Body; for CAP the `description`, for broadcast the crawl, for voice what is read out.
    pub text: String,
    /// Subject, notice title, CAP `headline`, for broadcast the line of an LED display; empty for
    /// short messages.
    pub subject: String,
    /// CAP `instruction`, for broadcast what loudspeakers say; empty elsewhere.
    pub instruction: String,
    /// Number of the wording within its intent: ledgers name a text by it.
    pub variant_no: u8,
}

/// The number of a language's wording within an intent.
pub fn language_variant(language: Language) -> u8 {
    u8::try_from(language.index()).unwrap_or_default()
}
