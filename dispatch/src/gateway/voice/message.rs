//! Messages of SIP (RFC 3261 §7, §25): bytes to a start line, fields and a body, and back.
//!
//! What is taken is bounded; what is refused says why and never shows a number: request lines and
//! fields of a message hold the telephone that is called.

/// Longest message taken, bytes: what one datagram may be.
pub const MESSAGE_BYTES_MAX: usize = 65_535;
/// Most header fields of one message.
const FIELDS_MAX: usize = 128;
/// Between the fields and the body.
const END: &[u8] = b"\r\n\r\n";
/// Names that may be written short (RFC 3261 §7.3.3).
const COMPACT: [(&str, &str); 10] = [
    ("i", "Call-ID"),
    ("m", "Contact"),
    ("e", "Content-Encoding"),
    ("l", "Content-Length"),
    ("c", "Content-Type"),
    ("f", "From"),
    ("s", "Subject"),
    ("k", "Supported"),
    ("t", "To"),
    ("v", "Via"),
];

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SipError {
    /// More than [`MESSAGE_BYTES_MAX`].
    #[error("it is longer than {MESSAGE_BYTES_MAX} bytes")]
    Long,
    /// It ends before its fields do.
    #[error("it ends before its header fields do")]
    Cut,
    /// Line 1 is neither a request nor a response of SIP/2.0.
    #[error("its first line is neither a request nor a response of SIP/2.0")]
    Start,
    /// A field has no name, no colon or bytes that are no text.
    #[error("header field {0} cannot be read")]
    Field(usize),
    /// More fields than anybody needs.
    #[error("it has more than {FIELDS_MAX} header fields")]
    Fields,
    /// Its length is no number, or more than there is.
    #[error("its Content-Length is not that of its body")]
    Length,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// `INVITE sip:… SIP/2.0`.
    Request {
        /// What is wanted.
        method: String,
        /// Of whom.
        uri: String,
    },
    /// `SIP/2.0 486 Busy Here`.
    Response {
        /// From 100 to 699.
        status: u16,
        /// In words; may be empty.
        reason: String,
    },
}

/// One message. `Content-Length` is no field of it: it is that of the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The first line.
    pub start: Start,
    /// Fields in their order, under their long names.
    pub fields: Vec<(String, String)>,
    /// What follows them.
    pub body: Vec<u8>,
}

/// A message names telephones: `Debug` shows its kind alone.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.start {
            Start::Request { method, .. } => write!(f, "Message({method})"),
            Start::Response { status, .. } => write!(f, "Message({status})"),
        }
    }
}

/// How many bytes the first message of a stream has; `None` where it is not whole yet. What keeps a
/// connection alive before it (RFC 5626 §4.4.1) is to be taken away by [`keep_alive`].
///
/// # Errors
/// The stream is out of step: nobody can say where the next message begins.
pub fn frame(bytes: &[u8]) -> Result<Option<usize>, SipError> {
    let Some(head) = find(bytes, END) else {
        return if bytes.len() > MESSAGE_BYTES_MAX {
            Err(SipError::Long)
        } else {
            Ok(None)
        };
    };
    let text = bytes.get(..head).unwrap_or_default();
    let text = std::str::from_utf8(text).map_err(|_| SipError::Field(0))?;
    let mut length = 0;
    for line in text.split("\r\n").skip(1) {
        if let Some((name, value)) = line.split_once(':')
            && long(name.trim()).eq_ignore_ascii_case("Content-Length")
        {
            length = value.trim().parse().map_err(|_| SipError::Length)?;
        }
    }
    let whole = head.saturating_add(END.len()).saturating_add(length);
    if whole > MESSAGE_BYTES_MAX {
        return Err(SipError::Long);
    }
    Ok((bytes.len() >= whole).then_some(whole))
}

/// Bytes at the front of a stream that only keep it alive.
pub fn keep_alive(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count()
}

impl Message {
    /// A request without fields.
    pub fn request(method: &str, uri: &str) -> Self {
        Self {
            start: Start::Request {
                method: method.to_owned(),
                uri: uri.to_owned(),
            },
            fields: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The response to a request: what says to whom it belongs is copied (RFC 3261 §8.2.6).
    pub fn response(&self, status: u16, reason: &str) -> Self {
        let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
        let is_copied = |name: &str| copied.iter().any(|c| c.eq_ignore_ascii_case(name));
        Self {
            start: Start::Response {
                status,
                reason: reason.to_owned(),
            },
            fields: self
                .fields
                .iter()
                .filter(|(name, _)| is_copied(name))
                .cloned()
                .collect(),
            body: Vec::new(),
        }
    }

    /// The same with one more field; what would begin a line of its own does not.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref().replace(['\r', '\n'], " ");
        self.fields.push((name.to_owned(), value.trim().to_owned()));
        self
    }

    /// Reads one message; bytes behind its body are passed over.
    ///
    /// # Errors
    /// It is none: see [`SipError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SipError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(SipError::Long);
        }
        let head = find(bytes, END).ok_or(SipError::Cut)?;
        let text = bytes.get(..head).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| SipError::Field(0))?;
        let mut lines = text.split("\r\n");
        let start = start(lines.next().unwrap_or_default())?;
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut length = None;
        for (number, line) in lines.enumerate() {
            if number >= FIELDS_MAX {
                return Err(SipError::Fields);
            }
            let wrong = SipError::Field(number + 1);
            // A line that begins with a blank goes on with the one before (§7.3.1).
            if line.starts_with([' ', '\t']) {
                let (_, value) = fields.last_mut().ok_or(wrong)?;
                let more = clean(line).ok_or(wrong)?;
                *value = format!("{value} {more}").trim().to_owned();
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(wrong)?;
            let name = name.trim_end();
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(wrong);
            }
            let value = clean(value).ok_or(wrong)?;
            fields.push((long(name).to_owned(), value.to_owned()));
        }
        fields.retain(|(name, value)| {
            let is_length = name.eq_ignore_ascii_case("Content-Length");
            if is_length {
                length = Some(value.parse::<usize>().map_err(|_| SipError::Length));
            }
            !is_length
        });
        let body = bytes.get(head + END.len()..).unwrap_or_default();
        let body = match length.transpose()? {
            None => body,
            Some(length) => body.get(..length).ok_or(SipError::Length)?,
        };
        Ok(Self {
            start,
            fields,
            body: body.to_vec(),
        })
    }

    /// The message as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = match &self.start {
            Start::Request { method, uri } => format!("{method} {uri} SIP/2.0\r\n"),
            Start::Response { status, reason } => format!("SIP/2.0 {status} {reason}\r\n"),
        };
        for (name, value) in &self.fields {
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
            text.push_str("\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The first field of that name.
    pub fn field<'a>(&'a self, name: &str) -> Option<&'a str> {
        let same = |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .find(same)
            .map(|(_, value)| value.as_str())
    }

    /// Every field of that name, in order.
    pub fn every<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        let same = move |(field, value): &'a (String, String)| {
            field.eq_ignore_ascii_case(name).then_some(value.as_str())
        };
        self.fields.iter().filter_map(same)
    }

    /// Number and method of `CSeq`.
    pub fn sequence(&self) -> Option<(u32, &str)> {
        let (number, method) = self.field("CSeq")?.split_once([' ', '\t'])?;
        Some((number.parse().ok()?, method.trim()))
    }
}

/// The tag of `From` or `To`.
pub fn tag(value: &str) -> Option<&str> {
    // What stands in the angle brackets are parameters of the address.
    let behind = value.rsplit_once('>').map_or(value, |(_, behind)| behind);
    let mut parameters = behind.split(';');
    parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("tag")
            .then(|| value.trim())
    })
}

/// The address of `Contact`, `Route` and the like, without its brackets.
pub fn address(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default().trim(),
        None => value.split(';').next().unwrap_or_default().trim(),
    }
}

fn start(line: &str) -> Result<Start, SipError> {
    let is_plain = |text: &str| !text.chars().any(char::is_control);
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let digits = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
        let status = status.parse().ok().filter(|s| (100..700).contains(s));
        let status = status.filter(|_| digits && is_plain(reason));
        return Ok(Start::Response {
            status: status.ok_or(SipError::Start)?,
            reason: reason.to_owned(),
        });
    }
    let rest = line.strip_suffix(" SIP/2.0").ok_or(SipError::Start)?;
    let (method, uri) = rest.split_once(' ').ok_or(SipError::Start)?;
    let usable = !method.is_empty()
        && method.bytes().all(is_token)
        && !uri.is_empty()
        && !uri.contains(' ')
        && is_plain(uri);
    if !usable {
        return Err(SipError::Start);
    }
    Ok(Start::Request {
        method: method.to_owned(),
        uri: uri.to_owned(),
    })
}

/// Characters of a token (§25.1).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        )
}

fn clean(value: &str) -> Option<&str> {
    let value = value.trim();
    let is_text = |c: char| c == '\t' || !c.is_control();
    value.chars().all(is_text).then_some(value)
}

fn long(name: &str) -> &str {
    let full = COMPACT
        .iter()
        .find(|(short, _)| short.eq_ignore_ascii_case(name));
    full.map_or(name, |(_, long)| long)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A response as gateways write it: short names, a folded field, blanks.
    const RINGING: &str = "SIP/2.0 180 Ringing\r\nv: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKa\r\n\
        f: <sip:12379@gw>;tag=ours\r\nTo : \"Duty \" <sip:x@gw;tag=no>\r\n ;tag=theirs\r\n\
        i: abc\r\nCSeq: 7  INVITE\r\nl: 2\r\n\r\nhi and more";

    #[test]
    fn short_names_and_folded_fields_are_read() {
        let message = Message::decode(RINGING.as_bytes()).unwrap();
        assert_eq!(message.field("call-id"), Some("abc"));
        assert_eq!(message.sequence(), Some((7, "INVITE")));
        assert_eq!(message.field("To").and_then(tag), Some("theirs"));
        assert_eq!(message.field("From").and_then(tag), Some("ours"));
        assert_eq!(message.body, b"hi");
        assert_eq!(address("\"x\" <sip:a@b;lr>;q=1"), "sip:a@b;lr");
        assert_eq!(address("sip:a@b;expires=3"), "sip:a@b");
        let whole = RINGING.len() - " and more".len();
        assert_eq!(frame(RINGING.as_bytes()), Ok(Some(whole)));
        assert_eq!(frame(&RINGING.as_bytes()[..whole - 1]), Ok(None));
        assert_eq!(keep_alive(b"\r\n\r\nSIP"), 4);
    }

    #[test]
    fn what_is_no_message_says_why_and_shows_nothing() {
        let cases: [(&[u8], SipError); 8] = [
            (b"INVITE sip:1@x SIP/2.0\r\n", SipError::Cut),
            (b"INVITE sip:1@x SIP/3.0\r\n\r\n", SipError::Start),
            (b"SIP/2.0 99 Low\r\n\r\n", SipError::Start),
            (b"GET /\r\n\r\n", SipError::Start),
            (b"BYE sip:1@x SIP/2.0\r\nFrom\r\n\r\n", SipError::Field(1)),
            (b"BYE sip:1@x SIP/2.0\r\n more\r\n\r\n", SipError::Field(1)),
            (
                b"BYE sip:1@x SIP/2.0\r\nA: \x01\r\n\r\n",
                SipError::Field(1),
            ),
            (b"BYE sip:1@x SIP/2.0\r\nl: 9\r\n\r\nx", SipError::Length),
        ];
        for (bytes, error) in cases {
            assert_eq!(Message::decode(bytes), Err(error), "{bytes:?}");
        }
        let many = format!("BYE a SIP/2.0\r\n{}\r\n", "a: b\r\n".repeat(200));
        assert_eq!(Message::decode(many.as_bytes()), Err(SipError::Fields));
        assert_eq!(frame(&vec![b'a'; 70_000]), Err(SipError::Long));
        let invite = Message::request("INVITE", "sip:13900000001@gw");
        assert!(!format!("{invite:?}").contains("139"));
    }

    #[test]
    fn a_value_begins_no_line_of_its_own() {
        let message = Message::request("BYE", "sip:a@b").with("Reason", "x\r\nEvil: yes");
        let again = Message::decode(&message.encode()).unwrap();
        assert_eq!(again.field("Reason"), Some("x  Evil: yes"));
        assert_eq!(again.field("Evil"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(
            method in "[A-Z]{1,12}",
            uri in "sip:[a-z0-9+]{1,20}@[a-z0-9.]{1,20}",
            fields in proptest::collection::vec(("X-[A-Za-z0-9]{1,12}", "[!-~]([ -~]{0,40}[!-~])?"), 0..20),
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let message = Message { start: Start::Request { method, uri }, fields, body };
            let bytes = message.encode();
            prop_assert_eq!(frame(&bytes), Ok(Some(bytes.len())));
            prop_assert_eq!(Message::decode(&bytes), Ok(message));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            drop(Message::decode(&bytes));
            let _ = frame(&bytes);
        }
    }
}
