//! Rules that are refused, and the words that say why.

use rules::Rulebook;

/// The faults of a rule with these tiers, as a person reads them.
fn faults_of(tiers: &str) -> String {
    let text = format!(
        r#"schema = 1
version = "x"
[[rule]]
id      = "a"
hazard  = "11B03"
name    = {{ zh = "甲", en = "A" }}
source  = {{ document = "d", confidence = "sure" }}
{tiers}
"#
    );
    let read = Rulebook::read(&[("a.toml".into(), text.into())]);
    let faults = read.err().unwrap_or_default();
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("\n")
}

#[test]
fn a_fault_shows_the_words_it_is_about() {
    let told = [
        (
            r#"red     = 'rainfal.sum("3h") >= 100.0'"#,
            r#"a.toml:8:12: field red: "rainfal" is not a parameter — did you mean rainfall? known: "#,
            r#"
    red     = 'rainfal.sum("3h") >= 100.0'
               ^^^^^^^"#,
        ),
        (
            r#"red = 'rainfall.sum("3h") >= 1 || rainfall.sun("1h") > 5'"#,
            r#"a.toml:8:44: field red: rainfall.sun() is not known — did you mean sum? use "#,
            r#"
    red = 'rainfall.sum("3h") >= 1 || rainfall.sun("1h") > 5'
                                               ^^^"#,
        ),
        (
            r#"red = 'rainfall.sum("3h") >= degrees(3)'"#,
            "field red: an angle cannot be compared with rainfall, which is in mm — write mm(…) or a plain number in mm",
            r#"
    red = 'rainfall.sum("3h") >= degrees(3)'
                              ^^"#,
        ),
        (
            "red = 'lightning.last() >= mm(3)'",
            "field red: a length cannot be compared with lightning, which has no unit — write a plain number",
            "
    red = 'lightning.last() >= mm(3)'
                            ^^",
        ),
        (
            "red = 'temperature.last() >= celsiu(3)'",
            "did you mean celsius?",
            "
    red = 'temperature.last() >= celsiu(3)'
                                 ^^^^^^",
        ),
        (
            r#"red = 'situation("b") >= orang'"#,
            "orang is not a tier — did you mean orange?",
            r#"
    red = 'situation("b") >= orang'
                             ^^^^^"#,
        ),
        (
            r#"red = 'rainfall.sum("3 hours") >= 5'"#,
            "a.toml:8:21: field red: ",
            r#"
    red = 'rainfall.sum("3 hours") >= 5'
                        ^^^^^^^^^"#,
        ),
        (
            r#"red = 'rainfall.sum("3h") >='"#,
            "a.toml:8:29: field red: it cannot be read: it ends too early — write it like",
            "^",
        ),
        (
            "red = '''\nrainfall.sum(\"3h\") >= 5 ||\n  visibilty.last() < 50'''",
            "a.toml:10:3: field red: ",
            "
      visibilty.last() < 50'''
      ^^^^^^^^^",
        ),
        // Written with escapes: the words are found behind them.
        (
            r#"red = "rainfall.sum(\"3h\") >= 5 || rainfal.last() > 1""#,
            "a.toml:8:37: field red: ",
            r#"
    red = "rainfall.sum(\"3h\") >= 5 || rainfal.last() > 1"
                                        ^^^^^^^"#,
        ),
        (
            r#"red = 'signal("11b1") >= red'"#,
            "did you mean 11B01 (台风, typhoon)?",
            r#"
    red = 'signal("11b1") >= red'
                  ^^^^^^"#,
        ),
    ];
    for (tiers, words, carets) in told {
        let found = faults_of(tiers);
        assert!(found.contains(words), "{words}\n--\n{found}");
        assert!(found.contains(carets), "{carets}\n--\n{found}");
    }
    let found = faults_of("yelow = 'rainfall.last() > 5'");
    let words = "field rule.yelow: no such key — did you mean yellow? ";
    assert!(found.contains(words), "{found}");
}

#[test]
fn a_ladder_that_cannot_be_climbed_is_refused() {
    let ladders = [
        (r#"rainfall.sum("3h") >= 50"#, r#"rainfall.sum("3h") >= 50"#),
        (r#"rainfall.sum("3h") >= 50"#, r#"rainfall.sum("3h") > 40"#),
        (r#"rainfall.sum("1h") >= 50"#, r#"rainfall.sum("6h") >= 50"#),
        (
            r#"wind_gust.max("10m") >= 17.2"#,
            r#"wind_gust.max("1h") >= 17.2"#,
        ),
        ("visibility.last() < 200", "visibility.last() < 500"),
        (
            r#"rainfall.sum("1h") >= 50 || rainfall.sum("3h") >= 80"#,
            r#"rainfall.sum("3h") >= 80 || rainfall.sum("1h") >= 30"#,
        ),
        ("temperature.last() < 5", "temperature.last() < 10.5"),
        (
            r#"temperature.mean("24h") <= 4"#,
            r#"temperature.mean("24h") <= 5"#,
        ),
        (
            r#"water_level.rate("1h") > 0.5"#,
            r#"water_level.rate("1h") > 0.4"#,
        ),
        ("5 <= water_level.last()", "water_level.last() > 4.9999"),
        (
            "water_level.last() - site.warning >= 0.5",
            "water_level.last() >= site.warning",
        ),
        (
            r#"forecast(rainfall, "6h") >= 50"#,
            r#"forecast(rainfall, "6h") >= 30"#,
        ),
        (
            r#"forecast(rainfall, "3h") >= 30"#,
            r#"forecast(rainfall, "6h") >= 30"#,
        ),
        (
            r#"forecast(visibility, "3h") < 200"#,
            r#"forecast(visibility, "6h") < 500"#,
        ),
        (
            "water_depth.last() >= 0.3",
            r#"water_depth.max("1h") >= 0.2"#,
        ),
        ("temperature.last() <= 0", r#"temperature.min("24h") <= 0"#),
        (r#"snowfall.sum("6h") >= 4"#, r#"snowfall.sum("12h") >= 4"#),
        ("typhoon.hours_to(7) <= 24", "typhoon.hours_to(7) <= 48"),
        (
            r#"rainfall.effective("14d@08:00", 0.84) >= 100"#,
            r#"rainfall.effective("14d@08:00", 0.84) >= 90"#,
        ),
        (
            r#"rainfall.sum("2h") + forecast(rainfall, "1h") >= 50"#,
            r#"forecast(rainfall, "1h") + rainfall.sum("2h") >= 40"#,
        ),
        (
            r#"rainfall.sum("1h") >= 50 && wind_gust.last() >= 20"#,
            r#"wind_gust.last() >= 17 || rainfall.sum("3h") >= 100"#,
        ),
        (
            r#"wind_gust.last() >= 20 && rainfall.sum("1h") >= 50"#,
            r#"rainfall.sum("1h") >= 40 && wind_gust.last() > 19"#,
        ),
        (
            r#"rainfall.last() > 0 && situation("b") >= orange"#,
            r#"rainfall.last() > 0 && situation("b") > blue"#,
        ),
    ];
    for (yellow, higher) in ladders {
        for tier in ["orange", "red"] {
            let found = faults_of(&format!("yellow = '{yellow}'\n{tier} = '{higher}'"));
            let column = tier.len() + 5;
            let words =
                format!("a.toml:9:{column}: field {tier}: {tier} holds wherever yellow does");
            assert!(found.contains(&words), "{yellow} {higher}: {found}");
            let carets = "^".repeat(higher.len());
            assert!(found.contains(&carets), "{yellow} {higher}: {found}");
        }
    }
    let ladders = [
        ("temperature.last() < 10.5", "temperature.last() < 5"),
        (
            r#"temperature.mean("24h") <= 5"#,
            r#"temperature.mean("23h") <= 6"#,
        ),
        (
            "water_level.last() >= site.warning",
            "water_level.last() >= site.guarantee",
        ),
        (
            "water_level.last() >= site.warning",
            "water_level.last() - site.warning >= 0.5",
        ),
        ("water_level.last() >= 5", "water_level.last() <= 6"),
        (
            r#"forecast(rainfall, "6h") >= 30"#,
            r#"forecast(rainfall, "3h") >= 20"#,
        ),
        (
            r#"wind_gust.last() >= 17 || rainfall.sum("3h") >= 100"#,
            r#"rainfall.sum("1h") >= 50 && wind_gust.last() >= 20"#,
        ),
        (r#"rainfall.sum("3h") >= 50"#, r#"rainfall.sum("3h") > 50"#),
        (r#"rainfall.sum("6h") >= 50"#, r#"rainfall.sum("1h") >= 50"#),
        (
            r#"temperature.max("6h") >= 35"#,
            r#"temperature.max("1h") >= 35"#,
        ),
        ("visibility.last() < 500", "visibility.last() < 200"),
        // Of two parameters the newest value of one may be older than the window.
        (
            r#"water_depth.last() >= 0.3 && rainfall.last() >= 0"#,
            r#"water_depth.max("1h") >= 0.2 && rainfall.last() >= 0"#,
        ),
        (
            r#"forecast(rainfall, "6h") >= 50"#,
            r#"forecast(rainfall, "3h") >= 50"#,
        ),
        (
            r#"rainfall.sum("1h") >= 50 || rainfall.sum("3h") >= 80"#,
            r#"rainfall.sum("1h") >= 40"#,
        ),
        (
            r#"rainfall.sum("1h") >= 50"#,
            r#"rainfall.sum("1h") >= 50 && rainfall.sum("3h") >= 80"#,
        ),
    ];
    for (yellow, orange) in ladders {
        let found = faults_of(&format!("yellow = '{yellow}'\norange = '{orange}'"));
        assert_eq!(found, "", "{yellow} {orange}");
    }
}

#[test]
fn a_higher_tier_with_a_season_of_its_own_may_be_as_easy() {
    let ladder = "yellow = 'rainfall.sum(\"3h\") >= 50'\norange = 'rainfall.sum(\"3h\") >= 50'";
    assert!(faults_of(ladder).contains("never shown"));
    let seasonal = format!("{ladder}\nseason = {{ orange = [\"06-01..08-31\"] }}");
    assert_eq!(faults_of(&seasonal), "");
}

#[test]
fn what_limits_a_rise_is_checked() {
    let red = "red = 'rainfall.sum(\"3h\") >= 50'\n";
    for (line, words) in [
        (
            "season = [\"summer\"]",
            "a.toml:9:11: field season: \"summer\" is not two days of a year",
        ),
        (
            "season = [\"02-30..03-01\"]",
            "there is no day \"02-30\" in any year",
        ),
        ("season = []", "0 periods"),
        ("season = \"04-15..10-15\"", "it is not a list of texts"),
        (
            "season = { blue = [\"04-15..10-15\"] }",
            "field season.blue: the rule has no blue",
        ),
        (
            "season = { purple = [\"04-15..10-15\"] }",
            "field season.purple: no such key",
        ),
        (
            "samples = \"4 of 3\"",
            "a.toml:9:11: field samples: 4 of 3 cannot be asked for",
        ),
        (
            "samples = \"most\"",
            "field samples: \"most\" is not two whole numbers",
        ),
        ("samples = 3", "field samples: it is not a text"),
        (
            "qc_min = \"good\"",
            "a.toml:9:10: field qc_min: \"good\" is none",
        ),
        (
            "qc_min = [0, 3]",
            "field qc_min: it is not a text: windows do not keep every flag apart",
        ),
    ] {
        let found = faults_of(&format!("{red}{line}"));
        assert!(found.contains(words), "{words}\n--\n{found}");
    }
    for line in [
        "season = [\"04-15..10-15\", \"12-24..01-02\"]",
        "season = { red = [\"04-15..10-15\"] }",
        "samples = \"2 of 3\"",
        "qc_min = \"usable\"",
        "qc_min = \"sound\"",
    ] {
        assert_eq!(faults_of(&format!("{red}{line}")), "");
    }
    let found = faults_of(&format!(
        "{red}season = [\"04-15..10-15\", \"04-31..05-02\"]"
    ));
    let carets = "
    season = [\"04-15..10-15\", \"04-31..05-02\"]
                              ^^^^^^^^^^^^^^";
    assert!(found.contains(carets), "{found}");
    let asks = "subject = \"area\"\nred = 'situation(\"a\") >= red'\n";
    for line in [
        "samples = \"2 of 3\"",
        "qc_min = \"sound\"",
        "season = [\"04-15..10-15\"]",
    ] {
        let found = faults_of(&format!("{asks}{line}"));
        assert!(found.contains("that this one asks for"), "{line}: {found}");
    }
}
