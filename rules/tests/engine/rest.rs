//! Subjects at rest are not evaluated; everything is told as if they were.

use crate::little::{
    NO_SITES, SOUTH, at, city, code, engine, gauges, lines, reading, rule, rulebook, usual_city,
};
use model::{Forecast, ForecastPlace, ForecastSeries, Input, Order, Parameter, Quality, Step};
use proptest::prelude::*;
use rules::{Effect, Engine, Policy};

/// A condition that no rain reaches, of a figure that moves by itself: with it, every reading is
/// evaluated.
const NEVER: &str = " || rainfall.age() > \"999h\"";

/// Rules that hang on sums alone; with `also`, on an age too: then nothing can be told from sums.
fn rules(also: &str) -> String {
    let plain = format!(
        "propose_at = 0.9\nblue = 'rainfall.sum(\"15m\") >= 6{also}'\norange = 'rainfall.sum(\"5m\") >= 8{also}'\n\
         continuing = 'rainfall.sum(\"3m\") >= 1{also}'\nlower = {{ after = \"4m\", below = 0.8, when = 'rainfall.sum(\"10m\") < 2' }}"
    );
    let held = format!(
        "blue = 'rainfall.sum(\"4h\") >= 20{also}'\nraise = {{ after = \"3m\" }}\nlower = {{ after = \"6m\" }}\n\
         area = {{ level = \"township\", quorum = \"2 of 3\" }}"
    );
    let ahead = format!(
        "yellow = 'rainfall.sum(\"15m\") >= 4 && forecast(rainfall, \"2h\") >= 10{also}'\norange = 'rainfall.sum(\"15m\") >= 8{also}'\npropose_at = 0.9\n\
         lower = {{ after = \"4m\", when = 'rainfall.sum(\"15m\") < 2' }}"
    );
    rule("plain", "11B03", &plain) + &rule("held", "11A02", &held) + &rule("ahead", "11B03", &ahead)
}

#[derive(Clone, Debug)]
struct Event {
    station: u32,
    step: i64,
    back: i64,
    mm: i32,
    suspect: bool,
    order: u8,
}

fn storm() -> impl Strategy<Value = Vec<Event>> {
    let event = (
        0u32..6,
        prop_oneof![8 => Just(0i64), 3 => Just(1), 1 => 2i64..40],
        prop_oneof![9 => Just(0i64), 1 => 1i64..20],
        prop_oneof![3 => Just(0i32), 2 => 1i32..8],
        prop::bool::weighted(0.15),
        prop_oneof![20 => Just(0u8), 1 => 1u8..4],
    );
    let event = event.prop_map(|(station, step, back, mm, suspect, order)| Event {
        station,
        step,
        back,
        mm,
        suspect,
        order,
    });
    prop::collection::vec(event, 1..400)
}

/// One gauge that reports each minute but for gaps, in bouts of rain and of none: tiers come, and
/// fall by their own time.
fn bouts() -> impl Strategy<Value = Vec<Event>> {
    let bout = (
        1usize..25,
        prop_oneof![3 => Just(0i32), 2 => 1i32..4, 1 => 4i32..9],
        prop_oneof![6 => Just(1i64), 1 => 2i64..30, 1 => 50i64..100],
        prop::bool::weighted(0.1),
    );
    let events = |(minutes, mm, step, suspect): (usize, i32, i64, bool)| {
        let event = move |at| Event {
            station: 0,
            step: if at == 0 { step } else { 1 },
            back: 0,
            mm,
            suspect: suspect && at == 0,
            order: 0,
        };
        (0..minutes).map(event)
    };
    prop::collection::vec(bout, 1..25)
        .prop_map(move |bouts| bouts.into_iter().flat_map(events).collect())
}

/// Rain for three hours.
fn expected(now: i64, mm: i32) -> Input {
    Input::Forecasts(vec![Forecast::Series(ForecastSeries {
        issued: at(now),
        source: "met office".into(),
        parameter: Parameter::Rainfall,
        place: ForecastPlace::Area(code("440100000000")),
        steps: vec![Step {
            from: at(now),
            to: at(now + 180),
            value: mm * 100,
        }],
    })])
}

fn tell(engine: &mut Engine, events: &[Event]) -> Vec<String> {
    let (mut now, mut out) = (0, Vec::new());
    for event in events {
        now += event.step;
        let mut o = reading(
            event.station,
            Parameter::Rainfall,
            now - event.back,
            event.mm * 100,
        );
        if event.suspect {
            o.quality = Quality::Suspect;
        }
        engine.observe(at(now), &o, &mut out);
        let subject = format!("G{}", event.station + 1);
        if event.order == 3 {
            engine.step(at(now), &expected(now, event.mm * 3), &mut out);
        }
        let (rule, person) = ("plain".to_owned(), "duty".to_owned());
        let order = match event.order {
            1 => Order::Confirm {
                rule,
                subject,
                person,
            },
            2 => Order::Stand {
                rule,
                subject,
                person,
                reason: String::new(),
            },
            _ => continue,
        };
        engine.order(at(now), &order, &mut out);
    }
    // What subjects stand for, sure or not, whether it was told or not.
    let standing = engine.findings();
    let standing = standing.iter().map(|f| {
        let sure = if f.unconfirmed { "unsure" } else { "sure" };
        format!("{} {} {} {} {sure}", f.rule, f.subject, f.tier, f.newest)
    });
    let standing: Vec<String> = standing.collect();
    engine.tick(at(now + 300), &mut out);
    let sure = out.iter().filter_map(|effect| match effect {
        Effect::Warning(warning) => Some(format!("unconfirmed {}", warning.unconfirmed)),
        Effect::Signal(change) => Some(format!("unconfirmed {}", change.unconfirmed)),
        Effect::Pending(_) | Effect::Refused { .. } | Effect::Silence(_) | Effect::Muted(_) => None,
    });
    lines(&out)
        .into_iter()
        .chain(sure)
        .chain(standing)
        .collect()
}

/// Rules on all that a reading must bring before anything can rise: so much rain, a value as high or
/// as low as a bound, another day, the situation of another rule.
fn weather_rules(also: &str) -> String {
    let days = format!(
        "blue = 'rainfall.effective(\"4d@08:00\", 0.84) >= 60{also}'\norange = 'rainfall.sum(\"3d@08:00\") > 90{also}'\nlower = {{ after = \"5m\", below = 0.8 }}"
    );
    let curve = format!(
        "blue = 'rainfall.exceedance(\"guzzetti\") >= 4{also}'\nred = 'rainfall.exceedance(20, 0.4) > 1{also}'\npropose_at = 0.9\ncontinuing = 'rainfall.sum(\"10m\") >= 1{also}'"
    );
    let slide = format!(
        "blue = 'rainfall.exceedance(\"guzzetti\") >= 2{also}'\n\
         yellow = 'rainfall.effective(\"3d@08:00\", 0.84) >= 20 || rainfall.exceedance(\"caine\") > 1{also}'\n\
         red = '(rainfall.effective(\"3d@08:00\", 0.84) > 45.5 && rainfall.sum(\"2h\") >= 5){also}'\npropose_at = 0.9\n\
         raise = {{ after = \"2m\" }}\nlower = {{ after = \"20m\", below = 0.9, when = 'rainfall.sum(\"2h\") < 3' }}"
    );
    let dry = format!(
        "blue = 'rainfall.dry_days(\"9d@08:00\", 5) >= 2{also}'\nyellow = 'rainfall.days_at_least(\"9d@08:00\", 4) >= 2{also}'"
    );
    let usual = format!(
        "blue = 'rainfall.return_period(\"1h\") >= 2{also}'\nyellow = 'rainfall.return_period(\"3h\") > 4{also}'\n\
         orange = 'rainfall.return_period(\"1h\") >= 9.5{also}'\npropose_at = 0.9"
    );
    let drought = format!(
        "blue = 'rainfall.spi(\"5d@08:00\") <= -0.2{also}'\n\
         yellow = '0.4 * rainfall.spi(\"5d@08:00\") + 0.3 * rainfall.spi(\"2d@08:00\") <= -0.3{also}'\norange = 'rainfall.spi(\"2d@08:00\") < -0.9{also}'"
    );
    let peaks = format!(
        "blue = '(rainfall.max(\"30m\") >= 7 && rainfall.sum(\"2h\") > 9) || rainfall.last() > 7{also}'\nraise = {{ after = \"2m\" }}"
    );
    let level = format!(
        "subject = \"site\"\nblue = 'water_level.last() >= site.warning - m(0.4){also}'\n\
         yellow = 'water_level.max(\"1h\") > site.warning && (rainfall.sum(\"12h\") >= 20 || water_level.min(\"30m\") < 0.3) \
         || (water_level.last() >= 0.5 && rainfall.dry_days(\"9d@08:00\", 5) >= 2){also}'\n\
         orange = 'situation(\"days\") >= orange && water_level.last() <= 1.5{also}'\nlower = {{ after = \"3m\" }}"
    );
    let hears = format!(
        "blue = 'rainfall.effective(\"2d@08:00\", 0.84) >= 10{also}'\nred = 'rainfall.effective(\"2d@08:00\", 0.84) >= 30{also}'\n\
         lower = {{ after = \"2m\", below = 0.9, when = 'situation(\"days\") < orange' }}"
    );
    let mornings = format!(
        "subject = \"site\"\nblue = 'rainfall.dry_days(\"9d@08:00\", 5) >= 1{also}'\n\
         yellow = 'rainfall.dry_days(\"9d@08:00\", 5) >= 3 || water_level.days_at_least(\"5d@20:00\", 2) >= 2{also}'"
    );
    rule("days", "11B03", &days)
        + &rule("hears", "11B37", &hears)
        + &rule("mornings", "11B22", &mornings)
        + &rule("curve", "11B03", &curve)
        + &rule("slide", "11B37", &slide)
        + &rule("dry", "11B22", &dry)
        + &rule("usual", "11B03", &usual)
        + &rule("drought", "11B22", &drought)
        + &rule("peaks", "11B03", &peaks)
        + &rule("level", "11A02", &level)
}

/// A reading with what it is of, its quality and how long after the one before it comes.
type Drop = (bool, u32, i64, i64, i32, u8);

/// Hours and days of readings of rain and of water levels.
fn weather() -> impl Strategy<Value = Vec<Drop>> {
    let one = (
        prop::bool::weighted(0.3),
        0u32..2,
        prop_oneof![8 => Just(0i64), 8 => Just(1), 4 => 2i64..40, 2 => 300i64..1600],
        prop_oneof![9 => Just(0i64), 1 => 1i64..40],
        prop_oneof![4 => Just(0i32), 3 => 1i32..8, 1 => 8i32..40],
        prop_oneof![12 => Just(0u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)],
    );
    prop::collection::vec(one, 1..300)
}

/// What is told; at the reading of that number `fresh` goes on from a snapshot.
fn live(engine: &mut Engine, drops: &[Drop], fresh: Option<(usize, Engine)>) -> Vec<String> {
    let (mut now, mut out) = (0, Vec::new());
    let (stop, mut fresh) = fresh.unzip();
    for (number, (is_level, station, step, back, value, quality)) in drops.iter().enumerate() {
        if let Some(mut next) = fresh.take_if(|_| stop == Some(number)) {
            let mut bytes = Vec::new();
            engine.snapshot(&mut bytes);
            assert!(next.restore(&bytes).is_ok());
            *engine = next;
        }
        now += step;
        let mut o = match is_level {
            true => reading(0, Parameter::WaterLevel, now - back, value * 100),
            false => reading(*station, Parameter::Rainfall, now - back, value * 100),
        };
        // Some stand for hours, so that days are covered.
        o.interval_s = if step % 3 == 2 { 14_400 } else { 60 };
        match quality {
            1 => o.quality = Quality::Suspect,
            2 => o.quality = Quality::Wrong,
            // No gauge says so, but a window must bear it.
            3 => o.value = -o.value,
            _ => {}
        }
        engine.observe(at(now), &o, &mut out);
    }
    let standing = engine.findings();
    let standing = standing.iter().map(|f| {
        let sure = if f.unconfirmed { "unsure" } else { "sure" };
        format!("{} {} {} {} {sure}", f.rule, f.subject, f.tier, f.newest)
    });
    let standing: Vec<String> = standing.collect();
    engine.tick(at(now + 300), &mut out);
    lines(&out).into_iter().chain(standing).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn calm_changes_nothing_that_is_told(events in weather(), stop in 0usize..150) {
        let stations = [format!("G1,rain_gauge,{SOUTH},rainfall;water_level,60"), format!("G2,rain_gauge,{SOUTH},rainfall,60")];
        let sites = format!("id,name,kind,lon,lat,area,station,warning\nR1,甲,river,113.05,23.02,{SOUTH},G1,2.5\n");
        let city = usual_city(&stations, &sites);
        let fresh = |also: &str| engine(&city, &rulebook(&weather_rules(also)), Policy::Replay);
        let one = live(&mut fresh(""), &events, None);
        prop_assert_eq!(&one, &live(&mut fresh(NEVER), &events, None));
        prop_assert_eq!(&one, &live(&mut fresh(""), &events, Some((stop, fresh("")))));
    }

    #[test]
    fn rest_changes_nothing_that_is_told(events in prop_oneof![storm(), bouts()]) {
        let city = city(&gauges(6), NO_SITES);
        let sums = rulebook(&rules(""));
        let more = rulebook(&rules(NEVER));
        let one = tell(&mut engine(&city, &sums, Policy::Replay), &events);
        let two = tell(&mut engine(&city, &more, Policy::Replay), &events);
        prop_assert_eq!(one, two);
    }
}

/// A fall waits for as long as nobody watched (semantics §4), also where its sums stand still.
#[test]
fn a_gap_counts_for_no_fall() {
    let city = city(&gauges(1), NO_SITES);
    let event = |step, mm| Event {
        station: 0,
        step,
        back: 0,
        mm,
        suspect: false,
        order: 0,
    };
    let lasting = |also: &str| {
        let slow =
            format!("blue = 'rainfall.sum(\"4h\") >= 20{also}'\nlower = {{ after = \"30m\" }}");
        rulebook(&rule("slow", "11B03", &slow))
    };
    let rain = (0..5).map(|_| event(1, 5));
    let dry = (0..245).map(|_| event(1, 0));
    let gap = [event(20, 0)];
    let after = (0..60).map(|_| event(1, 0));
    let events: Vec<Event> = rain.chain(dry).chain(gap).chain(after).collect();
    let told = |also| tell(&mut engine(&city, &lasting(also), Policy::Replay), &events);
    let one = told("");
    assert_eq!(one, told(NEVER));
    assert!(one.iter().any(|line| line.contains("blue>none")), "{one:?}");
}

/// One after another with what it is of, its minute, how many seconds it stands for, and how much.
fn told_in_turn(
    rules: impl Fn(&str) -> String,
    readings: &[(Parameter, i64, u32, i32)],
) -> Vec<String> {
    let stations = [format!("G1,rain_gauge,{SOUTH},rainfall;water_level,60")];
    let sites = format!(
        "id,name,kind,lon,lat,area,station,warning\nR1,甲,river,113.05,23.02,{SOUTH},G1,2.5\n"
    );
    let city = usual_city(&stations, &sites);
    let told = |also: &str| {
        let mut engine = engine(&city, &rulebook(&rules(also)), Policy::Replay);
        let mut out = Vec::new();
        for (parameter, minute, interval_s, quanta) in readings {
            let mut o = reading(0, *parameter, *minute, *quanta);
            o.interval_s = *interval_s;
            engine.observe(at(*minute), &o, &mut out);
        }
        lines(&out)
    };
    let one = told("");
    assert_eq!(one, told(NEVER));
    one
}

/// What days came to is followed though the condition under which it may fall hangs on a situation.
#[test]
fn a_tier_of_days_that_falls_by_a_situation_rises_on() {
    let rules = |also: &str| {
        rule("days", "11B03", "blue = 'rainfall.sum(\"1h\") >= 900'")
            + &rule(
                "hears",
                "11B37",
                &format!(
                    "blue = 'rainfall.effective(\"2d@08:00\", 0.84) >= 10{also}'\n\
                     red = 'rainfall.effective(\"2d@08:00\", 0.84) >= 30{also}'\n\
                     lower = {{ below = 0.9, when = 'situation(\"days\") < orange' }}"
                ),
            )
    };
    let readings: Vec<_> = (0..40).map(|m| (Parameter::Rainfall, m, 60, 100)).collect();
    let told = told_in_turn(rules, &readings);
    assert!(
        told.iter().any(|line| line.contains("blue>red")),
        "{told:?}"
    );
}

/// A reading that stands for more than of its day has passed covers more of it as time goes on.
#[test]
fn a_day_is_covered_by_what_stands_for_more_than_has_passed() {
    let rules = |also: &str| {
        let days = format!(
            "blue = 'rainfall.effective(\"2d@08:00\", 0.01) >= 10{also}'\nlower = {{ after = \"1m\", below = 0.9 }}"
        );
        rule("days", "11B37", &days)
    };
    // Rain the evening before; at eight all begins anew, and one reading stands for the night.
    let morning = 14 * 60;
    let mut readings: Vec<_> = (0..12).map(|m| (Parameter::Rainfall, m, 60, 100)).collect();
    readings.push((Parameter::Rainfall, morning + 1, 72_000, 0));
    readings.extend((1..60).map(|n| (Parameter::Rainfall, morning + 1 + n * 3, 10, 0)));
    let told = told_in_turn(rules, &readings);
    assert!(
        told.iter().any(|line| line.contains("blue>none")),
        "{told:?}"
    );
}

/// Levels move the time of a rule on rain, past the hour at which its days begin, and rain that comes
/// behind may still cover the day before.
#[test]
fn days_of_one_parameter_pass_with_readings_of_another() {
    let rules = |also: &str| {
        let dry = format!(
            "subject = \"site\"\nblue = 'rainfall.dry_days(\"9d@08:00\", 5) >= 1 || water_level.days_at_least(\"5d@20:00\", 9) >= 2{also}'"
        );
        rule("dry", "11B22", &dry)
    };
    let (rain, level) = (Parameter::Rainfall, Parameter::WaterLevel);
    let morning = 14 * 60;
    let (day, day_s) = (24 * 60, 86_400);
    let covered = [
        (rain, morning + day - 10, day_s, 0),
        (level, morning + day - 5, 60, 100),
        (level, morning + day + 5, 60, 100),
    ];
    let told = told_in_turn(rules, &covered);
    assert!(
        told.iter().any(|line| line.contains("none>blue")),
        "{told:?}"
    );
    let behind = [
        (rain, morning + 10, 60, 0),
        (level, morning + day + 5, 60, 100),
        (rain, morning + day - 10, day_s, 0),
    ];
    let told = told_in_turn(rules, &behind);
    assert!(
        told.iter().any(|line| line.contains("none>blue")),
        "{told:?}"
    );
}

/// What takes the time of a rule changes nothing, and its evaluations are counted once each.
#[test]
fn a_sample_changes_nothing() {
    let city = city(&gauges(2), NO_SITES);
    let book = rulebook(&rules(""));
    let mut engine = engine(&city, &book, Policy::Live);
    let mut out = Vec::new();
    for minute in 0..20 {
        let reading = reading(0, Parameter::Rainfall, minute, 300);
        engine.observe(at(minute), &reading, &mut out);
    }
    let state = |engine: &Engine| {
        let mut bytes = Vec::new();
        engine.snapshot(&mut bytes);
        bytes
    };
    let before = state(&engine);
    let (done, found) = engine.sample(0, 1, 8);
    // One of two gauges has readings; its blue and orange hold, and hold where it is relaxed.
    assert_eq!(done, 1);
    assert!(found >= 2, "{found}");
    assert_eq!(engine.sample(9, 0, 8), (0, 0), "no such rule");
    assert_eq!(before, state(&engine));
    let figures = engine.take_figures();
    assert_eq!(figures[0].rule, "plain");
    assert!((1..=20).contains(&figures[0].evaluations), "{figures:?}");
    assert_eq!(figures[0].newest, Some(at(19)));
    assert_eq!(engine.take_figures()[0].evaluations, 0);
}
