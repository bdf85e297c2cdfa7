//! Other authorities' signals: CAP documents, Atom feeds and state bulletins, as they are posted and polled,
//! and files of them that are given to a replay.

use crate::city::city;
use dispatch::gateway::cap::{feed, read};
use dispatch::gateway::state_bulletin::{self, AREAS_MAX, Newest, Next, Source};
use model::fault::FAULTS_MAX;
use model::{AreaCode, Hazard, Mode, Offset, Tier};

fn nowhere() -> Option<AreaCode> {
    AreaCode::parse("440101000000").ok()
}

/// What is taken has an identifier and a sender; what is refused says why.
pub(crate) fn cap(bytes: &[u8]) {
    match read(bytes, &|_| nowhere().into_iter().collect()) {
        Ok(signals) => {
            for signal in signals {
                assert!(!signal.identifier.is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

pub(crate) fn feed(bytes: &[u8]) {
    if let Err(error) = feed::read(bytes) {
        assert!(!error.to_string().is_empty());
    }
}

/// What is taken is a real signal of the city; what is refused says what is wrong and what to do.
pub(crate) fn official(bytes: &[u8]) {
    let (signals, faults) = sanfang::official_signals("signals", bytes, city());
    for signal in signals {
        assert_eq!(signal.mode, Mode::Actual);
        for area in &signal.areas {
            assert!(city().area_no(*area).is_some(), "{area:?}");
        }
    }
    assert!(faults.len() <= FAULTS_MAX + 1);
    for fault in faults {
        let is_whole = fault.what.contains("more faults");
        assert!(!fault.file.is_empty() || is_whole, "{fault}");
        assert!(
            !fault.what.is_empty() && !fault.remedy.is_empty(),
            "{fault}"
        );
    }
}

/// What is taken stands as it is listed, and is nothing new when it comes again.
pub(crate) fn bulletin(bytes: &[u8]) {
    let source = Source {
        name: "fuzz".into(),
        sender: "44010041400000".into(),
        sender_name: "fuzz".into(),
        hazard: Hazard::GeologicalRisk,
        event: "fuzz".into(),
        time: "date_id".into(),
        levels: "levels".into(),
        tiers: [("1", Tier::Yellow), ("2", Tier::Orange)]
            .map(|(level, tier)| (level.to_owned(), tier))
            .into(),
    };
    let offset = Offset(480);
    let found = match state_bulletin::read(bytes, &source, offset) {
        Ok(found) => found,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(found.areas.len() <= AREAS_MAX);
    let ours = |name: &str| AreaCode::parse(name).into_iter().collect();
    let Next::Follows { signals, changes } = source.follow(None, &found, offset, &ours) else {
        panic!("the first bulletin follows nothing");
    };
    assert_eq!(changes.len(), found.areas.len());
    let mut newest = Newest::default();
    for signal in signals.iter().rev() {
        assert!(newest.take(signal));
    }
    assert_eq!((newest.time, &newest.areas), (found.time, &found.areas));
    assert_eq!(
        source.follow(Some(&newest), &found, offset, &ours),
        Next::Same
    );
}
