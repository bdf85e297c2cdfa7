//! Numbers in words.

use model::Language;

/// A number digit by digit, as one is dialled.
pub(super) fn digits(number: &str, language: Language) -> String {
    let said = number.bytes().filter(u8::is_ascii_digit).map(|digit| {
        let digit = usize::from(digit - b'0');
        let table = match language {
            // On the telephone a Chinese one is yāo: yī is taken for seven.
            Language::Zh | Language::ZhHant => &DIALLED_ZH,
            Language::En => &DIGITS_EN,
            Language::Ja => &DIGITS_JA,
            Language::Ko => &DIGITS_KO,
            Language::Fr => &DIGITS_FR,
        };
        table.get(digit).copied().unwrap_or_default()
    });
    let said: Vec<&str> = said.collect();
    match language {
        Language::Zh | Language::ZhHant | Language::Ja | Language::Ko => said.concat(),
        Language::En | Language::Fr => said.join(" "),
    }
}

/// A number with its decimals.
pub(super) fn decimal(number: &str, language: Language) -> String {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let said = match whole.parse::<u64>() {
        Ok(whole) if whole < 100_000_000 => cardinal(whole, language),
        Ok(_) | Err(_) => digits(whole, language),
    };
    if decimals.is_empty() {
        return said;
    }
    let tail = match language {
        Language::Zh | Language::ZhHant => plain_digits(decimals, &DIGITS_ZH),
        Language::Ja | Language::Ko | Language::En | Language::Fr => digits(decimals, language),
    };
    match language {
        Language::Zh => format!("{said}点{tail}"),
        Language::ZhHant => format!("{said}點{tail}"),
        Language::En => format!("{said} point {tail}"),
        Language::Ja => format!("{said}点{tail}"),
        Language::Ko => format!("{said}점{tail}"),
        Language::Fr => format!("{said} virgule {tail}"),
    }
}

/// A whole number below a hundred million.
pub(super) fn cardinal(number: u64, language: Language) -> String {
    match language {
        Language::Zh | Language::ZhHant => chinese(number, language == Language::ZhHant),
        Language::Ja => myriads(number, &DIGITS_JA, ["千", "百", "十", ""], "万"),
        Language::Ko => myriads(number, &DIGITS_KO, ["천", "백", "십", ""], "만"),
        Language::En => english(number),
        Language::Fr => french(number),
    }
}

const DIGITS_ZH: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
const DIALLED_ZH: [&str; 10] = ["零", "幺", "二", "三", "四", "五", "六", "七", "八", "九"];
const DIGITS_JA: [&str; 10] = ["ゼロ", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
const DIGITS_KO: [&str; 10] = ["영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"];
const DIGITS_EN: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];
const DIGITS_FR: [&str; 10] = [
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf",
];

fn plain_digits(number: &str, table: &[&'static str; 10]) -> String {
    let digits = number.bytes().filter(u8::is_ascii_digit);
    let said = digits.map(|digit| table.get(usize::from(digit - b'0')).copied());
    said.map(Option::unwrap_or_default).collect()
}

fn digit<'t>(table: &[&'t str; 10], digit: u64) -> &'t str {
    let at = usize::try_from(digit).unwrap_or_default();
    table.get(at).copied().unwrap_or_default()
}

/// 104 is 一百零四, 12 is 十二, 2 before a measure word is 两 only in front of thousands.
fn chinese(number: u64, traditional: bool) -> String {
    if number == 0 {
        return DIGITS_ZH.first().copied().unwrap_or_default().to_owned();
    }
    let (high, low) = (number / 10_000, number % 10_000);
    let mut said = String::new();
    if high > 0 {
        said.push_str(&chinese(high, traditional));
        said.push(if traditional { '萬' } else { '万' });
    }
    let mut gap = false;
    for (unit, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let at = low / unit % 10;
        if at == 0 {
            gap = !said.is_empty();
            continue;
        }
        if gap {
            said.push('零');
            gap = false;
        }
        // Twelve is 十二, a hundred and twelve 一百一十二.
        if !(unit == 10 && at == 1 && said.is_empty()) {
            said.push_str(digit(&DIGITS_ZH, at));
        }
        said.push_str(name);
    }
    said
}

/// Japanese and Korean leave one out before ten, hundred and thousand, and have no zero between.
fn myriads(number: u64, digits: &[&str; 10], units: [&str; 4], myriad: &str) -> String {
    if number == 0 {
        return digit(digits, 0).to_owned();
    }
    let (high, low) = (number / 10_000, number % 10_000);
    let mut said = String::new();
    if high > 0 {
        said.push_str(&myriads(high, digits, units, myriad));
        said.push_str(myriad);
    }
    for (unit, name) in [1000, 100, 10, 1].into_iter().zip(units) {
        let at = low / unit % 10;
        if at == 0 {
            continue;
        }
        if at > 1 || unit == 1 {
            said.push_str(digit(digits, at));
        }
        said.push_str(name);
    }
    said
}

const TEENS_EN: [&str; 10] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS_EN: [&str; 10] = [
    "", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

fn english(number: u64) -> String {
    match number {
        0..=9 => digit(&DIGITS_EN, number).to_owned(),
        10..=19 => digit(&TEENS_EN, number - 10).to_owned(),
        20..=99 => match number % 10 {
            0 => digit(&TENS_EN, number / 10).to_owned(),
            one => format!(
                "{}-{}",
                digit(&TENS_EN, number / 10),
                digit(&DIGITS_EN, one)
            ),
        },
        100..=999 => {
            let head = format!("{} hundred", digit(&DIGITS_EN, number / 100));
            match number % 100 {
                0 => head,
                rest => format!("{head} and {}", english(rest)),
            }
        }
        1000..=999_999 => above(number, 1000, "thousand", english),
        _ => above(number, 1_000_000, "million", english),
    }
}

fn above(number: u64, unit: u64, name: &str, say: fn(u64) -> String) -> String {
    let head = format!("{} {name}", say(number / unit));
    match number % unit {
        0 => head,
        rest => format!("{head} {}", say(rest)),
    }
}

const TEENS_FR: [&str; 10] = [
    "dix", "onze", "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit",
    "dix-neuf",
];
const TENS_FR: [&str; 10] = [
    "",
    "dix",
    "vingt",
    "trente",
    "quarante",
    "cinquante",
    "soixante",
    "soixante",
    "quatre-vingt",
    "quatre-vingt",
];

fn french(number: u64) -> String {
    match number {
        0..=9 => digit(&DIGITS_FR, number).to_owned(),
        10..=19 => digit(&TEENS_FR, number - 10).to_owned(),
        80 => "quatre-vingts".to_owned(),
        20..=99 => {
            let ten = number / 10;
            // Seventy is sixty and ten, ninety four times twenty and ten.
            let rest = if ten == 7 || ten == 9 {
                number % 10 + 10
            } else {
                number % 10
            };
            let head = digit(&TENS_FR, ten);
            match rest {
                0 => head.to_owned(),
                1 | 11 if ten < 8 => format!("{head} et {}", french(rest)),
                _ => format!("{head}-{}", french(rest)),
            }
        }
        100..=999 => {
            let hundred = number / 100;
            let many = number.is_multiple_of(100) && hundred > 1;
            let head = match hundred {
                1 => "cent".to_owned(),
                _ => format!(
                    "{} cent{}",
                    digit(&DIGITS_FR, hundred),
                    if many { "s" } else { "" }
                ),
            };
            match number % 100 {
                0 => head,
                rest => format!("{head} {}", french(rest)),
            }
        }
        1000..=1999 => match number % 1000 {
            0 => "mille".to_owned(),
            rest => format!("mille {}", french(rest)),
        },
        2000..=999_999 => above(number, 1000, "mille", french),
        _ => above(number, 1_000_000, "millions", french),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        for (number, zh, en, fr) in [
            (0, "零", "zero", "zéro"),
            (10, "十", "ten", "dix"),
            (15, "十五", "fifteen", "quinze"),
            (21, "二十一", "twenty-one", "vingt et un"),
            (71, "七十一", "seventy-one", "soixante et onze"),
            (80, "八十", "eighty", "quatre-vingts"),
            (81, "八十一", "eighty-one", "quatre-vingt-un"),
            (97, "九十七", "ninety-seven", "quatre-vingt-dix-sept"),
            (112, "一百一十二", "one hundred and twelve", "cent douze"),
            (200, "二百", "two hundred", "deux cents"),
            (1005, "一千零五", "one thousand five", "mille cinq"),
            (12_000, "一万二千", "twelve thousand", "douze mille"),
            (
                100_010,
                "十万零一十",
                "one hundred thousand ten",
                "cent mille dix",
            ),
        ] {
            assert_eq!(cardinal(number, Language::Zh), zh);
            assert_eq!(cardinal(number, Language::En), en);
            assert_eq!(cardinal(number, Language::Fr), fr);
        }
        for (number, ja, ko) in [
            (3, "三", "삼"),
            (10, "十", "십"),
            (104, "百四", "백사"),
            (1250, "千二百五十", "천이백오십"),
            (20_000, "二万", "이만"),
        ] {
            assert_eq!(cardinal(number, Language::Ja), ja);
            assert_eq!(cardinal(number, Language::Ko), ko);
        }
        assert_eq!(decimal("0.25", Language::ZhHant), "零點二五");
        assert_eq!(decimal("7.5", Language::Fr), "sept virgule cinq");
    }
}
