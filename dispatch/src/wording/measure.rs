//! Evidence into words: `rainfall.sum("3h") = 104.5` reads "3小时雨量104.5毫米".

use model::warning::Evidence;
use model::{Language, Parameter, Working};

/// Calls shown in one text; more would push the action off the screen.
const CALLS_MAX: usize = 2;

/// The measured values behind a tier, in words, strongest first as the evidence lists them;
/// empty where nothing can be said plainly.
pub fn words(evidence: &Evidence, language: Language) -> String {
    let mut said: Vec<String> = Vec::new();
    for (call, value) in &evidence.values {
        if said.len() == CALLS_MAX {
            break;
        }
        if let Some(words) = self::call(call, value, language)
            && !said.contains(&words)
        {
            said.push(words);
        }
    }
    said.join(match language.working() {
        Working::Zh => ",",
        Working::En => ", ",
    })
}

/// One call and its value in words; nothing where it cannot be said plainly.
pub fn call(call: &str, value: &str, language: Language) -> Option<String> {
    let (name, rest) = call.split_once('.')?;
    let (function, argument) = rest.split_once('(')?;
    let argument = argument.strip_suffix(')')?.trim_matches('"');
    let parameter = Parameter::from_name(name)?;
    let number: f64 = value.parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    let value = tidy(value);
    let (zh, en) = quantity(parameter)?;
    let (unit_zh, unit_en) = unit(parameter);
    let (window_zh, window_en) = window(argument);
    Some(match (language.working(), function) {
        (Working::Zh, "last") => format!("{zh}{value}{unit_zh}"),
        (Working::En, "last") => format!("{en} {value}{unit_en}"),
        (Working::Zh, "sum") => format!("{window_zh}{zh}{value}{unit_zh}"),
        (Working::En, "sum") => format!("{en} {value}{unit_en} in {window_en}"),
        (Working::Zh, "max") => format!("{window_zh}最大{zh}{value}{unit_zh}"),
        (Working::En, "max") => format!("highest {en} {value}{unit_en} in {window_en}"),
        (Working::Zh, "min") => format!("{window_zh}最小{zh}{value}{unit_zh}"),
        (Working::En, "min") => format!("lowest {en} {value}{unit_en} in {window_en}"),
        (Working::Zh, "mean") => format!("{window_zh}平均{zh}{value}{unit_zh}"),
        (Working::En, "mean") => format!("mean {en} {value}{unit_en} over {window_en}"),
        (Working::Zh, "delta") => {
            let verb = match (is_height(parameter), number < 0.0) {
                (true, true) => "下降",
                (true, false) => "上升",
                (false, true) => "减少",
                (false, false) => "增加",
            };
            format!(
                "{window_zh}{zh}{verb}{}{unit_zh}",
                value.trim_start_matches('-')
            )
        }
        (Working::En, "delta") => {
            let verb = if number < 0.0 { "down" } else { "up" };
            let value = value.trim_start_matches('-');
            format!("{en} {verb} {value}{unit_en} in {window_en}")
        }
        (Working::Zh, "rate") => {
            let verb = if number < 0.0 {
                "每小时降"
            } else {
                "每小时涨"
            };
            format!("{zh}{verb}{}{unit_zh}", value.trim_start_matches('-'))
        }
        (Working::En, "rate") => {
            let verb = if number < 0.0 { "falling" } else { "rising" };
            let value = value.trim_start_matches('-');
            format!("{en} {verb} {value}{unit_en} an hour")
        }
        (Working::Zh | Working::En, _) => return None,
    })
}

fn quantity(parameter: Parameter) -> Option<(&'static str, &'static str)> {
    Some(match parameter {
        Parameter::Rainfall | Parameter::RainfallTotal => ("雨量", "rain"),
        Parameter::WaterLevel => ("水位", "water level"),
        Parameter::WaterDepth => ("积水", "water depth"),
        Parameter::Flow => ("流量", "flow"),
        Parameter::WindSpeed => ("风速", "wind"),
        Parameter::WindGust => ("阵风", "gust"),
        Parameter::Temperature => ("气温", "temperature"),
        Parameter::Visibility => ("能见度", "visibility"),
        Parameter::SoilMoisture => ("土壤湿度", "soil moisture"),
        Parameter::Displacement => ("位移", "displacement"),
        Parameter::Tilt => ("倾斜", "tilt"),
        Parameter::Crack => ("裂缝", "crack width"),
        Parameter::PorePressure => ("孔隙水压", "pore pressure"),
        Parameter::GroundwaterLevel => ("地下水位", "groundwater"),
        Parameter::Snowfall => ("降雪", "snow"),
        Parameter::Lightning => ("雷电", "lightning"),
        Parameter::Hail => ("冰雹直径", "hail diameter"),
        Parameter::RoadTemperature => ("路面温度", "road temperature"),
        Parameter::FireDanger => ("火险等级", "fire danger grade"),
        Parameter::Storage => ("可用库容", "usable storage"),
        Parameter::WindDirection | Parameter::Humidity | Parameter::Pressure => return None,
    })
}

/// What goes up and down in Chinese, where other quantities grow and shrink.
const fn is_height(parameter: Parameter) -> bool {
    matches!(
        parameter,
        Parameter::Temperature
            | Parameter::RoadTemperature
            | Parameter::WaterLevel
            | Parameter::GroundwaterLevel
    )
}

/// After a number, in English with the space before it.
fn unit(parameter: Parameter) -> (&'static str, &'static str) {
    if parameter == Parameter::Lightning {
        return ("次", " strokes");
    }
    match parameter.unit() {
        "1" => ("", ""),
        "mm" => ("毫米", " mm"),
        "m" => ("米", " m"),
        "m3/s" => ("立方米/秒", " m3/s"),
        "m/s" => ("米/秒", " m/s"),
        "deg" => ("度", " deg"),
        "Cel" => ("℃", " C"),
        "kPa" => ("千帕", " kPa"),
        "%" => ("%", " %"),
        other => (other, other),
    }
}

/// `3h` → (`3小时`, `3 h`); a calendar window (`1d@08:00`) is "since 08:00".
fn window(argument: &str) -> (String, String) {
    if let Some((_, from)) = argument.split_once('@') {
        return (format!("{from}起"), format!("the day since {from}"));
    }
    let number = argument.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    match argument.as_bytes().last() {
        Some(b'm') => (format!("{number}分钟"), format!("{number} min")),
        Some(b'h') => (format!("{number}小时"), format!("{number} h")),
        Some(b'd') => (format!("{number}天"), format!("{number} d")),
        Some(_) | None => (argument.to_owned(), argument.to_owned()),
    }
}

/// Drops zeros after the point: `0.50` is read as a precision nobody means.
fn tidy(value: &str) -> &str {
    if value.contains('.') {
        value.trim_end_matches('0').trim_end_matches('.')
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_measured() {
        let say = |call: &str, value: &str, language| self::call(call, value, language);
        for (call, value, zh, en) in [
            (
                "rainfall.sum(\"3h\")",
                "104.50",
                "3小时雨量104.5毫米",
                "rain 104.5 mm in 3 h",
            ),
            (
                "water_depth.last()",
                "0.50",
                "积水0.5米",
                "water depth 0.5 m",
            ),
            (
                "water_depth.rate(\"10m\")",
                "0.6",
                "积水每小时涨0.6米",
                "water depth rising 0.6 m an hour",
            ),
            (
                "displacement.delta(\"24h\")",
                "-12",
                "24小时位移减少12毫米",
                "displacement down 12 mm in 24 h",
            ),
            (
                "temperature.delta(\"24h\")",
                "-12.5",
                "24小时气温下降12.5℃",
                "temperature down 12.5 C in 24 h",
            ),
            (
                "lightning.sum(\"10m\")",
                "31",
                "10分钟雷电31次",
                "lightning 31 strokes in 10 min",
            ),
            (
                "fire_danger.last()",
                "4",
                "火险等级4",
                "fire danger grade 4",
            ),
            (
                "storage.last()",
                "23.5",
                "可用库容23.5%",
                "usable storage 23.5 %",
            ),
            (
                "rainfall.sum(\"1d@08:00\")",
                "30",
                "08:00起雨量30毫米",
                "rain 30 mm in the day since 08:00",
            ),
        ] {
            assert_eq!(say(call, value, Language::Zh).as_deref(), Some(zh));
            assert_eq!(say(call, value, Language::En).as_deref(), Some(en));
        }
        assert_eq!(say("rainfall.count(\"3h\")", "12", Language::Zh), None);
        assert_eq!(say("site.red", "0.5", Language::Zh), None);
        assert_eq!(say("rainfall.sum(\"3h\")", "NaN", Language::Zh), None);
    }
}
