//! `sanfang.toml`: one file, read into values that cannot be wrong, every fault at once.

mod area;
mod broadcast;
mod bulletin;
mod cap;
mod cell;
mod exercise;
mod http;
mod kafka;
mod platform;
mod push;
mod read;
mod voice;

pub(crate) use area::{AreaSection, CentreSection};
pub(crate) use broadcast::BroadcastSection;
pub(crate) use bulletin::BulletinSection;
pub(crate) use cap::CapSection;
pub(crate) use cell::CellSection;
pub(crate) use exercise::ExerciseSection;
pub(crate) use http::HttpSection;
pub(crate) use kafka::KafkaSection;
pub(crate) use platform::PlatformSection;
pub(crate) use push::{PushSection, shapes};
pub(crate) use voice::VoiceSection;

use crate::courier::{REQUEST, Single};
use crate::people::Person;
use crate::process::Storage;
use crate::roles::Roles;
use dispatch::gateway::adapter::Shapes;
use dispatch::gateway::adapter::shape::Audience;
use dispatch::gateway::cap::Signers;
use dispatch::gateway::device::{DeviceConfig, ProtocolVersion};
use dispatch::gateway::email::{EmailConfig, Encryption};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::sms::Kinds;
use dispatch::gateway::sms::share::{FailOver, Share, ShareFault};
use dispatch::gateway::sms::{Account, Contract, LinkConfig, Numbers, Protocol, Secret};
use dispatch::gateway::webhook::{Webhook, WebhookConfig};
use dispatch::intent::StandIns;
use ingest::transport::mqtt::{MqttConfig, Version};
use journal::{Kind, Retention};
use model::fault::{Fault, Faults, Severity};
use model::{AuthorityId, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The configuration of one process, with paths that hold wherever the process stands.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// City directory.
    pub(crate) city: PathBuf,
    /// What all that happens is stored in.
    pub(crate) store: Store,
    /// Where the API and the console listen.
    pub(crate) listen: SocketAddr,
    /// What the listener carries.
    pub(crate) http: HttpSection,
    /// Address others reach the CAP feed under, `https://warn.example.org`.
    pub(crate) public_url: String,
    /// Whether observations are taken without a token (a closed sensor network).
    pub(crate) open_intake: bool,
    /// People who may act.
    pub(crate) people: Vec<Person>,
    /// SMS links, by name.
    pub(crate) sms: Vec<SmsSection>,
    /// How the numbers of carriers begin, and which are no phones.
    pub(crate) numbers: Numbers,
    /// Mail server.
    pub(crate) email: Option<EmailSection>,
    /// Webhook targets.
    pub(crate) webhooks: Vec<WebhookSection>,
    /// Line to a SIP gateway.
    pub(crate) voice: Option<VoiceSection>,
    /// Targets of area jobs.
    pub(crate) areas: Vec<AreaSection>,
    /// Release platforms.
    pub(crate) platforms: Vec<PlatformSection>,
    /// Platforms that broadcast to cells.
    pub(crate) cells: Vec<CellSection>,
    /// Platforms and screens that broadcast.
    pub(crate) broadcasts: Vec<BroadcastSection>,
    /// Who sends area jobs to a relay.
    pub(crate) centres: Vec<CentreSection>,
    /// Services that show notifications.
    pub(crate) push: PushSection,
    /// Folder of shapes beside those that came with the program.
    pub(crate) adapters: Option<PathBuf>,
    /// Site devices.
    pub(crate) devices: Option<DeviceSection>,
    /// White lists of exercises.
    pub(crate) exercise: Option<ExerciseSection>,
    /// Brokers that observations come from.
    pub(crate) mqtt: Vec<MqttConfig>,
    /// Our signature on our CAP alerts.
    pub(crate) cap: Option<CapSection>,
    /// CAP feeds of other authorities to poll.
    pub(crate) polls: Vec<PollSection>,
    /// File that carriers put the state of base stations into.
    pub(crate) base_stations: Option<PathBuf>,
    /// Sources of other authorities whose bulletins are the whole of what is in force.
    pub(crate) bulletins: Vec<BulletinSection>,
    /// The recipients' directory at rest.
    pub(crate) directory: DirectorySection,
    /// How long records live in the journal.
    pub(crate) retention: RetentionSection,
    /// Most minutes of record time between two snapshots of a zone or link.
    pub(crate) snapshot_minutes: u32,
    /// Most inputs between two snapshots, each observation counted.
    pub(crate) snapshot_inputs: u64,
    /// What the process does.
    pub(crate) roles: Roles,
    /// Address that other processes of the deployment ask this one under.
    pub(crate) address: Option<String>,
}

/// What all that happens is stored in.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    /// The journal of one machine, in this directory.
    Disk(PathBuf),
    /// The journal of many machines, and the name of this process among them where the file has one.
    Kafka(Box<KafkaSection>, Option<String>),
}

/// How long records live, by topic, in days of record time; a topic that is not named keeps the
/// journal's own. `input` goes by snapshots alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionSection {
    /// Warnings, changes of tier, calls.
    warnings_days: Option<u32>,
    /// Sealed minute rows and daily values.
    series_days: Option<u32>,
    /// Planned deliveries.
    deliveries_days: Option<u32>,
    /// Answers of gateways.
    receipts_days: Option<u32>,
    /// Input that could not be understood, in MiB a zone.
    dead_letters_mib: Option<u32>,
    /// Size of a segment file, MiB: what has an age goes a segment at a time.
    segment_mib: Option<u32>,
}

/// How long sealed rows are kept: what the windows of a rulebook may reach back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeptSeries {
    days: Option<u32>,
}

impl KeptSeries {
    /// What is wrong with the configuration in `file` for a rulebook of that reach.
    pub(crate) fn fault(self, file: &str, reach: Span) -> Option<Fault> {
        let day = Span::from_minutes(24 * 60).millis();
        // One day more: age is that of the newest record of a segment.
        let least = u32::try_from(reach.millis().div_euclid(day) + 2).unwrap_or(u32::MAX);
        let days = self.days.filter(|days| *days < least)?;
        Some(Fault {
            file: file.to_owned(),
            line: None,
            field: "retention.series_days".into(),
            excerpt: None,
            what: format!("{days} days are shorter than the longest window of the rules"),
            remedy: format!("write {least} or more, or leave it out to keep all"),
            severity: Severity::Error,
        })
    }
}

impl RetentionSection {
    /// What the journal takes.
    pub(crate) fn storage(&self) -> Storage {
        let days = [
            (Kind::Warnings, self.warnings_days),
            (Kind::Series, self.series_days),
            (Kind::Deliveries, self.deliveries_days),
            (Kind::Receipts, self.receipts_days),
        ];
        let mut storage = Storage::default();
        for (kind, days) in days {
            if let Some(days) = days {
                let ms = Span::from_minutes(i64::from(days) * 24 * 60).millis();
                storage.retentions.set(kind, Retention::Age { ms });
            }
        }
        if let Some(mib) = self.dead_letters_mib {
            let bytes = u64::from(mib) << 20;
            let retention = Retention::Bytes { bytes };
            storage.retentions.set(Kind::DeadLetters, retention);
        }
        if let Some(mib) = self.segment_mib {
            storage.segment_bytes = u64::from(mib) << 20;
        }
        storage
    }

    /// What is wrong where sealed rows go before the longest window lets go of them: a restart
    /// would find its snapshot of no use. `reach` is that of the rulebook.
    pub(crate) fn series_fault(&self, file: &str, reach: Span) -> Option<Fault> {
        self.kept_series().fault(file, reach)
    }

    /// How long sealed rows are kept.
    pub(crate) const fn kept_series(&self) -> KeptSeries {
        KeptSeries {
            days: self.series_days,
        }
    }

    /// Fields that cannot be used, with the least and the most each may be. A segment holds two
    /// batches as large as a snapshot's chunk.
    fn out_of_range(&self) -> impl Iterator<Item = (&'static str, u32, u32)> {
        let parts = [
            ("warnings_days", self.warnings_days, 1, u32::MAX),
            ("series_days", self.series_days, 1, u32::MAX),
            ("deliveries_days", self.deliveries_days, 1, u32::MAX),
            ("receipts_days", self.receipts_days, 1, u32::MAX),
            ("dead_letters_mib", self.dead_letters_mib, 1, u32::MAX),
            ("segment_mib", self.segment_mib, 4, 2048),
        ];
        let wrong = parts.into_iter().filter(|(_, value, least, most)| {
            value.is_some_and(|value| value < *least || value > *most)
        });
        wrong.map(|(field, _, least, most)| (field, least, most))
    }
}

/// The recipients' directory at rest: sealed version files, and the deployment's key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DirectorySection {
    /// Folder of the version files.
    pub(crate) folder: PathBuf,
    /// Key file; made at the first start where there is none.
    pub(crate) key_file: PathBuf,
}

impl Default for DirectorySection {
    fn default() -> Self {
        Self {
            folder: "directory".into(),
            key_file: "directory.key".into(),
        }
    }
}

/// One account at a carrier.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmsSection {
    /// Name in metrics and on the screen.
    pub(crate) name: String,
    /// What the carrier speaks.
    #[serde(default)]
    protocol: Protocol,
    /// Most messages a second the contract allows; 0 for no limit of ours.
    #[serde(default)]
    pub(crate) pace_per_s: u32,
    /// Whose phones it carries: carriers' names, or how numbers begin. The account without this
    /// carries the rest.
    #[serde(default)]
    pub(crate) carries: Vec<String>,
    /// Whether it carries telephones of other countries.
    #[serde(default)]
    pub(crate) abroad: bool,
    /// Accounts, by name, that tell its phones while it can tell nobody.
    #[serde(default)]
    fail_over: Vec<String>,
    /// Seconds that its link is down before they do.
    fail_over_after_s: Option<u32>,
    /// What was agreed with the carrier about it.
    #[serde(default)]
    pub(crate) contract: Contract,
    /// Its links.
    #[serde(alias = "smpp")]
    link: LinkConfig,
}

/// Seconds that the link of an account is down before others tell its phones, where none are given: a
/// gateway that is started anew is back by then.
const FAIL_OVER_AFTER_S: u32 = 60;

/// The mail relay.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailSection {
    host: String,
    port: u16,
    /// `none`, `starttls` or `tls`.
    encryption: EncryptionWord,
    /// Sender shown.
    from: String,
    user: Option<String>,
    /// File that holds the password alone.
    password_file: Option<PathBuf>,
    /// Address that phones reach this service under, for the link by which a mail is answered.
    answer_url: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EncryptionWord {
    None,
    StartTls,
    Tls,
}

/// One HTTP target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSection {
    /// Name in metrics and on the screen.
    pub(crate) name: String,
    /// Address of a program that takes our own signed JSON.
    url: Option<String>,
    /// File that holds the secret shared with it.
    secret_file: Option<PathBuf>,
    /// Instead of these, the shape of a group or board that takes words: `wecom`.
    shape: Option<String>,
    /// What that shape wants to know.
    #[serde(default)]
    account: push::Account,
    /// The other authority behind it: it gets our requests and nothing else.
    #[serde(default)]
    pub(crate) authority: Option<AuthorityId>,
}

/// Shortest heart-beat: silence is looked for each half minute.
const HEARTBEAT_MIN: u32 = 60;

/// The site devices' broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceSection {
    broker: String,
    client_id: String,
    /// The version that the broker speaks.
    #[serde(default)]
    version: Version,
    user: Option<String>,
    password_file: Option<PathBuf>,
    /// TOML file: a secret for each device id, hexadecimal.
    secrets_file: PathBuf,
    /// Seconds within which each device says something of itself; without it none is missed.
    heartbeat_s: Option<u32>,
}

impl SmsSection {
    /// Whether other accounts tell its phones while it cannot.
    pub(crate) const fn hands_over(&self) -> bool {
        !self.fail_over.is_empty()
    }

    /// What texts are held against.
    pub(crate) fn account(&self) -> Account {
        self.contract.account(&self.name)
    }

    /// What the gateway takes; reads the password.
    pub(crate) fn gateway(&self) -> Result<LinkConfig, String> {
        let mut link = self.link.clone();
        link.protocol = self.protocol;
        link.agreed = self.account();
        link.sender.source.push_str(&self.contract.sub_port);
        if let Some(file) = link.password_file.take() {
            if !link.password.0.is_empty() {
                return Err("password and password_file: give one of them".into());
            }
            link.password = Secret(secret_text(&file)?);
        }
        Ok(link)
    }
}

/// The phones of each account, or what is wrong with how they share them; nothing to share where there
/// is one.
pub(crate) fn shares(
    accounts: &[SmsSection],
    numbers: &Numbers,
) -> Result<Vec<Option<Share>>, Vec<(usize, ShareFault)>> {
    let carries: Vec<&[String]> = accounts.iter().map(|it| it.carries.as_slice()).collect();
    let mut abroad = (0..=u8::MAX).zip(accounts).filter(|(_, it)| it.abroad);
    let place = abroad.next().map(|(place, _)| place);
    if let Some((second, _)) = abroad.next() {
        return Err(vec![(usize::from(second), ShareFault::TwoAbroad)]);
    }
    if carries.iter().all(|words| words.is_empty()) && carries.len() < 2 {
        return Ok(vec![None; carries.len()]);
    }
    let shares = Share::of(&carries, numbers)?;
    let shares = shares
        .into_iter()
        .map(|share| Some(share.with_abroad(place)));
    Ok(shares.collect())
}

/// Who tells the phones of each account while it cannot, or what is wrong with it.
pub(crate) fn fail_overs(accounts: &[SmsSection]) -> Result<Vec<FailOver>, Vec<(usize, String)>> {
    let mut faults = Vec::new();
    let mut agreed = Vec::new();
    for (own, account) in accounts.iter().enumerate() {
        let mut links = Vec::new();
        for name in &account.fail_over {
            let place = accounts.iter().position(|other| other.name == *name);
            match place.filter(|place| *place != own) {
                Some(place) => links.push(sms_link(place, name)),
                None => faults.push((own, format!("{name:?} is no other account of [[sms]]"))),
            }
        }
        if account.fail_over_after_s.is_some() && account.fail_over.is_empty() {
            faults.push((own, "fail_over_after_s without fail_over".to_owned()));
        }
        agreed.push((sms_link(own, &account.name), links));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let stand_ins = StandIns::of(agreed);
    let after = |account: &SmsSection| account.fail_over_after_s.unwrap_or(FAIL_OVER_AFTER_S);
    let each = accounts.iter().map(|account| FailOver {
        stand_ins: stand_ins.clone(),
        after: Span::from_seconds(after(account).into()),
    });
    Ok(each.collect())
}

/// The link of the account at that place: intents of the channel are named after the first; each
/// account takes its own phones.
fn sms_link(place: usize, name: &str) -> String {
    match place {
        0 => "sms".to_owned(),
        _ => format!("sms/{name}"),
    }
}

impl EmailSection {
    /// Address that mails are answered under.
    pub(crate) fn answer_url(&self) -> Option<String> {
        self.answer_url.clone()
    }

    /// What the gateway takes; reads the password.
    pub(crate) fn gateway(&self) -> Result<EmailConfig, String> {
        let login = login("email", self.user.as_deref(), self.password_file.as_deref())?;
        Ok(EmailConfig {
            host: self.host.clone(),
            port: self.port,
            encryption: match self.encryption {
                EncryptionWord::None => Encryption::None,
                EncryptionWord::StartTls => Encryption::StartTls,
                EncryptionWord::Tls => Encryption::Tls,
            },
            trusted_pem: None,
            login,
            from: self.from.clone(),
            hello: "sanfang".into(),
            step_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            connections_max: 4,
        })
    }
}

impl WebhookSection {
    /// The name of its link.
    fn link_name(&self) -> String {
        match &self.authority {
            None => format!("webhook/{}", self.name),
            Some(authority) => format!("{REQUEST}/{authority}/{}", self.name),
        }
    }

    /// The gateway; reads the secrets.
    pub(crate) fn gateway(&self, shapes: &Shapes) -> Result<Single, String> {
        let name = &self.name;
        let (url, file) = match (&self.shape, &self.url, &self.secret_file) {
            (Some(shape), None, None) => {
                let link = self.link_name();
                let adapter = push::adapter(shapes, shape, &link, &self.account, Audience::Group);
                return Ok(Single::Group(Arc::new(adapter?)));
            }
            (None, Some(url), Some(file)) if self.account.is_empty() => (url, file),
            (Some(_), _, _) | (None, _, _) => {
                return Err(format!(
                    "webhook {name}: write url and secret_file, or shape and account"
                ));
            }
        };
        let client = client(&ClientConfig::default()).map_err(|error| error.to_string())?;
        let webhook = Webhook::new(self.own(url, file)?, client);
        Ok(Single::Webhook(Arc::new(webhook)))
    }

    fn own(&self, url: &str, file: &Path) -> Result<WebhookConfig, String> {
        let url = url.parse();
        Ok(WebhookConfig {
            name: self.name.clone(),
            url: url.map_err(|error| format!("webhook {}: url: {error}", self.name))?,
            secret: secret_text(file)?.into_bytes(),
            gate: GateConfig {
                in_flight_max: 4,
                waiting_max: 1_000,
                failures_max: 5,
                pause: Span::from_seconds(30),
            },
        })
    }
}

impl DeviceSection {
    /// What the gateway takes; reads the secrets.
    pub(crate) fn gateway(&self) -> Result<DeviceConfig, String> {
        if self
            .heartbeat_s
            .is_some_and(|seconds| seconds < HEARTBEAT_MIN)
        {
            return Err(format!(
                "heartbeat_s: write {HEARTBEAT_MIN} or more, or take it out"
            ));
        }
        Ok(DeviceConfig {
            broker: self.broker.clone(),
            version: match self.version {
                Version::V311 => ProtocolVersion::V311,
                Version::V5 => ProtocolVersion::V5,
            },
            client: self.client_id.clone(),
            login: login(
                "devices",
                self.user.as_deref(),
                self.password_file.as_deref(),
            )?,
            secrets: secrets(&self.secrets_file)?,
            publish_timeout: Duration::from_secs(5),
            confirm_timeout: Duration::from_secs(5),
            heartbeat: self.heartbeat_s.map(|s| Span::from_seconds(i64::from(s))),
        })
    }
}

/// Name and password of a section; none where neither is given.
fn login(
    section: &str,
    user: Option<&str>,
    password_file: Option<&Path>,
) -> Result<Option<(String, String)>, String> {
    match (user, password_file) {
        (Some(user), Some(file)) => Ok(Some((user.to_owned(), secret_text(file)?))),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => {
            Err(format!("{section}: user and password_file go together"))
        }
    }
}

/// The secret of each device of a secrets file.
pub(crate) fn secrets(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let text = secret_text(path)?;
    let file = path.display();
    let table: BTreeMap<String, String> =
        toml::from_str(&text).map_err(|error| format!("{file}: {}", error.message()))?;
    let bytes = |(device, secret): (String, String)| {
        let bytes = hex::decode(&secret);
        let bytes = bytes.map_err(|error| format!("{file}: {device}: {error}"))?;
        Ok((device, bytes))
    };
    table.into_iter().map(bytes).collect()
}

fn secret_text(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

impl Config {
    /// The gateway of each account, in their order; reads passwords.
    pub(crate) fn sms_gateways(&self) -> Result<Vec<LinkConfig>, String> {
        let words = |faults: Vec<String>| faults.join("; ");
        let shares = shares(&self.sms, &self.numbers)
            .map_err(|all| words(all.iter().map(|(_, it)| it.to_string()).collect()))?;
        let fail_overs = fail_overs(&self.sms)
            .map_err(|all| words(all.into_iter().map(|(_, it)| it).collect()))?;
        let kinds = Kinds::of(&self.numbers);
        let sections = self.sms.iter().zip(shares).zip(fail_overs);
        let gateways = sections.map(|((section, share), fail_over)| {
            let link = section.gateway();
            let link = link.map_err(|why| format!("sms {}: {why}", section.name))?;
            Ok(LinkConfig {
                share,
                fail_over,
                kinds: kinds.clone(),
                abroad: section.abroad,
                ..link
            })
        });
        gateways.collect()
    }

    /// Names of the links it gives, in the order in which a process has them.
    pub(crate) fn link_names(&self) -> Vec<String> {
        let mut names = vec!["cap".to_owned(), "push".to_owned()];
        for (place, section) in self.sms.iter().enumerate() {
            names.push(sms_link(place, &section.name));
        }
        names.extend(self.email.iter().map(|_| "email".to_owned()));
        names.extend(self.webhooks.iter().map(WebhookSection::link_name));
        names.extend(self.push.link_names());
        names.extend(self.areas.iter().map(AreaSection::link_name));
        names.extend(self.platforms.iter().map(PlatformSection::link_name));
        names.extend(self.cells.iter().map(CellSection::link_name));
        names.extend(self.broadcasts.iter().map(BroadcastSection::link_name));
        names.extend(self.devices.iter().map(|_| "device".to_owned()));
        names.extend(self.voice.iter().map(|_| "voice".to_owned()));
        names
    }
}

/// Every fault of a configuration's bytes.
pub(crate) fn faults(file: &str, bytes: &[u8], base: &Path) -> Vec<Fault> {
    let mut faults = Faults::default();
    drop(read::read(file, bytes, base, &mut faults));
    faults.into_vec()
}

/// A feed to poll.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PollSection {
    /// Atom feed of CAP alerts.
    pub(crate) url: String,
    /// Seconds between polls.
    pub(crate) every_s: u64,
    /// Certificates (PEM) any of which must have signed each alert; without it none need be signed.
    signers_file: Option<PathBuf>,
}

impl PollSection {
    /// Whose signature each alert must have; reads the certificates.
    pub(crate) fn signers(&self) -> Result<Option<Signers>, String> {
        self.signers_file.as_deref().map(cap::signers).transpose()
    }
}

#[cfg(test)]
mod tests;
