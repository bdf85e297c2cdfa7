//! What a step gives: changes of tier, revisions of warnings, what waits for people, refusals.

use model::response::{Level, Remaining};
use model::{
    AreaCode, Hazard, Muted, Order, Pending, Silence, Span, Tier, Time, Warning, WarningId,
};
use serde::{Deserialize, Serialize};

/// One effect of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A subject's tier changed.
    Signal(Box<Change>),
    /// Sensors fell silent or report again.
    Silence(Box<Silence>),
    /// A warning got a new revision.
    Warning(Box<Warning>),
    /// What a warning waits for from people changed.
    Pending(Box<Pending>),
    /// A rule was silenced, or speaks again.
    Muted(Box<Muted>),
    /// An order was not followed.
    Refused {
        /// Which.
        order: Box<Order>,
        /// Why.
        why: Refusal,
    },
}

/// Why a tier changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Conditions held long enough.
    Raised,
    /// Conditions were gone long enough.
    Lowered,
    /// A correction made the latching evaluation false.
    Withdrawn,
    /// A person ended the tier of a silent subject.
    Stood,
    /// The rulebook or the registry changed.
    Adopted,
    /// Its data fell silent in a way that its rule takes for evidence.
    Lost,
    /// It reports again: its values decide.
    Heard,
}

/// Name under which the values of a [`Change`] say what silence added to them.
pub const SILENCE: &str = "silence";

/// A change of tier of one rule at one subject, with its evidence (design §4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Observation time, or the deadline of a hold.
    pub time: Time,
    /// Rule id.
    pub rule: String,
    /// Version of the rule's file.
    pub version: String,
    /// Station, site or area id.
    pub subject: String,
    /// Tier before.
    pub from: Tier,
    /// Tier after.
    pub to: Tier,
    /// The calls as written in the rule with decimal text in the parameter's unit (a tier's name
    /// for a situation); `None` where unknown.
    pub values: Vec<(String, Option<String>)>,
    /// Why.
    pub reason: Reason,
    /// True for a rise evaluated too far behind record time: shown, never sent (semantics §5).
    pub past: bool,
    /// True for a rise that rests on suspect values only (semantics §13).
    pub unconfirmed: bool,
}

/// Why an order is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Refusal {
    /// No such warning in this zone.
    #[error("no warning {warning} is known here: look it up again")]
    UnknownWarning {
        /// As given.
        warning: WarningId,
    },
    /// It is over.
    #[error("warning {warning} is over: issue a new one")]
    Ended {
        /// Which.
        warning: WarningId,
    },
    /// What was seen is not what stands (409).
    #[error("revision {seen} was seen, revision {current} says something else: look again")]
    Stale {
        /// Revision the person saw.
        seen: u32,
        /// Revision that stands.
        current: u32,
    },
    /// The same person signed already.
    #[error("{person} has signed already: another person must sign")]
    SignedAlready {
        /// Who.
        person: String,
    },
    /// Nothing waits for a signature.
    #[error("nothing waits for a signature: revision {current} is in force")]
    NothingToSign {
        /// Revision in force.
        current: u32,
    },
    /// The hazard is another authority's to issue: it was asked (提请).
    #[error("{authority} alone issues this: it was asked, and there is nothing to sign")]
    NotOurs {
        /// Whose it is.
        authority: String,
    },
    /// No such signal is in force here.
    #[error("no signal {signal:?} is in force here: see /v1/signals")]
    UnknownSignal {
        /// As given.
        signal: String,
    },
    /// The matrix has no row for passing it on.
    #[error(
        "signal {signal:?} may not be passed on: [[matrix]] has no row with act \"relay\" for its sender, hazard, tier and areas"
    )]
    NotRelayed {
        /// Which.
        signal: String,
    },
    /// It is passed on already.
    #[error("signal {signal:?} is passed on already, as warning {warning}")]
    Relayed {
        /// Which.
        signal: String,
        /// By which warning.
        warning: WarningId,
    },
    /// More are passed on at once than one zone holds.
    #[error("this zone passes on {open} signals already: cancel one that is over")]
    TooManyRelays {
        /// How many.
        open: usize,
    },
    /// Another authority's words are not ours to change.
    #[error(
        "warning {warning} passes on another authority's words: cancel it, or sign it as it is"
    )]
    Verbatim {
        /// Which.
        warning: WarningId,
    },
    /// Nothing waits for a review.
    #[error("warning {warning} does not wait for a review")]
    NothingToReview {
        /// Which.
        warning: WarningId,
    },
    /// Whoever released it does not review it.
    #[error("{person} released it: another person must review it")]
    OwnReview {
        /// Who.
        person: String,
    },
    /// Not an area of this zone.
    #[error("{area} is no area of this zone")]
    UnknownArea {
        /// As given.
        area: AreaCode,
    },
    /// No area, or none with a tier: that never means everybody.
    #[error("no area with a tier is named: name at least one")]
    NoArea,
    /// One is open already.
    #[error("warning {warning} for {hazard} is open: amend it")]
    Open {
        /// Which.
        warning: WarningId,
        /// Its hazard.
        hazard: Hazard,
    },
    /// No such rule.
    #[error("no rule {rule:?}")]
    UnknownRule {
        /// As given.
        rule: String,
    },
    /// The rule has no such subject here.
    #[error("rule {rule:?} has no subject {subject:?} in this zone")]
    UnknownSubject {
        /// Rule.
        rule: String,
        /// As given.
        subject: String,
    },
    /// Nothing to confirm.
    #[error("the tier of {subject} does not wait for a confirmation")]
    NotUnconfirmed {
        /// Which.
        subject: String,
    },
    /// Data still comes, or there is no tier.
    #[error("{subject} still reports or has no tier: its data decides")]
    NotSilent {
        /// Which.
        subject: String,
    },
    /// A silence that would be over before it began.
    #[error("until {until} is not later than now: name a time to come")]
    MuteOver {
        /// As given.
        until: Time,
    },
    /// Longer than the city allows.
    #[error("a rule may be silenced for {max} at most: name an earlier time")]
    MuteTooLong {
        /// By `[muting]` of `city.toml`.
        max: Span,
    },
    /// The rule warns larger areas than that.
    #[error(
        "rule {rule:?} warns larger areas than {area}: name one that it warns, or a larger one"
    )]
    MuteTooSmall {
        /// Rule.
        rule: String,
        /// As given.
        area: AreaCode,
    },
    /// It speaks.
    #[error("rule {rule:?} is not silenced there: see /v1/rules")]
    NotMuted {
        /// Rule.
        rule: String,
    },
    /// No such plan, or it is not for that area.
    #[error("no response plan {plan:?} for {area}: see [[response]] in responses.toml")]
    UnknownPlan {
        /// As given.
        plan: String,
        /// Where.
        area: AreaCode,
    },
    /// The plan does not speak of that level.
    #[error("plan {plan:?} has no level {}: see [[response.level]]", .level.name())]
    UnknownLevel {
        /// Which plan.
        plan: String,
        /// As given.
        level: Level,
    },
    /// The act is another post's.
    #[error("{person} does not hold the post {post}, who signs this by the plan")]
    LacksPost {
        /// Who.
        person: String,
        /// Name of the post.
        post: String,
    },
    /// What was seen is not what stands (409).
    #[error("level {} was seen, {} stands: look again", said(.seen), said(.current))]
    OtherLevel {
        /// Level the person saw.
        seen: Option<Level>,
        /// Level that stands.
        current: Option<Level>,
    },
    /// Nothing would change.
    #[error("the response stands at {} already", said(.level))]
    SameLevel {
        /// Which.
        level: Option<Level>,
    },
    /// Nothing of that kind is proposed.
    #[error("level {} is not proposed: look again", said(.level))]
    NotProposed {
        /// As given.
        level: Option<Level>,
    },
    /// No such kind of damage.
    #[error("no damage {kind:?}: see [[damage]] in responses.toml")]
    UnknownDamage {
        /// As given.
        kind: String,
    },
    /// No such task is open.
    #[error("no task {task:?} is open: see /v1/responses")]
    NoTask {
        /// As given.
        task: String,
    },
    /// A report that is none.
    #[error("a task is reported as done or late")]
    NoReport,
    /// Counts that cannot be.
    #[error(
        "{sheltered} people in shelters are more than the {moved} who moved: correct the counts"
    )]
    Miscounted {
        /// In shelters.
        sheltered: u32,
        /// Moved.
        moved: u32,
    },
    /// Nobody was moved there.
    #[error("no transfer is open in {area}")]
    NoTransfer {
        /// Where.
        area: AreaCode,
    },
    /// Nothing to close.
    #[error("no incident is open in {area}")]
    NoIncident {
        /// Where.
        area: AreaCode,
    },
    /// Something must be ended first.
    #[error("{area} cannot be closed while this stands: {}", listed(.remaining))]
    Remains {
        /// Where.
        area: AreaCode,
        /// What.
        remaining: Vec<Remaining>,
    },
    /// An act on a weather process or its products.
    #[error(transparent)]
    Service {
        /// Why.
        #[from]
        refusal: ServiceRefusal,
    },
}

/// Why an act on a weather process or its products is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "service", rename_all = "snake_case")]
pub enum ServiceRefusal {
    /// No ladder has that hazard.
    #[error("no ladder for {}: add its code to a [[ladder]] of services.toml", .hazard.code())]
    NoLadder {
        /// As given.
        hazard: Hazard,
    },
    /// Hazard, areas or onset are missing.
    #[error("a new process needs hazard, areas and onset: say {missing}")]
    Incomplete {
        /// What is missing.
        missing: String,
    },
    /// Not such a process, or it is over.
    #[error("no process {process:?} is under way: see /v1/services")]
    NoProcess {
        /// As given.
        process: String,
    },
    /// Somebody took it up already.
    #[error("process {process} was opened by {by} already: move it")]
    OpenAlready {
        /// Which.
        process: String,
        /// Who.
        by: String,
    },
    /// One of the same ladder is under way there at that time.
    #[error("process {process} is under way there then: move it, or give it the areas too")]
    UnderWay {
        /// Which.
        process: String,
    },
    /// Times that cannot be.
    #[error("it would end before it begins, or is over already: correct onset and end")]
    Times,
    /// More than one city keeps.
    #[error("{open} processes are under way already: end one that is over")]
    TooMany {
        /// How many.
        open: usize,
    },
    /// No such slot.
    #[error("process {process} has no slot {slot:?}; it has {known}")]
    NoSlot {
        /// Of which process.
        process: String,
        /// As given.
        slot: String,
        /// Those it has.
        known: String,
    },
    /// Earlier rounds were missed: it may be the product of any of them.
    #[error("earlier rounds of slot {slot} were missed: say which as `round`, one of {rounds}")]
    WhichRound {
        /// Which slot.
        slot: String,
        /// Those that may be filed.
        rounds: String,
    },
    /// That round is neither the running one nor missed.
    #[error("round {round} of slot {slot} is not to be filed: see /v1/services")]
    NoRound {
        /// Which slot.
        slot: String,
        /// As given.
        round: u32,
    },
    /// Its product was filed.
    #[error("{by} filed it already: what came later belongs to the next slot")]
    FiledAlready {
        /// Who.
        by: String,
    },
    /// The process is over, and this was not missed.
    #[error("process {process} is over: only what was missed can still be filed")]
    Over {
        /// Which.
        process: String,
    },
    /// The city asks for none, or not on that day.
    #[error("no evening product is open for {day}: see /v1/evening")]
    NoEvening {
        /// As given.
        day: String,
    },
}

fn said(level: &Option<Level>) -> &'static str {
    level.map_or("none", Level::name)
}

fn listed(remaining: &[Remaining]) -> String {
    let each = remaining.iter().map(|what| match what {
        Remaining::Signal {
            hazard,
            tier,
            identifier,
        } => format!("signal {identifier} ({} {})", hazard.en(), tier.name()),
        Remaining::Response { plan, area, level } => {
            format!("response {plan} in {area} at {}", level.name())
        }
        Remaining::Transfer { area, moved } => format!("{moved} people moved from {area}"),
        Remaining::Task { id } => format!("task {id}"),
        Remaining::Incident { area } => format!("incident in {area}"),
    });
    each.collect::<Vec<_>>().join("; ")
}
