//! Deliveries against what lies outside the process (semantics §40): the journal's intents and
//! outcomes beside the log of a message centre that is not ours.

use crate::small::Taken;
use dispatch::directory::Directory;
use dispatch::intent::{Intent, IntentId};
use dispatch::ledger::{Ledger, Progress, State};
use dispatch::wording::Purpose;
use journal::{
    DiskJournal, Journal, JournalError, Kind, Offset, Options, Partition, Record, Topic,
};
use model::{Channel, City, Reach};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Partitions looked into: more than there are links and zones.
pub(crate) const PARTITIONS: u16 = 12;

/// Every record of a partition, out of the files that the process left.
fn partition(journal: &DiskJournal, topic: Topic, partition: Partition) -> Vec<Record> {
    let first = journal.first(topic, partition).unwrap();
    from(journal, topic, partition, first)
}

/// The records of a partition from an offset on.
pub(crate) fn from(
    journal: &DiskJournal,
    topic: Topic,
    partition: Partition,
    mut next: Offset,
) -> Vec<Record> {
    let mut found = Vec::new();
    loop {
        let records = journal.read(topic, partition, next, 1 << 20).unwrap();
        let Some(last) = records.last() else {
            return found;
        };
        next = last.offset.plus(1);
        found.extend(records);
    }
}

/// Every record of a topic.
pub(crate) fn records(folder: &Path, topic: Topic) -> Vec<Record> {
    let journal = open(folder).unwrap();
    let all = (0..PARTITIONS).map(Partition);
    all.flat_map(|number| partition(&journal, topic, number))
        .collect()
}

pub(crate) fn open(folder: &Path) -> Result<DiskJournal, JournalError> {
    let options = Options {
        reserve_bytes: 0,
        ..Options::default()
    };
    DiskJournal::open(&folder.join("journal"), options)
}

/// Whoever the journal says was told has it in the centre's log, in words that were meant for them;
/// of everybody who was to be told something is known; and the centre has nothing that nobody said.
/// Gives how many of the public were told.
pub(crate) fn reconcile(folder: &Path, told: &[Taken]) -> Result<usize, String> {
    let bytes = |name: &str| fs::read(folder.join("city").join(name)).ok();
    let city = City::read(bytes, &[]).map_err(|faults| format!("{faults:?}"))?;
    let table = |name: &str| bytes(name).unwrap();
    let (contacts, subscribers) = (table("contacts.csv"), table("subscribers.csv"));
    let read = Directory::read(&city, &contacts[..], &subscribers[..], None);
    let directory = read.map_err(|faults| format!("{faults:?}"))?.directory;
    let journal = open(folder).unwrap();
    let told: BTreeSet<(&str, &str)> = told.iter().map(|(to, text)| (&**to, &**text)).collect();
    let (mut texts, mut public) = (BTreeSet::new(), 0);
    for number in (0..PARTITIONS).map(Partition) {
        let intents = intents(&journal, number);
        let mut ledger = Ledger::default();
        for record in partition(&journal, Topic::actual(Kind::Receipts), number) {
            let progress = Progress::decode(record.payload());
            ledger.apply(&progress.map_err(|error| error.to_string())?);
        }
        for intent in intents.values() {
            let own: BTreeSet<&str> = intent.words.iter().map(|words| &*words.text).collect();
            texts.extend(own.iter().map(|text| (*text).to_owned()));
            let mut wrong = None;
            ledger.for_each(intent.id, |no, state| {
                let phone = directory.recipient(no).and_then(|r| r.phone());
                let phone = phone.map(|phone| phone.to_string()).unwrap_or_default();
                if is_told(state) && !own.iter().any(|text| told.contains(&(&*phone, *text))) {
                    wrong = Some(format!(
                        "{phone} is {state:?} of {own:?}, the centre has nothing"
                    ));
                }
                public += usize::from(is_told(state) && intent.audience.reach == Reach::Public);
            });
            if let Some(wrong) = wrong {
                return Err(wrong);
            }
            is_whole(intent, &ledger, &directory, &city)?;
        }
    }
    match told.iter().find(|(_, text)| !texts.contains(*text)) {
        Some((to, text)) => Err(format!("{to} was told what nobody said: {text}")),
        None => Ok(public),
    }
}

/// Short messages to be sent by a link.
fn intents(journal: &DiskJournal, number: Partition) -> BTreeMap<IntentId, Intent> {
    let records = partition(journal, Topic::actual(Kind::Deliveries), number).into_iter();
    records
        .filter_map(|record| serde_json::from_slice::<Intent>(record.payload()).ok())
        .filter(|intent| intent.channel == Channel::Sms)
        .map(|intent| (intent.id, intent))
        .collect()
}

const fn is_told(state: State) -> bool {
    matches!(
        state,
        State::Accepted | State::Delivered | State::Acknowledged
    )
}

/// Nobody whom a finished intent was for is forgotten.
fn is_whole(
    intent: &Intent,
    ledger: &Ledger,
    directory: &Directory,
    city: &City,
) -> Result<(), String> {
    let what = format!(
        "{:?} of {} r{}",
        intent.purpose, intent.warning, intent.revision
    );
    let closed = ledger.closed(intent.id);
    let Some(closed) = closed else {
        return Err(format!("{what} is still under way"));
    };
    let is_for_all = !intent.only_told && !intent.only_new && intent.purpose != Purpose::Withdraw;
    if closed != State::Complete || !is_for_all {
        return Ok(());
    }
    let audience = intent.audience.in_version(directory.version());
    let preview = directory.preview(city, &audience, &[Channel::Sms]);
    let heads = preview.map_err(|error| error.to_string())?.heads;
    let meant: u64 = heads.iter().map(|head| head.people).sum();
    let mut known = 0;
    ledger.for_each(intent.id, |_, state| {
        known += u64::from(!matches!(state, State::Unsent | State::Claimed));
    });
    if known < meant {
        return Err(format!(
            "{what} was for {meant}, of {known} something is known"
        ));
    }
    Ok(())
}
