//! Calls against a far side that says what it is told to say, at times of the test's own.

use super::*;
use proptest::prelude::*;

fn line(transport: &'static str, login: bool) -> Line {
    Line {
        transport,
        own: "10.0.0.7:5060".into(),
        domain: "gw.example".into(),
        from: "12379".into(),
        login: login.then(|| ("sanfang".into(), "secret".into())),
        ring_ms: 30_000,
    }
}

const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// A call, what it sent and how it ended.
struct Side {
    call: Call,
    now: u64,
    sent: Vec<Message>,
    talks: bool,
    keys: Vec<char>,
    end: Option<End>,
}

impl Side {
    fn new(transport: &'static str, login: bool) -> Self {
        let call = Call::new(
            &line(transport, login),
            "c1",
            "13900000001",
            "v=0\r\n".into(),
        );
        let mut side = Self {
            call,
            now: 0,
            sent: Vec::new(),
            talks: false,
            keys: Vec::new(),
            end: None,
        };
        side.step(Event::Begin);
        side
    }

    fn step(&mut self, event: Event<'_>) {
        let mut out = Vec::new();
        self.call.step(self.now, event, &mut out);
        for effect in out {
            match effect {
                Effect::Send(message) => self.sent.push(message),
                Effect::Talk(_) => self.talks = true,
                Effect::Key(key) => self.keys.push(key),
                Effect::Over(end) => {
                    assert_eq!(self.end, None, "it ends once");
                    self.end = Some(end);
                }
            }
        }
    }

    /// Lets time pass up to `until`, a look at each moment that the call asks for.
    fn wait(&mut self, until: u64) {
        while let Some(due) = self.call.due().filter(|due| *due <= until) {
            assert!(due >= self.now, "a time that is past");
            self.now = due;
            self.step(Event::Tick);
        }
        self.now = until;
    }

    fn newest(&self, method: &str) -> &Message {
        let is =
            |m: &&Message| matches!(&m.start, Start::Request { method: of, .. } if of == method);
        self.sent.iter().rev().find(is).unwrap()
    }

    fn count(&self, method: &str) -> usize {
        let is =
            |m: &&Message| matches!(&m.start, Start::Request { method: of, .. } if of == method);
        self.sent.iter().filter(is).count()
    }

    /// The far side's answer to the newest request of a method.
    fn answers(&mut self, method: &str, status: u16, fields: &[(&str, &str)], body: &str) {
        let mut answer = self.newest(method).response(status, "");
        for (name, value) in &mut answer.fields {
            if name == "To" && status > 100 && tag(value).is_none() {
                value.push_str(";tag=far");
            }
        }
        for (name, value) in fields {
            answer = answer.with(name, value);
        }
        answer.body = body.into();
        let answer = Message::decode(&answer.encode()).unwrap();
        self.step(Event::Received(&answer));
    }

    fn pick_up(&mut self) {
        let fields = [
            ("Contact", "<sip:phone@10.0.0.9:5062>"),
            ("Record-Route", "<sip:p2;lr>, <sip:p1;lr>"),
        ];
        self.answers("INVITE", 200, &fields, ANSWER);
    }

    /// A request of the far side within the call.
    fn asks(&mut self, method: &str, number: u32, kind: &str, body: &str) -> u16 {
        let mut request = Message::request(method, "sip:12379@10.0.0.7")
            .with("Via", "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKfar")
            .with("From", "<sip:13900000001@gw.example>;tag=far")
            .with("To", "<sip:12379@gw.example>;tag=fc1")
            .with("Call-ID", "c1")
            .with("CSeq", format!("{number} {method}"))
            .with("Content-Type", kind);
        request.body = body.into();
        self.step(Event::Received(&request));
        match self.sent.last().map(|m| &m.start) {
            Some(Start::Response { status, .. }) => *status,
            _ => 0,
        }
    }
}

#[test]
fn a_call_is_picked_up_answered_and_left() {
    let mut side = Side::new("UDP", false);
    side.wait(600);
    assert_eq!(side.count("INVITE"), 2, "sent again after T1");
    side.answers("INVITE", 180, &[], "");
    side.wait(9_000);
    assert_eq!(side.count("INVITE"), 2, "it rings: nothing is sent again");
    side.pick_up();
    assert!(side.talks);
    let ack = side.newest("ACK").clone();
    assert_eq!(ack.sequence(), Some((1, "ACK")));
    let routes: Vec<&str> = ack.every("Route").collect();
    assert_eq!(routes, ["<sip:p1;lr>", "<sip:p2;lr>"]);
    assert!(matches!(&ack.start, Start::Request { uri, .. } if uri == "sip:phone@10.0.0.9:5062"));
    side.pick_up();
    assert_eq!(
        side.count("ACK"),
        2,
        "an answer that comes again is acknowledged again"
    );
    assert_eq!(
        side.asks(
            "INFO",
            5,
            "application/dtmf-relay",
            "Signal=2\r\nDuration=160\r\n"
        ),
        200
    );
    assert_eq!(
        side.asks("INFO", 5, "application/dtmf-relay", "Signal=2\r\n"),
        200
    );
    assert_eq!(side.asks("INFO", 6, "application/dtmf", "4"), 200);
    assert_eq!(side.asks("INFO", 7, "text/plain", "Signal=3"), 200);
    assert_eq!(side.keys, ['2', '4']);
    assert_eq!(side.asks("INVITE", 8, "application/sdp", ANSWER), 488);
    assert_eq!(side.asks("REFER", 9, "", ""), 405);
    side.step(Event::Said);
    assert_eq!(side.newest("BYE").sequence(), Some((2, "BYE")));
    side.answers("BYE", 200, &[], "");
    assert_eq!(side.end, Some(End::Said));
}

#[test]
fn what_a_status_means() {
    use End::{Busy, Codec, Declined, Login, NoAnswer, NoSuchNumber, Refused};
    for (status, end) in [
        (486, Busy),
        (600, Busy),
        (480, NoAnswer),
        (603, Declined),
        (404, NoSuchNumber),
        (484, NoSuchNumber),
        (488, Codec),
        (407, Login),
        (403, Refused(403)),
        (503, Refused(503)),
    ] {
        let mut side = Side::new("UDP", false);
        side.answers("INVITE", status, &[], "");
        assert_eq!(side.end, Some(end), "{status}");
        let (invite, ack) = (side.newest("INVITE"), side.newest("ACK"));
        assert_eq!(ack.field("Via"), invite.field("Via"), "one transaction");
        assert_eq!(ack.field("To").and_then(tag), Some("far"));
    }
}

#[test]
fn a_login_is_tried_once_and_a_nonce_that_was_too_old_once_more() {
    let asks = [(
        "Proxy-Authenticate",
        "Digest realm=\"gw\", nonce=\"n1\", qop=\"auth\"",
    )];
    let mut side = Side::new("UDP", true);
    side.answers("INVITE", 407, &asks, "");
    let second = side.newest("INVITE");
    assert_eq!(second.sequence(), Some((2, "INVITE")));
    let login = second.field("Proxy-Authorization").unwrap();
    assert!(login.contains("username=\"sanfang\"") && !login.contains("secret"));
    let stale = [(
        "Proxy-Authenticate",
        "Digest realm=\"gw\", nonce=\"n2\", qop=\"auth\", stale=true",
    )];
    side.answers("INVITE", 407, &stale, "");
    assert_eq!((side.count("INVITE"), side.end), (3, None));
    side.answers("INVITE", 407, &stale, "");
    assert_eq!((side.count("INVITE"), side.end), (3, Some(End::Login)));
    let mut wrong = Side::new("UDP", true);
    wrong.answers("INVITE", 407, &asks, "");
    wrong.answers("INVITE", 407, &asks, "");
    assert_eq!((wrong.count("INVITE"), wrong.end), (2, Some(End::Login)));
}

#[test]
fn nobody_picks_up_and_the_phone_stops_ringing() {
    let mut side = Side::new("UDP", false);
    side.answers("INVITE", 180, &[], "");
    side.wait(29_999);
    assert_eq!(side.count("CANCEL"), 0);
    side.wait(30_000);
    assert_eq!(side.count("CANCEL"), 1);
    let (invite, cancel) = (side.newest("INVITE"), side.newest("CANCEL"));
    assert_eq!(invite.field("Via"), cancel.field("Via"));
    assert_eq!(cancel.sequence(), Some((1, "CANCEL")));
    side.answers("CANCEL", 200, &[], "");
    assert_eq!(side.end, None);
    side.answers("INVITE", 487, &[], "");
    assert_eq!((side.end, side.count("ACK")), (Some(End::NoAnswer), 1));
}

#[test]
fn what_is_withdrawn_rings_no_more_also_where_it_was_picked_up_just_then() {
    let mut side = Side::new("UDP", false);
    side.step(Event::Withdrawn);
    assert_eq!(side.count("CANCEL"), 0, "nothing was said of it yet");
    side.answers("INVITE", 180, &[], "");
    side.step(Event::Withdrawn);
    assert_eq!(side.count("CANCEL"), 1);
    side.pick_up();
    assert!(!side.talks);
    side.answers("BYE", 200, &[], "");
    assert_eq!(side.end, Some(End::Withdrawn));
}

#[test]
fn a_gateway_that_says_nothing_is_given_up_in_time() {
    let mut side = Side::new("UDP", false);
    side.wait(100_000);
    assert_eq!(side.end, Some(End::Silent));
    assert_eq!(
        side.count("INVITE"),
        7,
        "0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s"
    );
    let mut stream = Side::new("TCP", false);
    stream.wait(100_000);
    assert_eq!((stream.end, stream.count("INVITE")), (Some(End::Silent), 1));
}

#[test]
fn an_answer_without_our_codec_is_left_at_once() {
    let mut side = Side::new("UDP", false);
    let body = ANSWER.replace("AVP 8", "AVP 0");
    side.answers("INVITE", 200, &[], &body);
    assert!(!side.talks);
    side.wait(100_000);
    assert_eq!(side.end, Some(End::Codec), "also where the goodbye is lost");
}

#[test]
fn the_other_side_hangs_up() {
    let mut side = Side::new("UDP", false);
    side.pick_up();
    assert_eq!(side.asks("BYE", 4, "", ""), 200);
    assert_eq!(side.end, Some(End::HungUp));
    side.step(Event::Said);
    assert_eq!(side.count("BYE"), 0);
}

proptest! {
    /// Whatever a far side says in whatever order, a call ends, once, and talks only if picked up.
    #[test]
    fn every_call_ends(
        says in proptest::collection::vec((0u16..9, 0u64..40_000), 0..20),
        tcp in any::<bool>(),
    ) {
        let mut side = Side::new(if tcp { "TCP" } else { "UDP" }, true);
        let asks = [("WWW-Authenticate", "Digest realm=\"gw\", nonce=\"n1\", stale=true")];
        let mut now = 0;
        for (what, later) in says {
            now += later;
            side.wait(now);
            match what {
                0 => side.answers("INVITE", 100, &[], ""),
                1 => side.answers("INVITE", 183, &[], ""),
                2 => side.pick_up(),
                3 => side.answers("INVITE", 401, &asks, ""),
                4 => side.answers("INVITE", 486, &[], ""),
                5 => { side.asks("BYE", 3, "", ""); }
                6 => { side.asks("INFO", 2, "application/dtmf", "1"); }
                7 => side.step(Event::Withdrawn),
                _ => side.step(Event::Said),
            }
        }
        side.step(Event::Withdrawn);
        side.step(Event::Said);
        side.wait(now + 200_000);
        prop_assert!(side.end.is_some());
        prop_assert_eq!(side.call.due(), None);
        let is_ack = side.count("ACK") > 0;
        prop_assert!(!side.talks || is_ack);
    }
}
