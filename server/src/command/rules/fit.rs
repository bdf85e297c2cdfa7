//! `sanfang rules fit`: what is usual at each station, from the rain of its days, as rows of `climate.csv`.

use crate::command::recorded::open;
use crate::command::{Failure, print};
use clap::Args;
use jiff::civil::Date;
use model::Parameter;
use model::fault::{Faults, Place, quoted};
use model::table::Table;
use rules::indicator::spi;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What to fit.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Days that the index looks back, ended with each month
    #[arg(long, value_name = "DAYS", value_delimiter = ',', default_values_t = [30u16, 90])]
    days: Vec<u16>,
    /// Daily rain, CSV: station,date,value (mm; a day without a row is unknown)
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Rain by day.
type Days = BTreeMap<Date, f64>;

/// Prints a gamma distribution for each station, window and month that has ten wet years and more.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = arguments.file.display().to_string();
    let mut faults = Faults::default();
    let mut stations: BTreeMap<String, Days> = BTreeMap::new();
    let file = open(&arguments.file)?;
    if let Some(mut table) = Table::open(&name, file, &["station", "date", "value"], &mut faults) {
        let [station, date, value] =
            ["station", "date", "value"].map(|column| table.column(column));
        while let Some(row) = table.next_row(&mut faults) {
            let place = Place::line(&name, row.line());
            let day: Option<Date> = row.get(date).parse().ok();
            let rain = row
                .get(value)
                .parse::<f64>()
                .ok()
                .filter(|rain| (0.0..=2000.0).contains(rain));
            match (day, rain) {
                (Some(day), Some(rain)) => {
                    stations
                        .entry(row.get(station).to_owned())
                        .or_default()
                        .insert(day, rain);
                }
                (None, _) => {
                    let what = format!("{} is no day", quoted(row.get(date)));
                    faults.error(place, "date", what, "write it like 1998-06-14");
                }
                (_, None) => {
                    let what = format!("{} is no amount of rain", quoted(row.get(value)));
                    faults.error(place, "value", what, "write millimetres of the day");
                }
            }
        }
    }
    if faults.errors() > 0 {
        let faults = faults.into_vec();
        let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
        return Err(Failure::BadInput(words.join("\n")));
    }
    let mut rows = vec!["station,parameter,window,month,shape,scale,zero".to_owned()];
    for (station, rain) in &stations {
        for days in &arguments.days {
            for month in 1..=12 {
                let amounts = amounts(rain, *days, month);
                match spi::fit(&amounts) {
                    Some(gamma) => rows.push(format!(
                        "{station},{},{days}d,{month},{:.4},{:.4},{:.4}",
                        Parameter::Rainfall,
                        gamma.shape,
                        gamma.scale,
                        gamma.zero
                    )),
                    None => eprintln!(
                        "{station}: {days} days to the end of month {month}: {} whole years, too few",
                        amounts.len()
                    ),
                }
                if amounts.len() < 30 && spi::fit(&amounts).is_some() {
                    eprintln!(
                        "{station}: {days} days to the end of month {month}: {} years, thirty are asked for",
                        amounts.len()
                    );
                }
            }
        }
    }
    print::lines(&rows)
}

/// Sums over so many days that end with the month, of each year that has all of them.
fn amounts(rain: &Days, days: u16, month: i8) -> Vec<f64> {
    let years = rain.keys().next().zip(rain.keys().next_back());
    let years = years.map(|(first, last)| first.year()..=last.year());
    let sum = |year: i16| {
        let last = Date::new(year, month, 1).ok()?.last_of_month();
        let from = last
            .checked_sub(jiff::Span::new().days(i64::from(days) - 1))
            .ok()?;
        let within = rain.range(from..=last);
        (within.clone().count() == usize::from(days)).then(|| within.map(|(_, rain)| rain).sum())
    };
    years.into_iter().flatten().filter_map(sum).collect()
}
