//! Reading and checking `sanfang.toml`: each key by itself, then what must fit together.

use super::{
    AreaSection, BroadcastSection, BulletinSection, CapSection, CellSection, CentreSection, Config,
    DeviceSection, DirectorySection, EmailSection, ExerciseSection, HttpSection, KafkaSection,
    PlatformSection, PollSection, PushSection, RetentionSection, SmsSection, Store, VoiceSection,
    WebhookSection, fail_overs, shares,
};
use crate::installation::Faulty;
use crate::people::Person;
use crate::roles::{Role, Roles};
use dispatch::gateway::adapter::{Shapes, shipped};
use dispatch::gateway::email::Email;
use dispatch::gateway::sms::{Numbers, NumbersFault};
use ingest::transport::mqtt::MqttConfig;
use model::document::Document;
use model::fault::{Fault, Faults, Place};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Keys of the file.
const KEYS: &[&str] = &[
    "city",
    "journal",
    "kafka",
    "node",
    "roles",
    "address",
    "listen",
    "http",
    "public_url",
    "open_intake",
    "directory",
    "retention",
    "snapshot_minutes",
    "snapshot_inputs",
    "person",
    "sms",
    "numbers",
    "email",
    "webhook",
    "area",
    "platform",
    "cell",
    "broadcast",
    "cap",
    "centre",
    "push",
    "adapters",
    "devices",
    "exercise",
    "voice",
    "mqtt",
    "poll",
    "bulletin",
    "base_stations",
];

/// The hash that stands in examples: it opens nothing.
const PLACEHOLDER: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Sections with the line each begins on.
struct Sections {
    people: Vec<(u32, Person)>,
    sms: Vec<(u32, SmsSection)>,
    email: Option<(u32, EmailSection)>,
    webhooks: Vec<(u32, WebhookSection)>,
    areas: Vec<(u32, AreaSection)>,
    platforms: Vec<(u32, PlatformSection)>,
    cells: Vec<(u32, CellSection)>,
    broadcasts: Vec<(u32, BroadcastSection)>,
    centres: Vec<(u32, CentreSection)>,
    push: (u32, PushSection),
    adapters: Option<(u32, PathBuf)>,
    devices: Option<(u32, DeviceSection)>,
    voice: Option<(u32, VoiceSection)>,
    mqtt: Vec<(u32, MqttConfig)>,
    cap: Option<(u32, CapSection)>,
    polls: Vec<(u32, PollSection)>,
    bulletins: Vec<(u32, BulletinSection)>,
}

impl Config {
    /// Reads and checks the file. What is worth a look and harms nothing is given beside it.
    pub(crate) fn read(path: &Path) -> Result<(Self, Vec<Fault>), Faulty> {
        let name = path.display().to_string();
        let mut faults = Faults::default();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let remedy = "give a configuration file; deploy/sanfang.toml is one to start from";
                faults.error(Place::file(&name), "", error.to_string(), remedy);
                return Err(Faulty(faults.into_vec()));
            }
        };
        let base = path.parent().unwrap_or(Path::new("."));
        let read = read(&name, &bytes, base, &mut faults);
        let is_usable = faults.errors() == 0;
        let faults = faults.into_vec();
        match read {
            Some(config) if is_usable => Ok((config, faults)),
            Some(_) | None => Err(Faulty(faults)),
        }
    }
}

pub(super) fn read(name: &str, bytes: &[u8], base: &Path, faults: &mut Faults) -> Option<Config> {
    let mut document = Document::parse(name, bytes, faults)?;
    let city = document.require::<PathBuf>("city", "write the city directory", faults);
    let store = store(name, &mut document, base, faults);
    let roles = document.take::<Vec<Role>>("roles", faults);
    let address = document.take::<String>("address", faults);
    let listen = document.require::<SocketAddr>("listen", "write 127.0.0.1:8080", faults);
    let public_url = document.take::<String>("public_url", faults);
    let open_intake = document.take::<bool>("open_intake", faults);
    let snapshot_minutes = document.take::<u32>("snapshot_minutes", faults);
    let snapshot_inputs = document.take::<u64>("snapshot_inputs", faults);
    let base_stations = document.take::<PathBuf>("base_stations", faults);
    let directory = document.take::<DirectorySection>("directory", faults);
    let retention = document.take::<RetentionSection>("retention", faults);
    let http = document.take::<HttpSection>("http", faults);
    let exercise = document.take::<ExerciseSection>("exercise", faults);
    let mut sections = Sections {
        people: document.rows("person", faults),
        sms: document.rows("sms", faults),
        email: document.take("email", faults),
        webhooks: document.rows("webhook", faults),
        areas: document.rows("area", faults),
        platforms: document.rows("platform", faults),
        cells: document.rows("cell", faults),
        broadcasts: document.rows("broadcast", faults),
        centres: document.rows("centre", faults),
        push: push(name, &mut document, faults),
        adapters: document.take("adapters", faults),
        devices: document.take("devices", faults),
        voice: document.take("voice", faults),
        mqtt: document.rows("mqtt", faults),
        cap: document.take("cap", faults),
        polls: document.rows("poll", faults),
        bulletins: document.rows("bulletin", faults),
    };
    let numbers = numbers(name, &mut document, base, faults);
    document.finish(KEYS, faults);
    sections.anchor(base);
    if let Some(numbers) = &numbers {
        sections.check_shares(name, numbers, faults);
    }
    sections.check(name, faults);
    if let Some((line, 0)) = snapshot_minutes {
        let place = Place::line(name, line);
        faults.error(place, "snapshot_minutes", "it is 0", "write 1 or more");
    }
    if let Some((line, 0)) = snapshot_inputs {
        let place = Place::line(name, line);
        faults.error(place, "snapshot_inputs", "it is 0", "write 1 or more");
    }
    if let Some((line, section)) = &retention {
        for (field, least, most) in section.out_of_range() {
            let place = Place::line(name, *line);
            let remedy = format!("write {least} to {most}, or take it out");
            faults.error(place, &format!("retention.{field}"), "out of range", remedy);
        }
    }
    if let Some((line, section)) = &http {
        for (field, least, most) in section.out_of_range() {
            let place = Place::line(name, *line);
            let remedy = format!("write {least} to {most}, or take it out");
            faults.error(place, &format!("http.{field}"), "out of range", remedy);
        }
    }
    if let Some((line, section)) = &exercise {
        section.check(Place::line(name, *line), faults);
    }
    let on_disk = matches!(store, Some(Store::Disk(_)));
    if let Some((line, roles)) = &roles {
        let place = Place::line(name, *line);
        if roles.is_empty() {
            let remedy = "write some of intake, rules, dispatch, console, or take it out for all";
            faults.error(place, "roles", "it is empty", remedy);
        } else if on_disk && Roles::of(roles) != Roles::ALL {
            let what = "the journal on disk is this process's alone: nobody has the other roles";
            let remedy = "take it out, or put [kafka] in the place of journal";
            faults.error(place, "roles", what, remedy);
        }
    }
    if let Some((line, address)) = &address {
        let place = Place::line(name, *line);
        let is_http =
            reqwest::Url::parse(address).is_ok_and(|url| url.scheme().starts_with("http"));
        if !is_http || address.ends_with('/') {
            let remedy = "write the address of this process's listener: http://10.0.0.7:8080";
            faults.error(place, "address", "it is not an address of HTTP", remedy);
        } else if on_disk {
            let what = "nobody asks for it: there are no other processes";
            faults.notice(place, "address", what, "take it out");
        }
    }
    let directory = directory.map_or_else(DirectorySection::default, |(_, section)| section);
    if let Some((line, url)) = &public_url
        && reqwest::Url::parse(url).is_err()
    {
        let remedy = "write the address others reach the feed under: https://warn.example.org";
        let place = Place::line(name, *line);
        faults.error(place, "public_url", "it is not an address", remedy);
    }
    if let (Some((line, true)), Some((_, address))) = (&open_intake, &listen)
        && !address.ip().is_loopback()
    {
        let what = format!("anybody who reaches {address} may post observations");
        let remedy =
            "take it out unless the network is closed; senders then need the scope observe";
        faults.notice(Place::line(name, *line), "open_intake", what, remedy);
    }
    Some(Config {
        city: base.join(city?.1),
        store: store?,
        listen: listen?.1,
        http: http.map_or_else(HttpSection::default, |(_, section)| section),
        public_url: public_url.map_or_else(|| "http://127.0.0.1:8080".into(), |(_, url)| url),
        open_intake: open_intake.is_some_and(|(_, open)| open),
        directory: DirectorySection {
            folder: base.join(directory.folder),
            key_file: base.join(directory.key_file),
        },
        retention: retention.map_or_else(RetentionSection::default, |(_, section)| section),
        snapshot_minutes: snapshot_minutes.map_or(10, |(_, minutes)| minutes),
        // Some seconds of stepping after a crash.
        snapshot_inputs: snapshot_inputs.map_or(500_000, |(_, inputs)| inputs),
        people: plain(sections.people),
        sms: plain(sections.sms),
        numbers: numbers?,
        email: sections.email.map(|(_, section)| section),
        webhooks: plain(sections.webhooks),
        areas: plain(sections.areas),
        platforms: plain(sections.platforms),
        cells: plain(sections.cells),
        broadcasts: plain(sections.broadcasts),
        centres: plain(sections.centres),
        push: sections.push.1,
        adapters: sections.adapters.map(|(_, folder)| folder),
        devices: sections.devices.map(|(_, section)| section),
        voice: sections.voice.map(|(_, section)| section),
        exercise: exercise.map(|(_, section)| section),
        mqtt: plain(sections.mqtt),
        cap: sections.cap.map(|(_, section)| section),
        polls: plain(sections.polls),
        bulletins: plain(sections.bulletins),
        base_stations: base_stations.map(|(_, file)| base.join(file)),
        roles: roles.map_or(Roles::ALL, |(_, roles)| Roles::of(&roles)),
        address: address.map(|(_, address)| address),
    })
}

/// The journal of one machine or that of many, never both.
fn store(
    name: &str,
    document: &mut Document<'_>,
    base: &Path,
    faults: &mut Faults,
) -> Option<Store> {
    let journal = document.take::<PathBuf>("journal", faults);
    let node = document.take::<String>("node", faults);
    let before = faults.errors();
    let kafka = document.take::<KafkaSection>("kafka", faults);
    let unread = faults.errors() > before;
    match (journal, kafka) {
        (Some((_, journal)), None) if !unread => Some(Store::Disk(base.join(journal))),
        (Some((line, _)), _) => {
            let remedy = "take one of them out: journal is one machine's, [kafka] that of many";
            let place = Place::line(name, line);
            faults.error(place, "journal", "[kafka] is there too", remedy);
            None
        }
        (None, Some((line, mut section))) => {
            section.anchor(base);
            section.check(Place::line(name, line), faults);
            if node.is_none() {
                let what = "it is missing: each process gets its name by --node";
                let remedy = "write a name that no other process of the deployment has, where this \
                              file is one process's alone";
                faults.notice(Place::file(name), "node", what, remedy);
            }
            Some(Store::Kafka(Box::new(section), node.map(|(_, node)| node)))
        }
        (None, None) if unread => None,
        (None, None) => {
            let remedy = "write the journal directory, or a section [kafka]";
            faults.error(Place::file(name), "journal", "it is missing", remedy);
            None
        }
    }
}

/// How numbers begin: the city's own list, or the one that came with the program.
fn numbers(
    name: &str,
    document: &mut Document<'_>,
    base: &Path,
    faults: &mut Faults,
) -> Option<Numbers> {
    let given = document.take::<PathBuf>("numbers", faults);
    let place = Place::line(name, given.as_ref().map_or(0, |(line, _)| *line));
    let remedy = "correct the file, or take it out for the list that came with the program";
    let read = match &given {
        None => Numbers::shipped(),
        Some((_, file)) => match std::fs::read_to_string(base.join(file)) {
            Ok(text) => Numbers::read(&text),
            Err(error) => {
                faults.error(place, "numbers", error.to_string(), remedy);
                return None;
            }
        },
    };
    let each = |wrong: Vec<NumbersFault>| {
        for fault in wrong {
            faults.error(place, "numbers", fault.to_string(), remedy);
        }
    };
    read.map_err(each).ok()
}

fn plain<T>(rows: Vec<(u32, T)>) -> Vec<T> {
    rows.into_iter().map(|(_, row)| row).collect()
}

impl Sections {
    /// Relative paths are relative to the file.
    fn anchor(&mut self, base: &Path) {
        let own = |path: &mut PathBuf| *path = base.join(&*path);
        for (_, account) in &mut self.sms {
            account.link.password_file.iter_mut().for_each(own);
        }
        if let Some((_, email)) = &mut self.email {
            email.password_file.iter_mut().for_each(own);
        }
        for (_, webhook) in &mut self.webhooks {
            webhook.secret_file.iter_mut().for_each(own);
            super::push::anchor(&mut webhook.account, base);
        }
        self.push.1.anchor(base);
        if let Some((_, folder)) = &mut self.adapters {
            own(folder);
        }
        for (_, area) in &mut self.areas {
            own(&mut area.secret_file);
        }
        for (_, platform) in &mut self.platforms {
            platform.anchor(base);
        }
        if let Some((_, cap)) = &mut self.cap {
            cap.anchor(base);
        }
        for (_, poll) in &mut self.polls {
            poll.signers_file.iter_mut().for_each(own);
        }
        for (_, broadcast) in &mut self.broadcasts {
            broadcast.anchor(base);
        }
        for (_, cell) in &mut self.cells {
            cell.anchor(base);
        }
        for (_, centre) in &mut self.centres {
            own(&mut centre.secret_file);
        }
        if let Some((_, devices)) = &mut self.devices {
            devices.password_file.iter_mut().for_each(own);
            own(&mut devices.secrets_file);
        }
        if let Some((_, voice)) = &mut self.voice {
            voice.anchor(base);
        }
        for (_, broker) in &mut self.mqtt {
            broker.password_file.iter_mut().for_each(own);
        }
        for (_, bulletin) in &mut self.bulletins {
            bulletin.anchor(base);
        }
    }

    /// Targets of area jobs, and who sends jobs to a relay.
    fn check_jobs(&self, name: &str, faults: &mut Faults) {
        let mut names = BTreeSet::new();
        for (line, section) in &self.areas {
            let place = Place::line(name, *line);
            unique(&mut names, &section.name, "area.name", place, faults);
            if let Some((field, what, remedy)) = section.fault() {
                faults.error(place, field, what, remedy);
            } else if let Err(why) = section.gateway() {
                faults.error(place, "area", why, "correct this [[area]]");
            }
        }
        let mut names = BTreeSet::new();
        for (line, section) in &self.platforms {
            let place = Place::line(name, *line);
            unique(&mut names, &section.name, "platform.name", place, faults);
            section.check(place, faults);
        }
        let mut names = BTreeSet::new();
        for (line, section) in &self.centres {
            let place = Place::line(name, *line);
            unique(&mut names, &section.name, "centre.name", place, faults);
            if section.authorities.is_empty() {
                let remedy = "write the 14-digit codes in whose name it may speak";
                faults.error(place, "centre.authorities", "it is empty", remedy);
            }
            if let Some((field, what, remedy)) = section.fault() {
                faults.error(place, field, what, remedy);
            }
            if let Err(why) = section.centre() {
                faults.error(place, "centre", why, "correct this [[centre]]");
            }
        }
        if self.centres.is_empty() {
            return;
        }
        for (line, section) in self.sms.iter().filter(|(_, sms)| sms.hands_over()) {
            let what = format!(
                "a relay counts each number of a job at the account that carries it: {} hands them over",
                section.name
            );
            let remedy = "leave fail_over out, and give the account more links";
            faults.error(Place::line(name, *line), "sms.fail_over", what, remedy);
        }
        for (line, section) in self.sms.iter().filter(|(_, sms)| sms.pace_per_s == 0) {
            let what = format!(
                "{} has none: nobody could say when the last phone rings",
                section.name
            );
            let remedy = "write how many messages a second the centre behind it takes";
            faults.error(Place::line(name, *line), "sms.pace_per_s", what, remedy);
        }
    }

    /// How accounts share the phones.
    fn check_shares(&self, name: &str, numbers: &Numbers, faults: &mut Faults) {
        let accounts: Vec<SmsSection> = self.sms.iter().map(|(_, it)| it.clone()).collect();
        for (account, fault) in shares(&accounts, numbers).err().unwrap_or_default() {
            let line = self.sms.get(account).map_or(0, |(line, _)| *line);
            let place = Place::line(name, line);
            let remedy = "carries = [\"unicom\"], [\"telecom\", \"1703\"]… on all accounts but one";
            faults.error(place, "sms.carries", fault.to_string(), remedy);
        }
        for (account, fault) in fail_overs(&accounts).err().unwrap_or_default() {
            let line = self.sms.get(account).map_or(0, |(line, _)| *line);
            let remedy = "name accounts whose carriers agreed to tell this one's phones: fail_over = [\"unicom\"]";
            faults.error(Place::line(name, line), "sms.fail_over", fault, remedy);
        }
    }

    /// What is broadcast.
    fn check_broadcasts(&self, name: &str, faults: &mut Faults) {
        if let Some((line, section)) = &self.cap
            && let Err(why) = section.signer()
        {
            faults.error(Place::line(name, *line), "cap", why, "correct [cap]");
        }
        let mut names = BTreeSet::new();
        for (line, section) in &self.cells {
            let place = Place::line(name, *line);
            unique(&mut names, &section.name, "cell.name", place, faults);
            section.check(place, faults);
        }
        let mut names = BTreeSet::new();
        for (line, section) in &self.broadcasts {
            let place = Place::line(name, *line);
            unique(&mut names, &section.name, "broadcast.name", place, faults);
            section.check(place, faults);
        }
    }

    fn check(&self, name: &str, faults: &mut Faults) {
        // Nobody signs at a relay.
        if self.centres.is_empty() {
            check_people(name, &self.people, faults);
        }
        let mut names = BTreeSet::new();
        for (line, section) in &self.sms {
            let place = Place::line(name, *line);
            unique(&mut names, &section.name, "sms.name", place, faults);
            for fault in section.contract.faults(&section.link.sender.source) {
                let remedy = "write it as the carrier's contract has it";
                faults.error(place, "sms.contract", fault.to_string(), remedy);
            }
            match section.gateway() {
                Ok(link) => {
                    for fault in link.faults() {
                        faults.error(place, "sms.link", fault.to_string(), "correct this link");
                    }
                }
                Err(why) => faults.error(place, "sms.link", why, "correct this link"),
            }
        }
        let shapes = self.shapes(name, faults);
        let (line, push) = &self.push;
        push.check(&shapes, Place::line(name, *line), faults);
        let mut names = BTreeSet::new();
        for (line, section) in &self.webhooks {
            let place = Place::line(name, *line);
            unique(&mut names, &section.name, "webhook.name", place, faults);
            if let Err(why) = section.gateway(&shapes) {
                faults.error(place, "webhook", why, "correct this [[webhook]]");
            }
        }
        self.check_jobs(name, faults);
        self.check_broadcasts(name, faults);
        if let Some((line, section)) = &self.email {
            let usable = section
                .gateway()
                .and_then(|config| Email::new(config).map_err(|error| error.to_string()));
            if let Err(why) = usable {
                faults.error(Place::line(name, *line), "email", why, "correct [email]");
            }
            if let Some(address) = section.answer_url() {
                check_answer_url(Place::line(name, *line), &address, faults);
            }
        }
        if let Some((line, section)) = &self.devices
            && let Err(why) = section.gateway()
        {
            let place = Place::line(name, *line);
            faults.error(place, "devices", why, "correct [devices]");
        }
        if let Some((line, section)) = &self.voice {
            section.check(Place::line(name, *line), faults);
        }
        for (line, broker) in &self.mqtt {
            if let Err(error) = broker.check() {
                let place = Place::line(name, *line);
                faults.error(place, "mqtt", error.to_string(), "correct this [[mqtt]]");
            }
        }
        for (line, poll) in &self.polls {
            let place = Place::line(name, *line);
            if let Err(error) = reqwest::Url::parse(&poll.url) {
                faults.error(place, "poll.url", error.to_string(), "write https://…");
            }
            if let Err(why) = poll.signers() {
                let remedy = "write the certificates of the source there, in PEM";
                faults.error(place, "poll.signers_file", why, remedy);
            }
            if poll.every_s < 5 {
                faults.error(place, "poll.every_s", "less than 5", "write 5 or more");
            }
        }
        let mut names = BTreeSet::new();
        for (line, bulletin) in &self.bulletins {
            let place = Place::line(name, *line);
            unique(&mut names, &bulletin.name, "bulletin.name", place, faults);
            bulletin.check(place, faults);
        }
    }
}

impl Sections {
    /// Shapes of services; those that cannot be read are said.
    fn shapes(&self, name: &str, faults: &mut Faults) -> Shapes {
        let folder = self.adapters.as_ref();
        let found = super::shapes(folder.map(|(_, folder)| folder.as_path()));
        found.unwrap_or_else(|wrong| {
            let place = folder.map_or(Place::file(name), |(line, _)| Place::line(name, *line));
            for what in wrong {
                let remedy =
                    "correct the file; dispatch/adapters has examples, docs/push.md the form";
                faults.error(place, "adapters", what, remedy);
            }
            shipped().unwrap_or_default()
        })
    }
}

/// `[push]`, each part by itself, with the line it begins on.
fn push(name: &str, document: &mut Document<'_>, faults: &mut Faults) -> (u32, PushSection) {
    let Some((line, table)) = document.take("push", faults) else {
        return (0, PushSection::default());
    };
    (
        line,
        PushSection::read(table, Place::line(name, line), faults),
    )
}

/// The link of a mail is opened by phones, and carries the right to answer.
fn check_answer_url(place: Place<'_>, address: &str, faults: &mut Faults) {
    let field = "email.answer_url";
    let remedy = "write the address that phones reach this service under: https://warn.example.org";
    let url = reqwest::Url::parse(address).ok();
    let usable = url.filter(|url| {
        let is_web = matches!(url.scheme(), "http" | "https");
        is_web && url.has_host() && url.query().is_none() && url.fragment().is_none()
    });
    match usable {
        None => faults.error(place, field, "it is no address of a web server", remedy),
        Some(url) if url.scheme() == "http" => {
            let what = "whoever listens on the way can answer for others";
            faults.notice(place, field, what, "put TLS before it and write https://");
        }
        Some(_) => {}
    }
}

fn check_people(name: &str, people: &[(u32, Person)], faults: &mut Faults) {
    if people.is_empty() {
        let remedy = "add [[person]], or what waits for a signature waits for ever";
        faults.notice(Place::file(name), "person", "nobody can sign", remedy);
    }
    let (mut ids, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for (line, person) in people {
        let place = Place::line(name, *line);
        unique(&mut ids, &person.id, "person.id", place, faults);
        let hash = person.token_sha256.to_ascii_lowercase();
        let field = "person.token_sha256";
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            let what = format!("{} has no 64 hexadecimal digits", person.id);
            let remedy = "make them with: printf %s TOKEN | sha256sum";
            faults.error(place, field, what, remedy);
        } else if hash == PLACEHOLDER {
            let what = format!("{} cannot sign in: the hash is a placeholder", person.id);
            let remedy = "make a token at random and write its hash: printf %s TOKEN | sha256sum";
            faults.notice(place, field, what, remedy);
        } else if !tokens.insert(hash) {
            let what = format!("{} has the token of somebody else", person.id);
            let remedy = "give each a token of their own: two signatures need two people";
            faults.error(place, field, what, remedy);
        }
        if person.scopes.is_empty() {
            let what = format!("{} may do nothing", person.id);
            let remedy = "list read, approve, issue, answer, signal or observe";
            faults.notice(place, "person.scopes", what, remedy);
        }
    }
}

fn unique<'a>(
    seen: &mut BTreeSet<&'a str>,
    name: &'a str,
    field: &str,
    place: Place<'_>,
    faults: &mut Faults,
) {
    if name.is_empty() {
        faults.error(place, field, "it is empty", "write a name");
    } else if !seen.insert(name) {
        let what = format!("{name} stands there twice");
        faults.error(place, field, what, "give each a name of its own");
    }
}
