//! Products by lead time in the city's zone: time first, then what a record brought.

use super::{Machine, Outputs};
use model::{Input, Time};

impl Machine {
    /// Lets time pass for products before a record is stepped: what comes with it came by then.
    /// Gives where the entries of the record begin.
    pub(super) fn serve_time(&mut self, at: Time, out: &mut Outputs) -> usize {
        if let (Some(services), Some(responses)) = (&mut self.services, &mut self.responses) {
            services.tick(at, responses, &mut out.entries);
        }
        out.entries.len()
    }

    /// What a record says of weather processes: forecasts, and the warnings that it changed.
    pub(super) fn serve(&mut self, at: Time, input: &Input, from: usize, out: &mut Outputs) {
        let (Some(services), Some(responses)) = (&mut self.services, &mut self.responses) else {
            return;
        };
        if let Input::Forecasts(forecasts) = input {
            services.forecasts(at, forecasts, responses, &mut out.entries);
        }
        services.follow(at, from, responses, &mut out.entries);
    }
}
