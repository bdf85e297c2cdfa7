//! What became of an act in each zone it concerned, and the answer that says so.

use crate::api::Problem;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::AreaCode;
use serde::Serialize;

/// What became of it in one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Followed.
    Done,
    /// Not followed: nothing changed there.
    Refused,
    /// Stored, and followed once the zone has caught up.
    Waits,
}

/// One zone's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OfZone {
    pub(crate) zone: AreaCode,
    pub(crate) state: State,
    /// Why not, or not yet.
    pub(crate) why: Option<String>,
}

/// An act over one or several zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Acted {
    pub(crate) zones: Vec<OfZone>,
}

impl Acted {
    fn count(&self, state: State) -> usize {
        self.zones.iter().filter(|zone| zone.state == state).count()
    }

    /// Each zone that did not follow, with its reason.
    fn reasons(&self) -> String {
        let reason = |zone: &OfZone| Some(format!("{}: {}", zone.zone, zone.why.as_ref()?));
        let reasons: Vec<_> = self.zones.iter().filter_map(reason).collect();
        reasons.join("; ")
    }

    /// Whether all followed; otherwise the refusal of an act in a single zone.
    pub(crate) fn whole(self) -> Result<(), Problem> {
        match self
            .zones
            .into_iter()
            .find(|zone| zone.state != State::Done)
        {
            None => Ok(()),
            Some(OfZone { state, why, .. }) => {
                let why = why.unwrap_or_default();
                Err(match state {
                    State::Done | State::Refused => Problem::conflict(why),
                    State::Waits => Problem::unavailable(why),
                })
            }
        }
    }

    /// 200 where all zones followed, 207 where some did; where none did, 409 or, while they are
    /// catching up, 503.
    fn refusal(&self) -> Option<Problem> {
        if self.count(State::Done) > 0 {
            return None;
        }
        let problem = if self.count(State::Waits) > 0 {
            Problem::unavailable(self.reasons())
        } else {
            Problem::conflict(self.reasons())
        };
        Some(problem.of_zones(self.zones.clone()))
    }
}

impl IntoResponse for Acted {
    fn into_response(self) -> Response {
        if let Some(problem) = self.refusal() {
            return problem.into_response();
        }
        let status = if self.count(State::Done) == self.zones.len() {
            StatusCode::OK
        } else {
            StatusCode::MULTI_STATUS
        };
        (status, Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(states: &[State]) -> u16 {
        let zone = |(state, number): (&State, u64)| OfZone {
            zone: AreaCode::parse(&format!("{}", 440_100_000_000 + number)).unwrap(),
            state: *state,
            why: (*state != State::Done).then(|| "open already".to_owned()),
        };
        let zones = states.iter().zip(1..).map(zone).collect();
        Acted { zones }.into_response().status().as_u16()
    }

    #[test]
    fn the_status_says_how_many_followed() {
        use State::{Done, Refused, Waits};
        assert_eq!(status(&[Done, Done]), 200);
        assert_eq!(status(&[Done, Refused]), 207);
        assert_eq!(status(&[Waits, Done]), 207);
        assert_eq!(status(&[Refused, Refused]), 409);
        assert_eq!(status(&[Refused, Waits]), 503);
    }
}
