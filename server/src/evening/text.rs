//! The evening product in words, to be printed, read out or filed.

use super::{Draft, Reach};
use dispatch::wording::Roles;
use model::service::Ground;
use model::{
    AreaCode, AreaLevel, AreaNo, City, Hazard, Language, Named, Offset, Tier, Time, Working,
};
use rules::service::{Risk, RiskReason};
use std::collections::{BTreeMap, BTreeSet};

impl Draft {
    /// Its words in a language.
    pub(crate) fn text(
        &self,
        (city, roles): (&City, &Roles),
        offset: Offset,
        language: Language,
    ) -> String {
        let words = Words {
            city,
            roles,
            offset,
            language,
        };
        let mut text = words.head(self);
        words.risks(self, &mut text);
        words.transfers(self, &mut text);
        words.reach(&self.reach, &mut text);
        text
    }
}

/// What the words depend on.
struct Words<'c> {
    city: &'c City,
    roles: &'c Roles,
    offset: Offset,
    language: Language,
}

impl Words<'_> {
    fn pick<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        match self.language.working() {
            Working::Zh => zh,
            Working::En => en,
        }
    }

    fn clock(&self, time: Time) -> String {
        dispatch::wording::clock(time, self.offset, self.language)
    }

    fn name(&self, no: AreaNo) -> String {
        let area = self.city.area(no);
        area.map_or_else(String::new, |area| area.name.get(self.language).to_owned())
    }

    fn head(&self, draft: &Draft) -> String {
        let night = &draft.tonight.night;
        let city = self.city.name.get(self.language);
        let (dark, until, due) = (
            self.clock(night.dark),
            self.clock(night.until),
            self.clock(night.due),
        );
        match self.language.working() {
            Working::Zh => format!(
                "{city}夜间防范提醒（{}）\n{dark}天黑，至{until}；{due}前报送。\n",
                night.day
            ),
            Working::En => format!(
                "{city}: reminder for tonight ({})\nDark at {dark}, until {until}; to be filed by {due}.\n",
                night.day
            ),
        }
    }

    /// The same risk in several townships is one line.
    fn risks(&self, draft: &Draft, text: &mut String) {
        text.push_str(self.pick(
            "\n一、今夜风险（按镇街）\n",
            "\n1. Risks tonight, by township\n",
        ));
        type Same<'r> = (std::cmp::Reverse<Tier>, Hazard, Vec<&'r RiskReason>);
        let mut same: BTreeMap<Same<'_>, Vec<AreaCode>> = BTreeMap::new();
        for risk in &draft.tonight.risks {
            let Risk {
                area,
                hazard,
                tier,
                reasons,
            } = risk;
            let key = (std::cmp::Reverse(*tier), *hazard, reasons.iter().collect());
            same.entry(key).or_default().push(*area);
        }
        if same.is_empty() {
            text.push_str(self.pick("无。\n", "None.\n"));
        }
        for ((tier, hazard, reasons), areas) in same {
            let hazard = self.pick(hazard.zh(), hazard.en());
            let tier = match (tier.0, self.language.working()) {
                (Tier::None, Working::Zh) => "未定级".to_owned(),
                (Tier::None, Working::En) => "no tier yet".to_owned(),
                (tier, Working::Zh | Working::En) => {
                    dispatch::wording::tier_word(tier, self.language)
                }
            };
            let reasons: Vec<String> = reasons.iter().map(|reason| self.reason(reason)).collect();
            let (between, areas) = (self.pick("；", "; "), self.places(&areas));
            let reasons = reasons.join(between);
            let line = match self.language.working() {
                Working::Zh => format!("{hazard}{tier}：{areas}。依据：{reasons}。"),
                Working::En => format!("{hazard}, {tier}: {areas}. Basis: {reasons}."),
            };
            text.push_str(&line);
            text.push('\n');
        }
    }

    fn reason(&self, reason: &RiskReason) -> String {
        let ground = match reason.ground {
            Ground::Signal => ("预警信号", "signal"),
            Ground::Warning => ("本中心预警", "our warning"),
            Ground::Situation => ("监测研判", "measured"),
            Ground::Forecast => ("预报", "forecast"),
            Ground::Process => ("预计天气过程", "expected process"),
        };
        let ground = self.pick(ground.0, ground.1);
        let since = self.clock(reason.since);
        let tier = match (reason.tier, self.language.working()) {
            (Tier::None, _) => String::new(),
            (tier, Working::Zh) => tier.zh().to_owned(),
            (tier, Working::En) => format!(" {}", tier.name()),
        };
        let sender = match reason.ground {
            Ground::Signal if !reason.sender.is_empty() => {
                let (open, close) = (self.pick("（", " ("), self.pick("）", ")"));
                format!("{open}{}{close}", reason.sender)
            }
            Ground::Signal
            | Ground::Warning
            | Ground::Situation
            | Ground::Forecast
            | Ground::Process => String::new(),
        };
        match self.language.working() {
            Working::Zh => format!("{ground}{tier}{sender}，{since}起"),
            Working::En => format!("{ground}{tier}{sender}, from {since}"),
        }
    }

    /// Areas by district, whole ones by their own name.
    fn places(&self, areas: &[AreaCode]) -> String {
        let named = areas.iter().filter_map(|code| self.city.area_no(*code));
        let named: BTreeSet<AreaNo> = named.collect();
        let townships = self.city.areas_of(AreaLevel::Township);
        let mut all: BTreeMap<Option<AreaNo>, BTreeSet<AreaNo>> = BTreeMap::new();
        for no in townships {
            all.entry(self.district(no)).or_default().insert(no);
        }
        if !all.is_empty() && all.values().flatten().all(|no| named.contains(no)) {
            return self.pick("全市", "the whole city").to_owned();
        }
        let mut by_district: BTreeMap<Option<AreaNo>, BTreeSet<AreaNo>> = BTreeMap::new();
        for no in named {
            by_district.entry(self.district(no)).or_default().insert(no);
        }
        let listed = by_district.iter().map(|(district, within)| {
            let name = district.map_or_else(String::new, |no| self.name(no));
            if all.get(district) == Some(within) {
                return match self.language.working() {
                    Working::Zh => format!("{name}（全区）"),
                    Working::En => format!("all of {name}"),
                };
            }
            let each: Vec<String> = within.iter().map(|no| self.name(*no)).collect();
            let each = each.join(self.pick("、", ", "));
            match self.language.working() {
                Working::Zh => format!("{name}{each}"),
                Working::En => format!("{each} ({name})"),
            }
        });
        listed.collect::<Vec<_>>().join(self.pick("；", "; "))
    }

    fn district(&self, no: AreaNo) -> Option<AreaNo> {
        let mut upward = std::iter::once(no).chain(self.city.ancestors(no));
        upward.find(|no| {
            let level = self.city.area(*no).map(|area| area.level);
            level == Some(AreaLevel::District)
        })
    }

    fn transfers(&self, draft: &Draft, text: &mut String) {
        text.push_str(self.pick(
            "\n二、天黑前完成的转移\n",
            "\n2. Transfers to finish before dark\n",
        ));
        if draft.tonight.transfers.is_empty() {
            text.push_str(self.pick("无未完成的转移。\n", "None is open.\n"));
        }
        for transfer in &draft.tonight.transfers {
            let no = self.city.area_no(transfer.area);
            let name = no.map_or_else(|| transfer.area.to_string(), |no| self.full(no));
            let finish = self.clock(transfer.due.min(draft.tonight.night.dark));
            let (planned, moved) = (transfer.planned, transfer.moved);
            let left = planned.saturating_sub(moved);
            let line = match self.language.working() {
                Working::Zh => {
                    format!(
                        "{name}：计划{planned}人，已转移{moved}人，尚余{left}人，{finish}前完成。"
                    )
                }
                Working::En => {
                    format!("{name}: {moved} of {planned} moved, {left} left, by {finish}.")
                }
            };
            text.push_str(&line);
            text.push('\n');
        }
    }

    /// A township with its district.
    fn full(&self, no: AreaNo) -> String {
        let own = self.name(no);
        match self.district(no).filter(|district| *district != no) {
            None => own,
            Some(district) => match self.language.working() {
                Working::Zh => format!("{}{own}", self.name(district)),
                Working::En => format!("{own}, {}", self.name(district)),
            },
        }
    }

    fn reach(&self, reach: &[Reach], text: &mut String) {
        text.push_str(self.pick(
            "\n三、责任人联络（按区合计，列出有缺口的镇街）\n",
            "\n3. Who can be reached: by district, then townships with a gap\n",
        ));
        if reach.is_empty() {
            text.push_str(self.pick("今夜无风险镇街。\n", "No township has a risk tonight.\n"));
        }
        let mut by_district: BTreeMap<Option<AreaNo>, Vec<&Reach>> = BTreeMap::new();
        for of in reach {
            let no = self.city.area_no(of.area);
            let district = no.and_then(|no| self.district(no));
            by_district.entry(district).or_default().push(of);
        }
        for (district, all) in by_district {
            let name = district.map_or_else(
                || self.city.name.get(self.language).to_owned(),
                |no| self.name(no),
            );
            let sum = |of: fn(&Reach) -> usize| all.iter().map(|reach| of(reach)).sum::<usize>();
            self.counts(
                &name,
                [
                    sum(|r| r.people),
                    sum(|r| r.with_phone),
                    sum(|r| r.without_phone),
                    sum(|r| r.called),
                    sum(|r| r.answered),
                ],
                text,
            );
            for of in all {
                self.gap(of, text);
            }
        }
    }

    fn counts(&self, name: &str, counts: [usize; 5], text: &mut String) {
        let [people, with, without, called, answered] = counts;
        text.push_str(&match self.language.working() {
            Working::Zh => format!(
                "{name}：责任人{people}人，有电话{with}人，无电话{without}人；最近叫应{called}处，已应答{answered}处。\n"
            ),
            Working::En => format!(
                "{name}: {people} people, {with} with a telephone, {without} without; last call asked {called} places, {answered} answered.\n"
            ),
        });
    }

    fn gap(&self, of: &Reach, text: &mut String) {
        let no = self.city.area_no(of.area);
        let name = no.map_or_else(|| of.area.to_string(), |no| self.name(no));
        let mut gaps: Vec<String> = Vec::new();
        if of.people == 0 {
            let none = Named {
                zh: "无责任人登记".into(),
                en: "nobody is registered".into(),
            };
            gaps.push(none.get(self.language).to_owned());
        }
        let silent = of.posts.iter().filter(|post| !post.has_phone());
        let named = silent.map(|post| self.roles.name(&post.role, self.language));
        let roles: Vec<&str> = named.collect();
        if !roles.is_empty() {
            let roles = roles.join(self.pick("、", ", "));
            gaps.push(match self.language.working() {
                Working::Zh => format!("无电话：{roles}"),
                Working::En => format!("without a telephone: {roles}"),
            });
        }
        if of.called > of.answered {
            let open = of.called - of.answered;
            gaps.push(match self.language.working() {
                Working::Zh => format!("最近叫应{open}处未应答"),
                Working::En => format!("not answered at the last call: {open}"),
            });
        }
        if !gaps.is_empty() {
            let gaps = gaps.join(self.pick("；", "; "));
            let colon = self.pick("：", ": ");
            text.push_str(&format!("  {name}{colon}{gaps}\n"));
        }
    }
}

#[cfg(test)]
mod tests;
