//! From a call that asks somebody who cannot hear to their strobe: it flashes, and goes dark again.

use super::Desk;
use crate::intent::{Audience, Intent, IntentId};
use crate::wording::{Message, Purpose};
use model::{Channel, Language, Mode, Reach, Tier, Time, WarningId};

/// A strobe that is switched.
#[derive(Clone, Copy, Debug)]
pub struct Switch<'a> {
    /// The strobe, by id.
    pub strobe: &'a str,
    /// For which warning.
    pub warning: WarningId,
    /// Its revision when the strobe was lit: by the time it goes dark the warning may be gone.
    pub revision: u32,
    /// World.
    pub mode: Mode,
    /// The tier of the call.
    pub tier: Tier,
    /// When it was first lit for the warning.
    pub since: Time,
    /// When it goes dark by itself.
    pub until: Time,
    /// True where it is to flash.
    pub flashes: bool,
}

/// What switches a strobe. Going dark is as urgent as flashing: it is the end of a call for somebody.
pub fn switching(at: Time, switch: &Switch<'_>, desk: &Desk<'_>) -> Intent {
    let reach = Reach::Device;
    let purpose = match switch.flashes {
        true => Purpose::Strobe,
        false => Purpose::StrobeOver,
    };
    let link = Channel::Device.name();
    let mut audience = Audience::of(reach, desk.directory);
    audience.strobes = vec![switch.strobe.to_owned()];
    // It may be lit and put out more than once in a revision.
    let place = format!("strobe/{}/{}", switch.strobe, at.millis());
    Intent {
        id: IntentId::derive(
            switch.warning,
            switch.revision,
            link,
            purpose,
            reach,
            &place,
        ),
        warning: switch.warning,
        revision: switch.revision,
        purpose,
        link: link.to_owned(),
        channel: Channel::Device,
        mode: switch.mode,
        audience,
        only_told: false,
        only_new: false,
        again: false,
        by_area: false,
        words: vec![nothing()],
        spare: Vec::new(),
        instead_of: None,
        tried: Vec::new(),
        moved_from: Vec::new(),
        tier: switch.tier,
        onset: switch.since,
        exposure: 0,
        not_before: None,
        not_after: switch.until,
        created: at,
    }
}

/// A lamp says nothing.
fn nothing() -> Message {
    Message {
        language: Language::default(),
        channel: Channel::Device,
        text: String::new(),
        subject: String::new(),
        instruction: String::new(),
        variant_no: 0,
    }
}
