//! Service modes by lead time (“31631”, “131631”, “631”): which product is due how long before a
//! weather process, and how that stands for each process. Slots are data, since services differ
//! (design §3, Stage).

mod process;
mod stage;

pub use process::{
    Basis, Clock, Evening, EveningState, Ground, Process, ProcessState, Product, ProductKind,
    Round, Slot, SlotState,
};
pub use stage::{
    Counts, EveningTimes, Grain, Ladder, Lead, Service, Services, Sign, Stage, TimeOfDay,
};

use crate::{AreaCode, Hazard, Named, Time};
use serde::{Deserialize, Serialize};

/// What a person does about processes and their products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "service", rename_all = "snake_case", deny_unknown_fields)]
pub enum ServiceAct {
    /// Opens a process, or takes up one that is proposed.
    Open {
        /// The proposed one; [`None`] for a new one.
        process: Option<String>,
        /// Hazard; that of the proposal if not given.
        hazard: Option<Hazard>,
        /// Where; as proposed if empty.
        areas: Vec<AreaCode>,
        /// When it is expected to begin; as proposed if not given.
        onset: Option<Time>,
        /// When it is expected to end.
        end: Option<Time>,
        /// Who.
        person: String,
        /// Why.
        reason: String,
    },
    /// Moves its times or areas: products that are not done are due by the new times.
    Move {
        /// Which.
        process: String,
        /// Where; as it stands if empty.
        areas: Vec<AreaCode>,
        /// When it begins; as it stands if not given.
        onset: Option<Time>,
        /// When it ends; moved with the onset if not given.
        end: Option<Time>,
        /// Who.
        person: String,
        /// Why.
        reason: String,
    },
    /// It is over, or was none.
    End {
        /// Which.
        process: String,
        /// Who.
        person: String,
        /// Why.
        reason: String,
    },
    /// A product went out.
    Product {
        /// Of which process.
        process: String,
        /// Of which slot.
        slot: String,
        /// Which time it was due, where earlier ones were missed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<u32>,
        /// Who.
        person: String,
        /// Its text or what it says in short.
        text: String,
        /// Its number or address elsewhere.
        reference: String,
    },
    /// The evening product of a day went out.
    Evening {
        /// The day, as `2026-05-08` in the city's time.
        day: String,
        /// Who.
        person: String,
        /// As it went out.
        text: Named,
    },
}
