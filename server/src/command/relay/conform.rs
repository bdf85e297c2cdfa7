//! `sanfang relay conform`: does a far side answer area jobs as `docs/area-jobs.md` says?
//!
//! Jobs that are put and never released: nothing leaves, so that it may be asked of a far side that
//! is in use. With `--send` one job is released to the area that is named.

use super::super::Failure;
use crate::fetched::Desk;
use clap::Args;
use dispatch::gateway::area::{
    Act, AreaTarget, BODY_MAX, Call, Job, Mailbox, Phase, Reading, Report, TargetConfig, Text, Way,
    key, path,
};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{self, ClientConfig};
use dispatch::gateway::webhook::{IDEMPOTENCY_HEADER, SIGNATURE_HEADER, sign};
use dispatch::intent::IntentId;
use dispatch::wording::Purpose;
use model::WarningId;
use model::{AreaCode, AuthorityId, Hazard, Language, Mode, Named, SendError, Span, Tier};
use reqwest::{Method, Url};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Between two questions how far the released job is, and how long it may take.
const ASKED_EVERY: Duration = Duration::from_secs(2);
/// How long one that comes by itself is waited for, and between two looks whether it has come.
const COMES_WITHIN: Span = Span::from_minutes(2);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const SENT_WITHIN: Span = Span::from_minutes(10);

/// Which far side to ask, and as whom.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What jobs/ is put behind, such as https://relay.example.cn/v1/
    #[arg(long, value_name = "URL", required_unless_present = "fetched")]
    url: Option<Url>,
    /// Listen here in the place of a centre: the far side comes for its calls
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "url",
        requires = "carrier"
    )]
    fetched: Option<SocketAddr>,
    /// The name by which it comes
    #[arg(long, value_name = "NAME")]
    carrier: Option<String>,
    /// File that holds the shared secret alone
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// The authority to speak for, 14 digits
    #[arg(long, value_name = "CODE", value_parser = authority)]
    authority: AuthorityId,
    /// An area that the far side knows, 12 digits
    #[arg(long, value_name = "CODE", value_parser = area)]
    area: AreaCode,
    /// Release one job to that area and follow it to its last count: PHONES RING
    #[arg(long)]
    send: bool,
    /// The text to send
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "【测试】预警发布链路测试,无需应对。Test of the warning channel: no action needed."
    )]
    text: String,
}

fn authority(text: &str) -> Result<AuthorityId, String> {
    AuthorityId::parse(text).map_err(|error| error.to_string())
}

fn area(text: &str) -> Result<AreaCode, String> {
    AreaCode::parse(text).map_err(|error| error.to_string())
}

/// Asks, prints a line for each demand, and fails where one is not met.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let secret = std::fs::read_to_string(&arguments.secret_file).map_err(|error| {
        Failure::BadInput(format!("{}: {error}", arguments.secret_file.display()))
    })?;
    let client = http::client(&ClientConfig::default())
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let secret = secret.trim().as_bytes().to_vec();
    let clock = crate::clock::Clock::wall();
    let way = match &arguments.url {
        Some(url) => Way::Pushed(url.clone()),
        None => Way::Fetched(Mailbox::new(&secret, clock.now())),
    };
    let config = TargetConfig {
        name: "the far side".into(),
        way: way.clone(),
        secret: secret.clone(),
        gate: GateConfig {
            in_flight_max: 1,
            waiting_max: 1,
            failures_max: u32::MAX,
            pause: Span::ZERO,
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let mut asking = Asking {
        target: AreaTarget::new(config, client.clone()),
        client,
        secret,
        arguments,
        way,
        clock,
        failed: 0,
        asked: 0,
    };
    runtime.block_on(async {
        asking.await_it().await?;
        asking.all().await;
        Ok::<_, Failure>(())
    })?;
    let (asked, failed) = (asking.asked, asking.failed);
    eprintln!("{} of {asked} demands met", asked - failed);
    if failed > 0 {
        return Err(Failure::Failed(format!("{failed} not met")));
    }
    Ok(())
}

struct Asking<'a> {
    target: AreaTarget,
    client: reqwest::Client,
    secret: Vec<u8>,
    arguments: &'a Arguments,
    way: Way,
    clock: crate::clock::Clock,
    failed: usize,
    asked: usize,
}

/// How a call is signed.
#[derive(Clone, Copy)]
enum Signed {
    Well,
    ByNobody,
    LongAgo,
}

impl Asking<'_> {
    /// Opens a place for one that comes by itself, and waits until it is there.
    async fn await_it(&self) -> Result<(), Failure> {
        let (Way::Fetched(mailbox), Some(listen)) = (&self.way, self.arguments.fetched) else {
            return Ok(());
        };
        let failed = |error: std::io::Error| Failure::Failed(format!("{listen}: {error}"));
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let carrier = self.arguments.carrier.clone().unwrap_or_default();
        let carriers = std::iter::once((carrier.clone(), Arc::clone(mailbox)));
        let router = Desk::of(carriers, self.clock.clone()).routes();
        tokio::spawn(async move { axum::serve(listener, router).await.ok() });
        eprintln!("waiting for {carrier} to come for calls at {listen}");
        let until = self.clock.now() + COMES_WITHIN;
        while mailbox.depth().1.is_none() {
            if self.clock.now() >= until {
                return Err(Failure::Failed(format!("{carrier} did not come")));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn all(&mut self) {
        self.signatures().await;
        self.refusals().await;
        self.readings().await;
        self.acts().await;
        if self.arguments.send {
            self.sending().await;
        }
    }

    /// Says whether a demand is met.
    fn demand(&mut self, what: &str, met: Result<(), String>) {
        self.asked += 1;
        match met {
            Ok(()) => println!("ok    {what}"),
            Err(why) => {
                self.failed += 1;
                println!("FAIL  {what}: {why}");
            }
        }
    }

    fn job(&self, place: u8) -> Job {
        let now = self.clock.now();
        let area = self.arguments.area;
        let warning = WarningId::derive(area, Mode::Actual, Hazard::Rainstorm, area, now);
        let number = IntentId::derive(
            warning,
            1,
            "area/conform",
            Purpose::Alert,
            model::Reach::Public,
            &format!("{place} {}", now.millis()),
        );
        Job {
            job: number,
            sender: self.arguments.authority.to_string(),
            sender_name: Named::default(),
            mode: Mode::Actual,
            warning,
            revision: 1,
            purpose: Purpose::Alert,
            hazard: Hazard::Rainstorm,
            tier: Tier::Blue,
            areas: vec![area],
            shape: None,
            classes: Vec::new(),
            texts: vec![Text {
                language: Language::Zh,
                text: self.arguments.text.clone(),
            }],
            onset: now,
            not_before: None,
            not_after: now + Span::from_minutes(30),
            created: now,
        }
    }

    /// A call by hand: its status and what it said.
    async fn call(
        &self,
        (method, act): (Method, &str),
        job: IntentId,
        body: &[u8],
        signed: Signed,
    ) -> Result<(u16, Value), String> {
        let key = key(&method, job, act);
        let now = self.clock.now();
        let signature = match signed {
            Signed::Well => sign(&self.secret, &key, body, now),
            Signed::ByNobody => sign(b"nobody's secret", &key, body, now),
            Signed::LongAgo => sign(&self.secret, &key, body, now - Span::from_minutes(60)),
        };
        let url = match &self.way {
            Way::Pushed(url) => url,
            Way::Fetched(mailbox) => {
                let call = Call {
                    call: 0,
                    method: method.to_string(),
                    path: path(job, act),
                    key,
                    signature,
                    body: String::from_utf8_lossy(body).into_owned(),
                };
                let answered = mailbox.call("the far side", call, now).await;
                let answered = answered.map_err(|error| words(&error))?;
                let said = serde_json::from_str(&answered.body).unwrap_or_default();
                return Ok((answered.status, said));
            }
        };
        let mut url = url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path(job, act).split('/'));
        }
        let answer = self
            .client
            .request(method, url)
            .header("Content-Type", "application/json")
            .header(IDEMPOTENCY_HEADER, key)
            .header(SIGNATURE_HEADER, signature)
            .body(body.to_vec())
            .send()
            .await
            .map_err(|error| format!("no answer: {error}"))?;
        let status = answer.status().as_u16();
        let bytes = http::body_within(answer, BODY_MAX).await;
        let bytes = bytes.ok().flatten().unwrap_or_default();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// Demands that a call is answered with one of some statuses.
    async fn answered(
        &mut self,
        what: &str,
        call: (Method, &str),
        (job, body): (IntentId, &[u8]),
        signed: Signed,
        statuses: &[u16],
    ) {
        let answer = self.call(call, job, body, signed).await;
        let met = answer.and_then(|(status, _)| {
            let is_met = statuses.contains(&status);
            is_met
                .then_some(())
                .ok_or_else(|| format!("answered {status}, not {statuses:?}"))
        });
        self.demand(what, met);
    }

    async fn signatures(&mut self) {
        let job = self.job(0);
        let body = json(&job);
        let put = || (Method::PUT, "");
        let of = (job.job, body.as_slice());
        self.answered(
            "a call that nobody signed is refused",
            put(),
            of,
            Signed::ByNobody,
            &[401],
        )
        .await;
        self.answered(
            "a call signed an hour ago is refused",
            put(),
            of,
            Signed::LongAgo,
            &[401],
        )
        .await;
        let unknown = (job.job, b"".as_slice());
        let get = (Method::GET, "");
        self.answered(
            "what was refused is not there",
            get,
            unknown,
            Signed::Well,
            &[404],
        )
        .await;
        let mut other = self.job(1);
        other.sender = "99999999999999".into();
        let body = json(&other);
        let of = (other.job, body.as_slice());
        self.answered(
            "an authority that is not the centre's is refused",
            put(),
            of,
            Signed::Well,
            &[403],
        )
        .await;
    }

    async fn refusals(&mut self) {
        type Change = fn(&mut Job);
        let cases: [(&str, Change); 6] = [
            ("a job that is over already is refused", |job| {
                job.created = job.created - Span::from_minutes(60);
                job.not_after = job.created + Span::from_minutes(30);
            }),
            ("a job without areas is refused", |job| job.areas.clear()),
            ("a job without words is refused", |job| job.texts.clear()),
            ("an empty text is refused", |job| {
                job.texts.iter_mut().for_each(|t| t.text.clear())
            }),
            ("an exercise is refused", |job| job.mode = Mode::Exercise),
            ("a job that is over before it begins is refused", |job| {
                job.not_before = Some(job.not_after);
            }),
        ];
        for (place, (what, change)) in (10..).zip(cases) {
            let mut job = self.job(place);
            change(&mut job);
            let body = json(&job);
            let of = (job.job, body.as_slice());
            self.answered(what, (Method::PUT, ""), of, Signed::Well, &[400, 422])
                .await;
        }
    }

    async fn readings(&mut self) {
        let job = self.job(30);
        let now = self.clock.now();
        let first = self.target.put(&job, now).await;
        let met = first
            .as_ref()
            .map_err(words)
            .and_then(|reading| as_asked(&job, reading));
        self.demand("a job is read back with its areas, heads and times", met);
        let again = self.target.put(&job, now).await;
        let met = match (&first, &again) {
            (Ok(first), Ok(again)) if first.hash() == again.hash() => Ok(()),
            (Ok(_), Ok(_)) => Err("it reads otherwise".to_owned()),
            (_, Err(error)) | (Err(error), _) => Err(words(error)),
        };
        self.demand("the same job again is read the same", met);
        let mut changed = job.clone();
        changed
            .texts
            .iter_mut()
            .for_each(|text| text.text.push('!'));
        let body = json(&changed);
        let of = (job.job, body.as_slice());
        self.answered(
            "its number with other words is refused",
            (Method::PUT, ""),
            of,
            Signed::Well,
            &[422],
        )
        .await;
        let mut beside = self.job(31);
        let nowhere = AreaCode::parse("990000000000");
        beside.areas = nowhere.into_iter().collect();
        let body = json(&beside);
        let put = (Method::PUT, "");
        let met = match self.call(put, beside.job, &body, Signed::Well).await {
            Ok((400..=499, _)) => Ok(()),
            Ok((status, said)) => match serde_json::from_value::<Reading>(said) {
                Ok(reading) if reading.heads == 0 && reading.unknown == beside.areas => Ok(()),
                Ok(reading) => Err(format!("{} heads", reading.heads)),
                Err(error) => Err(format!("answered {status}: {error}")),
            },
            Err(why) => Err(why),
        };
        self.demand(
            "an area that does not exist is nobody, never everybody",
            met,
        );
        let looked = self.job(32);
        let met = self.target.preview(&looked, now).await;
        let met = met
            .map_err(|error| words(&error))
            .and_then(|reading| as_asked(&looked, &reading));
        self.demand("a preview reads a job", met);
        let of = (looked.job, b"".as_slice());
        self.answered(
            "and keeps nothing",
            (Method::GET, ""),
            of,
            Signed::Well,
            &[404],
        )
        .await;
    }

    async fn acts(&mut self) {
        let job = self.job(50);
        let put = self.target.put(&job, self.clock.now()).await;
        if let Err(error) = &put {
            return self.demand("a job can be put", Err(words(error)));
        }
        let wrong = br#"{"reading":"0000"}"#.as_slice();
        let release = (Method::POST, "release");
        self.answered(
            "a release of another reading is refused",
            release,
            (job.job, wrong),
            Signed::Well,
            &[409],
        )
        .await;
        let met = self.target.report(job.job, self.clock.now()).await;
        let met = met.map_err(|error| words(&error)).and_then(|report| {
            let is_read = report.phase == Phase::Read && report.counts.sent() == 0;
            is_read.then_some(()).ok_or_else(|| format!("{report:?}"))
        });
        self.demand("nothing of a job leaves before it is released", met);
        let killed = self.target.act(job.job, Act::Kill, self.clock.now()).await;
        let met = killed.map_err(|error| words(&error)).and_then(|report| {
            let is_killed = report.phase == Phase::Killed;
            is_killed
                .then_some(())
                .ok_or_else(|| report.phase.name().to_owned())
        });
        self.demand("a job can be ended", met);
        let hash = put.map(|reading| reading.hash()).unwrap_or_default();
        let body = format!(r#"{{"reading":"{hash}"}}"#);
        let release = (Method::POST, "release");
        let of = (job.job, body.as_bytes());
        self.answered(
            "and is not released afterwards",
            release,
            of,
            Signed::Well,
            &[409],
        )
        .await;
        let of = (job.job, b"".as_slice());
        let dance = (Method::POST, "dance");
        self.answered(
            "an act that does not exist is refused",
            dance,
            of,
            Signed::Well,
            &[404, 405],
        )
        .await;
    }

    /// One job to the area, to its last count.
    async fn sending(&mut self) {
        let job = self.job(70);
        let sent = self.send(&job).await;
        let met = sent.and_then(|report| {
            let discords = report.discords();
            let heads = report.counts.total();
            match discords.first() {
                Some(discord) => Err(discord.to_string()),
                None if report.phase != Phase::Done => Err(report.phase.name().to_owned()),
                None if heads > 0 && report.five_minutes.is_empty() => {
                    Err("nothing stands in five_minutes".to_owned())
                }
                None => Ok(()),
            }
        });
        self.demand("a released job is sent, and its counts agree", met);
    }

    async fn send(&mut self, job: &Job) -> Result<Report, String> {
        let said = |error: SendError| words(&error);
        let reading = self.target.put(job, self.clock.now()).await.map_err(said)?;
        eprintln!("releasing to {} numbers", reading.heads);
        let first = self
            .target
            .release(job.job, &reading, self.clock.now())
            .await;
        first.map_err(said)?;
        // The answer may be lost: the same release says how far it is and sends nothing again.
        let again = self
            .target
            .release(job.job, &reading, self.clock.now())
            .await;
        again.map_err(said)?;
        let until = self.clock.now() + SENT_WITHIN;
        loop {
            let report = self.target.report(job.job, self.clock.now()).await;
            let report = report.map_err(said)?;
            if report.phase.is_over() || self.clock.now() >= until {
                return Ok(report);
            }
            tokio::time::sleep(ASKED_EVERY).await;
        }
    }
}

fn as_asked(job: &Job, reading: &Reading) -> Result<(), String> {
    let codes: Vec<AreaCode> = reading.areas.iter().map(|area| area.code).collect();
    if codes != job.areas {
        return Err(format!("it understood {codes:?}"));
    }
    let apart = reading.ends.since(job.not_after);
    if apart.max(job.not_after.since(reading.ends)) > Span::from_seconds(1) {
        return Err(format!(
            "it ends {}, asked was {}",
            reading.ends, job.not_after
        ));
    }
    if reading.heads == 0 {
        return Err("nobody is there: name an area with people".to_owned());
    }
    Ok(())
}

fn json(job: &Job) -> Vec<u8> {
    // Writing our own plain types to memory cannot fail.
    serde_json::to_vec(job).unwrap_or_default()
}

fn words(error: &SendError) -> String {
    error.to_string()
}
