//! A city directory, read whole and checked: areas, stations, sites, policies.

use crate::authority::Ruling;
use crate::fault::{Fault, Faults, Place};
use crate::gazetteer::Gazetteer;
use crate::policy::Policy;
use crate::response::Plans;
use crate::service::Services;
use crate::{
    Area, AreaCode, AreaLevel, AreaNo, AuthorityId, Climate, Hazard, Members, Named, Offset, Site,
    SiteNo, Station, StationNo, Tier, Time, Zone,
};
use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

mod areas;
mod check;
mod climate;
mod geojson;
mod places;
mod responses;
mod services;
mod settings;
mod shape;
mod sites;
mod stations;
mod tasks;

#[cfg(test)]
mod tests;

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
    /// Areas by level, then by code; parents before children.
    pub areas: Vec<Area>,
    /// Stations, by [`StationNo`]; retired ones keep their place.
    pub stations: Vec<Station>,
    /// Sites, by [`SiteNo`], in file order.
    pub sites: Vec<Site>,
    /// Zones, by [`Zone`]: the area each stands for. Districts in code order, then the city.
    pub zones: Vec<AreaNo>,
    /// What is usual at its stations.
    pub climate: Climate,
    /// Policies.
    pub policy: Policy,
    /// Response plans, their tasks, and what follows from signals.
    pub plans: Plans,
    /// Products by lead time, and the evening product.
    pub services: Services,
    /// What was strange and could be used all the same.
    pub notices: Vec<Fault>,
    hash: String,
    zone: TimeZone,
    gazetteer: Gazetteer,
    area_numbers: FxHashMap<AreaCode, AreaNo>,
    station_numbers: FxHashMap<String, StationNo>,
    site_numbers: FxHashMap<String, SiteNo>,
    zone_by_area: Vec<Zone>,
    /// Stations in service that each zone hears of.
    members: Vec<Members>,
    children: Vec<Vec<AreaNo>>,
}

/// The files of a city directory that must be there and hold no personal data.
pub const FILES: [&str; 4] = [settings::FILE, areas::FILE, stations::FILE, sites::FILE];
/// Those that may be there besides: what is usual at stations, response plans and their tasks,
/// products by lead time.
pub const OPTIONAL: [&str; 4] = [climate::FILE, responses::FILE, tasks::FILE, services::FILE];

impl City {
    /// Reads a city from the bytes of [`FILES`] and [`OPTIONAL`]; `file` gives those of a name, or `None` where
    /// there is no such file. `earlier` are the ids of [`City::station_ids`] as last stored: they
    /// keep their numbers, new ones follow. All faults come at once, notices among them.
    pub fn read(
        file: impl Fn(&str) -> Option<Vec<u8>>,
        earlier: &[String],
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let city = read(&file, earlier, &mut faults);
        match city {
            Some(city) if faults.errors() == 0 => Ok(Self {
                notices: faults.into_vec(),
                ..city
            }),
            Some(_) | None => Err(faults.into_vec()),
        }
    }

    /// The notices of reading and what else leaves somebody unwarned. Compares borders: some
    /// hundred milliseconds for a large city.
    pub fn check(&self) -> Vec<Fault> {
        check::check(self)
    }

    /// Content hash over the files and the station numbers, 64 hexadecimal digits. Line ends and
    /// a byte order mark make no difference.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Station ids in number order: store them and give them to the next [`City::read`].
    pub fn station_ids(&self) -> Vec<String> {
        self.stations.iter().map(|s| s.id.clone()).collect()
    }

    /// The number of a station in service.
    pub fn station_no(&self, id: &str) -> Option<StationNo> {
        self.station_numbers.get(id).copied()
    }

    /// The station of that number, retired or not.
    pub fn station(&self, no: StationNo) -> Option<&Station> {
        self.stations.get(usize::try_from(no.0).ok()?)
    }

    /// The stations in service whose observations a zone gets.
    pub fn members(&self, zone: Zone) -> Members {
        let members = self.members.get(usize::from(zone.0));
        members.cloned().unwrap_or_default()
    }

    /// The same, each with what is registered of it, by number.
    pub fn stations_in(&self, zone: Zone) -> impl Iterator<Item = (StationNo, &Station)> + Clone {
        let members = self.members.get(usize::from(zone.0));
        let numbers = members.into_iter().flat_map(Members::all);
        numbers.filter_map(|no| Some((no, self.station(no)?)))
    }

    /// The number of a site.
    pub fn site_no(&self, id: &str) -> Option<SiteNo> {
        self.site_numbers.get(id).copied()
    }

    /// The site of that number.
    pub fn site(&self, no: SiteNo) -> Option<&Site> {
        self.sites.get(usize::try_from(no.0).ok()?)
    }

    /// The number of the area of that code.
    pub fn area_no(&self, code: AreaCode) -> Option<AreaNo> {
        self.area_numbers.get(&code).copied()
    }

    /// The area of that number.
    pub fn area(&self, no: AreaNo) -> Option<&Area> {
        self.areas.get(usize::from(no.0))
    }

    /// Areas of a level, in code order.
    pub fn areas_of(&self, level: AreaLevel) -> impl Iterator<Item = AreaNo> {
        let numbered = (0u16..).zip(&self.areas);
        numbered
            .filter(move |(_, a)| a.level == level)
            .map(|(no, _)| AreaNo(no))
    }

    /// The areas above one, smallest first; ends with the city.
    pub fn ancestors(&self, area: AreaNo) -> impl Iterator<Item = AreaNo> {
        let parent = |no: AreaNo| self.area(no).and_then(|a| a.parent);
        std::iter::successors(parent(area), move |no| parent(*no))
    }

    /// The areas directly below one, in code order.
    pub fn children(&self, area: AreaNo) -> &[AreaNo] {
        self.children
            .get(usize::from(area.0))
            .map_or(&[], Vec::as_slice)
    }

    /// True where `inner` is `outer` or lies below it.
    pub fn is_within(&self, inner: AreaNo, outer: AreaNo) -> bool {
        inner == outer || self.ancestors(inner).any(|above| above == outer)
    }

    /// The zone that owns an area.
    pub fn zone_of(&self, area: AreaNo) -> Zone {
        self.zone_by_area
            .get(usize::from(area.0))
            .copied()
            .unwrap_or(self.city_zone())
    }

    /// The code of the area a zone stands for.
    pub fn zone_code(&self, zone: Zone) -> AreaCode {
        let area = self
            .zones
            .get(usize::from(zone.0))
            .and_then(|no| self.area(*no));
        area.map_or(self.code, |a| a.code)
    }

    /// The zone of that code.
    pub fn zone_named(&self, code: AreaCode) -> Option<Zone> {
        let area = self.area_no(code)?;
        let at = self.zones.iter().position(|z| *z == area)?;
        u16::try_from(at).ok().map(Zone)
    }

    /// The zone of the city itself: the last.
    pub fn city_zone(&self) -> Zone {
        Zone(u16::try_from(self.zones.len().saturating_sub(1)).unwrap_or(u16::MAX))
    }

    /// The city's offset from UTC at an instant, daylight saving time included.
    pub fn offset_at(&self, time: Time) -> Offset {
        offset_at(&self.zone, time)
    }

    /// Looks up places.
    pub const fn gazetteer(&self) -> &Gazetteer {
        &self.gazetteer
    }

    /// What we may do with a finding of our own there (see [`crate::authority::Matrix::ruling`]).
    pub fn ruling(&self, hazard: Hazard, area: AreaNo, tier: Tier) -> Option<Ruling<'_>> {
        self.policy
            .matrix
            .ruling(hazard, &self.codes_upward(area), tier)
    }

    /// The same for a warning that passes on the signal of `relay_of`, where it names one.
    pub fn ruling_on(
        &self,
        hazard: Hazard,
        area: AreaNo,
        tier: Tier,
        relay_of: Option<&AuthorityId>,
    ) -> Option<Ruling<'_>> {
        match relay_of {
            None => self.ruling(hazard, area, tier),
            Some(of) => {
                let matrix = &self.policy.matrix;
                matrix.relay(of, hazard, &self.codes_upward(area), tier)
            }
        }
    }

    /// An area's code and its ancestors', smallest first.
    pub fn codes_upward(&self, area: AreaNo) -> Vec<AreaCode> {
        let upward = std::iter::once(area).chain(self.ancestors(area));
        upward
            .filter_map(|no| self.area(no).map(|a| a.code))
            .collect()
    }
}

fn read(
    file: &dyn Fn(&str) -> Option<Vec<u8>>,
    earlier: &[String],
    faults: &mut Faults,
) -> Option<City> {
    let mut bytes = FILES.map(|name| {
        let found = file(name);
        if found.is_none() {
            let remedy = "add it; an empty table is a header line alone";
            faults.error(Place::file(name), "", "it is missing", remedy);
        }
        found.unwrap_or_default()
    });
    if faults.errors() > 0 {
        return None;
    }
    bytes.iter_mut().for_each(canonical);
    let mut optional = OPTIONAL.map(file);
    optional.iter_mut().flatten().for_each(canonical);
    let [settings, areas, stations, sites] = &bytes;
    let settings = settings::read(settings, faults)?;
    let areas = areas::read(areas, settings.code, faults);
    let gazetteer = Gazetteer::new(&areas);
    let area_numbers: FxHashMap<AreaCode, AreaNo> = areas
        .iter()
        .zip(0..)
        .map(|(a, no)| (a.code, AreaNo(no)))
        .collect();
    let (zones, zone_by_area) = places::zones(&areas, settings.zone_level);
    check_matrix_areas(&settings.policy, &area_numbers, faults);
    let places = places::Places {
        areas: &areas,
        numbers: &area_numbers,
        zones: &zones,
        zone_by_area: &zone_by_area,
        gazetteer: &gazetteer,
        border_km: settings.border_km,
    };
    let stations = number(stations::read(stations, &places, faults), earlier);
    let station_numbers: FxHashMap<String, StationNo> = stations
        .iter()
        .zip(0..)
        .filter(|(s, _)| !s.retired)
        .map(|(s, no)| (s.id.clone(), StationNo(no)))
        .collect();
    let sites = sites::read(sites, &places, &station_numbers, faults);
    let [usual, responses, tasks, services] = &optional;
    let climate = usual
        .as_ref()
        .map(|bytes| climate::read(bytes, &station_numbers, faults));
    let mut plans = responses.as_ref().map_or_else(Plans::default, |bytes| {
        responses::read(bytes, &places, faults)
    });
    if let Some(bytes) = tasks {
        plans.tasks = tasks::read(bytes, &places, &sites, &plans, faults);
    }
    let services = services.as_ref().map(|bytes| services::read(bytes, faults));
    let mut members: Vec<Vec<StationNo>> = vec![Vec::new(); zones.len()];
    for (station, no) in stations.iter().zip(0..).filter(|(s, _)| !s.retired) {
        for zone in &station.zones {
            if let Some(list) = members.get_mut(usize::from(zone.0)) {
                list.push(StationNo(no));
            }
        }
    }
    let mut children = vec![Vec::new(); areas.len()];
    for (area, no) in areas.iter().zip(0..) {
        if let Some(list) = area.parent.and_then(|p| children.get_mut(usize::from(p.0))) {
            list.push(AreaNo(no));
        }
    }
    Some(City {
        hash: hash(&bytes, &optional, &stations),
        climate: climate.unwrap_or_default(),
        name: settings.name,
        code: settings.code,
        time_zone: settings.time_zone,
        offset: standard_offset(&settings.zone),
        site_numbers: sites
            .iter()
            .zip(0..)
            .map(|(s, no)| (s.id.clone(), SiteNo(no)))
            .collect(),
        areas,
        stations,
        sites,
        zones,
        policy: settings.policy,
        plans,
        services: services.unwrap_or_default(),
        notices: Vec::new(),
        zone: settings.zone,
        gazetteer,
        area_numbers,
        station_numbers,
        zone_by_area,
        members: members.into_iter().map(Members::from_iter).collect(),
        children,
    })
}

/// Gives each station its number: those known keep theirs, those gone stay as retired, new ones
/// follow in file order.
fn number(mut read: Vec<Station>, earlier: &[String]) -> Vec<Station> {
    let mut at: FxHashMap<&str, usize> = FxHashMap::default();
    for (no, station) in read.iter().enumerate() {
        at.insert(&station.id, no);
    }
    let kept: Vec<Option<usize>> = earlier.iter().map(|id| at.remove(id.as_str())).collect();
    let mut slots: Vec<Option<Station>> = read.drain(..).map(Some).collect();
    let mut stations: Vec<Station> = Vec::with_capacity(slots.len().max(earlier.len()));
    for (id, kept) in earlier.iter().zip(kept) {
        let station = kept.and_then(|no| slots.get_mut(no)?.take());
        stations.push(station.unwrap_or_else(|| Station::retired(id)));
    }
    stations.extend(slots.into_iter().flatten());
    stations
}

fn check_matrix_areas(policy: &Policy, areas: &FxHashMap<AreaCode, AreaNo>, faults: &mut Faults) {
    for code in policy.matrix.rows.iter().flat_map(|r| &r.areas) {
        if !areas.contains_key(code) {
            let what = format!("no area {code}");
            let remedy = "add it to areas.geojson, or correct the code";
            faults.error(Place::file(settings::FILE), "matrix.areas", what, remedy);
        }
    }
}

/// Drops a byte order mark and carriage returns before line feeds: editors disagree about them.
fn canonical(bytes: &mut Vec<u8>) {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    let mut kept = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            kept.push(*byte);
        }
    }
    *bytes = kept;
}

fn hash(files: &[Vec<u8>], optional: &[Option<Vec<u8>>], stations: &[Station]) -> String {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for (name, bytes) in FILES.iter().zip(files) {
        add(name.as_bytes());
        add(bytes);
    }
    for (name, bytes) in OPTIONAL.iter().zip(optional) {
        if let Some(bytes) = bytes {
            add(name.as_bytes());
            add(bytes);
        }
    }
    stations.iter().for_each(|s| add(s.id.as_bytes()));
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn offset_at(zone: &TimeZone, time: Time) -> Offset {
    let seconds = zone.to_offset(time.to_jiff()).seconds();
    Offset(i16::try_from(seconds / 60).unwrap_or_default())
}

/// The offset outside daylight saving time, by the rules of the year 2024.
fn standard_offset(zone: &TimeZone) -> Offset {
    let (january, july) = (
        Time::from_seconds(1_704_067_200),
        Time::from_seconds(1_719_792_000),
    );
    let summer = zone.to_offset_info(january.to_jiff()).dst().is_dst();
    offset_at(zone, if summer { july } else { january })
}
