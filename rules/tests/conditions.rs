//! Random typed conditions against a walker of their trees (semantics §42).
#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be built ends its test"
)]

use model::{Parameter, Tier};
use proptest::prelude::*;
use rules::condition::{Kleene, Relaxation, Scope, Situated, compile};
use rules::window::Value;

/// A side of a comparison, in the parameter's unit.
#[derive(Clone, Debug)]
enum Side {
    Call(usize),
    Site(usize),
    /// Hundredths.
    Number(i64),
    Add(Box<Side>, Box<Side>),
    Subtract(Box<Side>, Box<Side>),
    Times(i64, Box<Side>),
}

#[derive(Clone, Debug)]
enum Truth {
    Compare(Side, &'static str, Side),
    And(Box<Truth>, Box<Truth>),
    Or(Box<Truth>, Box<Truth>),
    Not(Box<Truth>),
    Situation(&'static str, Tier),
    Constant(bool),
}

const CALLS: [&str; 4] = [
    "rainfall.sum(\"1h\")",
    "rainfall.mean(\"3h\")",
    "rainfall.max(\"15m\")",
    "rainfall.last()",
];
const SITES: [&str; 2] = ["site.blue", "site.red"];
const TESTS: [&str; 6] = [">=", ">", "<=", "<", "==", "!="];

fn side() -> impl Strategy<Value = Side> {
    let leaf = prop_oneof![
        4 => (0usize..4).prop_map(Side::Call),
        1 => (0usize..2).prop_map(Side::Site),
        2 => (-300i64..300).prop_map(Side::Number),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Side::Add(a.into(), b.into())),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Side::Subtract(a.into(), b.into())),
            (-300i64..300, inner).prop_map(|(n, a)| Side::Times(n, a.into())),
        ]
    })
}

fn truth() -> impl Strategy<Value = Truth> {
    let test = prop::sample::select(&TESTS[..]);
    let measured = (0usize..4, side())
        .prop_map(|(call, side)| Side::Add(Side::Call(call).into(), side.into()));
    let measured = prop_oneof![(0usize..4).prop_map(Side::Call), measured];
    let leaf = prop_oneof![
        8 => (measured.clone(), test.clone(), side()).prop_map(|(a, t, b)| Truth::Compare(a, t, b)),
        3 => (side(), test.clone(), measured).prop_map(|(a, t, b)| Truth::Compare(a, t, b)),
        1 => (test, 0usize..6).prop_map(|(t, tier)| Truth::Situation(t, Tier::from_index(tier).unwrap())),
        1 => any::<bool>().prop_map(Truth::Constant),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Truth::And(a.into(), b.into())),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Truth::Or(a.into(), b.into())),
            inner.prop_map(|a| Truth::Not(a.into())),
        ]
    })
}

fn hundredths(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", n.abs() / 100, n.abs() % 100)
}

fn side_text(side: &Side) -> String {
    match side {
        Side::Call(at) => CALLS[*at].into(),
        Side::Site(at) => SITES[*at].into(),
        Side::Number(n) => hundredths(*n),
        Side::Add(a, b) => format!("({} + {})", side_text(a), side_text(b)),
        Side::Subtract(a, b) => format!("({} - {})", side_text(a), side_text(b)),
        Side::Times(n, a) => format!("({} * {})", hundredths(*n), side_text(a)),
    }
}

fn text(truth: &Truth) -> String {
    match truth {
        Truth::Compare(a, test, b) => format!("{} {test} {}", side_text(a), side_text(b)),
        Truth::And(a, b) => format!("({} && {})", text(a), text(b)),
        Truth::Or(a, b) => format!("({} || {})", text(a), text(b)),
        Truth::Not(a) => format!("!({})", text(a)),
        Truth::Situation(test, tier) => format!("situation(\"other\") {test} {tier}"),
        Truth::Constant(truth) => truth.to_string(),
    }
}

/// What the walker knows: figures as fractions in millimetres, thresholds in millimetres.
struct World {
    calls: [Option<(i128, i128)>; 4],
    sites: [Option<i128>; 2],
    tier: Tier,
}

fn walk_side(side: &Side, world: &World) -> Option<(i128, i128)> {
    Some(match side {
        Side::Call(at) => world.calls[*at]?,
        Side::Site(at) => (world.sites[*at]?, 1),
        Side::Number(n) => (i128::from(*n), 100),
        Side::Add(a, b) | Side::Subtract(a, b) => {
            let ((an, ad), (bn, bd)) = (walk_side(a, world)?, walk_side(b, world)?);
            let sign = if matches!(side, Side::Add(_, _)) {
                1
            } else {
                -1
            };
            (an * bd + sign * bn * ad, ad * bd)
        }
        Side::Times(n, a) => {
            let (an, ad) = walk_side(a, world)?;
            (an * i128::from(*n), ad * 100)
        }
    })
}

/// Terms that cancel out are asked for all the same by the walker; the engine does not need them.
fn walk(truth: &Truth, world: &World) -> Option<bool> {
    match truth {
        // A threshold that the site does not have makes a comparison false, negated or not.
        Truth::Compare(a, _, b) if !has_sites(a, world) || !has_sites(b, world) => Some(false),
        Truth::Compare(a, test, b) => {
            let ((an, ad), (bn, bd)) = (walk_side(a, world)?, walk_side(b, world)?);
            Some(compare((an * bd).cmp(&(bn * ad)), test))
        }
        Truth::And(a, b) => match (walk(a, world), walk(b, world)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Truth::Or(a, b) => match (walk(a, world), walk(b, world)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Truth::Not(a) => walk(&negated(a), world),
        Truth::Situation(test, tier) => Some(compare(world.tier.cmp(tier), test)),
        Truth::Constant(truth) => Some(*truth),
    }
}

fn has_sites(side: &Side, world: &World) -> bool {
    match side {
        Side::Site(at) => world.sites[*at].is_some(),
        Side::Call(_) | Side::Number(_) => true,
        Side::Add(a, b) | Side::Subtract(a, b) => has_sites(a, world) && has_sites(b, world),
        Side::Times(_, a) => has_sites(a, world),
    }
}

fn negated(truth: &Truth) -> Truth {
    let opposite = |test: &str| match test {
        ">=" => "<",
        ">" => "<=",
        "<=" => ">",
        "<" => ">=",
        "==" => "!=",
        _ => "==",
    };
    match truth {
        Truth::Compare(a, test, b) => Truth::Compare(a.clone(), opposite(test), b.clone()),
        Truth::And(a, b) => Truth::Or(negated(a).into(), negated(b).into()),
        Truth::Or(a, b) => Truth::And(negated(a).into(), negated(b).into()),
        Truth::Not(a) => (**a).clone(),
        Truth::Situation(test, tier) => Truth::Situation(opposite(test), *tier),
        Truth::Constant(truth) => Truth::Constant(!truth),
    }
}

fn compare(order: std::cmp::Ordering, test: &str) -> bool {
    match test {
        ">=" => order.is_ge(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        "<" => order.is_lt(),
        "==" => order.is_eq(),
        _ => order.is_ne(),
    }
}

/// True where a comparison names a call or a threshold twice, or times zero.
fn repeats(truth: &Truth) -> bool {
    fn names(side: &Side, found: &mut Vec<usize>) -> bool {
        match side {
            Side::Call(at) => found.push(*at),
            Side::Site(at) => found.push(100 + at),
            Side::Number(_) => {}
            Side::Add(a, b) | Side::Subtract(a, b) => return names(a, found) | names(b, found),
            Side::Times(n, a) => return names(a, found) | (*n == 0),
        }
        false
    }
    match truth {
        Truth::Compare(a, _, b) => {
            let mut found = Vec::new();
            let zero = names(a, &mut found) | names(b, &mut found);
            found.sort_unstable();
            zero || found.windows(2).any(|pair| pair[0] == pair[1])
        }
        Truth::And(a, b) | Truth::Or(a, b) => repeats(a) || repeats(b),
        Truth::Not(a) => repeats(a),
        Truth::Situation(_, _) | Truth::Constant(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn programs_agree_with_a_walker(
        truth in truth(),
        sums in prop::array::uniform4(prop::option::weighted(0.9, -300i64..300)),
        count in 1i64..6,
        sites in prop::array::uniform2(prop::option::weighted(0.9, 0i64..4)),
        tier in 0usize..6,
    ) {
        let tier = Tier::from_index(tier).unwrap();
        let mut scope = Scope::default();
        let source = text(&truth);
        let program = match compile(&source, Relaxation::None, &mut scope) {
            Ok(program) => program,
            // Some of these are longer or deeper than a rule may be, or measure nothing.
            Err(_) => return Ok(()),
        };
        let of = |at: usize| if CALLS[at].contains("mean") { count } else { 1 };
        let world = World {
            calls: std::array::from_fn(|at| sums[at].map(|sum| (i128::from(sum), i128::from(of(at)) * 100))),
            sites: sites.map(|site| site.map(i128::from)),
            tier,
        };
        let values: Vec<Value> = scope.calls.iter().map(|call| {
            let at = CALLS.iter().position(|text| *text == call.text).unwrap();
            match sums[at] {
                Some(sum) => Value { number: i128::from(sum), of: i128::from(of(at)), covered: true },
                None => Value::UNKNOWN,
            }
        }).collect();
        let thresholds: Vec<Option<i64>> = scope.sites.iter().map(|name| {
            let at = SITES.iter().position(|text| text.ends_with(name.as_str())).unwrap();
            sites[at].map(|mm| mm * 1_000_000_000)
        }).collect();
        let found = program.evaluate(&Situated { values: &values, sites: &thresholds, tiers: &[tier], lowering: false });
        let wanted = match walk(&truth, &world) {
            Some(true) => Kleene::True,
            Some(false) => Kleene::False,
            None => Kleene::Unknown,
        };
        // Terms that cancel out are not asked for by the program: with something missing the two
        // may differ where a term is there twice.
        let cancels = (world.calls.iter().any(Option::is_none) || world.sites.iter().any(Option::is_none))
            && repeats(&truth);
        prop_assert!(found == wanted || cancels, "{source}: {found:?}, not {wanted:?}");
    }
}

fn relaxed(source: &str, relaxation: Relaxation, quanta: i128) -> Kleene {
    let mut scope = Scope::default();
    let program = compile(source, relaxation, &mut scope).unwrap();
    let values = vec![
        Value {
            number: quanta,
            of: 1,
            covered: true
        };
        scope.calls.len()
    ];
    program.evaluate(&Situated {
        values: &values,
        sites: &[],
        tiers: &[],
        lowering: false,
    })
}

#[test]
fn bounds_are_loosened_towards_staying() {
    let ratio = Relaxation::Ratio(rules::condition::Ratio::parse("0.8").unwrap());
    let by = Relaxation::By(rules::condition::Ratio::parse("0.03").unwrap());
    let rain = "rainfall.sum(\"6h\") >= 50.0";
    assert_eq!(relaxed(rain, Relaxation::None, 4999), Kleene::False);
    assert_eq!(relaxed(rain, ratio, 4000), Kleene::True);
    assert_eq!(relaxed(rain, ratio, 3999), Kleene::False);
    assert_eq!(relaxed("visibility.last() < 200", ratio, 249), Kleene::True);
    assert_eq!(
        relaxed("visibility.last() < 200", ratio, 250),
        Kleene::False
    );
    assert_eq!(
        relaxed("!(visibility.last() >= 200)", ratio, 249),
        Kleene::True
    );
    assert_eq!(relaxed("water_level.last() >= 5", by, 49_700), Kleene::True);
    assert_eq!(
        relaxed("water_level.last() >= 5", by, 49_699),
        Kleene::False
    );
    assert_eq!(
        relaxed("water_level.rate(\"1h\") >= 5", by, 49_700),
        Kleene::False,
        "a rate has another unit"
    );
    assert_eq!(
        relaxed("rainfall.count(\"1h\") >= 10", ratio, 9),
        Kleene::False,
        "a count is not relaxed"
    );
    let level = compile("water_level.last() >= 5", ratio, &mut Scope::default());
    assert!(level.unwrap_err().what.contains("a ratio of a water_level"));
}

#[test]
fn units_are_functions() {
    let depth = "water_depth.last() >= cm(15)";
    assert_eq!(relaxed(depth, Relaxation::None, 1500), Kleene::True);
    assert_eq!(relaxed(depth, Relaxation::None, 1499), Kleene::False);
    assert_eq!(
        relaxed("rainfall.sum(\"1h\") >= mm(50)", Relaxation::None, 5000),
        Kleene::True
    );
    assert_eq!(
        relaxed("rainfall.sum(\"1h\") >= 50", Relaxation::None, 5000),
        Kleene::True
    );
    let wrong = compile(
        "wind_speed.last() >= mm(50)",
        Relaxation::None,
        &mut Scope::default(),
    );
    assert!(wrong.unwrap_err().what.contains("which is in m/s"));
    assert_eq!(
        relaxed("rainfall.age() > \"10m\"", Relaxation::None, 600_001),
        Kleene::True
    );
}

#[test]
fn an_age_is_compared_with_a_duration_only() {
    for source in [
        "rainfall.age() >= 600",
        "0 < rainfall.age()",
        "rainfall.age() + 60 > \"10m\"",
        "rainfall.age() > \"10m\" + 5",
        "rainfall.age() > site.blue",
    ] {
        let error = compile(source, Relaxation::None, &mut Scope::default()).unwrap_err();
        assert!(error.remedy.contains("\"10m\""), "{source}: {error}");
    }
    for source in [
        "2 * rainfall.age() > \"10m\"",
        "rainfall.age() - water_level.age() > duration(\"5m\") + \"30s\"",
        "rainfall.count(\"1h\") >= 6",
    ] {
        assert!(
            compile(source, Relaxation::None, &mut Scope::default()).is_ok(),
            "{source}"
        );
    }
}

#[test]
fn what_is_not_in_the_vocabulary_is_refused() {
    for source in [
        "",
        "rainfall",
        "rainfall.sum(\"6h\")",
        "rainfall.sum() >= 5",
        "rainfall.last(\"1h\") > 1",
        "rain.sum(\"1h\") > 5",
        "rainfall.sum(\"6 hours\") > 5",
        "rainfall.sum(\"0h\") > 5",
        "rainfall.sum(\"40d\") > 5",
        "5 > 4",
        "site.blue > 4",
        "rainfall.sum(\"1h\") * rainfall.sum(\"2h\") > 5",
        "rainfall.sum(\"1h\") / 0 > 5",
        "rainfall.sum(\"1h\") > wind_speed.last()",
        "situation(\"a\") > 5",
        "situation(\"a\")",
        "rainfall.sum(\"1h\") > 5 ? true : false",
        "[1].exists(x, x > 0)",
        "rainfall.sum(\"1h\") in [1]",
        "rainfall.sum(\"1d@25:00\") > 5",
        "rainfall.sum(\"6h@08:00\") > 5",
        "site.station(\"level\").last() > 1",
        "rainfall.sum(\"1h\") > 1e300",
        "rainfall.sum(\"1h\") > \"5\"",
        "has(site.blue)",
    ] {
        let error = compile(source, Relaxation::None, &mut Scope::default());
        assert!(error.is_err(), "{source}");
        assert!(!error.unwrap_err().remedy.is_empty());
    }
    let deep = "(".repeat(500) + "true" + &")".repeat(500);
    assert!(compile(&deep, Relaxation::None, &mut Scope::default()).is_err());
    let long = format!("{} true", "true && ".repeat(300));
    assert!(compile(&long, Relaxation::None, &mut Scope::default()).is_err());
}

#[test]
fn a_call_reads_as_it_was_written() {
    let mut scope = Scope::default();
    let source =
        "site.station('depth').last() >= 1 || rainfall.sum('1h') >= 5 || rainfall.sum(\"2h\") > 1";
    compile(source, Relaxation::None, &mut scope).unwrap();
    let texts: Vec<&str> = scope.calls.iter().map(|c| c.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "site.station('depth').last()",
            "rainfall.sum('1h')",
            "rainfall.sum(\"2h\")"
        ]
    );
    assert_eq!(scope.calls[0].reading.parameter, Parameter::WaterDepth);
}
