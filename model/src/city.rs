//! A city directory, read whole and checked: areas, stations, sites, policies.

use crate::{Area, AreaCode, Named, Offset, Site, Station};

/// Everything an installation knows of its place; no personal data.
#[derive(Clone, Debug)]
pub struct City {
    /// Name.
    pub name: Named,
    /// Division code of the whole.
    pub code: AreaCode,
    /// IANA time zone name.
    pub time_zone: String,
    /// Standard offset of that zone, for display.
    pub offset: Offset,
    /// Areas; parents before children.
    pub areas: Vec<Area>,
    /// Stations, by [`crate::StationNo`].
    pub stations: Vec<Station>,
    /// Sites, by [`crate::SiteNo`].
    pub sites: Vec<Site>,
    /// Zones, by [`crate::Zone`]: the area each stands for.
    pub zones: Vec<crate::AreaNo>,
}
