//! Times as they are said: the half of the day always, hours of twelve where people speak so.

use super::super::terms::{self, Local};
use super::numbers::cardinal;
use model::{Language, Offset, Time};

/// Month, day and time.
pub(in super::super) fn clock(time: Time, offset: Offset, language: Language) -> String {
    let Some(local) = Local::of(time, offset) else {
        return terms::clock(time, offset, language);
    };
    let number = |n| cardinal(u64::from(n), language);
    let month = u32::try_from(local.month).unwrap_or_default();
    let at = hour(local.hour, local.minute, language);
    match language {
        Language::Zh | Language::ZhHant | Language::Ja => {
            format!("{}月{}日{at}", number(month), number(local.day))
        }
        Language::Ko => format!("{} {}일 {at}", korean_month(month), number(local.day)),
        Language::En => {
            let month = name(&ENGLISH_MONTHS, local.month);
            format!("{at} on {month} {}", ordinal(local.day))
        }
        Language::Fr => {
            let month = name(&FRENCH_MONTHS, local.month);
            let day = match local.day {
                1 => "premier".to_owned(),
                day => number(day),
            };
            format!("le {day} {month} à {at}")
        }
    }
}

/// Like [`clock`], but only the time on the day of `now`.
pub(in super::super) fn clock_near(
    time: Time,
    now: Time,
    offset: Offset,
    language: Language,
) -> String {
    match Local::of(time, offset).filter(|_| terms::same_day(time, now, offset)) {
        Some(local) => hour(local.hour, local.minute, language),
        None => clock(time, offset, language),
    }
}

/// A time of day.
pub(super) fn hour(hour: u32, minute: u32, language: Language) -> String {
    let number = |n: u32| cardinal(u64::from(n), language);
    let twelve = match hour % 12 {
        0 => 12,
        other => other,
    };
    match language {
        Language::Zh | Language::ZhHant => {
            let traditional = language == Language::ZhHant;
            let half = match hour {
                0..=5 => "凌晨",
                6..=8 => "早上",
                9..=11 => "上午",
                12 => "中午",
                13..=17 => "下午",
                _ => "晚上",
            };
            // Two o'clock is 两点, midnight 零点.
            let hour = match (hour, twelve) {
                (0, _) => "零".to_owned(),
                (_, 2) if traditional => "兩".to_owned(),
                (_, 2) => "两".to_owned(),
                (_, twelve) => number(twelve),
            };
            let point = if traditional { '點' } else { '点' };
            let minutes = match minute {
                0 => "整".to_owned(),
                1..=9 => format!("零{}分", number(minute)),
                _ => format!("{}分", number(minute)),
            };
            format!("{half}{hour}{point}{minutes}")
        }
        Language::Ja => {
            let half = if hour < 12 { "午前" } else { "午後" };
            let hour = number(hour % 12).replace("ゼロ", "零");
            match minute {
                0 => format!("{half}{hour}時"),
                _ => format!("{half}{hour}時{}分", number(minute)),
            }
        }
        Language::Ko => {
            let half = if hour < 12 { "오전" } else { "오후" };
            let hour = name(&KOREAN_HOURS, twelve as usize);
            match minute {
                0 => format!("{half} {hour} 시"),
                _ => format!("{half} {hour} 시 {} 분", number(minute)),
            }
        }
        Language::En => {
            let half = match hour {
                0..=11 => "in the morning",
                12..=17 => "in the afternoon",
                _ => "in the evening",
            };
            match (hour, minute) {
                (0, 0) => "midnight".to_owned(),
                (12, 0) => "noon".to_owned(),
                (_, 0) => format!("{} o'clock {half}", number(twelve)),
                (0, _) => format!("{} past midnight", minutes(number(minute), minute)),
                (_, 1..=9) => format!("{} oh {} {half}", number(twelve), number(minute)),
                _ => format!("{} {} {half}", number(twelve), number(minute)),
            }
        }
        Language::Fr => {
            let hours = match hour {
                0 => "zéro heure".to_owned(),
                1 => "une heure".to_owned(),
                21 => "vingt et une heures".to_owned(),
                _ => format!("{} heures", number(hour)),
            };
            match minute {
                0 => hours,
                _ => format!("{hours} {}", number(minute)),
            }
        }
    }
}

fn minutes(said: String, minute: u32) -> String {
    let unit = if minute == 1 { "minute" } else { "minutes" };
    format!("{said} {unit}")
}

/// June and October lose their last consonant: 유월, 시월.
fn korean_month(month: u32) -> String {
    match month {
        6 => "유월".to_owned(),
        10 => "시월".to_owned(),
        _ => format!("{}월", cardinal(u64::from(month), Language::Ko)),
    }
}

fn ordinal(day: u32) -> String {
    let said = cardinal(u64::from(day), Language::En);
    for (end, with) in [
        ("one", "first"),
        ("two", "second"),
        ("three", "third"),
        ("five", "fifth"),
        ("eight", "eighth"),
        ("nine", "ninth"),
        ("twelve", "twelfth"),
        ("ty", "tieth"),
    ] {
        if let Some(head) = said.strip_suffix(end) {
            return format!("{head}{with}");
        }
    }
    format!("{said}th")
}

/// The name at a place counted from 1.
fn name(names: &[&'static str; 12], at: usize) -> &'static str {
    let at = at.checked_sub(1);
    at.and_then(|at| names.get(at)).copied().unwrap_or_default()
}

const KOREAN_HOURS: [&str; 12] = [
    "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열", "열한", "열두",
];
const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const FRENCH_MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_with_the_half_of_the_day() {
        let issued = Time::from_seconds(1_694_094_000);
        let all = Language::ALL.map(|language| clock(issued, Offset(480), language));
        assert_eq!(
            all,
            [
                "九月七日晚上九点四十分",
                "nine forty in the evening on September seventh",
                "九月七日晚上九點四十分",
                "九月七日午後九時四十分",
                "구월 칠일 오후 아홉 시 사십 분",
                "le sept septembre à vingt et une heures quarante"
            ]
        );
        for (at, zh, en) in [
            ((0, 0), "凌晨零点整", "midnight"),
            ((0, 5), "凌晨零点零五分", "five minutes past midnight"),
            ((2, 30), "凌晨两点三十分", "two thirty in the morning"),
            ((12, 0), "中午十二点整", "noon"),
            ((14, 5), "下午两点零五分", "two oh five in the afternoon"),
        ] {
            assert_eq!(hour(at.0, at.1, Language::Zh), zh);
            assert_eq!(hour(at.0, at.1, Language::En), en);
        }
        assert_eq!(hour(12, 30, Language::Ja), "午後零時三十分");
        assert_eq!(ordinal(20), "twentieth");
        assert_eq!(ordinal(31), "thirty-first");
    }
}
