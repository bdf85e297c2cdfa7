//! Session descriptions (RFC 8866): what we offer, and where the far side wants to hear it.
//!
//! One codec is offered, G.711 A-law, and telephone events (RFC 4733) in which keys come.

use std::net::{IpAddr, SocketAddr};

/// Payload type of A-law (RFC 3551 §6).
pub const ALAW: u8 = 8;
/// Payload type that we give telephone events.
pub const EVENTS: u8 = 101;
/// Lines of a description that are looked at.
const LINES_MAX: usize = 200;

/// Where the far side listens, and how it names keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// Where sound goes.
    pub to: SocketAddr,
    /// Payload type of telephone events; nothing where it sends none.
    pub events: Option<u8>,
}

/// What we offer: sound from `at`, once.
pub fn offer(at: SocketAddr, session: u64) -> String {
    let (family, ip) = match at.ip() {
        IpAddr::V4(ip) => ("IP4", ip.to_string()),
        IpAddr::V6(ip) => ("IP6", ip.to_string()),
    };
    format!(
        "v=0\r\no=sanfang {session} 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP {ALAW} {EVENTS}\r\na=rtpmap:{ALAW} PCMA/8000\r\n\
         a=rtpmap:{EVENTS} telephone-event/8000\r\na=fmtp:{EVENTS} 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
        port = at.port()
    )
}

/// Reads an answer; `None` where the far side takes no A-law over RTP, or says no place for it.
pub fn answer(body: &[u8]) -> Option<Media> {
    let text = std::str::from_utf8(body).ok()?;
    let (mut session, mut own): (Option<IpAddr>, Option<IpAddr>) = (None, None);
    let mut port = None;
    let mut types: Vec<u8> = Vec::new();
    let mut events = None;
    for line in text.lines().take(LINES_MAX) {
        let Some((kind, value)) = line.trim_end().split_once('=') else {
            continue;
        };
        match kind {
            // A second stream is not ours: we offered one.
            "m" if port.is_some() => break,
            "m" => {
                let mut words = value.split_ascii_whitespace();
                if words.next() != Some("audio") {
                    continue;
                }
                let first = words.next()?.split('/').next()?;
                port = first.parse::<u16>().ok();
                if !words.next()?.eq_ignore_ascii_case("RTP/AVP") {
                    return None;
                }
                types = words.filter_map(|word| word.parse().ok()).collect();
            }
            "c" => {
                let ip = value.split_ascii_whitespace().nth(2)?;
                let ip = ip.split('/').next()?.parse().ok();
                match port {
                    None => session = ip,
                    Some(_) => own = ip,
                }
            }
            "a" => {
                if let Some(map) = value.strip_prefix("rtpmap:")
                    && let Some((number, name)) = map.split_once(' ')
                    && name.to_ascii_lowercase().starts_with("telephone-event/")
                {
                    events = number.parse().ok().filter(|number| *number < 128);
                }
            }
            _ => {}
        }
    }
    let port = port.filter(|port| *port != 0)?;
    let ip = own.or(session).filter(|ip| !ip.is_unspecified())?;
    types.contains(&ALAW).then_some(Media {
        to: SocketAddr::new(ip, port),
        events: events.filter(|number| types.contains(number)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_says_where_and_how() {
        let read = |text: &str| answer(text.as_bytes());
        let usual = "v=0\r\no=x 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n\
            m=audio 40002 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\n";
        let to = "10.0.0.9:40002".parse().unwrap();
        let events = Some(96);
        assert_eq!(read(usual), Some(Media { to, events }));
        let own =
            format!("{usual}c=IN IP4 10.0.0.8\r\nm=video 5 RTP/AVP 8\r\nc=IN IP4 1.1.1.1\r\n");
        assert_eq!(read(&own).unwrap().to, "10.0.0.8:40002".parse().unwrap());
        assert_eq!(read(&usual.replace("8 96", "8")).unwrap().events, None);
        for (from, to) in [
            ("audio 40002", "audio 0"),
            ("RTP/AVP 8", "RTP/AVP 0"),
            ("RTP/AVP", "RTP/SAVP"),
            ("IP4 10.0.0.9\r\nt", "IP4 0.0.0.0\r\nt"),
        ] {
            assert_eq!(read(&usual.replace(from, to)), None, "{to}");
        }
        assert_eq!(answer(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn what_we_offer_we_would_take(port in 1u16.., v6 in any::<bool>(), session in any::<u64>()) {
            let ip: IpAddr = if v6 { "::1".parse().unwrap() } else { "127.0.0.1".parse().unwrap() };
            let to = SocketAddr::new(ip, port);
            let events = Some(EVENTS);
            prop_assert_eq!(answer(offer(to, session).as_bytes()), Some(Media { to, events }));
        }

        #[test]
        fn no_answer_is_too_strange(text in "([vcma]=[ -~]{0,40}\r?\n){0,12}") {
            let _ = answer(text.as_bytes());
        }
    }
}
