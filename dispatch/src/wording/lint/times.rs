//! Times that two people would read differently.

use model::Language;

/// Why a time is ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// `3点`: at night or in the afternoon?
    Half,
    /// `tonight` said after midnight: this night or the next?
    Night,
    /// `7日`: of which month?
    Month,
}

/// Each ambiguous time in `text`, as it stands there. `hour` is the local hour of issue.
pub(super) fn doubts(text: &str, hour: u32, language: Language) -> Vec<(Doubt, String)> {
    let mut found = Vec::new();
    let lower = text.to_lowercase();
    match language {
        Language::Zh | Language::ZhHant => {
            points(&lower, &['点', '點'], CHINESE_HALVES, &mut found);
            days(
                &lower,
                &['日', '号', '號'],
                &['月'],
                CHINESE_SPANS,
                &mut found,
            );
        }
        Language::Ja => {
            points(&lower, &['時'], JAPANESE_HALVES, &mut found);
            days(&lower, &['日'], &['月'], JAPANESE_SPANS, &mut found);
        }
        Language::Ko => {
            points(&lower, &['시'], KOREAN_HALVES, &mut found);
            days(&lower, &['일'], &['월'], KOREAN_SPANS, &mut found);
        }
        Language::En => {
            clocks_of_twelve(&lower, &mut found);
            english_days(&lower, &mut found);
        }
        Language::Fr => french_days(&lower, &mut found),
    }
    short_clocks(&lower, &mut found);
    if hour < MORNING {
        let words = nights(language).iter();
        found.extend(
            words
                .filter(|word| lower.contains(**word))
                .map(|word| (Doubt::Night, (*word).to_owned())),
        );
    }
    found
}

/// Before this hour people still call the night that is ending "tonight".
const MORNING: u32 = 6;

const CHINESE_HALVES: &[&str] = &[
    "凌晨", "清晨", "早上", "早晨", "上午", "中午", "下午", "傍晚", "晚上", "夜间", "夜里", "夜間",
    "夜裡", "深夜", "半夜", "今早", "今晚", "明早", "明晚", "当晚", "當晚", "早", "晚",
];
const JAPANESE_HALVES: &[&str] = &["午前", "午後", "朝", "夜", "未明", "早朝", "深夜", "夕方"];
const KOREAN_HALVES: &[&str] = &[
    "오전", "오후", "새벽", "아침", "낮", "저녁", "밤", "정오", "자정",
];

const CHINESE_SPANS: &[&str] = &[
    "内", "內", "间", "間", "以", "后", "後", "前", "连", "連", "雨", "累", "常", "起内", "志",
    "线", "線", "楼", "樓", "院", "门", "門", "站", "闸", "閘", "隧", "桥", "橋", "台", "颱",
];
const JAPANESE_SPANS: &[&str] = &["間", "以", "後", "前", "内", "本"];
const KOREAN_SPANS: &[&str] = &["간", "이", "후", "전", "동안", "곱"];

fn nights(language: Language) -> &'static [&'static str] {
    match language {
        Language::Zh => &["今晚", "今夜"],
        Language::ZhHant => &["今晚", "今夜"],
        Language::En => &["tonight", "this evening", "this night"],
        Language::Ja => &["今夜", "今晩"],
        Language::Ko => &["오늘 밤", "오늘밤"],
        Language::Fr => &["ce soir", "cette nuit"],
    }
}

/// The number that ends `text`, in figures or Chinese numerals, and where it begins.
fn number_before(text: &str) -> Option<(u32, usize)> {
    let is_part = |c: &char| c.is_ascii_digit() || NUMERALS.contains(*c);
    let run: Vec<char> = text.chars().rev().take_while(is_part).collect();
    let run: Vec<char> = run.into_iter().rev().collect();
    let start = text.len() - run.iter().map(|c| c.len_utf8()).sum::<usize>();
    let written: String = run.iter().collect();
    if let Ok(number) = written.parse() {
        // A leading zero is the clock of 24 hours.
        let whole = written.starts_with('0') && written.len() > 1;
        return Some((if whole { 24 } else { number }, start));
    }
    let mut number = 0_u32;
    let mut digit = None;
    for c in run {
        let at = NUMERALS.chars().position(|n| n == c)?;
        match u32::try_from(at).ok()? {
            10 => number += digit.take().unwrap_or(1) * 10,
            11 => digit = Some(2),
            12 => return None,
            value => digit = Some(value),
        }
    }
    let number = number + digit.unwrap_or(0);
    (start < text.len()).then_some((number, start))
}

/// Zero to nine, ten, the other two, hundred.
const NUMERALS: &str = "零一二三四五六七八九十两百";

/// `3点` and its like without the half of the day.
fn points(text: &str, marks: &[char], halves: &[&str], found: &mut Vec<(Doubt, String)>) {
    for (at, mark) in text.char_indices().filter(|(_, c)| marks.contains(c)) {
        let (before, after) = text.split_at(at);
        let after = after.get(mark.len_utf8()..).unwrap_or_default();
        let Some((hour, start)) = number_before(before) else {
            continue;
        };
        // Hours that something lasts: 3時間, 3시간.
        let is_span = ["間", "간"].iter().any(|span| after.starts_with(span));
        // A decimal point is followed by digits and no minutes.
        let decimals: usize = after
            .chars()
            .take_while(|c| c.is_ascii_digit() || NUMERALS.contains(*c))
            .map(char::len_utf8)
            .sum();
        let tail = after.get(decimals..).unwrap_or_default();
        let is_decimal =
            matches!(mark, '点' | '點') && decimals > 0 && !tail.starts_with(['分', '整']);
        let head = before.get(..start).unwrap_or_default().trim_end();
        let has_half = halves.iter().any(|half| head.ends_with(half));
        if (1..=12).contains(&hour) && !is_span && !is_decimal && !has_half {
            let said = before.get(start..).unwrap_or_default();
            found.push((Doubt::Half, format!("{said}{mark}")));
        }
    }
}

/// `7日` and its like without the month.
fn days(
    text: &str,
    marks: &[char],
    months: &[char],
    spans: &[&str],
    found: &mut Vec<(Doubt, String)>,
) {
    for (at, mark) in text.char_indices().filter(|(_, c)| marks.contains(c)) {
        let (before, after) = text.split_at(at);
        let after = after.get(mark.len_utf8()..).unwrap_or_default();
        let Some((day, start)) = number_before(before) else {
            continue;
        };
        let head = before.get(..start).unwrap_or_default().trim_end();
        let is_span = spans
            .iter()
            .any(|span| after.trim_start().starts_with(span));
        // `3号楼`, `C3号`: a number of something, not a day.
        let is_name = head.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '第' || c == '-');
        let days = (1..=31).contains(&day);
        if days && !is_span && !is_name && !head.ends_with(months) {
            let said = before.get(start..).unwrap_or_default();
            found.push((Doubt::Month, format!("{said}{mark}")));
        }
    }
}

/// `3:00` with one figure of hours and neither am nor pm.
fn short_clocks(text: &str, found: &mut Vec<(Doubt, String)>) {
    for (at, _) in text.char_indices().filter(|(_, c)| *c == ':') {
        let (before, after) = text.split_at(at);
        let minutes = after.get(1..3).unwrap_or_default();
        let hours: String = before
            .chars()
            .rev()
            .take_while(char::is_ascii_digit)
            .collect();
        let is_clock = minutes.len() == 2 && minutes.bytes().all(|b| b.is_ascii_digit());
        let tail = after.get(3..).unwrap_or_default().trim_start();
        let has_half = ["am", "pm", "a.m", "p.m", "in the "]
            .iter()
            .any(|h| tail.starts_with(h));
        let head = before
            .get(..before.len().saturating_sub(1))
            .unwrap_or_default()
            .trim_end();
        let halves = CHINESE_HALVES
            .iter()
            .chain(JAPANESE_HALVES)
            .chain(KOREAN_HALVES);
        let had_half = halves.into_iter().any(|half| head.ends_with(half));
        if is_clock && hours.len() == 1 && !has_half && !had_half {
            found.push((Doubt::Half, format!("{hours}:{minutes}")));
        }
    }
}

/// `3 o'clock`, `at 3` without am or pm.
fn clocks_of_twelve(text: &str, found: &mut Vec<(Doubt, String)>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let Ok(hour) = bare.parse::<u32>() else {
            continue;
        };
        let next = words.get(at + 1).copied().unwrap_or_default();
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied();
        let closes = word.ends_with(['.', ',', ';', ':', '!']) || next.is_empty();
        let is_oclock = next.starts_with("o'clock") || next.starts_with("o’clock");
        let has_half = words.iter().skip(at + 2).take(3).any(|word| {
            ["morning", "afternoon", "evening", "night"]
                .iter()
                .any(|half| word.starts_with(half))
        });
        let is_at = matches!(before, Some("at" | "by")) && closes;
        if (1..=12).contains(&hour) && ((is_oclock && !has_half) || is_at) {
            found.push((Doubt::Half, bare.to_owned()));
        }
    }
}

/// `the 7th` without a month beside it.
fn english_days(text: &str, found: &mut Vec<(Doubt, String)>) {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_month = |word: Option<&&str>| {
        word.is_some_and(|word| MONTHS.iter().any(|month| word.starts_with(month)))
    };
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let ends = ["st", "nd", "rd", "th"];
        let day = ends
            .iter()
            .find_map(|end| bare.strip_suffix(end)?.parse::<u32>().ok());
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let of = words.get(at + 1).is_some_and(|next| *next == "of");
        let has_month = is_month(before) || is_month(words.get(at + 1)) || of;
        let names = matches!(before.copied(), Some("the" | "on"));
        if day.is_some_and(|day| (1..=31).contains(&day)) && names && !has_month {
            found.push((Doubt::Month, bare.to_owned()));
        }
    }
}

/// `le 7` without a month behind it.
fn french_days(text: &str, found: &mut Vec<(Doubt, String)>) {
    const MONTHS: [&str; 12] = [
        "janv", "févr", "mars", "avr", "mai", "juin", "juil", "ao", "sept", "oct", "nov", "déc",
    ];
    let words: Vec<&str> = text.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let before = at.checked_sub(1).and_then(|at| words.get(at)).copied();
        let next = words.get(at + 1).copied().unwrap_or_default();
        let day = bare.parse::<u32>().is_ok_and(|day| (1..=31).contains(&day));
        let has_month = MONTHS.iter().any(|month| next.starts_with(month));
        let counts = next.starts_with(|c: char| c.is_alphabetic()) && !word.ends_with([',', '.']);
        if day && before == Some("le") && !has_month && !counts {
            found.push((Doubt::Month, bare.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_people_read_differently_is_found() {
        for (language, text, doubt, said) in [
            (Language::Zh, "请3点前转移", Doubt::Half, "3点"),
            (Language::Zh, "请三点前转移", Doubt::Half, "三点"),
            (Language::Zh, "十一点三十分集合", Doubt::Half, "十一点"),
            (Language::ZhHant, "請8點前轉移", Doubt::Half, "8點"),
            (Language::Zh, "7日21:40发布", Doubt::Month, "7日"),
            (Language::Zh, "7号晚上撤离", Doubt::Month, "7号"),
            (Language::Zh, "3:00前撤离", Doubt::Half, "3:00"),
            (Language::En, "Leave by 3.", Doubt::Half, "3"),
            (Language::En, "Leave at 3 o'clock", Doubt::Half, "3"),
            (Language::En, "Leave before 9:30 now", Doubt::Half, "9:30"),
            (Language::En, "Stay in until the 7th.", Doubt::Month, "7th"),
            (Language::Ja, "3時までに避難", Doubt::Half, "3時"),
            (Language::Ja, "7日まで避難", Doubt::Month, "7日"),
            (Language::Ko, "3시까지 대피", Doubt::Half, "3시"),
            (Language::Ko, "7일까지 대피", Doubt::Month, "7일"),
            (Language::Fr, "Évacuez avant le 7.", Doubt::Month, "7"),
        ] {
            let found = doubts(text, 12, language);
            assert_eq!(found, [(doubt, said.to_owned())], "{text}");
        }
        for (language, text) in [
            (Language::Zh, "今晚有大雨"),
            (Language::En, "Heavy rain tonight"),
            (Language::Ja, "今夜は大雨"),
            (Language::Ko, "오늘 밤 큰비"),
            (Language::Fr, "Pluie ce soir"),
        ] {
            assert_eq!(doubts(text, 1, language).len(), 1, "{text}");
            assert_eq!(doubts(text, 20, language), [], "{text}");
        }
    }

    #[test]
    fn what_is_clear_is_left_alone() {
        for (language, text) in [
            (Language::Zh, "9月7日21:40发布,03:00起,24小时内有雨"),
            (Language::Zh, "九月七日晚上九点四十分起,雨量三点五毫米"),
            (
                Language::Zh,
                "下午3点前转移,15点封路,3日内有雨,5号楼、C3号闸",
            ),
            (Language::Zh, "2时至5时"),
            (
                Language::En,
                "21:40 on 7 Sep, 3 townships, within 3 h, 3:00 pm, at 15 places",
            ),
            (
                Language::En,
                "nine forty in the evening on September seventh; 8 o'clock in the morning",
            ),
            (Language::En, "on the 7th of September, September 7th"),
            (Language::Ja, "9月7日21:40、3時間、午前3時、15時"),
            (Language::Ko, "9월 7일 21:40, 3시간, 오후 3시, 3일간"),
            (
                Language::Fr,
                "7 sept. 21h40, le 7 septembre, dans 3 h, le 3 secteurs",
            ),
        ] {
            assert_eq!(doubts(text, 12, language), [], "{text}");
        }
    }
}
