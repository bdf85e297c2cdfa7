//! All series of a zone, found by station and parameter.

use super::{NONE, SnapshotError};
use crate::reader::Reader;
use crate::rulebook::Rulebook;
use crate::window::{Block, Keep, Placed, Sealed, View};
use model::{City, Members, Observation, Parameter, StationNo, Zone};

/// The series of a zone, one for each parameter that a rule reads at each station.
pub(super) struct Windows {
    /// Place of each parameter among those read, by its code.
    places: [u8; Parameter::ALL.len()],
    width: usize,
    members: Members,
    /// Number of each series, by place of its station and of its parameter.
    numbers: Vec<u32>,
    owners: Vec<Owner>,
    blocks: Vec<Block>,
    parameters: Vec<Parameter>,
}

/// Whose a series is, and where it stands.
#[derive(Clone, Copy)]
struct Owner {
    station: StationNo,
    column: u32,
    place: u8,
}

impl Windows {
    /// Empty series for the stations whose observations the zone gets and `hears`.
    pub(super) fn new(
        city: &City,
        zone: Zone,
        rulebook: &Rulebook,
        hears: impl Fn(StationNo) -> bool,
    ) -> Self {
        let parameters: Vec<Parameter> = rulebook.parameters().collect();
        let mut places = [u8::MAX; Parameter::ALL.len()];
        for (place, parameter) in (0u8..).zip(&parameters) {
            if let Some(slot) = places.get_mut(usize::from(parameter.code())) {
                *slot = place;
            }
        }
        let width = parameters.len();
        let plans = rulebook.plans.iter();
        let own = city.stations_in(zone).filter(|(number, _)| hears(*number));
        let members: Members = own.clone().map(|(number, _)| number).collect();
        let mut windows = Self {
            places,
            width,
            numbers: vec![NONE; members.count() * width],
            members,
            owners: Vec::new(),
            blocks: plans
                .map(|(p, plan)| Block::new(plan.clone().at(city.offset), *p))
                .collect(),
            parameters,
        };
        for (number, station) in own {
            for parameter in &station.parameters {
                windows.add(number, *parameter, station.interval_s);
            }
        }
        windows.blocks.iter_mut().for_each(Block::shrink);
        windows
    }

    fn add(&mut self, station: StationNo, parameter: Parameter, interval_s: u32) {
        let Some(at) = self.at(station, parameter) else {
            return;
        };
        let place = at % self.width;
        let next = u32::try_from(self.owners.len()).unwrap_or(NONE);
        if let (Some(entry), Some(block)) = (self.numbers.get_mut(at), self.blocks.get_mut(place))
            && *entry == NONE
        {
            *entry = next;
            self.owners.push(Owner {
                station,
                column: u32::try_from(block.add(interval_s)).unwrap_or(NONE),
                place: u8::try_from(place).unwrap_or(u8::MAX),
            });
        }
    }

    #[inline]
    fn at(&self, station: StationNo, parameter: Parameter) -> Option<usize> {
        let place = *self.places.get(usize::from(parameter.code()))?;
        let station = self.members.place(station)?;
        (place != u8::MAX).then_some(station * self.width + usize::from(place))
    }

    /// The series of that parameter at that station.
    #[inline]
    pub(super) fn find(&self, station: StationNo, parameter: Parameter) -> Option<u32> {
        let number = *self.numbers.get(self.at(station, parameter)?)?;
        (number != NONE).then_some(number)
    }

    /// Puts an observation in its series.
    #[inline]
    pub(super) fn place(&mut self, number: u32, observation: &Observation) -> Placed {
        let owner = self.owners.get(number as usize);
        let block = owner.and_then(|owner| self.blocks.get_mut(usize::from(owner.place)));
        match (owner, block) {
            (Some(owner), Some(block)) => block.place(owner.column as usize, observation),
            (None, _) | (_, None) => Placed::Unusable,
        }
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<View<'_>> {
        let owner = self.owners.get(number as usize)?;
        let block = self.blocks.get(usize::from(owner.place))?;
        block.view(owner.column as usize)
    }

    /// Whose a series is.
    pub(super) fn station(&self, number: u32) -> Option<StationNo> {
        self.owners.get(number as usize).map(|owner| owner.station)
    }

    /// Every series.
    pub(super) fn all(&self) -> impl Iterator<Item = View<'_>> {
        let numbers = 0..u32::try_from(self.owners.len()).unwrap_or(NONE);
        numbers.filter_map(|number| self.get(number))
    }

    /// Parameter and newest observation time of each series that has one, milliseconds.
    pub(super) fn newest(&self) -> impl Iterator<Item = (Parameter, i64)> {
        let numbered = (0u32..).zip(&self.owners);
        numbered.filter_map(|(number, owner)| {
            let parameter = self.parameters.get(usize::from(owner.place))?;
            let newest = self.get(number)?.newest()?;
            Some((*parameter, newest.millis()))
        })
    }

    /// Appends every block with its parameter and the stations of its columns.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        for (place, (parameter, block)) in self.parameters.iter().zip(&self.blocks).enumerate() {
            bytes.push(parameter.code());
            let stations = self.stations(place);
            bytes.extend_from_slice(&(stations.len() as u32).to_le_bytes());
            for station in stations {
                bytes.extend_from_slice(&station.0.to_le_bytes());
            }
            block.encode(bytes);
        }
    }

    /// Fills empty windows with what [`Windows::encode`] wrote under the same rulebook and city.
    pub(super) fn decode(&mut self, bytes: &mut Reader<'_>) -> Result<(), SnapshotError> {
        while !bytes.rest.is_empty() {
            self.decode_block(bytes)?;
        }
        Ok(())
    }

    fn decode_block(&mut self, bytes: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let damaged = || SnapshotError::Damaged("its windows");
        let (place, parameter, stations) = self.decode_head(bytes).ok_or_else(damaged)?;
        if stations != self.stations(place) {
            return Err(SnapshotError::Other("registry of stations"));
        }
        let block = self.blocks.get_mut(place).ok_or_else(damaged)?;
        let before = Block::decode(block.plan(), parameter, bytes);
        let before = before.filter(|block| block.width() == stations.len());
        let columns: Vec<Option<usize>> = (0..stations.len()).map(Some).collect();
        block.take_over(before.ok_or_else(damaged)?, &columns);
        Ok(())
    }

    fn decode_head(&self, bytes: &mut Reader<'_>) -> Option<(usize, Parameter, Vec<StationNo>)> {
        let parameter = Parameter::from_code(bytes.u8()?)?;
        let place = *self.places.get(usize::from(parameter.code()))?;
        let count = bytes.u32()? as usize;
        let stations = bytes.take(count.checked_mul(4)?)?.as_chunks::<4>().0;
        let stations = stations.iter().map(|no| StationNo(u32::from_le_bytes(*no)));
        Some((usize::from(place), parameter, stations.collect()))
    }

    /// Hands out the rows that came to rest since the last call; true where that is everything.
    pub(super) fn seal(&mut self, keep: Keep<'_>) -> bool {
        let anew = self.blocks.iter().any(Block::is_open);
        for place in 0..self.blocks.len() {
            let stations = self.stations(place);
            if let Some(block) = self.blocks.get_mut(place) {
                if anew {
                    block.unseal_all();
                }
                block.seal(&stations, keep);
            }
        }
        anew
    }

    /// Takes a record of [`Windows::seal`] back.
    pub(super) fn unseal(&mut self, record: &[u8]) -> Option<()> {
        let record = Sealed::read(record)?;
        let place = usize::from(*self.places.get(usize::from(record.parameter.code()))?);
        let stations = self.stations(place);
        self.blocks.get_mut(place)?.unseal(&stations, &record)
    }

    /// The stations of the columns of a block.
    fn stations(&self, place: usize) -> Vec<StationNo> {
        let own = |owner: &&Owner| usize::from(owner.place) == place;
        self.owners.iter().filter(own).map(|o| o.station).collect()
    }

    /// Fills empty windows with those of before, under another rulebook or city.
    pub(super) fn take_over(&mut self, before: Self) {
        let places: Vec<_> = before
            .parameters
            .iter()
            .copied()
            .zip(before.blocks)
            .collect();
        for (at, (parameter, block)) in (0u8..).zip(places) {
            let owners = before.owners.iter().filter(|owner| owner.place == at);
            let columns: Vec<Option<usize>> = owners
                .map(|owner| self.column(owner.station, parameter))
                .collect();
            let place = self.places.get(usize::from(parameter.code())).copied();
            let place = usize::from(place.unwrap_or(u8::MAX));
            if let Some(fresh) = self.blocks.get_mut(place) {
                fresh.take_over(block, &columns);
            }
        }
    }

    fn column(&self, station: StationNo, parameter: Parameter) -> Option<usize> {
        let number = self.find(station, parameter)?;
        Some(self.owners.get(number as usize)?.column as usize)
    }

    /// Every series with its station and parameter.
    pub(super) fn each(&self) -> impl Iterator<Item = (u32, StationNo, Parameter)> + '_ {
        let numbered = (0u32..).zip(&self.owners);
        numbered.filter_map(|(number, owner)| {
            let parameter = self.parameters.get(usize::from(owner.place))?;
            Some((number, owner.station, *parameter))
        })
    }

    /// Every series with the station it is of.
    pub(super) fn owners(&self) -> impl Iterator<Item = (u32, StationNo)> + '_ {
        (0u32..).zip(self.owners.iter().map(|owner| owner.station))
    }

    /// How many series there are.
    pub(super) fn count(&self) -> usize {
        self.owners.len()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.iter().map(Block::bytes).sum()
    }
}
