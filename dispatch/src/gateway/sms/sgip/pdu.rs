//! One packet of SGIP: finds it in a stream of bytes, decodes it strictly, encodes it.

use crate::gateway::sms::alphabet;
use crate::gateway::sms::codec::{Cut, Frame, FrameError, Sequence, begin, cut, put_length, word};
use crate::gateway::sms::udh::{self, Part};
use crate::gateway::sms::wire::{DecodeError, Reader, put_fixed};

/// Octets of the header: Message Length, Command ID, Sequence Number of twelve.
pub const HEADER_BYTES: usize = 20;
/// Octets of a telephone number.
pub const PHONE_WIDTH: usize = 21;
/// Phones of one submit.
pub const PHONES_MAX: u8 = 100;
const RESERVE: usize = 8;

/// Command ID.
pub mod command {
    /// Bind
    pub const BIND: u32 = 1;
    /// Unbind
    pub const UNBIND: u32 = 2;
    /// Submit
    pub const SUBMIT: u32 = 3;
    /// Deliver
    pub const DELIVER: u32 = 4;
    /// Report
    pub const REPORT: u32 = 5;
    /// This bit marks answers.
    pub const RESP: u32 = 0x8000_0000;
}

/// The operations with their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Login.
    Bind(Bind<'a>),
    /// The wish to end the session.
    Unbind,
    /// Its answer.
    UnbindResp,
    /// One message from us to phones.
    Submit(Submit<'a>),
    /// A message from a phone.
    Deliver(Deliver<'a>),
    /// What became of a submit.
    Report(Report<'a>),
    /// Answer to the request of that Command ID (Bind, Submit, Deliver, Report): Result.
    Resp(u32, u8),
}

/// Bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bind<'a> {
    /// Login Type: 1 from SP to gateway, 2 from gateway to SP.
    pub login_type: u8,
    /// Login Name.
    pub name: &'a [u8],
    /// Login Password, in the clear.
    pub password: &'a [u8],
    /// Reserve.
    pub reserve: &'a [u8],
}

/// Submit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Submit<'a> {
    /// SPNumber.
    pub source: &'a [u8],
    /// ChargeNumber: 21 zeros where the SP pays.
    pub charge: &'a [u8],
    /// UserNumber: as many fields as there are phones, each with its 86.
    pub destinations: &'a [u8],
    /// CorpId, 5 octets.
    pub corp_id: &'a [u8],
    /// ServiceType, 10 octets.
    pub service: &'a [u8],
    /// FeeType.
    pub fee_type: u8,
    /// FeeValue, 6 octets.
    pub fee_value: &'a [u8],
    /// GivenValue, 6 octets.
    pub given_value: &'a [u8],
    /// AgentFlag.
    pub agent: u8,
    /// MorelatetoMTFlag.
    pub more: u8,
    /// Priority, 0 to 9.
    pub priority: u8,
    /// ExpireTime, 16 octets.
    pub expires: &'a [u8],
    /// ScheduleTime, 16 octets.
    pub schedule: &'a [u8],
    /// ReportFlag: 1 asks for a report, 2 for none.
    pub report: u8,
    /// TP_pid.
    pub protocol_id: u8,
    /// TP_udhi.
    pub udhi: u8,
    /// MessageCoding.
    pub coding: u8,
    /// MessageType.
    pub message_type: u8,
    /// MessageContent.
    pub content: &'a [u8],
    /// Reserve.
    pub reserve: &'a [u8],
}

/// Deliver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliver<'a> {
    /// UserNumber: the phone.
    pub source: &'a [u8],
    /// SPNumber: ours.
    pub destination: &'a [u8],
    /// TP_pid.
    pub protocol_id: u8,
    /// TP_udhi.
    pub udhi: u8,
    /// MessageCoding.
    pub coding: u8,
    /// MessageContent.
    pub content: &'a [u8],
    /// Reserve.
    pub reserve: &'a [u8],
}

/// Report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report<'a> {
    /// SubmitSequenceNumber.
    pub submit: Sequence,
    /// ReportType: 0 for a submit.
    pub report_type: u8,
    /// UserNumber.
    pub phone: &'a [u8],
    /// State: 0 sent, 1 waiting, 2 failed.
    pub state: u8,
    /// ErrorCode where it failed.
    pub error: u8,
    /// Reserve.
    pub reserve: &'a [u8],
}

impl<'a> Submit<'a> {
    /// The phones, each without its padding.
    pub fn phones(&self) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.destinations.chunks(PHONE_WIDTH);
        fields.map(|field| field.split(|b| *b == 0).next().unwrap_or_default())
    }

    /// The part and the text without its user data header.
    pub fn user_data(&self) -> (Option<Part>, &'a [u8]) {
        user_data(self.udhi, self.content)
    }

    pub(super) fn encode_to_destinations(&self, phones: u8, out: &mut Vec<u8>) {
        put_fixed(self.source, PHONE_WIDTH, out);
        put_fixed(self.charge, PHONE_WIDTH, out);
        out.push(phones);
    }

    pub(super) fn encode_from_destinations(&self, out: &mut Vec<u8>) {
        put_fixed(self.corp_id, 5, out);
        put_fixed(self.service, 10, out);
        out.push(self.fee_type);
        put_fixed(self.fee_value, 6, out);
        put_fixed(self.given_value, 6, out);
        out.extend_from_slice(&[self.agent, self.more, self.priority]);
        put_fixed(self.expires, 16, out);
        put_fixed(self.schedule, 16, out);
        out.extend_from_slice(&[
            self.report,
            self.protocol_id,
            self.udhi,
            self.coding,
            self.message_type,
        ]);
        put_content(self.content, out);
        put_fixed(self.reserve, RESERVE, out);
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let phones = self.destinations.len() / PHONE_WIDTH;
        let phones = u8::try_from(phones).unwrap_or(u8::MAX);
        self.encode_to_destinations(phones, out);
        let octets = usize::from(phones) * PHONE_WIDTH;
        out.extend(self.destinations.iter().take(octets));
        self.encode_from_destinations(out);
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let source = reader.fixed("SPNumber", PHONE_WIDTH)?;
        let charge = reader.fixed("ChargeNumber", PHONE_WIDTH)?;
        let phones = reader.u8("UserCount")?;
        let destinations = reader.take(usize::from(phones) * PHONE_WIDTH, "UserNumber")?;
        let corp_id = reader.fixed("CorpId", 5)?;
        let service = reader.fixed("ServiceType", 10)?;
        let fee_type = reader.u8("FeeType")?;
        let fee_value = reader.fixed("FeeValue", 6)?;
        let given_value = reader.fixed("GivenValue", 6)?;
        let [agent, more, priority] = reader.array("AgentFlag")?;
        let expires = reader.fixed("ExpireTime", 16)?;
        let schedule = reader.fixed("ScheduleTime", 16)?;
        let [report, protocol_id, udhi, coding, message_type] = reader.array("ReportFlag")?;
        Ok(Self {
            source,
            charge,
            destinations,
            corp_id,
            service,
            fee_type,
            fee_value,
            given_value,
            agent,
            more,
            priority,
            expires,
            schedule,
            report,
            protocol_id,
            udhi,
            coding,
            message_type,
            content: content(reader)?,
            reserve: reader.fixed("Reserve", RESERVE)?,
        })
    }
}

impl<'a> Deliver<'a> {
    /// The text as characters.
    pub fn text(&self) -> String {
        let (_, text) = user_data(self.udhi, self.content);
        alphabet::decode_national(self.coding, text)
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let source = reader.fixed("UserNumber", PHONE_WIDTH)?;
        let destination = reader.fixed("SPNumber", PHONE_WIDTH)?;
        let [protocol_id, udhi, coding] = reader.array("TP_pid")?;
        Ok(Self {
            source,
            destination,
            protocol_id,
            udhi,
            coding,
            content: content(reader)?,
            reserve: reader.fixed("Reserve", RESERVE)?,
        })
    }
}

impl<'a> Report<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            submit: Sequence {
                node: reader.u32("SubmitSequenceNumber")?,
                stamp: reader.u32("SubmitSequenceNumber")?,
                number: reader.u32("SubmitSequenceNumber")?,
            },
            report_type: reader.u8("ReportType")?,
            phone: reader.fixed("UserNumber", PHONE_WIDTH)?,
            state: reader.u8("State")?,
            error: reader.u8("ErrorCode")?,
            reserve: reader.fixed("Reserve", RESERVE)?,
        })
    }
}

/// The first whole packet at the start of `bytes`; `None` while it is incomplete.
pub fn frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some(Cut { length, head, body }) = cut(bytes, HEADER_BYTES)? else {
        return Ok(None);
    };
    let field = |at| word(head, at).unwrap_or_default();
    Ok(Some(Frame {
        length,
        command: field(4),
        status: 0,
        sequence: Sequence {
            node: field(8),
            stamp: field(12),
            number: field(16),
        },
        body,
    }))
}

/// The twelve octets of a sequence.
pub fn octets(sequence: Sequence) -> [u8; 12] {
    let mut octets = [0; 12];
    let words = [sequence.node, sequence.stamp, sequence.number];
    for (place, word) in octets.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    octets
}

impl<'a> Body<'a> {
    /// Decodes the body that [`frame`] found.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        use command::{BIND, DELIVER, REPORT, RESP, SUBMIT, UNBIND};
        let mut reader = Reader::new(frame.body);
        let reader = &mut reader;
        let answered = frame.command & RESP != 0;
        let body = match (frame.command & !RESP, answered) {
            (BIND, false) => Self::Bind(Bind {
                login_type: reader.u8("Login Type")?,
                name: reader.fixed("Login Name", 16)?,
                password: reader.fixed("Login Password", 16)?,
                reserve: reader.fixed("Reserve", RESERVE)?,
            }),
            (UNBIND, false) => Self::Unbind,
            (UNBIND, true) => Self::UnbindResp,
            (SUBMIT, false) => Self::Submit(Submit::decode(reader)?),
            (DELIVER, false) => Self::Deliver(Deliver::decode(reader)?),
            (REPORT, false) => Self::Report(Report::decode(reader)?),
            (request @ (BIND | SUBMIT | DELIVER | REPORT), true) => {
                let result = reader.u8("Result")?;
                reader.fixed("Reserve", RESERVE)?;
                Self::Resp(request, result)
            }
            _ => return Err(DecodeError::UnknownCommand(frame.command)),
        };
        reader.finish()?;
        Ok(body)
    }

    /// Appends the packet.
    pub fn encode(&self, sequence: Sequence, out: &mut Vec<u8>) {
        let start = begin(self.command(), &octets(sequence), out);
        match self {
            Self::Bind(bind) => {
                out.push(bind.login_type);
                put_fixed(bind.name, 16, out);
                put_fixed(bind.password, 16, out);
                put_fixed(bind.reserve, RESERVE, out);
            }
            Self::Submit(submit) => submit.encode(out),
            Self::Deliver(deliver) => {
                put_fixed(deliver.source, PHONE_WIDTH, out);
                put_fixed(deliver.destination, PHONE_WIDTH, out);
                out.extend_from_slice(&[deliver.protocol_id, deliver.udhi, deliver.coding]);
                put_content(deliver.content, out);
                put_fixed(deliver.reserve, RESERVE, out);
            }
            Self::Report(report) => {
                out.extend_from_slice(&octets(report.submit));
                out.push(report.report_type);
                put_fixed(report.phone, PHONE_WIDTH, out);
                out.extend_from_slice(&[report.state, report.error]);
                put_fixed(report.reserve, RESERVE, out);
            }
            Self::Resp(_, result) => {
                out.push(*result);
                put_fixed(&[], RESERVE, out);
            }
            Self::Unbind | Self::UnbindResp => {}
        }
        put_length(start, out);
    }

    /// Command ID of these fields.
    pub const fn command(&self) -> u32 {
        match self {
            Self::Bind(_) => command::BIND,
            Self::Unbind => command::UNBIND,
            Self::UnbindResp => command::UNBIND | command::RESP,
            Self::Submit(_) => command::SUBMIT,
            Self::Deliver(_) => command::DELIVER,
            Self::Report(_) => command::REPORT,
            Self::Resp(request, _) => *request | command::RESP,
        }
    }
}

fn user_data(udhi: u8, content: &[u8]) -> (Option<Part>, &[u8]) {
    if udhi & 1 == 0 {
        return (None, content);
    }
    udh::split(content)
}

fn content<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = reader.u32("MessageLength")?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    reader.take(length, "MessageContent")
}

fn put_content(content: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(content);
}
