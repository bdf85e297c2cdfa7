//! The nouns of sanfang: what is measured, where, what it means, who is told.
//!
//! No I/O, no clock, no async. Quantities are integers in a fixed quantum (see [`Parameter`]),
//! times are instants ([`Time`]); every other crate speaks in these words and in no others.

pub mod area;
pub mod authority;
pub mod cadence;
pub mod channel;
pub mod city;
pub mod climate;
pub mod device;
pub mod document;
pub mod duty;
pub mod exercise;
pub mod fault;
pub mod forecast;
pub mod gazetteer;
pub mod hazard;
pub mod members;
pub mod mode;
pub mod mute;
pub mod observation;
pub mod order;
pub mod parameter;
pub mod pending;
pub mod policy;
pub mod quality;
pub mod record;
pub mod release;
pub mod response;
pub mod service;
pub mod signal;
pub mod silence;
pub mod site;
pub mod staleness;
pub mod station;
pub mod table;
pub mod telling;
pub mod text;
pub mod tier;
pub mod time;
pub mod warning;

pub use area::{Area, AreaCode, AreaLevel, AreaNo};
pub use authority::{Act, Authority, AuthorityId};
pub use cadence::Cadence;
pub use channel::{Channel, SendError};
pub use city::City;
pub use climate::Climate;
pub use device::DeviceReport;
pub use duty::{Duty, Roster, Shift, TakenOver};
pub use exercise::{Drill, DrillEnd};
pub use fault::{Fault, Severity};
pub use forecast::{
    Forecast, ForecastPlace, ForecastSeries, Quadrants, Step, Track, TrackPoint, WindForce,
};
pub use gazetteer::Gazetteer;
pub use hazard::Hazard;
pub use members::Members;
pub use mode::Mode;
pub use mute::{Mute, Muted, Muting};
pub use observation::{Observation, StationNo};
pub use order::Order;
pub use parameter::{Parameter, Quanta};
pub use pending::Pending;
pub use policy::Policy;
pub use quality::Quality;
pub use record::{Input, InputError, Move, Zone};
pub use release::Reach;
pub use signal::Signal;
pub use silence::Silence;
pub use site::{Site, SiteNo};
pub use staleness::{Staleness, When};
pub use station::Station;
pub use telling::{QuietHours, Telling};
pub use text::{Language, Named, Working};
pub use tier::Tier;
pub use time::{Offset, Span, Time};
pub use warning::{Warning, WarningId};
