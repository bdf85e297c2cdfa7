//! Instants as RFC 3339 text in UTC: two programs never differ on the zone.

use model::Time;
use model::time::Offset;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&time.display(Offset(0)))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
    let time = Time::parse(&text).map_err(serde::de::Error::custom)?;
    Ok(time.0)
}

/// The same where there may be none.
pub(super) mod option {
    use super::{Offset, Time};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        time: &Option<Time>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.serialize_some(&time.display(Offset(0))),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Time>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let time = Time::parse(&text).map_err(serde::de::Error::custom)?;
        Ok(Some(time.0))
    }
}
