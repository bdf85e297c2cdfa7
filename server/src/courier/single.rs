//! Gateways that take one message at a time: e-mail, webhook, app push, devices, CAP.

use super::inbox::pushed;
use super::phone::{Shown, in_areas};
use super::{Courier, DeviceLink};
use super::{cell, emergency, loud};
use crate::app::App;
use crate::term::Term;
use dispatch::directory::Recipient;
use dispatch::gateway::adapter::Adapter;
use dispatch::gateway::area_topics::AreaTopics;
use dispatch::gateway::cell::CellTarget;
use dispatch::gateway::device::command::Addressed;
use dispatch::gateway::device::{Action, Command};
use dispatch::gateway::email::{Email, Mail};
use dispatch::gateway::emergency_broadcast::Emergency;
use dispatch::gateway::file_drop::{FileDrop, FileNotice};
use dispatch::gateway::loudspeaker::Loudspeakers;
use dispatch::gateway::notice::Unsent;
use dispatch::gateway::web_push::WebPush;
use dispatch::gateway::webhook::Webhook;
use dispatch::gateway::{Proof, Receipt};
use dispatch::intent::{DeliveryId, Intent, IntentId, RecipientNo};
use dispatch::outbox::{Answer, Event, Limits, Outcome, Token};
use dispatch::wording::{Message, Purpose};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use journal::{JournalError, Kind, Partition, Topic};
use model::{AreaCode, Mode, SendError, Span, Tier, Time, Warning, WarningId};
use std::sync::Arc;

/// Messages on their way at once on one such link.
const WINDOW: usize = 32;
/// Between two looks at what was renewed without a word to anybody.
const RENEW_EVERY: Span = Span::from_seconds(30);
/// Longest pause of a link whose far side takes nothing.
const PAUSE_MAX: Span = Span::from_seconds(5);

/// The far side of a link.
#[derive(Clone)]
pub(crate) enum Single {
    /// A mail relay.
    Email(Arc<Email>),
    /// One HTTP target.
    Webhook(Arc<Webhook>),
    /// The hub of subscribed apps.
    Push,
    /// A service that shows notifications, by an adapter.
    App(Arc<Adapter>),
    /// The push services of browsers.
    Browsers(Arc<WebPush>),
    /// The topics of areas.
    Areas(Arc<AreaTopics>),
    /// A group or board that takes words.
    Group(Arc<Adapter>),
    /// A carrier's platform that broadcasts to cells.
    Cell(Arc<CellTarget>),
    /// A platform of emergency broadcast.
    Emergency(Arc<Emergency>),
    /// Loudspeakers on the network.
    Loudspeakers(Arc<Loudspeakers>),
    /// A folder that another program looks into.
    Files(Arc<FileDrop>),
    /// The site devices' broker.
    Device(Arc<DeviceLink>),
    /// Our CAP feed.
    Cap,
}

/// Serves link `number` for its term. An error means that the process must end.
pub(crate) async fn run(
    app: Arc<App>,
    number: usize,
    gateway: Single,
    term: Term,
) -> Result<(), JournalError> {
    if matches!(gateway, Single::Cap) {
        // What refers to earlier documents finds them, whoever published those.
        app.every_document().await?;
    }
    let mut courier = open(&app, number)?;
    let topic = Topic::new(Kind::Deliveries, app.mode);
    let mut planned = app.journal.subscribe(topic, courier.partition);
    let mut flying: FuturesUnordered<BoxFuture<'static, Answer>> = FuturesUnordered::new();
    if matches!(gateway, Single::Push) {
        courier.push_again();
    }
    if let Single::Areas(topics) = &gateway {
        courier.remember_areas(topics).await;
    }
    if let Single::Cell(target) = &gateway {
        courier.remember_cells(target).await;
    }
    if let Single::Emergency(platform) = &gateway {
        courier.remember_emergency(platform).await;
    }
    courier.step(Event::Up);
    let mut renewed = app.clock.now();
    while !term.is_over() {
        if app.clock.now() >= renewed + RENEW_EVERY {
            renewed = app.clock.now();
            let done = renew(&app, &gateway, renewed).await;
            courier.broadcast(&done);
        }
        for (token, words) in courier.departures()? {
            let outgoing = Outgoing {
                app: Arc::clone(&app),
                gateway: gateway.clone(),
                token,
                newest: courier.newest,
                link: courier.partition,
                words,
            };
            flying.push(Box::pin(outgoing.go()));
        }
        let (next, pause) = (courier.next, courier.pause(&term));
        tokio::select! {
            Some(answer) = flying.next(), if !flying.is_empty() => {
                courier.step(Event::Answers(&[answer]));
            }
            () = super::planned(&mut planned, next) => {}
            done = courier.durable() => done?,
            () = std::future::ready(()), if !courier.is_settled() => {}
            () = pause => courier.step(Event::Tick),
        }
        courier.keep()?;
        courier.show()?;
    }
    while let Some(answer) = flying.next().await {
        courier.step(Event::Answers(&[answer]));
    }
    if let Single::Areas(topics) = &gateway {
        topics.close().await;
    }
    courier.finish().await
}

/// Says for longer what stands for longer, where the far side goes on saying it; gives what the far
/// side says that it has broadcast.
async fn renew(app: &App, gateway: &Single, now: Time) -> Vec<IntentId> {
    match gateway {
        Single::Areas(topics) => {
            let until = |id, area| {
                let stands = cell::stands(app, id, area)?;
                (stands.0 != Tier::None).then_some(stands.1)
            };
            if let Err(error) = topics.renew(until, now).await {
                tracing::warn!(%error, "topics not renewed; trying again");
            }
        }
        Single::Cell(target) => cell::renew(app, target, now).await,
        Single::Emergency(platform) => return emergency::follow(app, platform, now).await,
        Single::Device(devices) => missed(app, devices, now),
        Single::Email(_)
        | Single::Webhook(_)
        | Single::Push
        | Single::App(_)
        | Single::Browsers(_)
        | Single::Group(_)
        | Single::Files(_)
        | Single::Loudspeakers(_)
        | Single::Cap => {}
    }
    Vec::new()
}

/// Says which posts fell silent: what is shown there nobody knows any more.
fn missed(app: &App, devices: &DeviceLink, now: Time) {
    let Some(look) = devices.look(now) else {
        return;
    };
    for device in &look.lost {
        tracing::error!(device, "lost: it has said nothing for its heart-beat");
    }
    for device in &look.back {
        tracing::info!(device, "heard again");
    }
    app.metrics.broadcast("device", "posts_lost", look.silent);
}

/// The link numbered `number`, whatever its far side is.
pub(crate) fn open(app: &Arc<App>, number: usize) -> Result<Courier, JournalError> {
    let limits = Limits {
        throttle_max: PAUSE_MAX,
        ..Limits::with_window(WINDOW)
    };
    Courier::open(Arc::clone(app), number, limits)
}

/// A message's words, and of which intent they are.
pub(crate) type Words = (Arc<Intent>, Message);

impl Courier {
    /// Notes what a far side says that it has broadcast.
    fn broadcast(&mut self, done: &[IntentId]) {
        let outcome = Outcome::Delivered;
        let token = |id: &IntentId| self.outbox.token(*id, RecipientNo(0));
        let answers = done.iter().filter_map(token);
        let answers: Vec<Answer> = answers.map(|token| Answer { token, outcome }).collect();
        if !answers.is_empty() {
            self.step(Event::Answers(&answers));
        }
    }

    /// What is to leave now, each with its words where there are any in that language.
    pub(crate) fn departures(&mut self) -> Result<Vec<(Token, Option<Words>)>, JournalError> {
        while self.take()? {}
        self.settle()?;
        let effects = std::mem::take(&mut self.effects);
        let mut departures = Vec::new();
        for send in &effects.sends {
            for sending in effects.batch(send) {
                departures.push((sending.token, self.words(send.intent, sending.variant)));
            }
        }
        self.effects = effects;
        self.effects.sent();
        Ok(departures)
    }
}

struct Outgoing {
    app: Arc<App>,
    gateway: Single,
    token: Token,
    newest: Time,
    link: Partition,
    words: Option<Words>,
}

impl Outgoing {
    async fn go(self) -> Answer {
        let token = self.token;
        let result = match &self.words {
            None => Err(SendError::Permanent("no words in that language".into()).into()),
            Some((intent, message)) => self.send(intent, message).await,
        };
        let outcome = match result {
            Ok(Receipt { proof, reference }) => match proof {
                Proof::Accepted => Outcome::Accepted {
                    receipt: self.receipt(&reference),
                },
                Proof::Delivered => Outcome::Delivered,
                Proof::ActionReported => Outcome::Acknowledged,
            },
            Err(error) => {
                tracing::warn!(%error, "not sent");
                match error {
                    Unsent::Retired(_) => self.retired(),
                    Unsent::Throttled(_) => Outcome::Throttled,
                    Unsent::Send(SendError::Transient(_)) => Outcome::Transient,
                    Unsent::Send(SendError::Permanent(_)) => Outcome::Permanent,
                    Unsent::Send(SendError::Uncertain(_)) => Outcome::Uncertain,
                }
            }
        };
        Answer { token, outcome }
    }

    /// What is to be known of a message after a restart: how it is numbered at the far side.
    fn receipt(&self, reference: &str) -> u64 {
        match &self.gateway {
            Single::Cell(_) | Single::Emergency(_) => reference.parse().unwrap_or(0),
            Single::Email(_)
            | Single::Webhook(_)
            | Single::Push
            | Single::App(_)
            | Single::Browsers(_)
            | Single::Areas(_)
            | Single::Group(_)
            | Single::Files(_)
            | Single::Loudspeakers(_)
            | Single::Device(_)
            | Single::Cap => 0,
        }
    }

    /// A browser that is gone is forgotten: it left nothing but its address.
    fn retired(&self) -> Outcome {
        if let Some(subscriptions) = &self.app.subscriptions {
            subscriptions.forget(self.token.recipient());
        }
        Outcome::Retired
    }

    async fn send(&self, intent: &Intent, message: &Message) -> Result<Receipt, Unsent> {
        let at = self.app.clock.now();
        let recipient = self.token.recipient();
        let delivery = DeliveryId::derive(intent.id, recipient);
        let delivery = delivery.to_string();
        self.app
            .latency
            .on_wire(&intent.id.to_string(), &self.app.metrics);
        match &self.gateway {
            Single::Email(email) => {
                let directory = self.app.directory();
                let known = directory.recipient(recipient);
                let to = known.and_then(|r| r.email().map(str::to_owned));
                let to = to.ok_or_else(|| SendError::Permanent("no address any more".into()))?;
                let mail = Mail {
                    delivery: &delivery,
                    to: &to,
                    subject: &message.subject,
                    text: &self.mail_text(intent, message, at),
                    at,
                };
                Ok(email.send(&mail).await?)
            }
            Single::Webhook(webhook) => {
                let body = serde_json::to_vec(&Published::new(intent))
                    .map_err(|error| SendError::Permanent(error.to_string()))?;
                webhook.send(&delivery, &body, at).await
            }
            Single::Push => {
                let message = pushed(&self.app, intent, recipient)?;
                Ok(message.with(|message| self.app.push.send(message)))
            }
            Single::App(adapter) => {
                let shown = Shown::to_app(&self.app, intent, message, recipient)?;
                adapter.send(&shown.notice(intent, &delivery), at).await
            }
            Single::Browsers(browsers) => {
                let shown = Shown::to_app(&self.app, intent, message, recipient)?;
                browsers.send(&shown.notice(intent, &delivery), at).await
            }
            Single::Group(adapter) => {
                let shown = Shown::to_group(intent)?;
                adapter.send(&shown.notice(intent, &delivery), at).await
            }
            Single::Areas(topics) => {
                // Without its revision, which is perhaps gone, the message's own time counts.
                let revision = self.app.revision(intent).await.ok();
                let validity = revision.map(|warning| warning.expires);
                Ok(topics.send(&in_areas(intent, validity), at).await?)
            }
            Single::Cell(target) => cell::say(&self.app, target, intent, at).await,
            Single::Emergency(platform) => emergency::say(&self.app, platform, intent, at).await,
            Single::Loudspeakers(all) => loud::say(&self.app, all, intent, at).await,
            Single::Files(folder) => self.file(folder, intent, at).await,
            Single::Device(devices) => {
                let command = self.command(intent, message, at)?;
                Ok(devices.send(&command, at).await?)
            }
            Single::Cap => Ok(self.cap(intent).await?),
        }
    }

    /// The words, and where to answer them: the address is the person's own, so that it stands in
    /// no record.
    fn mail_text(&self, intent: &Intent, message: &Message, at: Time) -> String {
        let installation = &self.app.installation;
        let links = &self.app.answer_links;
        let policy = &installation.city.policy;
        let address = links.address(intent, self.token.recipient(), policy, at);
        match address {
            None => message.text.clone(),
            Some(address) => {
                let line = installation.wording.answer_line(message.language, &address);
                format!("{}\n\n{line}\n", message.text.trim_end())
            }
        }
    }

    fn command(&self, intent: &Intent, message: &Message, at: Time) -> Result<Command, SendError> {
        let permanent = |why: &str| SendError::Permanent(why.into());
        let (city, directory) = (
            &self.app.installation.city,
            &self.app.installation.directory,
        );
        let Some(Recipient::Device(device)) = directory.recipient(self.token.recipient()) else {
            return Err(permanent("no such device any more"));
        };
        let site = directory.place_of(city, device).and_then(|(_, site)| site);
        let site = site.and_then(|no| city.site(no));
        let warning = intent.warning.to_string();
        let action = match device.id.split('-').next() {
            _ if intent.purpose == Purpose::Strobe => Action::Flash { warning },
            _ if intent.purpose == Purpose::StrobeOver => Action::Dark { warning },
            Some("barrier") if intent.tier >= Tier::Orange => Action::Close,
            Some("siren") => Action::Sound {
                // An exercise plays clips that say so, and no others.
                clip: match intent.mode {
                    Mode::Actual => format!("{}-{}", intent.purpose.name(), intent.tier),
                    Mode::Exercise | Mode::Test => {
                        format!("drill/{}-{}", intent.purpose.name(), intent.tier)
                    }
                },
            },
            Some(_) | None => Action::Show {
                text: message.text.clone(),
            },
        };
        let addressed = Addressed {
            id: format!("{}-{}", intent.id, device.id),
            device: device.id.clone(),
            site: site.map(|s| s.id.clone()).unwrap_or_default(),
            // Also where the clock was put back meanwhile, no number is used again.
            counter: u64::try_from(at.max(self.newest).millis()).unwrap_or(0),
            not_after: intent.not_after,
            mode: intent.mode,
        };
        Command::new(addressed, action).map_err(|error| SendError::Permanent(error.to_string()))
    }

    async fn file(
        &self,
        folder: &Arc<FileDrop>,
        intent: &Intent,
        at: Time,
    ) -> Result<Receipt, Unsent> {
        let revision = self.app.revision(intent).await.ok();
        let notice = in_areas(intent, revision.map(|warning| warning.expires));
        let (folder, is_end) = (Arc::clone(folder), intent.is_end());
        let lines: Vec<String> = intent.words.iter().map(|said| said.text.clone()).collect();
        let (areas, warning) = (notice.areas.to_vec(), notice.warning);
        let (revision, until, item) = (notice.revision, notice.until, notice.item);
        // A disk may be slow, and others use this thread.
        let written = tokio::task::spawn_blocking(move || {
            let notice = FileNotice {
                warning,
                revision,
                areas: &areas,
                until,
                is_end,
                lines: lines.iter().map(String::as_str).collect(),
                item,
            };
            folder.put(&notice, at)
        });
        let written = written.await;
        let written = written.map_err(|_| SendError::Transient("its writer ended".into()))?;
        Ok(written?)
    }

    async fn cap(&self, intent: &Intent) -> Result<Receipt, SendError> {
        let warning = self.app.revision(intent).await?;
        let now = self.app.clock.now();
        self.app
            .cap
            .publish(&*self.app.journal, self.link, &warning, now)
            .await?;
        Ok(Receipt {
            reference: intent.warning.to_string(),
            proof: Proof::Delivered,
        })
    }
}

impl App {
    /// The revision that an intent tells of, also where another process decided it just now.
    pub(super) async fn revision(
        self: &Arc<Self>,
        intent: &Intent,
    ) -> Result<Arc<Warning>, SendError> {
        let known = || self.view.revision(intent.warning, intent.revision);
        if let Some(known) = known() {
            return Ok(known);
        }
        let read = self.every_zone().await;
        read.map_err(|error| SendError::Transient(error.to_string()))?;
        known().ok_or_else(|| SendError::Permanent("revision is gone".into()))
    }
}

/// What a webhook and an app are told.
#[derive(serde::Serialize)]
pub(super) struct Published<'a> {
    warning: WarningId,
    revision: u32,
    purpose: &'a str,
    /// Nothing in a request: the colour is the other authority's to give.
    tier: Option<Tier>,
    areas: &'a [AreaCode],
    onset: String,
    not_after: String,
    pub(super) words: Vec<Word<'a>>,
}

#[derive(serde::Serialize)]
pub(super) struct Word<'a> {
    language: &'a str,
    subject: &'a str,
    text: &'a str,
    /// What to do, and whom to tell; in an app's words it stands in the text.
    #[serde(skip_serializing_if = "str::is_empty")]
    instruction: &'a str,
}

impl<'a> Published<'a> {
    pub(super) fn new(intent: &'a Intent) -> Self {
        Self {
            warning: intent.warning,
            revision: intent.revision,
            purpose: intent.purpose.name(),
            tier: match intent.purpose {
                Purpose::Request | Purpose::RequestOver => None,
                Purpose::Alert
                | Purpose::Rise
                | Purpose::Fall
                | Purpose::Ended
                | Purpose::Cancelled
                | Purpose::Reminder
                | Purpose::StandDown
                | Purpose::SiteAlarm
                | Purpose::DeviceFault
                | Purpose::Strobe
                | Purpose::StrobeOver
                | Purpose::Relay
                | Purpose::Signature
                | Purpose::Digest
                | Purpose::Withdraw => Some(intent.tier),
            },
            areas: &intent.audience.areas,
            onset: intent.onset.to_string(),
            not_after: intent.not_after.to_string(),
            words: intent.words.iter().map(Word::new).collect(),
        }
    }
}

impl<'a> Word<'a> {
    pub(super) fn new(message: &'a Message) -> Self {
        Self {
            language: message.language.bcp47(),
            subject: &message.subject,
            text: &message.text,
            instruction: &message.instruction,
        }
    }
}
