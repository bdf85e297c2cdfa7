//! `city.toml`: name, code, zone level, time zone and policies; each section is read by itself,
//! so that one bad row does not hide the others.

use crate::authority::{Act, Authority, MatrixRow};
use crate::document::Document;
use crate::fault::{Faults, Place};
use crate::policy::{Policy, Together};
use crate::release::{Approval, Ask, AtEnd, Flow, Ladder, Lateness, Presigned, Reach};
use crate::staleness::INTERVALS_MAX;
use crate::{
    AreaCode, AreaLevel, AuthorityId, Channel, Duty, Hazard, Muting, Named, Roster, Span,
    Staleness, Telling, Tier,
};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Name of the file.
pub(super) const FILE: &str = "city.toml";

/// Newest schema read.
const SCHEMA: u32 = 1;

/// Border gauges reach at most so far.
const BORDER_KM_MAX: f64 = 100.0;

/// A station sees at most so far.
const SIGHT_KM_MAX: f64 = 100.0;

/// The file, read and checked in itself.
pub(super) struct Settings {
    pub(super) name: Named,
    pub(super) code: AreaCode,
    pub(super) time_zone: String,
    pub(super) zone: TimeZone,
    pub(super) zone_level: AreaLevel,
    pub(super) border_km: f64,
    pub(super) policy: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    schema: u32,
    name: Named,
    code: AreaCode,
    time_zone: String,
    #[serde(default = "district")]
    zone_level: AreaLevel,
    #[serde(default)]
    border_km: f64,
    #[serde(default)]
    approval: Approval,
    #[serde(default)]
    telling: Telling,
    #[serde(default)]
    lateness: Lateness,
    #[serde(default)]
    muting: Muting,
    #[serde(default)]
    staleness: BTreeMap<String, Staleness>,
    #[serde(default)]
    sight: BTreeMap<String, f64>,
    #[serde(default)]
    silence: Together,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowRow {
    #[serde(default)]
    authorities: Vec<AuthorityId>,
    #[serde(default)]
    hazards: Vec<Hazard>,
    tiers: Vec<Tier>,
    audience: Reach,
    channels: Vec<Channel>,
    #[serde(default)]
    classes: Vec<String>,
    #[serde(default)]
    plain: bool,
    signatures: u8,
    #[serde(default)]
    review: bool,
    basis: Named,
    clock: Option<Span>,
    signers: Option<Vec<String>>,
    deputies: Option<Vec<String>>,
    review_within: Option<Span>,
    #[serde(default)]
    at_end: AtEnd,
    presigned: Option<Presigned>,
}

fn district() -> AreaLevel {
    AreaLevel::District
}

/// Reads the file; `None` where too little of it could be read to go on.
pub(super) fn read(bytes: &[u8], faults: &mut Faults) -> Option<Settings> {
    let mut document = Document::parse(FILE, bytes, faults)?;
    let authorities = document.rows::<Authority>("authority", faults);
    let matrix = document.rows::<MatrixRow>("matrix", faults);
    let flows = document.rows::<FlowRow>("flow", faults);
    let ladders = document.rows::<Ladder>("ladder", faults);
    let duties = document.rows::<Duty>("duty", faults);
    let head = document.rest::<Head>(faults)?;
    check_authorities(&authorities, faults);
    check_matrix(&matrix, &authorities, faults);
    let flows = flows
        .into_iter()
        .map(|(line, row)| (line, with_defaults(row, &head.approval)))
        .collect::<Vec<_>>();
    check_flows(&flows, &authorities, faults);
    check_ladders(&ladders, faults);
    Roster::check(&duties, FILE, faults);
    check_first_steps(&ladders, &flows, &head.approval, faults);
    let zone = check_head(&head, faults)?;
    let mut policy = Policy {
        flows: plain(flows),
        ladders: plain(ladders),
        roster: Roster(plain(duties)),
        approval: head.approval,
        telling: head.telling,
        lateness: head.lateness,
        muting: head.muting,
        staleness: head.staleness,
        sight: head.sight,
        silence: head.silence,
        ..Policy::default()
    };
    policy.matrix.authorities = plain(authorities);
    policy.matrix.rows = plain(matrix);
    Some(Settings {
        name: head.name,
        code: head.code,
        time_zone: head.time_zone,
        zone,
        zone_level: head.zone_level,
        border_km: head.border_km,
        policy,
    })
}

type Rows<T> = Vec<(u32, T)>;

fn plain<T>(rows: Rows<T>) -> Vec<T> {
    rows.into_iter().map(|(_, row)| row).collect()
}

fn with_defaults(row: FlowRow, approval: &Approval) -> Flow {
    Flow {
        authorities: row.authorities,
        hazards: row.hazards,
        tiers: row.tiers,
        reach: row.audience,
        channels: row.channels,
        classes: row.classes,
        plain: row.plain,
        signatures: row.signatures,
        review: row.review,
        basis: row.basis,
        review_within: row.review_within.unwrap_or(approval.review_within),
        clock: row.clock.unwrap_or(approval.clock),
        signers: row.signers.unwrap_or_else(|| approval.signers.clone()),
        deputies: row.deputies.unwrap_or_else(|| approval.deputies.clone()),
        at_end: row.at_end,
        presigned: row.presigned,
    }
}

fn check_head(head: &Head, faults: &mut Faults) -> Option<TimeZone> {
    let place = Place::file(FILE);
    if head.schema == 0 || head.schema > SCHEMA {
        let what = format!("schema {} is not known here", head.schema);
        faults.error(place, "schema", what, format!("write {SCHEMA}, or upgrade"));
    }
    if head.name.zh.is_empty() && head.name.en.is_empty() {
        faults.error(place, "name", "it is empty", "write a name");
    }
    if !matches!(head.zone_level, AreaLevel::City | AreaLevel::District) {
        let remedy = "write \"district\" or \"city\"";
        faults.error(
            place,
            "zone_level",
            "zones that small are not supported",
            remedy,
        );
    }
    if !(0.0..=BORDER_KM_MAX).contains(&head.border_km) {
        let what = format!("not a number from 0 to {BORDER_KM_MAX}");
        faults.error(place, "border_km", what, "write kilometres, 0 for none");
    }
    for (name, span) in [
        ("lateness.past_after", head.lateness.past_after),
        ("muting.max", head.muting.max),
        ("approval.clock", head.approval.clock),
        ("approval.review_within", head.approval.review_within),
    ] {
        if span <= Span::ZERO {
            faults.error(place, name, "it is zero", "write a span such as 15m");
        }
    }
    check_telling(&head.telling, faults);
    check_silence(head, faults);
    // The tables inside the program, never the machine's: the same city is the same everywhere.
    let zone = TimeZoneDatabase::bundled().get(&head.time_zone);
    if zone.is_err() {
        let what = format!("{:?} is not an IANA time zone", head.time_zone);
        faults.error(place, "time_zone", what, "write one such as Asia/Shanghai");
    }
    zone.ok()
}

fn check_silence(head: &Head, faults: &mut Faults) {
    let place = Place::file(FILE);
    for (kind, staleness) in &head.staleness {
        let mut spans = staleness.spans();
        if let Some((key, _)) = spans.find(|(_, span)| *span <= Span::ZERO) {
            let field = format!("staleness.{kind}");
            let what = format!("{key} is zero");
            faults.error(place, &field, what, "write a span such as 10m");
        }
        if !(1..=INTERVALS_MAX).contains(&staleness.intervals) {
            let field = format!("staleness.{kind}.intervals");
            let what = format!("not a number from 1 to {INTERVALS_MAX}");
            faults.error(place, &field, what, "write intervals = 3, or leave it out");
        }
    }
    for (kind, km) in &head.sight {
        if !(0.0..=SIGHT_KM_MAX).contains(km) {
            let field = format!("sight.{kind}");
            let what = format!("not a number from 0 to {SIGHT_KM_MAX}");
            let remedy = "write kilometres, 0 for its own area alone";
            faults.error(place, &field, what, remedy);
        }
    }
    let Together {
        stations,
        within,
        rain_for,
    } = head.silence;
    if stations < 2 {
        let remedy = "write 2 or more: one station alone is no cluster";
        faults.error(place, "silence.stations", "less than two", remedy);
    }
    for (name, span) in [("silence.within", within), ("silence.rain_for", rain_for)] {
        if span <= Span::ZERO {
            faults.error(place, name, "it is zero", "write a span such as 10m");
        }
    }
}

fn check_telling(telling: &Telling, faults: &mut Faults) {
    let place = Place::file(FILE);
    if telling.quiet.from > 23 || telling.quiet.to > 23 {
        let remedy = "write whole hours from 0 to 23, the same twice for none";
        faults.error(place, "telling.quiet", "not an hour", remedy);
    }
    if telling.depth_step_cm == Some(0) {
        let remedy = "write centimetres, such as 10, or leave it out";
        faults.error(place, "telling.depth_step_cm", "it is zero", remedy);
    }
    if let Some(digest) = telling.digest {
        if !(Tier::White..=Tier::Yellow).contains(&digest.tier) {
            let remedy = "write white, blue or yellow: orange and red never wait";
            faults.error(place, "telling.digest.tier", "not a low tier", remedy);
        }
        if digest.every_minutes == 0 || 60 % digest.every_minutes != 0 {
            let remedy = "write 5, 10, 15, 20, 30 or 60";
            let what = "it does not divide an hour";
            faults.error(place, "telling.digest.every_minutes", what, remedy);
        }
    }
    for (name, span) in [
        ("telling.valid_high", telling.valid_high),
        ("telling.valid_low", telling.valid_low),
        ("telling.valid_fall", telling.valid_fall),
        ("telling.deadline_red", telling.deadline_red),
        ("telling.deadline", telling.deadline),
    ] {
        if span <= Span::ZERO {
            faults.error(place, name, "it is zero", "write a span such as 2h");
        }
    }
    for (name, ways) in [
        ("telling.request_channels", &telling.request_channels),
        ("telling.signing_channels", &telling.signing_channels),
    ] {
        let reaches_nobody = |way: &Channel| matches!(way, Channel::Cap | Channel::Device);
        if ways.is_empty() || ways.iter().any(reaches_nobody) {
            let remedy = "list ways a person is reached by, such as [\"sms\", \"email\"]";
            faults.error(place, name, "nobody would be asked", remedy);
        }
    }
}

fn check_authorities(rows: &Rows<Authority>, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (line, row) in rows {
        if !seen.insert(row.id) {
            let place = Place::line(FILE, *line);
            let what = format!("authority {} stands there twice", row.id);
            faults.error(place, "authority.id", what, "keep one of the two");
        }
        if !(row.email.is_empty() || row.email.contains('@')) {
            let place = Place::line(FILE, *line);
            let remedy = "write it as duty@office.example";
            faults.error(place, "authority.email", "not an address", remedy);
        }
        if row.own && row.signature.zh.is_empty() {
            let place = Place::line(FILE, *line);
            let remedy = "write the signature registered with the carriers";
            faults.error(place, "authority.signature", "it is empty", remedy);
        }
    }
    if !rows.iter().any(|(_, row)| row.own) {
        let remedy = "add [[authority]] with own = true: warnings need a name to go out under";
        faults.error(Place::file(FILE), "authority", "none is our own", remedy);
    }
}

fn check_matrix(rows: &Rows<MatrixRow>, authorities: &Rows<Authority>, faults: &mut Faults) {
    for (line, row) in rows {
        let place = Place::line(FILE, *line);
        for id in [Some(row.authority), row.counterpart].into_iter().flatten() {
            known_authority(&id, authorities, place, "matrix", faults);
        }
        for (field, empty) in [
            ("matrix.hazards", row.hazards.is_empty()),
            ("matrix.areas", row.areas.is_empty()),
            ("matrix.tiers", row.tiers.is_empty()),
        ] {
            if empty {
                let remedy = "list each; an empty list never means everything";
                faults.error(place, field, "it is empty", remedy);
            }
        }
        check_tiers(&row.tiers, "matrix.tiers", place, faults);
        let wanted = row.act != Act::Issue;
        if wanted != row.counterpart.is_some() {
            let (what, remedy) = if wanted {
                ("it is missing", "name the other authority of this act")
            } else {
                ("issue has no counterpart", "take it out, or write co-issue")
            };
            faults.error(place, "matrix.counterpart", what, remedy);
        }
    }
}

fn check_flows(rows: &Rows<Flow>, authorities: &Rows<Authority>, faults: &mut Faults) {
    for (line, row) in rows {
        let place = Place::line(FILE, *line);
        for id in &row.authorities {
            known_authority(id, authorities, place, "flow", faults);
        }
        check_tiers(&row.tiers, "flow.tiers", place, faults);
        if row.channels.is_empty() {
            faults.error(place, "flow.channels", "it is empty", "list each channel");
        }
        if row.reach != Reach::Device && row.channels.contains(&Channel::Device) {
            let remedy = "devices have a flow of their own: audience = \"device\"";
            faults.error(place, "flow.channels", "device reaches nobody", remedy);
        }
        if !row.classes.is_empty() {
            check_classes(row, place, faults);
        }
        match (row.reach, row.signatures) {
            (Reach::Public, 0) => {
                let remedy = "write 2, or 1 with review = true: the public is told by a person";
                faults.error(place, "flow.signatures", "0 for the public", remedy);
            }
            (Reach::Public, 1) if !row.review => {
                let remedy = "add review = true: one signature is looked at afterwards";
                faults.error(place, "flow.review", "it is missing", remedy);
            }
            (Reach::Device | Reach::Responsible | Reach::Public, 0..=2) => {}
            (Reach::Device | Reach::Responsible | Reach::Public, _) => {
                faults.error(place, "flow.signatures", "more than two", "write 0, 1 or 2");
            }
        }
        for (field, span) in [
            ("flow.clock", row.clock),
            ("flow.review_within", row.review_within),
        ] {
            if span <= Span::ZERO {
                faults.error(place, field, "it is zero", "write a span such as 10m");
            }
        }
        let signers: BTreeSet<_> = row.presigned.iter().flat_map(|p| &p.signed_by).collect();
        if row.at_end == AtEnd::Presigned && signers.len() < 2 {
            let remedy = "name two different people in presigned.signed_by, and the text";
            faults.error(place, "flow.presigned", "fewer than two signed it", remedy);
        }
        if let Some(presigned) = &row.presigned {
            if presigned.text.zh.trim().is_empty() || presigned.text.en.trim().is_empty() {
                let remedy = "write the whole text in zh and en: nobody adds to it at the end";
                faults.error(place, "flow.presigned.text", "it is empty", remedy);
            }
            if row.at_end == AtEnd::Hold || row.reach != Reach::Public {
                let remedy = "write at_end = \"presigned\" in a public flow, or take the text out";
                faults.error(place, "flow.presigned", "nothing would use it", remedy);
            }
        }
    }
}

/// Only who is told one by one can be told by class.
fn check_classes(row: &Flow, place: Place<'_>, faults: &mut Faults) {
    if row.reach != Reach::Public {
        let remedy = "take them out: classes are those of subscribers.csv, the public";
        faults.error(place, "flow.classes", "nobody there has a class", remedy);
    }
    // An app knows its own readers: what it publishes is for all who subscribed to the place.
    let to_all = |channel: &&Channel| !matches!(channel, Channel::Sms | Channel::Email);
    if let Some(channel) = row.channels.iter().find(to_all) {
        let what = format!("{channel} tells everybody");
        let remedy = "list sms or email here, and the others in a flow without classes below";
        faults.error(place, "flow.classes", what, remedy);
    }
}

fn check_ladders(rows: &Rows<Ladder>, faults: &mut Faults) {
    for (number, (line, row)) in rows.iter().enumerate() {
        let place = Place::line(FILE, *line);
        check_tiers(&row.tiers, "ladder.tiers", place, faults);
        if let Some(hours) = row.hours
            && (hours.from > 23 || hours.to > 23 || hours.from == hours.to)
        {
            let remedy = "write { from = 22, to = 6 }, or take it out for the whole day";
            faults.error(place, "ladder.hours", "no hours of a day", remedy);
        }
        let mut before = rows.iter().take(number).map(|(_, before)| before);
        let is_hidden =
            |tier: &Tier| before.any(|other| other.hours.is_none() && other.tiers.contains(tier));
        if row.tiers.iter().any(is_hidden) {
            let what = "a ladder above it holds for one of its tiers at every hour";
            let remedy = "write the ladder of some hours above that of the whole day";
            faults.error(place, "ladder.tiers", what, remedy);
        }
        if row
            .before_impact
            .is_some_and(|span| span < Span::from_minutes(1))
        {
            let remedy = "write at least 1m, or take it out";
            faults.error(place, "ladder.before_impact", "it is too short", remedy);
        }
        if row.steps.is_empty() {
            faults.error(place, "ladder.steps", "it is empty", "add the first step");
        }
        if !row.steps.is_sorted_by(|a, b| a.after < b.after) {
            let remedy = "write the steps by rising `after`";
            faults.error(place, "ladder.steps", "they are out of order", remedy);
        }
        if row.repeat < Span::from_minutes(1) {
            let remedy = "write at least 1m: people need time to answer";
            faults.error(place, "ladder.repeat", "it is too short", remedy);
        }
        if row.steps.iter().any(|s| s.channels.is_empty() && !s.phone) {
            let remedy = "list a channel, or phone = true";
            faults.error(place, "ladder.steps", "a step asks by no channel", remedy);
        }
    }
}

/// What goes out at 0m is the first message to those responsible, by their flow: a step there
/// that says otherwise would not be followed.
fn check_first_steps(
    ladders: &Rows<Ladder>,
    flows: &Rows<Flow>,
    approval: &Approval,
    faults: &mut Faults,
) {
    let by_default = Flow::by_default(Reach::Responsible, approval);
    for (line, row) in ladders {
        let place = Place::line(FILE, *line);
        let Some(first) = row.steps.first().filter(|step| step.after == Span::ZERO) else {
            continue;
        };
        if first.ask != Ask::Primary || !first.roles.is_empty() {
            let remedy =
                "write ask = \"primary\" without roles at 0m, or ask the others from 1m on";
            faults.error(
                place,
                "ladder.steps",
                "at 0m all responsible are told",
                remedy,
            );
        }
        let told_by = |tier: Tier| {
            let flows = flows.iter().map(|(_, flow)| flow);
            let mut of_tier = flows
                .filter(|flow| flow.reach == Reach::Responsible && flow.tiers.contains(&tier))
                .collect::<Vec<_>>();
            let is_general = |flow: &&Flow| flow.hazards.is_empty() && flow.authorities.is_empty();
            if !of_tier.iter().any(is_general) {
                of_tier.push(&by_default);
            }
            of_tier
        };
        let is_closed = |channel: &&Channel| {
            let mut flows = row.tiers.iter().flat_map(|tier| told_by(*tier));
            flows.any(|flow| !flow.channels.contains(channel))
        };
        if let Some(channel) = first.channels.iter().find(is_closed) {
            let what = format!("at 0m the flow of those responsible does not tell by {channel}");
            let remedy = "list it in `channels` of that [[flow]], or ask by it from 1m on";
            faults.error(place, "ladder.steps", &what, remedy);
        }
    }
}

fn check_tiers(tiers: &[Tier], field: &str, place: Place<'_>, faults: &mut Faults) {
    if tiers.is_empty() || tiers.contains(&Tier::None) {
        let remedy = "list white, blue, yellow, orange or red";
        faults.error(place, field, "not tiers that warn", remedy);
    }
}

fn known_authority(
    id: &AuthorityId,
    authorities: &Rows<Authority>,
    place: Place<'_>,
    field: &str,
    faults: &mut Faults,
) {
    if !authorities.iter().any(|(_, a)| a.id == *id) {
        let what = format!("authority {id} is not listed");
        faults.error(place, field, what, "add it as [[authority]]");
    }
}
