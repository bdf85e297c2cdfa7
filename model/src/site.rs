//! A place with thresholds, owners and devices of its own: a culvert, a slope, a school.

use crate::{AreaNo, Named, StationNo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A site's place in [`crate::City::sites`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SiteNo(pub u32);

/// A registered site.
#[derive(Clone, Debug)]
pub struct Site {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Named,
    /// Kind as registered: `culvert`, `underpass`, `waterlogging`, `slope`, `village`, `school`, …
    pub kind: String,
    /// WGS-84 longitude, degrees.
    pub lon: f64,
    /// WGS-84 latitude, degrees.
    pub lat: f64,
    /// Smallest registered area that holds it.
    pub area: AreaNo,
    /// Station whose values decide about it.
    pub station: Option<StationNo>,
    /// Device ids commanded for it (signs, sirens, barriers).
    pub actuators: Vec<String>,
    /// Plan (一点一策) reference.
    pub plan: String,
    /// Owner, as registered.
    pub owner: String,
    /// Thresholds by column name (`yellow`, `close`, `move_1h`, …) as decimal text in the parameter's unit;
    /// an empty cell is no entry: the site has no such threshold.
    pub thresholds: BTreeMap<String, String>,
}
