//! A score in words, as a district files it. People stand in it by post, place and id, not by name.

use super::{Person, Score, Way};
use dispatch::wording::Roles;
use model::order::Answer;
use model::{AreaCode, City, Language, Offset, Working};

/// People named in one line.
const NAMED_MAX: usize = 20;

/// What stands over it.
pub(crate) struct Head<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    /// True of an exercise.
    pub(crate) is_drill: bool,
    /// How it ended, in words; empty where it has not.
    pub(crate) end: &'a str,
}

impl Score {
    /// The whole of it.
    pub(crate) fn text(
        &self,
        head: &Head<'_>,
        (city, roles): (&City, &Roles),
        offset: Offset,
        language: Language,
    ) -> String {
        let zh = language.working() == Working::Zh;
        let mut lines = vec![self.head(head, offset, zh), self.steps_line(zh)];
        lines.extend(
            self.ways
                .iter()
                .map(|(channel, way)| way_line(channel, way, zh)),
        );
        let answers = self.answering.text(city, (self.until, offset), language);
        lines.push(answers.trim_end().to_owned());
        let named = |of: &Person| name_of(of, (city, roles), language);
        lines.push(listed(
            if zh {
                "始终未应答"
            } else {
                "Never answered"
            },
            self.silent().map(named).collect(),
            zh,
        ));
        let wrong = self.wrong().map(|of| match of.answer {
            Some(answer) => format!("{}({})", named(of), answer_word(answer, zh)),
            None => named(of),
        });
        lines.push(listed(
            if zh {
                "答复与要求不符"
            } else {
                "Answered otherwise than asked"
            },
            wrong.collect(),
            zh,
        ));
        if head.is_drill {
            let kept = self.withheld.iter();
            let kept = kept.map(|(channel, n)| format!("{} {n}", channel_word(channel, zh)));
            let title = if zh {
                "演练中拦下、未对外发布"
            } else {
                "Kept from the public"
            };
            lines.push(listed(title, kept.collect(), zh));
        }
        if self.is_cut {
            lines.push(if zh {
                "记录过多,以上数字偏小。".to_owned()
            } else {
                "More is kept than was read: these figures are too small.".to_owned()
            });
        }
        lines.join("\n") + "\n"
    }

    fn head(&self, head: &Head<'_>, offset: Offset, zh: bool) -> String {
        let time = |at: model::Time| at.display(offset).replace('T', " ");
        let (from, until) = (time(self.drafted), time(self.until));
        let end = if head.end.is_empty() {
            String::new()
        } else if zh {
            format!(",{}", head.end)
        } else {
            format!("; {}", head.end)
        };
        match (head.is_drill, zh) {
            (true, true) => format!("【演练】评分:{}\n{from} 至 {until}{end}", head.name),
            (false, true) => format!("预警时效:{}\n{from} 至 {until}{end}", head.name),
            (true, false) => format!(
                "EXERCISE, score of times: {}\n{from} to {until}{end}",
                head.name
            ),
            (false, false) => format!("Score of times: {}\n{from} to {until}{end}", head.name),
        }
    }

    fn steps_line(&self, zh: bool) -> String {
        let steps = &self.steps;
        let rows = [
            ("到签发", "to the signature", steps.signed_s),
            ("到首条发出", "to the first message", steps.first_message_s),
            ("到末条发出", "to the last one", steps.last_handed_s),
            (
                "到末个送达回执",
                "to the last receipt",
                steps.last_receipt_s,
            ),
            ("到首个应答", "to the first answer", steps.first_answer_s),
            ("到末个应答", "to the last answer", steps.last_answer_s),
        ];
        let said = rows.iter().map(|(in_zh, in_en, after)| {
            let after = after.map_or(if zh { "无" } else { "none" }.to_owned(), span);
            match zh {
                true => format!("{in_zh}{after}"),
                false => format!("{in_en} {after}"),
            }
        });
        let said: Vec<String> = said.collect();
        match zh {
            true => format!("从提请起:{}。", said.join(",")),
            false => format!("From the draft: {}.", said.join(", ")),
        }
    }
}

fn way_line(channel: &str, way: &Way, zh: bool) -> String {
    let name = channel_word(channel, zh);
    let receipts = match (way.receipt_median_s, way.receipt_max_s, zh) {
        (Some(median), Some(most), true) => {
            format!(",回执中位{}、最慢{}", span(median), span(most))
        }
        (Some(median), Some(most), false) => {
            format!(
                "; receipts: half within {}, the last {}",
                span(median),
                span(most)
            )
        }
        (None, _, _) | (_, None, _) => String::new(),
    };
    let Way {
        taken,
        delivered,
        failed,
        unknown,
        ..
    } = way;
    match zh {
        true => {
            format!("{name}:发出{taken},送达{delivered},失败{failed},不明{unknown}{receipts}。")
        }
        false => format!(
            "{name}: {taken} handed over, {delivered} delivered, {failed} failed, {unknown} unknown{receipts}."
        ),
    }
}

fn listed(title: &str, named: Vec<String>, zh: bool) -> String {
    let shown = named.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>();
    let more = named.len().saturating_sub(NAMED_MAX);
    match (named.is_empty(), more, zh) {
        (true, _, true) => format!("{title}:无。"),
        (true, _, false) => format!("{title}: none."),
        (false, 0, true) => format!("{title}:{}。", shown.join("、")),
        (false, 0, false) => format!("{title}: {}.", shown.join("; ")),
        (false, more, true) => format!("{title}:{},另{more}。", shown.join("、")),
        (false, more, false) => format!("{title}: {}; and {more} more.", shown.join("; ")),
    }
}

fn name_of(of: &Person, (city, roles): (&City, &Roles), language: Language) -> String {
    let code = AreaCode::parse(&of.area).ok();
    let area = code
        .and_then(|code| city.area_no(code))
        .and_then(|no| city.area(no));
    let area = area.map(|area| area.name.get(language)).unwrap_or_default();
    let role = roles.name(&of.role, language);
    match language.working() {
        Working::Zh => format!("{area}{role}({})", of.contact),
        Working::En => format!("{role} of {area} ({})", of.contact),
    }
}

const fn answer_word(answer: Answer, zh: bool) -> &'static str {
    match (answer, zh) {
        (Answer::Received, true) => "收到",
        (Answer::Received, false) => "received",
        (Answer::AtPost, true) => "到岗",
        (Answer::AtPost, false) => "at post",
        (Answer::Moved, true) => "已转移",
        (Answer::Moved, false) => "moved",
        (Answer::NeedsHelp, true) => "求援",
        (Answer::NeedsHelp, false) => "needs help",
    }
}

fn channel_word(channel: &str, zh: bool) -> &str {
    if !zh {
        return channel;
    }
    match channel {
        "sms" => "短信",
        "cap" => "CAP",
        "push" => "应用推送",
        "email" => "邮件",
        "webhook" => "网络推送",
        "device" => "现场设备",
        "voice" => "电话",
        "area" => "区域任务",
        "cell" => "小区广播",
        "broadcast" => "广播电视",
        other => other,
    }
}

/// `2:05`, minutes and seconds.
fn span(seconds: i64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
