//! Somebody who subscribes one by one, held to what a row of the roll is held to.

use super::cells::Spot;
use super::numbers::{Kind, Numbers, key};
use super::subscribers::{Given, Number, Position, Taking};
use super::{Directory, columns};
use model::fault::{Fault, Faults, Place};
use model::table;
use model::{AreaCode, City, Language};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A person as they are given: what the columns of the roll hold, in words.
#[derive(Clone, Copy)]
pub struct Joining<'a> {
    /// Id.
    pub id: &'a str,
    /// Longitude and latitude, WGS-84 degrees.
    pub position: (Option<f64>, Option<f64>),
    /// Division code, for whoever has no place in it; may be empty.
    pub area: &'a str,
    /// E.164 with its plus; may be empty.
    pub phone: &'a str,
    /// Tag; empty is Chinese.
    pub language: &'a str,
    /// Classes, joined by `;`.
    pub audience: &'a str,
    /// E-mail address; may be empty.
    pub email: &'a str,
    /// Push token; may be empty.
    pub push: &'a str,
}

/// A subscriber as a sealed record keeps them. Personal data: `Debug` shows the area alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resident {
    /// Smallest area they live in.
    pub area: AreaCode,
    /// Ten-millionths of a degree east of the antimeridian.
    x: u32,
    /// Ten-millionths of a degree north of the South Pole.
    y: u32,
    /// E.164 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<u64>,
    /// Language.
    pub language: Language,
    /// Classes.
    pub classes: Vec<String>,
    /// E-mail address; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Push token; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub push: String,
}

impl Resident {
    pub(super) const fn spot(&self) -> Spot {
        Spot {
            x: self.x,
            y: self.y,
        }
    }
}

impl fmt::Debug for Resident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resident")
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}

impl Joining<'_> {
    /// Hash of the id, by which a person keeps their number.
    pub fn key(&self) -> u64 {
        subscriber_key(self.id)
    }
}

/// Hash of a subscriber's id.
pub(super) fn subscriber_key(id: &str) -> u64 {
    key(Kind::Subscriber, id)
}

impl Directory {
    /// Hash of a subscriber's id, by which they keep their number.
    pub fn key_of(id: &str) -> u64 {
        subscriber_key(id)
    }

    /// Holds somebody who is the `line`th of a request to what a row of the roll is held to.
    ///
    /// # Errors
    /// Every fault, by field, without personal data.
    pub fn resident(
        &self,
        city: &City,
        joining: &Joining<'_>,
        line: u32,
    ) -> Result<Resident, Vec<Fault>> {
        let mut faults = Faults::default();
        let mut classes = self.classes.clone();
        let mut giving = Numbers::default().giving(0);
        let mut taking = Taking::of_one(city, &self.order, &mut classes, &mut giving, &mut faults);
        let (lon, lat) = joining.position;
        let given = Given {
            id: joining.id,
            position: Position::Degrees(lon, lat),
            phone: Number::Text(joining.phone),
            language: joining.language,
            audience: joining.audience,
            email: joining.email,
            push: joining.push,
            area: joining.area,
            home: None,
        };
        let found = taking.person(Place::line("request", line), &given);
        let resident = found.and_then(|person| {
            let area = city.area(self.order.area(person.rank)?)?;
            Some(Resident {
                area: area.code,
                x: person.spot.x,
                y: person.spot.y,
                phone: person.phone,
                language: columns::language(person.bits),
                classes: table::parts(joining.audience).map(str::to_owned).collect(),
                email: person.email.to_owned(),
                push: person.push.to_owned(),
            })
        });
        resident.ok_or_else(|| faults.into_vec())
    }
}
