//! The evening product as it is drafted now: tonight's risks and transfers from the city's board,
//! who can be reached from the directory and the call board.

mod reach;
mod text;

use crate::app::App;
use model::Time;
use model::service::Evening;
use rules::service::{Tonight, tonight};

pub(crate) use reach::Reach;

/// All that it says.
pub(crate) struct Draft {
    /// Risks, transfers and times.
    pub(crate) tonight: Tonight,
    /// Who can be reached, by township with a risk or a transfer.
    pub(crate) reach: Vec<Reach>,
    /// What became of today's so far.
    pub(crate) filed: Option<Evening>,
}

/// Drafts it; [`None`] where the city has no evening product.
pub(crate) fn draft(app: &App, at: Time) -> Option<Draft> {
    let city = &app.installation.city;
    let (tonight, filed) = app.view.responded(|responded| {
        let tonight = tonight(city, &responded.board, at)?;
        let filed = responded.board.evenings.get(&tonight.night.day).cloned();
        Some((tonight, filed))
    })?;
    let calls = app.view.calls_where(|_| true);
    let contacts = app.installation.directory.contacts();
    Some(Draft {
        reach: reach::of(city, contacts, &calls, &tonight),
        tonight,
        filed,
    })
}
