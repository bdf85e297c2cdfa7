//! A district and one of its townships in one warning: each person hears what is true where they
//! are, whatever is said of the area round it.

use super::*;
use dispatch::directory::Directory;
use dispatch::gateway::area::Job;

const DISTRICT: &str = "440106000000";

/// One person in each of two townships of the district.
fn directory(fixture: &Fixture) -> Directory {
    let [a, b] = [A, B].map(|township| {
        let area = fixture.city.area_no(code(township)).unwrap();
        let stations = fixture.city.stations.iter();
        let mut inside = stations.filter(|station| station.area == area);
        let station = inside.next().unwrap();
        (station.lon, station.lat)
    });
    let people = format!(
        "id,lon,lat,phone,language,audience\nS0,{},{},+8613900000000,zh,public\nS1,{},{},+8613900000001,zh,public\n",
        a.0, a.1, b.0, b.1
    );
    let contacts = "id,name,role,area,phone\n";
    let read = Directory::read(&fixture.city, contacts.as_bytes(), people.as_bytes(), None);
    read.unwrap_or_else(|faults| panic!("{faults:?}")).directory
}

/// What the public's short messages say, and to which of the two.
fn told(
    fixture: &Fixture,
    directory: &Directory,
    intents: &[Intent],
) -> BTreeSet<(Purpose, Tier, u64)> {
    let public = intents
        .iter()
        .filter(|intent| intent.channel == Channel::Sms && intent.audience.reach == Reach::Public);
    let mut told = BTreeSet::new();
    for intent in public {
        let audience = intent.audience.in_version(directory.version());
        for pass in [0, 1] {
            let mut rows = Vec::new();
            directory
                .resolve(
                    &fixture.city,
                    &audience,
                    Channel::Sms,
                    (pass, 0),
                    100,
                    &mut rows,
                )
                .unwrap();
            for row in rows {
                told.insert((intent.purpose, intent.tier, row.address % 10));
            }
        }
    }
    told
}

#[test]
fn what_is_said_of_a_district_passes_over_its_township_that_hears_something_else() {
    let fixture = Fixture::new();
    let directory = directory(&fixture);
    let mut planner = Planner::default();
    let revision = |number: u32, areas: &[(&str, Tier, Tier)]| {
        let event = if number == 1 {
            Event::Issued
        } else {
            Event::Updated
        };
        warning(
            Hazard::Waterlogging,
            number,
            event,
            areas,
            i64::from(number),
        )
    };
    let [yellow, red, none] = [Tier::Yellow, Tier::Red, Tier::None];

    // The whole district is yellow and one township red: each hears one thing.
    let both = revision(1, &[(DISTRICT, yellow, yellow), (A, red, red)]);
    let first = step(&mut planner, &fixture, 1, &both);
    let heard = told(&fixture, &directory, &first);
    let alert = |tier, who| (Purpose::Alert, tier, who);
    assert_eq!(heard, BTreeSet::from([alert(red, 0), alert(yellow, 1)]));

    // The district is over and the township still red: who is there hears of no end.
    let left = revision(2, &[(DISTRICT, none, none), (A, red, red)]);
    let second = step(&mut planner, &fixture, 2, &left);
    let heard = told(&fixture, &directory, &second);
    assert_eq!(heard, BTreeSet::from([(Purpose::Ended, none, 1)]));
}

#[test]
fn a_job_names_areas_that_are_whole_and_none_within_another() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let [yellow, red] = [Tier::Yellow, Tier::Red];
    let places = &fixture.places;
    let jobs = |intents: &[Intent]| -> Vec<(Tier, Vec<AreaCode>)> {
        let public = intents.iter().filter(|intent| {
            intent.channel == Channel::Sms && intent.audience.reach == Reach::Public
        });
        public
            .map(|intent| {
                let name = Named::default();
                let job = Job::of(intent, places, Hazard::Waterlogging, String::new(), name);
                (intent.tier, job.areas)
            })
            .collect()
    };
    let all = warning(
        Hazard::Waterlogging,
        1,
        Event::Issued,
        &[(DISTRICT, yellow, yellow)],
        1,
    );
    let first = step(&mut planner, &fixture, 1, &all);
    assert_eq!(jobs(&first), [(yellow, vec![code(DISTRICT)])]);
    let mut planner = Planner::default();
    let mixed = [(DISTRICT, yellow, yellow), (A, red, red)];
    let mixed = warning(Hazard::Waterlogging, 1, Event::Issued, &mixed, 1);
    let mixed = jobs(&step(&mut planner, &fixture, 1, &mixed));
    assert_eq!(mixed[0], (red, vec![code(A)]));
    let (tier, others) = &mixed[1];
    assert_eq!(*tier, yellow);
    let district = fixture.city.area_no(code(DISTRICT)).unwrap();
    let townships = fixture.city.children(district);
    let beside: BTreeSet<AreaCode> = townships
        .iter()
        .map(|no| fixture.city.area(*no).unwrap().code)
        .filter(|area| *area != code(A))
        .collect();
    assert_eq!(others.iter().copied().collect::<BTreeSet<_>>(), beside);
}
