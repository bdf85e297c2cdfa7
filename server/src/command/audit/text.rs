//! What an auditor reads: a person with everything they were sent, and a job with both sides of it, in
//! Chinese and English.

use crate::audit::{Course, CourseEvent, JobRow, PersonItem, Reached};
use dispatch::gateway::area::Counts;
use dispatch::ladder::Place;
use dispatch::ledger::State;
use model::order::Answer;
use serde_json::Value;
use std::fmt::Write;

/// How far a look is.
pub(super) fn progress(progress: &Value) -> String {
    let read = progress.get("read");
    let of = |key: &str| read.and_then(|read| read.get(key)?.as_u64()).unwrap_or(0);
    let at = progress
        .get("at")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (records, mib) = (of("records"), of("bytes") >> 20);
    format!("read {records} records, {mib} MiB, up to {at}")
}

/// What an answer rests on.
pub(super) fn done(done: &Value) -> String {
    let of = |key: &str| done.get(key).and_then(Value::as_u64).unwrap_or(0);
    let text = |key: &str, none: &str| {
        let text = done.get(key).and_then(Value::as_str);
        text.unwrap_or(none).to_owned()
    };
    let mut line = format!(
        "{} records read, from {} to {}",
        of("records"),
        text("from", "the oldest kept"),
        text("to", "now")
    );
    if of("left_out") + of("unreadable") > 0 {
        let (left_out, unreadable) = (of("left_out"), of("unreadable"));
        let _ = write!(
            line,
            "; NOT ALL: {left_out} left out for want of room (ask for less at once), {unreadable} unreadable"
        );
    }
    line
}

/// One person.
pub(super) fn person(person: &PersonItem) -> String {
    let mut out = String::new();
    let name = match (&person.id, person.number) {
        (Some(id), Some(number)) => format!("{id} (#{number})"),
        (None, Some(number)) => format!("#{number}"),
        (_, None) => "–".to_owned(),
    };
    let area = person
        .area
        .map_or_else(String::new, |area| format!(", {area}"));
    let kind = &person.kind;
    let reached = reached(person.reached);
    let _ = writeln!(
        out,
        "[{}] {name}, {kind}{area}: {reached}",
        person.asked + 1
    );
    for message in &person.messages {
        let _ = writeln!(
            out,
            "  {}  {} {}  {}  {}  {}",
            message.planned,
            message.purpose,
            message.tier.name(),
            message.link,
            state(message.state),
            message.delivery,
        );
        let _ = writeln!(
            out,
            "    warning {} revision {}",
            message.warning, message.revision
        );
        if let Some(before) = message.instead_of {
            let _ = writeln!(out, "    instead of 代替 {before}");
        }
        for step in &message.steps {
            let receipt = step.receipt.as_ref();
            let receipt = receipt.map_or_else(String::new, |id| format!("  id {id}"));
            let _ = writeln!(out, "    {}  {}{receipt}", step.at, state(step.state));
        }
        if let Some(words) = &message.words {
            let language = words.language.tag();
            let sure = if words.recorded { "" } else { "?" };
            for text in [&words.subject, &words.text, &words.instruction] {
                if !text.is_empty() {
                    let _ = writeln!(out, "    {language}{sure}: {text}");
                }
            }
        }
    }
    for answer in &person.answers {
        let way = match (answer.channel, answer.noted_by.as_str()) {
            (Some(channel), _) => channel.name().to_owned(),
            (None, by) => format!("noted by 记录人 {by}"),
        };
        let _ = writeln!(
            out,
            "  {}  answered 回复: {}  {}  {}  {}",
            answer.said,
            said(answer.answer),
            place(&answer.place),
            way,
            answer.note,
        );
    }
    out.truncate(out.trim_end().len());
    out
}

/// One job.
pub(super) fn job(job: &JobRow) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}  {}  {} {}  revision {}",
        job.job,
        job.link,
        job.purpose,
        job.tier.name(),
        job.revision
    );
    let areas: Vec<String> = job.areas.iter().map(ToString::to_string).collect();
    let _ = writeln!(out, "  areas 区域 {}", areas.join(" "));
    let released = job.ours.released.as_deref().unwrap_or("–");
    let _ = writeln!(
        out,
        "  ours 我方: planned {}, released 放行 {released}, {}",
        job.ours.planned,
        state(job.ours.state)
    );
    for act in &job.ours.acts {
        let (at, by, reason) = (&act.at, &act.by, &act.reason);
        let _ = writeln!(out, "    {at}  {} by {by}: {reason}", act.act.name());
    }
    match (&job.theirs, &job.difference) {
        (Some(theirs), Some(difference)) => {
            let _ = writeln!(
                out,
                "  theirs 对方: {}, {} heads, counted 计 {}: {}",
                theirs.state,
                theirs.heads,
                theirs.counts.total(),
                counts(&theirs.counts)
            );
            let from = theirs.started.as_deref().unwrap_or("–");
            let to = theirs.finished.as_deref().unwrap_or("–");
            let _ = writeln!(out, "    first 首条 {from}, last 末条 {to}");
            let verdict = if difference.agrees {
                "agrees 相符"
            } else {
                "DOES NOT AGREE 不符"
            };
            let _ = writeln!(
                out,
                "  difference 差: {verdict}; heads less counted {}, districts less whole {}, by five \
                 minutes less answered {}, waiting after the end {}",
                difference.heads, difference.districts, difference.answered, difference.waiting
            );
        }
        (None, _) | (_, None) => {
            let _ = writeln!(out, "  theirs 对方: never said anything 无回报");
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// A warning's course: a line an event, then what it comes to.
pub(super) fn course(course: &Course) -> Vec<String> {
    let mut lines: Vec<String> = course
        .events
        .iter()
        .map(|happened| format!("{}  {}", happened.at, event(&happened.what)))
        .collect();
    let summary = &course.summary;
    let at = |time: &Option<String>| time.clone().unwrap_or_else(|| "–".to_owned());
    let seconds = |time: Option<i64>| time.map_or_else(|| "–".to_owned(), |s| format!("{s} s"));
    lines.push(format!(
        "proposed 提出 {}, released 签发 {} (after 用时 {})",
        at(&summary.proposed),
        at(&summary.released),
        seconds(summary.signing_s)
    ));
    lines.push(format!(
        "first message 首条 {}, last 末条 {} (after 用时 {})",
        at(&summary.first_message),
        at(&summary.last_message),
        seconds(summary.sending_s)
    ));
    for job in &summary.jobs {
        lines.push(format!(
            "job 任务 {} {}: last phone foretold 预计末条 {} s, took 实际 {}",
            job.job,
            job.link,
            job.foretold_s,
            seconds(job.took_s)
        ));
    }
    lines.push(format!(
        "answered 应答 {} of {}, the last 末个应答 {}",
        summary.answered,
        summary.called,
        at(&summary.last_answer)
    ));
    if course.left_out + course.unreadable > 0 {
        let (left_out, unreadable) = (course.left_out, course.unreadable);
        lines.push(format!(
            "NOT ALL 不完整: {left_out} left out for want of room, {unreadable} unreadable"
        ));
    }
    lines
}

fn event(what: &CourseEvent) -> String {
    match what {
        CourseEvent::Revision {
            revision,
            event,
            areas,
            signed_by,
        } => {
            let areas: Vec<String> = areas
                .iter()
                .map(|(code, tier)| format!("{code}={}", tier.name()))
                .collect();
            let signed = signed_by.join(", ");
            let event = event.name();
            format!(
                "{event} revision {revision} {} signed [{signed}]",
                areas.join(" ")
            )
        }
        CourseEvent::Signing {
            revision,
            signed_by,
            needed,
        } => format!(
            "signatures 签名 {} of {needed} [{}] revision {revision}",
            signed_by.len(),
            signed_by.join(", ")
        ),
        CourseEvent::Planned {
            delivery,
            link,
            purpose,
            tier,
        } => format!("planned 计划 {link} {purpose} {} {delivery}", tier.name()),
        CourseEvent::Job {
            job,
            link,
            state,
            heads,
            last_phone_s,
            counts: of,
            objections,
        } => {
            let mut line = format!(
                "job 任务 {link} {state}, {heads} heads, last phone 末条 {last_phone_s} s {job}"
            );
            if of.total() > 0 {
                let _ = write!(line, ": {}", counts(of));
            }
            if !objections.is_empty() {
                let _ = write!(line, " — {}", objections.join("; "));
            }
            line
        }
        CourseEvent::Act {
            job,
            link,
            act,
            by,
            reason,
        } => format!("{act} by {by} {link} {job}: {reason}"),
        CourseEvent::First { delivery, link } => format!("first message 首条 {link} {delivery}"),
        CourseEvent::Last {
            delivery,
            link,
            taken,
        } => format!("last message 末条 {link}, {taken} taken {delivery}"),
        CourseEvent::Closed {
            delivery,
            link,
            state: closed,
        } => format!("closed {} {link} {delivery}", state(*closed)),
        CourseEvent::Asked { place: of, tier } => {
            format!("asked 叫应 {} {}", place(of), tier.name())
        }
        CourseEvent::Answered {
            place: of,
            contact,
            answer,
            noted_by,
        } => {
            let noted = if noted_by.is_empty() {
                String::new()
            } else {
                format!(" (noted by 记录人 {noted_by})")
            };
            format!(
                "answered 应答 {} {contact}: {}{noted}",
                place(of),
                said(*answer)
            )
        }
    }
}

fn counts(counts: &Counts) -> String {
    let all = [
        ("waiting 待发", counts.waiting),
        ("accepted 已受理", counts.accepted),
        ("delivered 已送达", counts.delivered),
        ("failed 失败", counts.failed),
        ("unknown 不明", counts.unknown),
        ("expired 过期", counts.expired),
        ("withdrawn 撤回", counts.withdrawn),
    ];
    let some = all.iter().filter(|(_, count)| *count > 0);
    let some: Vec<String> = some
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    some.join(", ")
}

const fn reached(reached: Reached) -> &'static str {
    match reached {
        Reached::NotMeant => "nothing was meant for them 无应发",
        Reached::NothingSent => "nothing left 未发出",
        Reached::Failed => "not reached 未送达",
        Reached::Perhaps => "perhaps 结果不明",
        Reached::Accepted => "taken by the carrier 运营商已受理",
        Reached::Delivered => "delivered 已送达",
        Reached::Answered => "answered 已回复",
    }
}

const fn state(state: State) -> &'static str {
    match state {
        State::Unsent => "unsent 未发",
        State::Claimed => "about to leave 将发",
        State::Unknown => "unknown 不明",
        State::Accepted => "accepted 已受理",
        State::Delivered => "delivered 已送达",
        State::Acknowledged => "acknowledged 已确认",
        State::Failed => "failed 失败",
        State::Expired => "expired 过期",
        State::Withdrawn => "withdrawn 撤回",
        State::Duplicate => "duplicate 重复未发",
        State::Complete => "complete 已结束",
        State::Handed => "by another account 其他账号代发",
    }
}

const fn said(answer: Answer) -> &'static str {
    match answer {
        Answer::Received => "received 收到",
        Answer::AtPost => "at post 到岗",
        Answer::Moved => "moved 已转移",
        Answer::NeedsHelp => "needs help 需要支援",
    }
}

fn place(place: &Place) -> String {
    match place {
        Place::Area(code) => code.to_string(),
        Place::Site(site) => site.clone(),
        Place::Device { site, device } => format!("{site}/{device}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// One of each that can be said, as the API gives it.
    fn people() -> Vec<PersonItem> {
        let message = |state: &str, steps: Value, words: Value| {
            json!({
                "delivery": "0b1c2d3e4f5061728394a5b6c7d8e9f0",
                "intent": "11111111111111111111111111111111",
                "instead_of": null,
                "warning": "440106000000440106000000",
                "revision": 2, "purpose": "rise", "tier": "red", "channel": "sms",
                "link": "sms/mobile", "planned": "2026-05-08T16:21:04+08:00",
                "not_after": "2026-05-08T19:21:04+08:00",
                "state": state, "steps": steps, "words": words,
            })
        };
        let words = json!({
            "language": "zh", "subject": "", "instruction": "", "recorded": true,
            "text": "【城市三防】天河区暴雨红色预警:请立即停止户外活动。",
        });
        let guessed = json!({
            "language": "en", "subject": "", "instruction": "", "recorded": false,
            "text": "[City] Rainstorm RED: stay indoors.",
        });
        let steps = json!([
            { "at": "2026-05-08T16:21:05+08:00", "state": "accepted", "receipt": "5000000003" },
            { "at": "2026-05-08T16:21:09+08:00", "state": "delivered", "receipt": null },
        ]);
        let answer = json!({
            "warning": "440106000000440106000000", "place": { "area": "440106014000" },
            "answer": "at_post", "note": "2 已到现场", "channel": "sms", "noted_by": "",
            "said": "2026-05-08T16:23:40+08:00",
        });
        let person = |asked: usize, number: Value, kind: &str, reached: &str| {
            json!({
                "asked": asked, "number": number, "kind": kind, "id": null,
                "area": "440106014000", "reached": reached, "messages": [], "answers": [],
            })
        };
        let mut contact = person(0, json!(7), "contact", "answered");
        contact["id"] = json!("P2");
        contact["messages"] = json!([message("delivered", steps, words)]);
        contact["answers"] = json!([answer]);
        let mut withdrawn = person(1, json!(90_001), "subscriber", "nothing_sent");
        withdrawn["messages"] = json!([message("withdrawn", json!([]), guessed)]);
        let mut unknown = person(2, Value::Null, "unknown", "not_meant");
        unknown["area"] = Value::Null;
        let all = [contact, withdrawn, unknown];
        all.map(|one| serde_json::from_value(one).unwrap()).into()
    }

    fn jobs() -> Vec<JobRow> {
        let job = |theirs: Value, difference: Value| {
            json!({
                "job": "9f0c9f0c9f0c9f0c9f0c9f0c9f0c9f0c", "link": "area/carrier",
                "warning": "440106000000440106000000", "revision": 1, "purpose": "alert",
                "tier": "red", "areas": ["440106014000"],
                "ours": {
                    "planned": "2026-05-08T16:21:04+08:00",
                    "released": "2026-05-08T16:21:05+08:00", "state": "delivered",
                    "acts": [{ "at": "2026-05-08T16:21:05+08:00", "act": "release", "by": "chen", "reason": "名单较小" }],
                },
                "theirs": theirs, "difference": difference,
            })
        };
        let counts = |delivered: u64, waiting: u64| {
            json!({
                "waiting": waiting, "accepted": 0, "delivered": delivered, "failed": 1,
                "unknown": 0, "expired": 0, "withdrawn": 0,
            })
        };
        let theirs = |delivered: u64, waiting: u64| {
            json!({
                "state": "done", "heads": 60, "counts": counts(delivered, waiting),
                "districts": counts(delivered, waiting), "answered": delivered + 1,
                "started": "2026-05-08T16:21:06+08:00", "finished": "2026-05-08T16:21:09+08:00",
            })
        };
        let good =
            json!({ "heads": 1, "districts": 0, "answered": 0, "waiting": 0, "agrees": true });
        let bad =
            json!({ "heads": -2, "districts": 0, "answered": 0, "waiting": 3, "agrees": false });
        let all = [
            job(theirs(58, 0), good),
            job(theirs(58, 3), bad),
            job(Value::Null, Value::Null),
        ];
        all.map(|one| serde_json::from_value(one).unwrap()).into()
    }

    #[test]
    fn what_an_auditor_reads_is_as_it_was_read_before() {
        let root =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/golden/audit");
        let people: Vec<String> = people().iter().map(person).collect();
        let jobs: Vec<String> = jobs().iter().map(job).collect();
        for (name, lines) in [("people.txt", people), ("jobs.txt", jobs)] {
            let said = lines.join("\n") + "\n";
            let file = root.join(name);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&file, &said).unwrap();
            }
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(kept, said, "read them, then run with UPDATE_GOLDEN=1");
        }
    }
}
