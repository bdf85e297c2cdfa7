//! Words that every text is built of: times, colours, marks.

use super::traditional::traditional;
use model::{Language, Mode, Offset, Tier, Time};

const ENGLISH_MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const FRENCH_MONTHS: [&str; 12] = [
    "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.",
    "déc.",
];

/// A local time in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) month: usize,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
}

impl Local {
    /// The parts of a time; `None` outside four-digit years.
    pub(super) fn of(time: Time, offset: Offset) -> Option<Self> {
        let text = time.display(offset);
        let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
        let (month, day) = (part(5..7)?, part(8..10)?);
        Some(Self {
            month: usize::try_from(month).ok()?,
            day,
            hour: part(11..13)?,
            minute: part(14..16)?,
        })
    }

    fn hm(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    fn month_name(self, names: &[&'static str; 12]) -> &'static str {
        let at = self.month.checked_sub(1);
        at.and_then(|at| names.get(at)).copied().unwrap_or("")
    }
}

/// `9月7日21:40` or `21:40 on 7 Sep`: month, day and the clock of 24 hours, local time.
pub fn clock(time: Time, offset: Offset, language: Language) -> String {
    // A time outside four-digit years is printed whole rather than cut wrongly.
    let Some(local) = Local::of(time, offset) else {
        return time.display(offset);
    };
    let (month, day, hm) = (local.month, local.day, local.hm());
    match language {
        Language::Zh | Language::ZhHant | Language::Ja => format!("{month}月{day}日{hm}"),
        Language::En => format!("{hm} on {day} {}", local.month_name(&ENGLISH_MONTHS)),
        Language::Ko => format!("{month}월 {day}일 {hm}"),
        Language::Fr => format!(
            "{day} {} {:02}h{:02}",
            local.month_name(&FRENCH_MONTHS),
            local.hour,
            local.minute
        ),
    }
}

/// Like [`clock`], but only hours and minutes on the day of `now`.
pub fn clock_near(time: Time, now: Time, offset: Offset, language: Language) -> String {
    match Local::of(time, offset).filter(|_| same_day(time, now, offset)) {
        Some(local) if language == Language::Fr => {
            format!("{:02}h{:02}", local.hour, local.minute)
        }
        Some(local) => local.hm(),
        None => clock(time, offset, language),
    }
}

pub(super) fn same_day(a: Time, b: Time, offset: Offset) -> bool {
    let (a, b) = (a.display(offset), b.display(offset));
    matches!((a.get(..10), b.get(..10)), (Some(a), Some(b)) if a == b)
}

/// The colour as a text says it.
pub fn tier_word(tier: Tier, language: Language) -> String {
    let word = match language {
        Language::Zh => tier.zh(),
        Language::ZhHant => return traditional(tier.zh()),
        Language::En => return tier.name().to_uppercase(),
        Language::Ja => match tier {
            Tier::None => "なし",
            Tier::White => "白色",
            Tier::Blue => "青色",
            Tier::Yellow => "黄色",
            Tier::Orange => "オレンジ色",
            Tier::Red => "赤色",
        },
        Language::Ko => match tier {
            Tier::None => "없음",
            Tier::White => "백색",
            Tier::Blue => "청색",
            Tier::Yellow => "황색",
            Tier::Orange => "주황색",
            Tier::Red => "적색",
        },
        Language::Fr => match tier {
            Tier::None => "AUCUN",
            Tier::White => "BLANC",
            Tier::Blue => "BLEU",
            Tier::Yellow => "JAUNE",
            Tier::Orange => "ORANGE",
            Tier::Red => "ROUGE",
        },
    };
    word.to_owned()
}

/// What a tier means in easy words.
pub(super) fn danger_word(tier: Tier, language: Language) -> String {
    let (zh, en, ja, ko, fr) = match tier {
        Tier::None => (
            "暂无危险",
            "no danger now",
            "今は危険なし",
            "지금은 위험 없음",
            "pas de danger",
        ),
        Tier::White => ("要留意", "be aware", "気をつけて", "주의", "soyez attentif"),
        Tier::Blue => ("要小心", "be careful", "注意", "조심", "soyez prudent"),
        Tier::Yellow => ("有危险", "danger", "危険", "위험", "danger"),
        Tier::Orange => (
            "很危险",
            "great danger",
            "とても危険",
            "매우 위험",
            "grand danger",
        ),
        Tier::Red => (
            "非常危险",
            "danger to life",
            "命の危険",
            "생명 위험",
            "danger de mort",
        ),
    };
    match language {
        Language::Zh => zh.to_owned(),
        Language::ZhHant => traditional(zh),
        Language::En => en.to_owned(),
        Language::Ja => ja.to_owned(),
        Language::Ko => ko.to_owned(),
        Language::Fr => fr.to_owned(),
    }
}

/// What stands first and last in a text of an exercise or a test; empty in the actual world.
pub(super) fn mark(mode: Mode, language: Language) -> &'static str {
    match (mode, language) {
        (Mode::Actual, _) => "",
        (Mode::Exercise, Language::Zh) => "【演练】",
        (Mode::Exercise, Language::ZhHant) => "【演練】",
        (Mode::Exercise, Language::En) => " EXERCISE ",
        (Mode::Exercise, Language::Ja) => "【訓練】",
        (Mode::Exercise, Language::Ko) => "【훈련】",
        (Mode::Exercise, Language::Fr) => " EXERCICE ",
        (Mode::Test, Language::Zh) => "【测试】",
        (Mode::Test, Language::ZhHant) => "【測試】",
        (Mode::Test, Language::En) => " TEST ",
        (Mode::Test, Language::Ja) => "【テスト】",
        (Mode::Test, Language::Ko) => "【시험】",
        (Mode::Test, Language::Fr) => " ESSAI ",
    }
}

/// The same where it is read out.
pub(super) fn spoken_mark(mode: Mode, language: Language) -> &'static str {
    match (mode, language) {
        (Mode::Actual, _) => "",
        (Mode::Exercise, Language::Zh) => "这是演练。",
        (Mode::Exercise, Language::ZhHant) => "這是演練。",
        (Mode::Exercise, Language::En) => " This is an EXERCISE. ",
        (Mode::Exercise, Language::Ja) => "これは訓練です。",
        (Mode::Exercise, Language::Ko) => " 이것은 훈련입니다. ",
        (Mode::Exercise, Language::Fr) => " Ceci est un EXERCICE. ",
        (Mode::Test, Language::Zh) => "这是测试。",
        (Mode::Test, Language::ZhHant) => "這是測試。",
        (Mode::Test, Language::En) => " This is a TEST. ",
        (Mode::Test, Language::Ja) => "これはテストです。",
        (Mode::Test, Language::Ko) => " 이것은 시험입니다. ",
        (Mode::Test, Language::Fr) => " Ceci est un ESSAI. ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_name_month_and_half_of_the_day() {
        let (issued, offset) = (Time::from_seconds(1_694_094_000), Offset(480));
        let all = Language::ALL.map(|language| clock(issued, offset, language));
        assert_eq!(
            all,
            [
                "9月7日21:40",
                "21:40 on 7 Sep",
                "9月7日21:40",
                "9月7日21:40",
                "9월 7일 21:40",
                "7 sept. 21h40"
            ]
        );
        let soon = Time::from_seconds(1_694_094_000 + 600);
        assert_eq!(clock_near(soon, issued, offset, Language::Zh), "21:50");
        assert_eq!(clock_near(soon, issued, offset, Language::Fr), "21h50");
        let next = Time::from_seconds(1_694_094_000 + 6 * 3600);
        assert_eq!(
            clock_near(next, issued, offset, Language::Zh),
            "9月8日03:40"
        );
    }
}
