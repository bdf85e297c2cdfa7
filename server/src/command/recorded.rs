//! Recorded observations: files read a piece at a time, and the zones they go through.

mod files;
mod news;
mod official;
mod zones;

pub(crate) use files::{Files, Summary, open};
pub(crate) use news::{News, Told};
pub(crate) use official::read as official_signals;
pub(crate) use zones::Zones;

use ingest::protocol::{self, Found, Like, Protocol, Take};
use ingest::register::{Registrar, Rejection};
use ingest::transport::file::Piece;
use model::{Observation, Time};

/// Nothing recorded is in the future, since record time follows the observations.
const ARRIVAL: Time = Time::from_millis(i64::MAX);

/// Hands each line's observation, or why it is none, to `take`.
#[inline]
pub(super) fn each(
    piece: Piece<'_>,
    registrar: &mut Registrar,
    take: impl FnMut(Result<Observation, Rejection>),
) {
    let mut lines = Lines { registrar, take };
    protocol::decode(&Protocol::Json, "", piece.bytes, piece.framing, &mut lines);
}

struct Lines<'r, F> {
    registrar: &'r mut Registrar,
    take: F,
}

impl<'a, F: FnMut(Result<Observation, Rejection>)> Take<'a> for Lines<'_, F> {
    #[inline]
    fn found(&mut self, found: Found<'a>) {
        let registered = match found {
            Ok(ref reading) => self.registrar.register(reading, ARRIVAL),
            Err(error) => Err(error.into()),
        };
        (self.take)(registered);
    }

    #[inline]
    fn like(&mut self, like: Like<'_, 'a>) {
        (self.take)(self.registrar.register_like(&like, ARRIVAL));
    }
}
