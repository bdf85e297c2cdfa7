//! Where values come from.

use crate::{AreaNo, Named, Parameter, Zone};

/// Who stands behind a station's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StationClass {
    /// Run by the authority in charge of the quantity.
    #[default]
    Official,
    /// Anybody else's, for reference.
    Reference,
}

/// A registered station.
#[derive(Clone, Debug)]
pub struct Station {
    /// The id observations carry.
    pub id: String,
    /// Name.
    pub name: Named,
    /// Kind as registered: `rain_gauge`, `depth_sensor`, `slope`, `weather`, …
    pub kind: String,
    /// WGS-84 longitude, degrees.
    pub lon: f64,
    /// WGS-84 latitude, degrees.
    pub lat: f64,
    /// Smallest registered area that holds it.
    pub area: AreaNo,
    /// Parameters it reports.
    pub parameters: Vec<Parameter>,
    /// Owner, as registered.
    pub owner: String,
    /// Official or reference.
    pub class: StationClass,
    /// Every zone that gets a copy of its observations; the first is its own (semantics §7).
    pub zones: Vec<Zone>,
}
