//! Texts as they are said: numbers, times and units in words, for loudspeakers and calls.

mod clock;
mod numbers;

pub(super) use clock::{clock, clock_near};

use model::Language;
use numbers::{decimal, digits};

/// Numbers that people say digit by digit, however short they are.
const CALLED: [&str; 4] = ["110", "119", "120", "122"];

/// Runs of digits this long are numbers to dial.
const DIALLED_MIN: usize = 5;

/// `text` with its units and numbers in words.
pub(super) fn words(text: &str, language: Language) -> String {
    let text = units(text, language);
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text.as_str();
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = number_end(from);
        let (number, after) = from.split_at(end);
        let is_time = number.len() <= 2
            && after.starts_with(':')
            && after
                .get(1..3)
                .is_some_and(|minutes| minutes.bytes().all(|b| b.is_ascii_digit()));
        if is_time {
            let minutes = after.get(1..3).unwrap_or_default();
            let (hour, minute) = (number.parse().unwrap_or(0), minutes.parse().unwrap_or(0));
            out.push_str(&clock::hour(hour, minute, language));
            rest = after.get(3..).unwrap_or_default();
            continue;
        }
        // A number that is part of a Latin name (`C0003`) is spelled.
        let spelled = before.ends_with(|c: char| c.is_ascii_alphabetic() || c == '-');
        let said = if spelled || CALLED.contains(&number) || is_dialled(number) {
            digits(number, language)
        } else {
            decimal(number, language)
        };
        let spaced = matches!(language, Language::En | Language::Fr);
        if spaced && out.ends_with(|c: char| c.is_alphanumeric()) {
            out.push(' ');
        }
        out.push_str(&said);
        if spaced && after.starts_with(|c: char| c.is_alphanumeric()) {
            out.push(' ');
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn is_dialled(number: &str) -> bool {
    number.len() >= DIALLED_MIN && !number.contains('.')
}

/// Where a number ends that stands at the start: digits, and one point between digits.
fn number_end(text: &str) -> usize {
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    let tail = text.get(whole..).unwrap_or_default();
    let decimals = tail.strip_prefix('.').unwrap_or_default();
    let decimals = decimals.bytes().take_while(u8::is_ascii_digit).count();
    if decimals > 0 {
        whole + 1 + decimals
    } else {
        whole
    }
}

/// Units that stand behind a number, as they are said; the longest first.
fn units(text: &str, language: Language) -> String {
    const ZH: &[(&str, &str)] = &[("℃", "摄氏度"), ("%", "个百分点")];
    const HANT: &[(&str, &str)] = &[("℃", "攝氏度"), ("%", "個百分點")];
    const EN: &[(&str, &str)] = &[
        (" mm", " millimetres"),
        (" cm", " centimetres"),
        (" km", " kilometres"),
        (" min", " minutes"),
        (" m3/s", " cubic metres a second"),
        (" m/s", " metres a second"),
        (" h", " hours"),
        (" m", " metres"),
        (" C", " degrees"),
        (" d", " days"),
        (" %", " percent"),
    ];
    const JA: &[(&str, &str)] = &[
        ("mm", "ミリ"),
        ("cm", "センチ"),
        ("km", "キロ"),
        ("m", "メートル"),
        ("℃", "度"),
        ("%", "パーセント"),
    ];
    const KO: &[(&str, &str)] = &[
        ("mm", "밀리미터"),
        ("cm", "센티미터"),
        ("km", "킬로미터"),
        ("m", "미터"),
        ("℃", "도"),
        ("%", "퍼센트"),
    ];
    const FR: &[(&str, &str)] = &[
        (" mm", " millimètres"),
        (" cm", " centimètres"),
        (" km", " kilomètres"),
        (" h", " heures"),
        (" m", " mètres"),
        (" °C", " degrés"),
        (" %", " pour cent"),
    ];
    let table = match language {
        Language::Zh => ZH,
        Language::ZhHant => HANT,
        Language::En => EN,
        Language::Ja => JA,
        Language::Ko => KO,
        Language::Fr => FR,
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_digit = out.ends_with(|c: char| c.is_ascii_digit());
        let unit = table.iter().find(|(short, _)| {
            after_digit
                && rest.strip_prefix(short).is_some_and(|tail| {
                    !tail.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
                })
        });
        match unit {
            Some((short, long)) => {
                out.push_str(long);
                rest = rest.get(short.len()..).unwrap_or_default();
            }
            None => {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::words;
    use model::Language;

    #[test]
    fn a_text_is_said_as_people_say_it() {
        for (language, text, said) in [
            (
                Language::Zh,
                "3小时雨量达104.5毫米,21:40起。核实12345,急救120",
                "三小时雨量达一百零四点五毫米,晚上九点四十分起。核实幺二三四五,急救幺二零",
            ),
            (Language::Zh, "最高气温39℃以上", "最高气温三十九摄氏度以上"),
            (
                Language::En,
                "104.5 mm in 3 h, 21:40. Verify: 12379. barrier-C0003",
                "one hundred and four point five millimetres in three hours, nine forty in the \
                 evening. Verify: one two three seven nine. barrier-C zero zero zero three",
            ),
            (Language::Ja, "3時間に100mm", "三時間に百ミリ"),
            (Language::Ko, "3시간 100mm", "삼시간 백밀리미터"),
            (
                Language::Fr,
                "Plus de 100 mm en 3 h, vent 91 km",
                "Plus de cent millimètres en trois heures, vent quatre-vingt-onze kilomètres",
            ),
        ] {
            assert_eq!(words(text, language), said);
        }
    }
}
