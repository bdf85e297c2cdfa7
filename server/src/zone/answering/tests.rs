//! A district of two townships, of which one has people who answer for it.

use super::*;
use crate::installation::Earlier;
use crate::small_city as city;
use model::warning::AreaTier;
use model::{Hazard, Mode, Named, Time, WarningId};

const DISTRICT: &str = "440106000000";
const TOWN: &str = "440106014000";

fn installation(contacts: &str) -> Installation {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let directory = folder.path().join("city");
    let path = directory.join("areas.geojson");
    let text = std::fs::read_to_string(&path).unwrap();
    let other = text.split("},{").last().unwrap().trim_end_matches("]}");
    let other = other.replace(TOWN, "440106015000");
    let both = text.trim_end_matches("]}").to_owned() + ",{" + &other + "]}";
    std::fs::write(&path, both).unwrap();
    let head = "id,name,role,area,phone,site,email,language,deputy,level";
    std::fs::write(
        directory.join("contacts.csv"),
        format!("{head}\n{contacts}\n"),
    )
    .unwrap();
    Installation::load(&directory, None, &Earlier::default()).unwrap()
}

fn called(
    installation: &Installation,
    event: Event,
    areas: &[(&str, Tier)],
) -> Vec<(String, Tier)> {
    let zone = AreaCode::parse(DISTRICT).unwrap();
    let time = Time::from_seconds(1_694_094_000);
    let area = |(code, tier): &(&str, Tier)| {
        let area = AreaTier {
            tier: *tier,
            reached: Tier::Blue,
            onset: time,
        };
        (AreaCode::parse(code).unwrap(), area)
    };
    let warning = Warning {
        id: WarningId::derive(zone, Mode::Actual, Hazard::Typhoon, zone, time),
        revision: 1,
        event,
        mode: Mode::Actual,
        hazard: Hazard::Typhoon,
        name: Named::default(),
        zone,
        authority: String::new(),
        time,
        first_rise: time,
        areas: areas.iter().map(area).collect(),
        sites: BTreeMap::new(),
        rule: String::new(),
        evidence: Vec::new(),
        past: false,
        unconfirmed: false,
        expires: time,
        signed_by: Vec::new(),
        text: BTreeMap::new(),
        relay: None,
    };
    let all = super::areas(installation, &warning).into_iter();
    all.map(|(code, tier)| (code.to_string(), tier)).collect()
}

#[test]
fn a_warned_district_is_called_where_somebody_answers() {
    let head = "P2,镇长,township_head,440106014000,+8613900000011,,,zh,,1";
    let owner = "P1,涵洞主,site_owner,440106014000,+8613900000010,C1,,zh,,1";
    let duty = "P3,区值班,district_duty,440106000000,+8613900000012,,,zh,,1";
    let issued = Event::Issued;
    let full = installation(&[head, owner, duty].join("\n"));
    let one = |code: &str, tier| vec![(code.to_owned(), tier)];
    assert_eq!(
        called(&full, issued, &[(DISTRICT, Tier::Red)]),
        one(TOWN, Tier::Red)
    );
    // A proposal is called by what was reached; the end ends the calls it began.
    let proposed = called(&full, Event::Proposed, &[(DISTRICT, Tier::Red)]);
    assert_eq!(proposed, one(TOWN, Tier::Blue));
    let ended = called(&full, Event::Ended, &[(DISTRICT, Tier::None)]);
    assert_eq!(ended, one(TOWN, Tier::None));
    // Warned twice over, called once, by the higher tier.
    let both = [(DISTRICT, Tier::Yellow), (TOWN, Tier::Red)];
    assert_eq!(called(&full, issued, &both), one(TOWN, Tier::Red));
    let both = [(DISTRICT, Tier::Yellow), (TOWN, Tier::None)];
    assert_eq!(called(&full, issued, &both), one(TOWN, Tier::Yellow));
    // Who answers for a site alone does not answer for its township.
    let few = installation(&[owner, duty].join("\n"));
    let district = called(&few, issued, &[(DISTRICT, Tier::Red)]);
    assert_eq!(district, one(DISTRICT, Tier::Red));
}
