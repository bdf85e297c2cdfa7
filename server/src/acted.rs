//! Acts of people: into the zones they concern, and what became of them in each.

use crate::api::Problem;
use crate::app::App;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::{Batch, Priority};
use model::{AreaCode, Order, Zone};
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
    /// Whether another post signs it.
    #[serde(skip)]
    pub(crate) lacks_post: bool,
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

    /// Why none of the zones followed, where none did.
    pub(crate) fn refused_everywhere(&self) -> Option<String> {
        (self.count(State::Refused) == self.zones.len()).then(|| self.reasons())
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
            Some(OfZone {
                state,
                why,
                lacks_post,
                ..
            }) => {
                let why = why.unwrap_or_default();
                Err(match state {
                    State::Done | State::Refused if lacks_post => Problem::forbidden(why),
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

impl App {
    /// Puts one person's order into a zone's input and waits for what becomes of it.
    pub(crate) async fn order(&self, zone: Zone, order: Order) -> Result<(), Problem> {
        self.orders(vec![(zone, order)]).await?.whole()
    }

    /// Puts an act over several zones into all their inputs in one atomic write (semantics §3), and
    /// says what became of it in each.
    pub(crate) async fn orders(&self, orders: Vec<(Zone, Order)>) -> Result<Acted, Problem> {
        let mut batch = Batch::new(self.clock.now().millis(), Priority::Vital);
        self.put_orders(orders, &mut batch);
        let runs = self.journal.submit(batch)?.await?;
        let zones = runs.into_iter().map(async |run| {
            let zone = Zone(run.partition.0);
            let outcome = self.outcomes.wait(zone, run.first.0).await;
            let refused = outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
            let lacks_post = refused.is_some_and(|refused| refused.lacks_post);
            let (state, why) = match outcome {
                Some(Ok(())) => (State::Done, None),
                Some(Err(refused)) => (State::Refused, Some(refused.why)),
                None => (
                    State::Waits,
                    Some(
                        "the order is stored and will be carried out; the zone is still catching up"
                            .to_owned(),
                    ),
                ),
            };
            OfZone {
                zone: self.zone_code(zone),
                state,
                why,
                lacks_post,
            }
        });
        let zones = futures_util::future::join_all(zones).await;
        Ok(Acted { zones })
    }

    /// Puts a message of another authority forward to be passed on, in each zone it touches.
    pub(crate) async fn relay(&self, identifier: &str, person: &str) -> Result<Acted, Problem> {
        let areas = self.view.signal_areas(identifier).ok_or_else(|| {
            Problem::not_found(format!(
                "no signal {identifier} is in force; see /v1/signals"
            ))
        })?;
        let order = |zone| {
            let order = Order::Relay {
                signal: identifier.to_owned(),
                person: person.to_owned(),
            };
            (zone, order)
        };
        self.orders(self.zones_of(&areas).into_iter().map(order).collect())
            .await
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
            lacks_post: false,
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
