//! What is urgent goes first while a whole city is told over several links: the tenth of the people
//! at most risk, a red that is raised in the middle, and a cancel that stops the rest.

use super::Failure;
use super::client::Client;
use super::report::{Line, load_average, progress};
use super::served::{OFFICERS, Scratch, Served, cpu_s};
use super::sms::{Load, Sink, copy, directory, is_subscriber, subscribers, wait_for};
use crate::clock::monotonic;
use crate::installation;
use dispatch::intent::RecipientNo;
use dispatch::simulator::carrier::Taken;
use futures_util::future::try_join_all;
use model::AreaCode;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// Standing water for all, and a landslide for whom the red is raised.
const ALL: &str = "11A02";
const RAISED: &str = "11D01";
/// So many hundredths of the people are told when the red is raised, and when all is taken back.
const RAISED_AT: u64 = 40;
const CANCELLED_AT: u64 = 60;
/// The carrier is listened to for so long after the cancel.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// The townships by what they are warned of.
struct Town {
    /// Where subscribers live, by telephone.
    of: FxHashMap<u64, AreaCode>,
    /// A tenth of the people lives in these.
    red: BTreeSet<AreaCode>,
    others: BTreeSet<AreaCode>,
    at_risk: u64,
}

/// Moments of the run.
struct Moments {
    signed: Signed,
    raised: Signed,
    cancelled: Instant,
}

/// When signatures were sent.
#[derive(Clone, Copy)]
struct Signed {
    /// Before the first was even looked for.
    from: Instant,
    /// The one after which nothing waits for a person.
    released: Instant,
}

/// Warns everybody by tier, raises a red in the middle, takes all back.
pub(super) async fn measure(
    city: &Path,
    scratch: &Scratch,
    load: Load,
) -> Result<Vec<Line>, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    let folder = scratch.folder("urgent").map_err(failed)?;
    let people = folder.join("city");
    progress(&format!(
        "urgent: a city of {} subscribers is made",
        load.recipients
    ));
    copy(city, &people).map_err(failed)?;
    subscribers(city, &people, load).map_err(failed)?;
    let town = Town::read(&people)?;
    let sink = Sink::start(load).await?;
    let mut served = Served::start(&folder, &people, &sink.accounts(load)).await?;
    progress("urgent: everybody is told, a tenth of them red");
    let (cpu, own) = (served.cpu_s(), cpu_s("self"));
    let began = monotonic();
    let signed = act(&served, ALL, &town.tiers()).await?;
    let share = |hundredths: u64| load.recipients as u64 * hundredths / 100;
    wait_for(&sink.counts, share(RAISED_AT)).await?;
    let first = town.red.iter().next().copied();
    let red = first.map(|code| (code, "red")).into_iter().collect();
    let raised = act(&served, RAISED, &red).await?;
    wait_for(&sink.counts, share(CANCELLED_AT)).await?;
    let cancelled = cancel(&served).await?;
    let wall_s = monotonic().duration_since(began).as_secs_f64();
    let (cpu_s, load_cpu_s) = (served.cpu_s() - cpu, cpu_s("self") - own);
    tokio::time::sleep(AFTERWARDS).await;
    served.kill();
    let taken = sink.stop().await?;
    let moments = Moments {
        signed,
        raised,
        cancelled,
    };
    let base = Line {
        less_is_better: true,
        wall_s,
        cpu_s,
        load_cpu_s,
        count: share(CANCELLED_AT),
        load_average: load_average(),
        ..Line::default()
    };
    town.lines(&taken, &moments, &base)
}

impl Town {
    fn read(folder: &Path) -> Result<Self, Failure> {
        let faulty = |faults: installation::Faulty| Failure::BadInput(faults.to_string());
        let city = installation::city(folder).map_err(faulty)?;
        let people = directory(folder)?;
        let numbers = u32::try_from(people.len()).unwrap_or(u32::MAX);
        let (mut of, mut heads) = (FxHashMap::default(), BTreeMap::new());
        for no in (0..numbers).map(RecipientNo) {
            let phone = people.recipient(no).and_then(|person| person.phone());
            let area = people.area_of(&city, no).and_then(|area| city.area(area));
            if let (Some(phone), Some(area)) = (phone.filter(|p| is_subscriber(*p)), area) {
                *heads.entry(area.code).or_insert(0_u64) += 1;
                of.insert(phone, area.code);
            }
        }
        let (mut red, mut others) = (BTreeSet::new(), BTreeSet::new());
        let mut at_risk = 0;
        for (code, heads) in heads {
            if at_risk < of.len() as u64 / 10 {
                red.insert(code);
                at_risk += heads;
            } else {
                others.insert(code);
            }
        }
        Ok(Self {
            of,
            red,
            others,
            at_risk,
        })
    }

    fn tiers(&self) -> BTreeMap<AreaCode, &'static str> {
        let red = self.red.iter().map(|code| (*code, "red"));
        let others = self.others.iter().map(|code| (*code, "yellow"));
        red.chain(others).collect()
    }

    /// What the carrier's log says of the three.
    fn lines(&self, taken: &[Taken], at: &Moments, base: &Line) -> Result<Vec<Line>, Failure> {
        let missing = |what: &str| Failure::Failed(format!("the carrier never got {what}"));
        let raised_in = self.red.iter().next();
        let (mut told, mut risk) = (FxHashSet::default(), Vec::new());
        let (mut raised, mut last, mut after) = (None, at.cancelled, 0_u64);
        for message in taken.iter().filter(|message| message.part == 1) {
            let Some(area) = self.of.get(&message.phone) else {
                continue;
            };
            let (when, is_new) = (message.at.into_std(), told.insert(message.phone));
            if is_new && self.red.contains(area) {
                risk.push(when);
            }
            if !is_new && Some(area) == raised_in && when > at.raised.from {
                raised = Some(raised.unwrap_or(when).min(when));
            }
            if is_new && when > at.cancelled {
                (last, after) = (last.max(when), after + 1);
            }
        }
        // Who was silent to the first try comes later; they are few.
        risk.sort_unstable();
        let whole = usize::try_from(self.at_risk * 999 / 1000).unwrap_or(usize::MAX);
        let tenth = risk
            .get(whole)
            .ok_or_else(|| missing("the tenth at risk"))?;
        let raised = raised.ok_or_else(|| missing("the red that was raised"))?;
        let since = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64();
        let line = |name: &str, figure: f64, unit: &'static str, asked: f64, note: String| Line {
            name: name.to_owned(),
            figure,
            unit,
            asked: Some(asked),
            note,
            ..base.clone()
        };
        Ok(vec![
            line(
                "the first tenth by risk",
                since(at.signed.from, *tenth),
                "s",
                6.0,
                format!(
                    "{} of {} people at red, from before the first signature",
                    self.at_risk,
                    self.of.len()
                ),
            ),
            line(
                "a red raised in the middle",
                since(at.raised.released, raised) * 1e3,
                "ms",
                100.0,
                format!(
                    "from the signature that releases it to its first message at the carrier; {:.0} ms from before the first",
                    since(at.raised.from, raised) * 1e3
                ),
            ),
            line(
                "a cancel",
                since(at.cancelled, last) * 1e3,
                "ms",
                1_000.0,
                format!(
                    "{after} people were still told of the first warning after it was asked for"
                ),
            ),
        ])
    }
}

/// One officer opens an act and both sign what waits for them; when they did.
async fn act(
    served: &Served,
    hazard: &str,
    areas: &BTreeMap<AreaCode, &str>,
) -> Result<Signed, Failure> {
    let areas: BTreeMap<String, &str> = areas
        .iter()
        .map(|(code, tier)| (code.to_string(), *tier))
        .collect();
    let opening = json!({ "hazard": hazard, "areas": areas, "reason": "bench" });
    let mut client = client(served).await?;
    post(&mut client, 0, "/v1/warnings", &opening, 200).await?;
    let from = monotonic();
    let mut released = from;
    for warning in waiting(&mut client).await? {
        let path = format!("/v1/warnings/{}/approve", text(&warning, "id"));
        let body = json!({ "revision": warning.get("revision"), "seen": text(&warning, "seen") });
        released = monotonic();
        post(&mut client, 1, &path, &body, 204).await?;
        let second = monotonic();
        // Where one signature is enough the second finds nothing left to sign.
        if post(&mut client, 0, &path, &body, 204).await.is_ok() {
            released = second;
        }
    }
    Ok(Signed { from, released })
}

/// Takes back what everybody is told, in all districts at once: each answer waits for its links. When it
/// was asked for.
async fn cancel(served: &Served) -> Result<Instant, Failure> {
    let all = list(&mut client(served).await?).await?;
    let of_all = all.iter().filter(|warning| text(warning, "hazard") == ALL);
    let paths = of_all.map(|warning| format!("/v1/warnings/{}/cancel", text(warning, "id")));
    let paths: Vec<String> = paths.collect();
    let mut clients = Vec::new();
    for _ in &paths {
        clients.push(client(served).await?);
    }
    let reason = json!({ "reason": "bench" });
    let asking = monotonic();
    let posts = paths.iter().zip(&mut clients);
    let posts = posts.map(|(path, client)| post(client, 0, path, &reason, 200));
    try_join_all(posts).await?;
    Ok(asking)
}

async fn client(served: &Served) -> Result<Client, Failure> {
    let client = Client::connect(served.address).await;
    client.map_err(|error| Failure::Failed(error.to_string()))
}

async fn post(
    client: &mut Client,
    officer: usize,
    path: &str,
    body: &Value,
    wanted: u16,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    let token = OFFICERS.get(officer).copied();
    let body = body.to_string();
    let answer = client
        .post(path, token, body.as_bytes())
        .await
        .map_err(failed)?;
    if answer.status == wanted {
        return Ok(());
    }
    let said = String::from_utf8_lossy(answer.body);
    Err(Failure::Failed(format!("{path}: {} {said}", answer.status)))
}

async fn list(client: &mut Client) -> Result<Vec<Value>, Failure> {
    let answer = client.get("/v1/warnings", OFFICERS.first().copied()).await;
    let answer = answer.map_err(|error| Failure::Failed(error.to_string()))?;
    let read = serde_json::from_slice(answer.body);
    read.map_err(|error| Failure::Failed(format!("warnings: {error}")))
}

async fn waiting(client: &mut Client) -> Result<Vec<Value>, Failure> {
    let mut all = list(client).await?;
    all.retain(|warning| text(warning, "event") == "proposed");
    Ok(all)
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
