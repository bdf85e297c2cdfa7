//! One act to a whole city by SMPP, killed in the middle, and what the disk then knows (semantics §43).
//!
//! The service plans, sends and stores as in earnest; the carrier is played here, with throttling,
//! silence and receipts in mixed spellings. At a random moment the service is killed. Only messages
//! whose outcome the journal then gives back are counted, each compared with what the carrier took.
//! After that the service starts again with a changed directory and must finish, telling everybody.

use super::Failure;
use super::client::Client;
use super::report::{Line, load_average, progress};
use super::served::{OFFICERS, Scratch, Served, cpu_s};
use crate::clock::{Clock, monotonic, monotonic_micros};
use crate::installation;
use dispatch::directory::{Directory, Recipient};
use dispatch::gateway::sms::MessageKey;
use dispatch::intent::{Intent, IntentId, RecipientNo};
use dispatch::ledger::{Ledger, Progress, State};
use dispatch::simulator::carrier::{Carrier, CarrierConfig, Counts, IdSpelling, Taken};
use journal::{DiskJournal, Journal, Kind, Partition, Topic};
use model::{Channel, Reach, Span};
use rustc_hash::FxHashMap;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How the link is to be driven.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Subscribers of the city.
    pub(super) recipients: usize,
    /// Links that share them.
    pub(super) links: usize,
    /// Unanswered submits of a session.
    pub(super) window: usize,
    /// Sessions of each link.
    pub(super) sessions: usize,
    /// Each nth message brings a receipt.
    pub(super) receipt_every: u64,
}

/// Each so-manieth submit is throttled, or taken without an answer.
const THROTTLE_EVERY: u64 = 999_983;
const SILENCE_EVERY: u64 = 250_007;
/// The first link of short messages in the order of links: after `cap` and `push`.
const LINK: u16 = 2;
/// Messages told by the carrier and not yet noted.
const TAKEN_MAX: usize = 1 << 20;
/// How long the rest may take after the kill.
const PATIENCE: Duration = Duration::from_secs(300);
/// What is said: one message each.
const TEXT: (&str, &str) = (
    "【广州三防】11月28日08时发布全市积水红色警报，立即远离低洼路段。查证12345",
    "[Guangzhou 3-Defence] 28 Nov 08:00 red flood alarm, whole city: leave low roads now. Verify 12345",
);

/// The carrier and what it took, in order.
pub(super) struct Sink {
    address: SocketAddr,
    pub(super) counts: Arc<Counts>,
    notes: JoinHandle<Vec<Taken>>,
    server: JoinHandle<()>,
}

/// What the disk gives back.
struct ReadBack {
    ledger: Ledger,
    intents: Vec<IntentId>,
    outcomes: u64,
}

/// Sends, kills, reads back, finishes.
pub(super) async fn measure(
    city: &Path,
    scratch: &Scratch,
    load: Load,
) -> Result<Vec<Line>, Failure> {
    let folder = scratch.folder("sms").map_err(failed)?;
    let town = folder.join("city");
    progress(&format!(
        "sms: a city of {} subscribers is made",
        load.recipients
    ));
    copy(city, &town).map_err(failed)?;
    subscribers(city, &town, load).map_err(failed)?;
    let sink = Sink::start(load).await?;
    let mut served = Served::start(&folder, &town, &sink.accounts(load)).await?;
    let share = 40 + monotonic_micros() % 50;
    let until = load.recipients as u64 * share / 100;
    progress(&format!(
        "sms: sending to everybody; killed once {share} % is taken"
    ));
    let (cpu, own) = (served.cpu_s(), cpu_s("self"));
    release(&served).await?;
    wait_for(&sink.counts, 1).await?;
    let began = monotonic();
    wait_for(&sink.counts, until).await?;
    let wall_s = monotonic().duration_since(began).as_secs_f64();
    let (cpu_s, load_cpu_s) = (served.cpu_s() - cpu, cpu_s("self") - own);
    let held_mb = served.resident_bytes() >> 20;
    served.kill();
    let killed = monotonic();
    let found = read_back(&folder, load.links)?;
    let before = directory(&town)?;
    progress(&format!(
        "sms: {} outcomes read back; starting again with a changed directory",
        found.outcomes
    ));
    change_directory(&town, load).map_err(failed)?;
    served.start_again().await?;
    wait_finished(&served, &found.intents).await?;
    drop(served);
    let silent = Counts::read(&sink.counts.silent);
    let throttled = Counts::read(&sink.counts.throttled);
    let receipts = Counts::read(&sink.counts.receipts);
    let taken = sink.stop().await?;
    let matched = found.compare(&before, &taken)?;
    let after = directory(&town)?;
    let repeated = everybody(&before, &after, &taken)?;
    let in_doubt = 2 * (load.window * load.sessions * load.links) as u64 + silent;
    if repeated > in_doubt {
        return Err(Failure::Failed(format!(
            "{repeated} messages went out twice, more than the {in_doubt} in doubt at the kill; {} of them wholly after it",
            repeated_since(killed, &taken)
        )));
    }
    Ok(vec![Line {
        name: format!(
            "sms, {} links, a receipt each {}",
            load.links, load.receipt_every
        ),
        figure: found.outcomes as f64 / wall_s,
        unit: "messages/s",
        asked: Some(400_000.0),
        goal: Some(1_000_000.0),
        wall_s,
        cpu_s,
        load_cpu_s,
        count: found.outcomes,
        load_average: load_average(),
        note: format!(
            "{} outcomes on disk after kill -9, {matched} matched with the carrier by id and phone; {repeated} repeated of {in_doubt} allowed; {throttled} throttled, {silent} unanswered, {receipts} receipts; window {} × {} × {}; {held_mb} MB in the service",
            found.outcomes, load.window, load.sessions, load.links
        ),
        ..Line::default()
    }])
}

/// One officer opens the act and another signs it.
async fn release(served: &Served) -> Result<(), Failure> {
    let [first, second] = OFFICERS;
    let mut client = Client::connect(served.address).await.map_err(failed)?;
    let opening = serde_json::json!({
        "hazard": "11A02",
        "areas": { "440100000000": "red" },
        "text": { "zh": TEXT.0, "en": TEXT.1 },
        "reason": "bench",
        "as_it_stands": true,
    });
    let refused = |what: &str, status: u16, body: &[u8]| {
        Failure::Failed(format!(
            "{what}: {status} {}",
            String::from_utf8_lossy(body)
        ))
    };
    let answer = client
        .post("/v1/warnings", Some(first), opening.to_string().as_bytes())
        .await
        .map_err(failed)?;
    if answer.status != 200 {
        return Err(refused("opening", answer.status, answer.body));
    }
    let answer = client
        .get("/v1/warnings", Some(first))
        .await
        .map_err(failed)?;
    let warnings: Vec<serde_json::Value> = serde_json::from_slice(answer.body)
        .map_err(|error| Failure::Failed(format!("warnings: {error}")))?;
    let warning = warnings.first().ok_or_else(|| {
        Failure::Failed("the act that was opened is not among the warnings".into())
    })?;
    let text = |key: &str| {
        warning
            .get(key)
            .and_then(|v| v.as_str())
            .unwrap_or_default()
    };
    let path = format!("/v1/warnings/{}/approve", text("id"));
    let seen = serde_json::json!({ "revision": warning.get("revision"), "seen": text("seen") });
    let needs_sign = text("event") == "proposed";
    for officer in [second, first].into_iter().filter(|_| needs_sign) {
        let answer = client
            .post(&path, Some(officer), seen.to_string().as_bytes())
            .await
            .map_err(failed)?;
        // Where one signature is enough the second finds nothing left to sign.
        if answer.status != 204 && officer == second {
            return Err(refused("signing", answer.status, answer.body));
        }
    }
    Ok(())
}

impl Sink {
    pub(super) async fn start(load: Load) -> Result<Self, Failure> {
        let config = CarrierConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            receipt_after: Some(Span::from_millis(200)),
            receipt_every: load.receipt_every,
            receipt_ids: IdSpelling::Mixed,
            throttle_every: THROTTLE_EVERY,
            silence_every: SILENCE_EVERY,
            ..CarrierConfig::default()
        };
        let mut carrier = Carrier::bind(config, || Clock::wall().now())
            .await
            .map_err(|error| Failure::Failed(format!("carrier simulator: {error}")))?;
        let mut taken = carrier.watch(TAKEN_MAX);
        let (address, counts) = (carrier.address(), carrier.counts());
        let room = load.recipients + load.recipients / 10;
        let notes = tokio::spawn(async move { note(&mut taken, room).await });
        let server = tokio::spawn(carrier.serve());
        Ok(Self {
            address,
            counts,
            notes,
            server,
        })
    }

    /// Accounts of the configuration that share the phones, all at this carrier.
    pub(super) fn accounts(&self, load: Load) -> String {
        let account = |number: usize| {
            let carries = match number {
                0 => String::new(),
                _ => format!("carries = [\"{}\"]\n", BEGINNING + number),
            };
            format!(
                "[[sms]]\nname = \"bench-{number}\"\n{carries}[sms.smpp]\naddress = \"{}\"\nsystem_id = \"bench\"\npassword = \"bench\"\nwindow = {}\nsessions = {}\nresponse_timeout = \"2s\"\n",
                self.address, load.window, load.sessions
            )
        };
        (0..load.links).map(account).collect()
    }

    /// Ends the carrier; gives what it took.
    pub(super) async fn stop(self) -> Result<Vec<Taken>, Failure> {
        self.server.abort();
        drop(self.server.await);
        let taken = self.notes.await;
        let taken = taken.map_err(|error| Failure::Failed(error.to_string()))?;
        let told = Counts::read(&self.counts.accepted) + Counts::read(&self.counts.silent);
        if taken.len() as u64 != told {
            return Err(Failure::Failed(format!(
                "the carrier took {told} messages and {} were noted",
                taken.len()
            )));
        }
        Ok(taken)
    }
}

async fn note(taken: &mut mpsc::Receiver<Taken>, room: usize) -> Vec<Taken> {
    let mut all = Vec::with_capacity(room);
    while taken.recv_many(&mut all, 1 << 16).await > 0 {}
    all
}

pub(super) async fn wait_for(counts: &Counts, wanted: u64) -> Result<(), Failure> {
    let began = monotonic();
    while Counts::read(&counts.accepted) < wanted {
        if monotonic().duration_since(began) > PATIENCE {
            return Err(Failure::Failed(format!(
                "the carrier got {} of {wanted} messages in {PATIENCE:?}",
                Counts::read(&counts.accepted)
            )));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Waits until nothing of the link is open; the public's intents are shown one after another.
async fn wait_finished(served: &Served, public: &[IntentId]) -> Result<(), Failure> {
    let mut client = Client::connect(served.address).await.map_err(failed)?;
    let [officer, _] = OFFICERS;
    let began = monotonic();
    while monotonic().duration_since(began) < PATIENCE {
        let answer = client
            .get("/v1/deliveries", Some(officer))
            .await
            .map_err(failed)?;
        let items: Vec<serde_json::Value> = serde_json::from_slice(answer.body).unwrap_or_default();
        let mut sms = items
            .iter()
            .filter(|item| item.get("channel").is_some_and(|channel| channel == "sms"));
        let open = |item: &&serde_json::Value| item.get("finished").is_none_or(|f| f.is_null());
        let is_shown = |id: &IntentId| {
            let id = id.to_string();
            items.iter().any(|item| {
                item.get("intent")
                    .is_some_and(|shown| *shown == id.as_str())
            })
        };
        if public.iter().all(is_shown) && !sms.any(|item| open(&item)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Failure::Failed(format!(
        "the link has not finished {PATIENCE:?} after the restart"
    )))
}

/// What the journal knows of the public's messages.
fn read_back(folder: &Path, links: usize) -> Result<ReadBack, Failure> {
    let broken = |error: journal::JournalError| Failure::Failed(format!("journal: {error}"));
    let options = journal::Options {
        reserve_bytes: 0,
        ..journal::Options::default()
    };
    let journal = DiskJournal::open(&folder.join("journal"), options).map_err(broken)?;
    let mut intents = Vec::new();
    let mut ledger = Ledger::default();
    let links = (LINK..).take(links).map(Partition);
    let topics = links.flat_map(|link| [(Kind::Deliveries, link), (Kind::Receipts, link)]);
    for (kind, link) in topics {
        let topic = Topic::actual(kind);
        let mut next = journal.first(topic, link).map_err(broken)?;
        loop {
            let records = journal.read(topic, link, next, 8 << 20).map_err(broken)?;
            if records.is_empty() {
                break;
            }
            for record in records {
                next = record.offset.plus(1);
                if kind == Kind::Receipts {
                    let progress = Progress::decode(record.payload());
                    ledger.apply(&progress.map_err(|e| Failure::Failed(e.to_string()))?);
                } else if let Ok(intent) = serde_json::from_slice::<Intent>(record.payload())
                    && intent.audience.reach == Reach::Public
                    && intent.channel == Channel::Sms
                    && !intents.contains(&intent.id)
                {
                    intents.push(intent.id);
                }
            }
        }
    }
    let known = [State::Accepted, State::Delivered, State::Failed];
    let outcomes = intents.iter().map(|id| {
        let counts = ledger.counts(*id);
        known.iter().map(|state| counts.of(*state)).sum::<u64>()
    });
    Ok(ReadBack {
        outcomes: outcomes.sum(),
        ledger,
        intents,
    })
}

impl ReadBack {
    /// Every outcome on disk must be of a message that the carrier took under that identifier for
    /// that phone; gives how many are.
    fn compare(&self, directory: &Directory, taken: &[Taken]) -> Result<u64, Failure> {
        let mut matched = 0;
        for message in taken.iter().filter(|message| message.answered) {
            let key = MessageKey::of(format!("{:010X}", message.id).as_bytes());
            let Some((intent, recipient)) = key.and_then(|key| self.ledger.find(key.0)) else {
                continue;
            };
            let phone = directory.recipient(recipient).and_then(|r| r.phone());
            if phone != Some(message.phone) {
                return Err(Failure::Failed(format!(
                    "message {} is somebody else's on disk",
                    message.id
                )));
            }
            matched += u64::from(self.intents.contains(&intent));
        }
        if matched < self.outcomes {
            return Err(Failure::Failed(format!(
                "of {} outcomes on disk the carrier knows {matched}",
                self.outcomes
            )));
        }
        Ok(matched)
    }
}

/// Every subscriber must have been told, by the telephone of either directory; gives how many
/// messages were one too many.
fn everybody(before: &Directory, after: &Directory, taken: &[Taken]) -> Result<u64, Failure> {
    let mut by_phone: FxHashMap<u64, u32> = FxHashMap::default();
    for message in taken.iter().filter(|message| message.part == 1) {
        *by_phone.entry(message.phone).or_default() += 1;
    }
    let phone = |directory: &Directory, no: RecipientNo| match directory.recipient(no) {
        Some(recipient @ Recipient::Subscriber(_)) => recipient.phone(),
        Some(Recipient::Contact(_) | Recipient::Device(_)) | None => None,
    };
    let missing = (0u32..)
        .take(after.len())
        .map(RecipientNo)
        .filter(|no| {
            let mut phones = [after, before].into_iter().filter_map(|d| phone(d, *no));
            phone(after, *no).is_some() && !phones.any(|phone| by_phone.contains_key(&phone))
        })
        .count();
    if missing > 0 {
        return Err(Failure::Failed(format!("{missing} people were never told")));
    }
    Ok(by_phone
        .iter()
        .filter(|(phone, _)| is_subscriber(**phone))
        .map(|(_, times)| u64::from(times - 1))
        .sum())
}

/// Messages that went out twice after the service had been started again.
fn repeated_since(killed: std::time::Instant, taken: &[Taken]) -> u64 {
    let mut seen: FxHashMap<u64, u32> = FxHashMap::default();
    let later = |message: &&Taken| message.part == 1 && message.at.into_std() > killed;
    for message in taken.iter().filter(later) {
        *seen.entry(message.phone).or_default() += 1;
    }
    seen.values().map(|times| u64::from(times - 1)).sum()
}

/// Subscribers of the bench have telephones of their own range: of each link those that begin with this
/// and its number more.
const BEGINNING: usize = 1_500;
const FIRST_PHONE: u64 = 8_600_000_000_000 + BEGINNING as u64 * 10_000_000;

pub(super) const fn is_subscriber(phone: u64) -> bool {
    phone >= FIRST_PHONE
}

/// The telephone of a subscriber, dealt to the links in turn.
const fn phone_of(number: usize, links: usize) -> u64 {
    FIRST_PHONE + (number % links) as u64 * 10_000_000 + (number / links) as u64
}

/// The people of the demo city over and over, each with a telephone of their own and no other way.
pub(super) fn subscribers(city: &Path, town: &Path, load: Load) -> io::Result<()> {
    let demo = std::fs::read_to_string(city.join("subscribers.csv"))?;
    let places: Vec<[&str; 4]> = demo
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split(',').skip(1);
            let (lon, lat) = (cells.next()?, cells.next()?);
            let (language, audience) = (cells.nth(1)?, cells.next()?);
            Some([lon, lat, language, audience])
        })
        .collect();
    let file = std::fs::File::create(town.join("subscribers.csv"))?;
    let mut out = io::BufWriter::with_capacity(1 << 20, file);
    writeln!(out, "id,lon,lat,phone,language,audience")?;
    let all = places.iter().cycle().take(load.recipients);
    for (number, [lon, lat, language, audience]) in all.enumerate() {
        let phone = phone_of(number, load.links);
        writeln!(out, "B{number},{lon},{lat},+{phone},{language},{audience}")?;
    }
    out.flush()
}

/// One in a hundred has a new telephone, and one more for each hundred has subscribed.
fn change_directory(town: &Path, load: Load) -> io::Result<()> {
    let path = town.join("subscribers.csv");
    let text = std::fs::read_to_string(&path)?;
    let mut out = String::with_capacity(text.len() + text.len() / 50);
    let mut next = load.recipients;
    let mut added = String::new();
    for (number, line) in text.lines().enumerate() {
        if number == 0 || !number.is_multiple_of(100) {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let cells: Vec<&str> = line.split(',').collect();
        let [id, lon, lat, _, language, audience] = cells.as_slice() else {
            continue;
        };
        let [first, second] = [next, next + 1].map(|number| phone_of(number, load.links));
        out.push_str(&format!(
            "{id},{lon},{lat},+{first},{language},{audience}\n"
        ));
        added.push_str(&format!(
            "N{number},{lon},{lat},+{second},{language},{audience}\n"
        ));
        next += 2;
    }
    out.push_str(&added);
    std::fs::write(path, out)
}

pub(super) fn directory(town: &Path) -> Result<Directory, Failure> {
    let faulty = |faults: installation::Faulty| Failure::BadInput(faults.to_string());
    let city = installation::city(town).map_err(faulty)?;
    let loaded = installation::people(town, &city, None).map_err(faulty)?;
    Ok(loaded.directory)
}

/// A folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}
