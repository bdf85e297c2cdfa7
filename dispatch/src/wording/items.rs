//! What a digest names: one warning in a few words, and several of them in a row.

use super::facts::Item;
use super::terms::tier_word;
use super::traditional::traditional;
use model::{Language, Tier};

/// `内涝蓝色`, `waterlogging BLUE ended`: a hazard as it stands. A colour that is another authority's
/// to give is not said.
pub(super) fn say(item: &Item, hazard: &str, language: Language) -> String {
    let is_over = item.to == Tier::None;
    let tier = tier_word(if is_over { item.from } else { item.to }, language);
    match (language, item.own, is_over) {
        (Language::ZhHant, _, _) => traditional(&say(item, hazard, Language::Zh)),
        (Language::Zh, true, false) => format!("{hazard}{tier}"),
        (Language::Zh, true, true) => format!("{hazard}{tier}解除"),
        (Language::Zh, false, false) => format!("{hazard}险情"),
        (Language::Zh, false, true) => format!("{hazard}险情回落"),
        (Language::En, true, false) => format!("{hazard} {tier}"),
        (Language::En, true, true) => format!("{hazard} {tier} ended"),
        (Language::En, false, false) => format!("{hazard} alert"),
        (Language::En, false, true) => format!("{hazard} easing"),
        (Language::Ja, true, false) => format!("{hazard}{tier}"),
        (Language::Ja, true, true) => format!("{hazard}{tier}解除"),
        (Language::Ja, false, false) => format!("{hazard}の危険"),
        (Language::Ja, false, true) => format!("{hazard}の危険は緩和"),
        (Language::Ko, true, false) => format!("{hazard} {tier}"),
        (Language::Ko, true, true) => format!("{hazard} {tier} 해제"),
        (Language::Ko, false, false) => format!("{hazard} 위험"),
        (Language::Ko, false, true) => format!("{hazard} 위험 완화"),
        (Language::Fr, true, false) => format!("{hazard} {tier}"),
        (Language::Fr, true, true) => format!("fin {hazard} {tier}"),
        (Language::Fr, false, false) => format!("{hazard}, risque"),
        (Language::Fr, false, true) => format!("{hazard}, risque en baisse"),
    }
}

/// The same with the time since when, or from when.
pub(super) fn since(said: &str, start: &str, is_ahead: bool, language: Language) -> String {
    match language {
        Language::En if is_ahead => format!("{said} from {start}"),
        Language::Zh | Language::ZhHant => format!("{said}({start}起)"),
        Language::En => format!("{said} since {start}"),
        Language::Ja => format!("{said}({start}から)"),
        Language::Ko => format!("{said}({start}부터)"),
        Language::Fr => format!("{said} dès {start}"),
    }
}

/// All of them in a row.
pub(super) fn join(said: impl Iterator<Item = String>, language: Language) -> String {
    let said: Vec<String> = said.collect();
    said.join(match language {
        Language::Zh | Language::ZhHant | Language::Ja => "、",
        Language::En | Language::Ko | Language::Fr => ", ",
    })
}
