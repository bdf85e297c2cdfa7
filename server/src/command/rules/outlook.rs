//! How a subject stands to the tiers of a rule, in words and as JSON: what is missing to those not
//! reached, and what a rise or a fall still waits for.

use super::story::{self, Story, text};
use model::{City, Span, Time};
use rules::{Compared, Outlook, Part, TierOutlook};
use serde_json::{Value, json};

/// A change of tier with how things stand now, as one JSON object.
pub(super) fn story_with(story: &Story<'_>, outlook: Option<&Outlook>, city: &City) -> String {
    let mut object = serde_json::to_value(story).unwrap_or_default();
    if let (Some(outlook), Value::Object(object)) = (outlook, &mut object) {
        object.insert("outlook".into(), value(outlook, city));
    }
    object.to_string()
}

/// How things stand where no tier ever changed, in the shape of a change.
pub(super) fn alone(outlook: &Outlook, city: &City) -> String {
    let line = json!({
        "time": text(city, outlook.time),
        "rule": outlook.rule,
        "version": outlook.version,
        "subject": outlook.subject,
        "name": story::name_of(city, &outlook.subject),
        "from": outlook.tier,
        "to": outlook.tier,
        "reason": "unchanged",
        "outlook": value(outlook, city),
    });
    line.to_string()
}

fn value(outlook: &Outlook, city: &City) -> Value {
    let mut object = serde_json::to_value(outlook).unwrap_or_default();
    let time = |time: Option<Time>| time.map(|time| text(city, time));
    let times = outlook.tiers.iter().map(|tier| {
        [
            ("reached", json!(time(tier.reached))),
            ("rises", json!(time(tier.rises))),
            ("quiet_s", json!(tier.quiet.map(Span::seconds))),
        ]
    });
    if let Some(Value::Array(tiers)) = object.get_mut("tiers") {
        for (tier, times) in tiers.iter_mut().zip(times) {
            if let Value::Object(tier) = tier {
                tier.extend(times.map(|(name, value)| (name.to_owned(), value)));
            }
        }
    }
    if let Value::Object(object) = &mut object {
        object.insert("time".into(), text(city, outlook.time).into());
        let raise = outlook.raise_after.seconds();
        object.insert("raise_after_s".into(), raise.into());
        let lower = outlook.lower_after.seconds();
        object.insert("lower_after_s".into(), lower.into());
    }
    object
}

/// As a person reads it.
pub(super) fn words(outlook: &Outlook, city: &City) -> Vec<String> {
    let Outlook { rule, subject, .. } = outlook;
    let mut lines = vec![format!(
        "{}  {subject} {}  {}  rule {rule} ({}): how it stands",
        text(city, outlook.time),
        story::name_of(city, subject),
        outlook.tier,
        outlook.version,
    )];
    for tier in &outlook.tiers {
        match tier.reached {
            Some(since) => lines.extend(reached(outlook, tier, since, city)),
            None => lines.extend(not_reached(outlook, tier, city)),
        }
    }
    if let Some(continuing) = &outlook.continuing {
        lines.push(format!(
            "    continuing, for any rise: {}: {}",
            truth(continuing),
            continuing.condition
        ));
        lines.extend(compared(continuing));
    }
    lines
}

fn not_reached(outlook: &Outlook, tier: &TierOutlook, city: &City) -> Vec<String> {
    let name = tier.tier;
    let head = match (tier.rises, tier.rise.holds) {
        (Some(at), _) => format!(
            "{name}: rises at {} if it goes on to hold ({} in all)",
            text(city, at),
            outlook.raise_after
        ),
        // The latches of lower tiers set with the higher one, so that this is a tier above.
        (None, Some(true)) => format!("{name}: holds, and waits for continuing"),
        (None, Some(false)) => format!("{name}: not reached"),
        (None, None) => format!("{name}: cannot be told, a value is missing"),
    };
    let mut lines = vec![format!("    {head}: {}", tier.rise.condition)];
    lines.extend(compared(&tier.rise));
    lines
}

fn reached(outlook: &Outlook, tier: &TierOutlook, since: Time, city: &City) -> Vec<String> {
    let name = tier.tier;
    let mut lines = vec![format!("    {name}: reached at {}", text(city, since))];
    if name < outlook.tier {
        return lines;
    }
    let Some(stay) = &tier.stay else {
        return lines;
    };
    let wait = match tier.quiet {
        None => format!(
            "falls once this has been gone for {}{}",
            outlook.lower_after,
            besides(outlook)
        ),
        Some(quiet) if quiet < outlook.lower_after => format!(
            "its condition has been gone for {quiet} of {}{}",
            outlook.lower_after,
            besides(outlook)
        ),
        Some(_) => "waits for lower.when".to_owned(),
    };
    lines.push(format!("      {wait}"));
    lines.extend(compared(stay));
    if let Some(when) = &outlook.lower_when {
        let (truth, written) = (truth(when), &when.condition);
        lines.push(format!("      lower.when: {truth}: {written}"));
        lines.extend(compared(when));
    }
    lines
}

const fn besides(outlook: &Outlook) -> &'static str {
    match outlook.lower_when {
        Some(_) => " and lower.when holds",
        None => "",
    }
}

const fn truth(part: &Part) -> &'static str {
    match part.holds {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "cannot be told, a value is missing",
    }
}

fn compared(part: &Part) -> Vec<String> {
    part.compared.iter().map(compared_words).collect()
}

/// `rainfall.sum("3h") = 42  >= 50  ✗ 8 away`.
pub(super) fn compared_words(one: &Compared) -> String {
    let Compared {
        call, value, test, ..
    } = one;
    let value = value.as_deref().unwrap_or("unknown");
    let bound = match &one.bound {
        Some(bound) => format!("{test} {bound}"),
        None if call.contains(", ") => "against each other".to_owned(),
        None => "against a threshold that the site does not have".to_owned(),
    };
    let far = match (one.holds, &one.short) {
        (Some(true), _) => "✓".to_owned(),
        (_, Some(short)) => format!("✗ {short} away"),
        (Some(false), None) => "✗".to_owned(),
        (None, None) => "?".to_owned(),
    };
    format!("        {call} = {value}  {bound}  {far}")
}
