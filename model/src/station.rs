//! Where values come from.

use crate::{AreaNo, Named, Parameter, Span, Zone};

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
    /// Seconds a value covers where the observation does not say; 0 for instantaneous readings
    /// (semantics §2).
    pub interval_s: u32,
    /// Every zone that gets a copy of its observations; the first is its own (semantics §7).
    pub zones: Vec<Zone>,
    /// No longer registered: only the id and the number are left, so that old records still read.
    pub retired: bool,
}

impl Station {
    /// The interval it is registered with.
    pub fn interval(&self) -> Option<Span> {
        let registered = Span::from_seconds(i64::from(self.interval_s));
        Some(registered).filter(|interval| *interval > Span::ZERO)
    }

    /// What is left of a station that was taken out of the registry.
    pub(crate) fn retired(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: Named::default(),
            kind: String::new(),
            lon: 0.0,
            lat: 0.0,
            area: AreaNo(0),
            parameters: Vec::new(),
            owner: String::new(),
            class: StationClass::Reference,
            interval_s: 0,
            zones: Vec::new(),
            retired: true,
        }
    }
}
