//! `sanfang topics`: the topics of a deployment on Kafka, made or compared.

use super::{Failure, print};
use crate::config::{Config, Store};
use crate::installation;
use clap::{Args, Subcommand};
use journal::{Difference, KafkaOptions, Layout};
use model::Mode;
use std::path::PathBuf;

/// What to do about them.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make the topics that are missing; those that are there stay as they are
    Create(Arguments),
    /// Add the partitions that topics lack, as for more links; nothing moves, nobody has to stop
    Grow(Arguments),
    /// Compare the topics with what the configuration and the city want, exit 2 where they differ
    Check(Arguments),
}

/// Of which deployment.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Configuration file with a section [kafka]
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Does what was asked for.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let failed = |error: journal::JournalError| Failure::Failed(error.to_string());
    match command {
        Command::Create(arguments) => {
            let (options, layout) = wanted(arguments)?;
            let made = options
                .create_topics(&layout, Mode::Actual)
                .map_err(failed)?;
            print::lines(&made)?;
            eprintln!("{} topics made", made.len());
            Ok(())
        }
        Command::Grow(arguments) => {
            let (options, layout) = wanted(arguments)?;
            let grown = options.grow_topics(&layout, Mode::Actual).map_err(failed)?;
            print::lines(&grown)?;
            eprintln!("{} topics have more partitions", grown.len());
            Ok(())
        }
        Command::Check(arguments) => {
            let (options, layout) = wanted(arguments)?;
            let differences = options.compare_topics(&layout, Mode::Actual);
            let differences = differences.map_err(failed)?;
            let lines: Vec<String> = differences.iter().map(text).collect();
            print::lines(&lines)?;
            match differences.len() {
                0 => {
                    eprintln!("all topics are as they must be");
                    Ok(())
                }
                count => Err(Failure::BadInput(format!("{count} differences"))),
            }
        }
    }
}

/// What the topics must be.
fn wanted(arguments: &Arguments) -> Result<(KafkaOptions, Layout), Failure> {
    let bad = |words: String| Failure::BadInput(words);
    let (config, _) = Config::read(&arguments.config).map_err(|faults| bad(faults.to_string()))?;
    let Store::Kafka(section, node) = &config.store else {
        let file = arguments.config.display();
        return Err(bad(format!(
            "{file}: there is no section [kafka]: one machine's journal has no topics to make"
        )));
    };
    let city = installation::city(&config.city).map_err(|faults| bad(faults.to_string()))?;
    let layout = section.layout(&city, config.retention.storage().retentions);
    let node = node.as_deref().unwrap_or("topics");
    Ok((section.options(node).map_err(bad)?, layout))
}

fn text(difference: &Difference) -> String {
    let Difference {
        topic,
        what,
        found,
        wanted,
    } = difference;
    match what.as_str() {
        "topic" => format!("{topic}: it does not exist; `sanfang topics create` makes it"),
        _ => format!("{topic}: {what} is {found}, not {wanted}"),
    }
}
