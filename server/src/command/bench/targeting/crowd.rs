//! Made-up people over a city's townships: four fifths in clusters, the rest anywhere, some sharing
//! a telephone. The same numbers give the same people.

use crate::command::Failure;
use crate::command::export::{Cell, Column, Kind, ParquetWriter};
use model::{AreaLevel, City};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Clusters of a township, each half as large as the one before.
const CLUSTERS: usize = 5;
/// Of a hundred, how many live outside the clusters, and how many share an earlier one's telephone.
const ANYWHERE: u64 = 20;
const SHARING: u64 = 3;
/// How wide a cluster is, degrees.
const SPREAD: f64 = 0.006;
/// Attempts to find a place in a township.
const ATTEMPTS: usize = 200;
/// Rows of a Parquet row group.
const GROUP_ROWS: usize = 65_536;
const FIRST_PHONE: u64 = 8_613_000_000_000;

const COLUMNS: [Column; 6] = [
    ("id", Kind::Text),
    ("lon", Kind::Decimal),
    ("lat", Kind::Decimal),
    ("phone", Kind::Integer),
    ("language", Kind::Text),
    ("audience", Kind::Text),
];

/// Numbers that look like chance and are always the same (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub(super) fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Around 0, one wide: the sum of twelve is near enough to a bell.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.part()).sum::<f64>() - 6.0
    }
}

/// One of them.
pub(super) struct Resident {
    pub(super) lon: f64,
    pub(super) lat: f64,
    pub(super) phone: u64,
    pub(super) language: &'static str,
    pub(super) audience: &'static str,
}

/// Where people live in a city, and what they have.
pub(super) struct Crowd<'c> {
    city: &'c City,
    townships: Vec<Township>,
}

struct Township {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
    centres: Vec<(f64, f64)>,
}

impl<'c> Crowd<'c> {
    pub(super) fn new(city: &'c City) -> Self {
        let mut dice = Dice(7);
        let mut townships = Vec::new();
        for area in city.areas_of(AreaLevel::Township) {
            let Some(shape) = city.area(area).map(|area| &area.shape) else {
                continue;
            };
            let corners = shape.iter().flat_map(|part| part.exterior().coords());
            let [mut west, mut south, mut east, mut north] =
                [180.0f64, 90.0f64, -180.0f64, -90.0f64];
            for corner in corners {
                west = west.min(corner.x);
                east = east.max(corner.x);
                south = south.min(corner.y);
                north = north.max(corner.y);
            }
            let mut township = Township {
                west,
                south,
                east,
                north,
                centres: Vec::new(),
            };
            for _ in 0..CLUSTERS {
                let centre = township.anywhere(&mut dice);
                township.centres.push(centre);
            }
            townships.push(township);
        }
        Self { city, townships }
    }

    /// So many people, each given to `take` with their number.
    pub(super) fn people(
        &self,
        count: u64,
        mut take: impl FnMut(u64, &Resident) -> io::Result<()>,
    ) -> io::Result<()> {
        for number in 0..count {
            take(number, &self.resident(number))?;
        }
        Ok(())
    }

    fn resident(&self, number: u64) -> Resident {
        let mut dice = Dice(number.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x5eed);
        let (lon, lat) = self.place(&mut dice);
        // Who shares takes the telephone of somebody before.
        let owner = match dice.next() % 100 {
            shared if shared < SHARING && number > 0 => dice.next() % number,
            _ => number,
        };
        let language = match dice.next() % 100 {
            0..3 => "en",
            _ => "zh",
        };
        let audience = match dice.next() % 100 {
            0..6 => "public;school",
            6..16 => "public;elder",
            _ => "public",
        };
        Resident {
            lon,
            lat,
            phone: FIRST_PHONE + owner * 17,
            language,
            audience,
        }
    }

    /// A place in some township; seven decimals, as tables have them.
    fn place(&self, dice: &mut Dice) -> (f64, f64) {
        let mut place = (0.0, 0.0);
        for _ in 0..ATTEMPTS {
            let at = (dice.next() % self.townships.len().max(1) as u64) as usize;
            let Some(township) = self.townships.get(at) else {
                break;
            };
            let (lon, lat) = if dice.next() % 100 < ANYWHERE {
                township.anywhere(dice)
            } else {
                // Half in the first cluster, half of the rest in the next …
                let cluster = (dice.next().trailing_ones() as usize).min(CLUSTERS - 1);
                let (x, y) = township.centres.get(cluster).copied().unwrap_or_default();
                (x + dice.bell() * SPREAD, y + dice.bell() * SPREAD)
            };
            place = ((lon * 1e7).round() / 1e7, (lat * 1e7).round() / 1e7);
            if self.city.gazetteer().locate(place.0, place.1).is_some() {
                break;
            }
        }
        place
    }

    /// Writes them as `subscribers.parquet`.
    pub(super) fn parquet(&self, count: u64, path: &Path) -> Result<(), Failure> {
        let out = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed)?);
        let mut file = ParquetWriter::open(out, &COLUMNS).map_err(failed)?;
        let mut group = Vec::with_capacity(GROUP_ROWS);
        self.people(count, |number, resident| {
            group.push(vec![
                Cell::Text(format!("U{number}")),
                Cell::Decimal(format!("{:.7}", resident.lon)),
                Cell::Decimal(format!("{:.7}", resident.lat)),
                Cell::Integer(resident.phone.cast_signed()),
                Cell::Text(resident.language.to_owned()),
                Cell::Text(resident.audience.to_owned()),
            ]);
            if group.len() == GROUP_ROWS {
                file.group(&group)?;
                group.clear();
            }
            Ok(())
        })
        .map_err(failed)?;
        if !group.is_empty() {
            file.group(&group).map_err(failed)?;
        }
        file.close().map_err(failed)
    }

    /// Writes them as `subscribers.csv`.
    pub(super) fn csv(&self, count: u64, path: &Path) -> Result<(), Failure> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path).map_err(failed)?);
        writeln!(out, "id,lon,lat,phone,language,audience").map_err(failed)?;
        self.people(count, |number, resident| {
            let Resident {
                lon,
                lat,
                phone,
                language,
                audience,
            } = resident;
            writeln!(
                out,
                "U{number},{lon:.7},{lat:.7},+{phone},{language},{audience}"
            )
        })
        .map_err(failed)?;
        out.flush().map_err(failed)
    }
}

impl Township {
    fn anywhere(&self, dice: &mut Dice) -> (f64, f64) {
        (
            self.west + (self.east - self.west) * dice.part(),
            self.south + (self.north - self.south) * dice.part(),
        )
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}
