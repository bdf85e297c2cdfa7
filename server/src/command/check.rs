//! `sanfang check`: every fault of a city directory or configuration at once.

use super::Failure;
use crate::installation;
use clap::Args;
use model::fault::Severity;
use std::path::PathBuf;

/// What to check.
#[derive(Args)]
pub(crate) struct Arguments {
    /// City directory
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// Rulebook directory instead of the city's own
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
}

/// Prints faults on standard output, one a line; notices too, but only faults fail.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut errors = 0;
    let mut tell = |fault: String, is_error: bool| {
        println!("{}{fault}", if is_error { "" } else { "notice: " });
        errors += u32::from(is_error);
    };
    let folder = arguments.city.display();
    let city = installation::city(&arguments.city);
    let rules = arguments
        .rules
        .clone()
        .unwrap_or_else(|| arguments.city.join("rules"));
    let rulebook = installation::rulebook(&rules);
    if let Ok(city) = &city {
        for fault in city.check() {
            tell(
                format!("{folder}/{fault}"),
                fault.severity == Severity::Error,
            );
        }
        if let Ok(rulebook) = &rulebook {
            for fault in rulebook.notices.iter().chain(&rulebook.check(city)) {
                tell(
                    format!("{}/{fault}", rules.display()),
                    fault.severity == Severity::Error,
                );
            }
        }
    }
    let wording = arguments.city.join("wording");
    let wording = wording.is_dir().then(|| installation::wording(&wording));
    let all = [
        city.as_ref().err(),
        rulebook.as_ref().err(),
        wording.as_ref().and_then(|w| w.as_ref().err()),
    ];
    for faulty in all.into_iter().flatten() {
        for fault in &faulty.0 {
            tell(fault.clone(), true);
        }
    }
    if errors > 0 {
        return Err(Failure::BadInput(format!("{errors} faults in {folder}")));
    }
    if let (Ok(city), Ok(rulebook)) = (city, rulebook) {
        eprintln!(
            "{folder}: {} areas, {} zones, {} stations, {} sites, {} rules ({}): no faults",
            city.areas.len(),
            city.zones.len(),
            city.stations.len(),
            city.sites.len(),
            rulebook.rules.len(),
            rulebook.version,
        );
    }
    Ok(())
}
