//! What came of a command to a device, as the zone that gave it learns it.

use crate::{Tier, WarningId};
use serde::{Deserialize, Serialize};

/// A command was confirmed by the device's own state, or was not in its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceReport {
    /// The warning it was commanded for.
    pub warning: WarningId,
    /// Site, by id; empty for the strobe of somebody who answers for an area.
    pub site: String,
    /// Device, by id.
    pub device: String,
    /// The tier of the command.
    pub tier: Tier,
    /// False where the people of the site must go and see.
    pub confirmed: bool,
    /// Whose strobe it is, by the contact's id; nothing for a device of a site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}
