//! One call from its first message to its last: the shell around [`Call`], [`Reading`] and [`Keys`].

use super::TakenBack;
use super::call::{Call, Effect, End, Event, Line};
use super::reading::{Reading, Told};
use super::rtp::{FRAME, Keys, Packet};
use super::sdp::{self, ALAW, Media};
use super::wire::{Inbox, Wire};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// Between two packets.
const EVERY: Duration = Duration::from_millis(20);

/// How a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Went {
    pub(super) end: End,
    pub(super) picked_up: bool,
    /// How each of the things that it says went.
    pub(super) told: Vec<Told>,
    /// False where the stream to the gateway broke.
    pub(super) heard_out: bool,
}

/// The sound of one call.
pub(super) struct Sound {
    socket: UdpSocket,
    /// Where others reach it.
    own: SocketAddr,
    source: u32,
    sequence: u16,
    timestamp: u32,
}

impl Sound {
    /// A socket for sound at `ip`, at one of `ports` from `first` on; any port where none is given.
    pub(super) async fn open(
        ip: IpAddr,
        ports: Option<(u16, u16)>,
        first: u32,
        source: u32,
    ) -> std::io::Result<Self> {
        let socket = match ports {
            None => UdpSocket::bind((ip, 0)).await?,
            Some((low, high)) => {
                // Sound has even ports (RFC 3550 §11).
                let pairs = u32::from(high.saturating_sub(low)) / 2 + 1;
                let mut tried = 0;
                loop {
                    let at = (first.wrapping_add(tried) % pairs) * 2;
                    let port = low.saturating_add(u16::try_from(at).unwrap_or(0));
                    match UdpSocket::bind((ip, port)).await {
                        Ok(socket) => break socket,
                        Err(error) if tried + 1 >= pairs => return Err(error),
                        Err(_) => tried += 1,
                    }
                }
            }
        };
        Ok(Self {
            own: socket.local_addr()?,
            socket,
            source,
            sequence: 0,
            timestamp: 0,
        })
    }

    /// Our half of the session description.
    pub(super) fn offer(&self) -> String {
        sdp::offer(self.own, u64::from(self.source))
    }

    async fn send(&mut self, to: SocketAddr, frame: &[u8; FRAME], bytes: &mut Vec<u8>) {
        bytes.clear();
        let packet = Packet {
            marker: self.sequence == 0,
            kind: ALAW,
            sequence: self.sequence,
            timestamp: self.timestamp,
            source: self.source,
            payload: frame,
        };
        packet.encode(bytes);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        // A packet that is lost here is one of those that get lost.
        drop(self.socket.send_to(bytes, to).await);
    }
}

/// Calls `number` and reads out, until the call is over.
pub(super) async fn talk(
    wire: &Wire,
    mut inbox: Inbox,
    (line, name, number): (&Line, &str, &str),
    mut sound: Sound,
    mut reading: Reading,
    mut taken_back: TakenBack,
) -> Went {
    let began = Instant::now();
    let now = |began: Instant| u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut call = Call::new(line, name, number, sound.offer());
    let mut went = Went {
        end: End::Silent,
        picked_up: false,
        told: Vec::new(),
        heard_out: true,
    };
    let mut frames = interval(EVERY);
    // After a pause of the machine the words go on at the time that they should have reached.
    frames.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut media, mut keys): (Option<Media>, Keys) = (None, Keys::default());
    let (mut packet, mut buffer) = (Vec::new(), [0; 2048]);
    let (mut out, mut may_hear) = (Vec::new(), true);
    call.step(0, Event::Begin, &mut out);
    'call: loop {
        for effect in std::mem::take(&mut out) {
            match effect {
                Effect::Send(message) => {
                    if wire.send(&message).await.is_err() {
                        went.heard_out = false;
                        break 'call;
                    }
                }
                Effect::Talk(to) => {
                    went.picked_up = true;
                    media = Some(to);
                    frames.reset();
                }
                Effect::Key(key) => reading.pressed(key),
                Effect::Over(end) => {
                    went.end = end;
                    break 'call;
                }
            }
        }
        let due = call.due().map(|due| began + Duration::from_millis(due));
        tokio::select! {
            message = inbox.messages.recv() => match message {
                Some(message) => call.step(now(began), Event::Received(&message), &mut out),
                None => {
                    went.heard_out = false;
                    break 'call;
                }
            },
            () = sleep_until(due.unwrap_or(began)), if due.is_some() => {
                call.step(now(began), Event::Tick, &mut out);
            }
            _ = frames.tick(), if media.is_some() => match (media, reading.frame()) {
                (Some(media), Some(frame)) => sound.send(media.to, &frame, &mut packet).await,
                (Some(_) | None, None) => {
                    media = None;
                    call.step(now(began), Event::Said, &mut out);
                }
                (None, Some(_)) => {}
            },
            heard = sound.socket.recv_from(&mut buffer), if media.is_some() => {
                if let (Ok((length, from)), Some(media)) = (heard, media)
                    // A gateway with several addresses sends from the one that is nearer.
                    && [media.to.ip(), wire.gateway].contains(&from.ip())
                    && let Some(packet) = Packet::decode(buffer.get(..length).unwrap_or_default())
                    && Some(packet.kind) == media.events
                    && let Some(key) = keys.pressed(&packet)
                {
                    reading.pressed(key);
                }
            }
            changed = taken_back.changed(), if may_hear => {
                may_hear = changed.is_ok();
                let back = taken_back.borrow();
                let back = back.iter().enumerate().filter(|(_, is_back)| **is_back);
                back.for_each(|(saying, _)| reading.take_back(saying));
                if reading.is_taken_back() {
                    call.step(now(began), Event::Withdrawn, &mut out);
                }
            }
        }
    }
    went.told = reading.told();
    went
}
