//! One packet of SMGP: finds it in a stream of bytes, decodes it strictly, encodes it.

use crate::gateway::sms::alphabet;
use crate::gateway::sms::codec::{Frame, FrameError, NUMBERED_BYTES, begin, numbered, put_length};
use crate::gateway::sms::udh::{self, Part};
use crate::gateway::sms::wire::{DecodeError, Reader, Tlvs, put_fixed};

/// Octets of the header: PacketLength, RequestID, SequenceID.
pub const HEADER_BYTES: usize = NUMBERED_BYTES;
/// Octets of a telephone number.
pub const PHONE_WIDTH: usize = 21;
const RESERVE: usize = 8;

/// Which edition's submit: 3.0 has FixedFee, before there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 2.0
    V2,
    /// 3.0
    V3,
}

/// RequestID.
pub mod command {
    /// Login
    pub const LOGIN: u32 = 1;
    /// Submit
    pub const SUBMIT: u32 = 2;
    /// Deliver
    pub const DELIVER: u32 = 3;
    /// Active_Test
    pub const ACTIVE_TEST: u32 = 4;
    /// Exit
    pub const EXIT: u32 = 6;
    /// This bit marks answers.
    pub const RESP: u32 = 0x8000_0000;
}

/// Tags of optional parameters.
pub mod tag {
    /// 1 where the text begins with a user data header.
    pub const TP_UDHI: u16 = 0x0002;
    /// Parts of the message.
    pub const PK_TOTAL: u16 = 0x0009;
    /// This one, from 1.
    pub const PK_NUMBER: u16 = 0x000A;
    /// The SP's id.
    pub const MSG_SRC: u16 = 0x0010;
}

/// The operations with their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Login.
    Login(Login<'a>),
    /// Its answer: status, AuthenticatorServer, version.
    LoginResp(u32, [u8; 16], u8),
    /// One message from us to phones.
    Submit(Submit<'a>),
    /// Its answer: MsgID, status.
    SubmitResp([u8; 10], u32),
    /// A report or a message from a phone.
    Deliver(Deliver<'a>),
    /// Our answer: MsgID, status.
    DeliverResp([u8; 10], u32),
    /// Are you there.
    ActiveTest,
    /// Yes.
    ActiveTestResp,
    /// The wish to end the session.
    Exit,
    /// Its answer.
    ExitResp,
}

/// Login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Login<'a> {
    /// ClientID, 8 octets.
    pub client: &'a [u8],
    /// AuthenticatorClient.
    pub authenticator: [u8; 16],
    /// LoginMode: 0 sends, 1 receives, 2 both.
    pub mode: u8,
    /// TimeStamp, MMDDHHMMSS as a number.
    pub timestamp: u32,
    /// ClientVersion.
    pub version: u8,
}

/// Submit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Submit<'a> {
    /// MsgType: 6 from SP to phone.
    pub message_type: u8,
    /// NeedReport.
    pub report: u8,
    /// Priority, 0 to 3.
    pub priority: u8,
    /// ServiceID, 10 octets.
    pub service: &'a [u8],
    /// FeeType, 2 octets: "00" is free of charge.
    pub fee_type: &'a [u8],
    /// FeeCode, 6 octets.
    pub fee_code: &'a [u8],
    /// FixedFee, 6 octets; 3.0 alone has it.
    pub fixed_fee: &'a [u8],
    /// MsgFormat.
    pub format: u8,
    /// ValidTime, 17 octets.
    pub valid_until: &'a [u8],
    /// AtTime, 17 octets.
    pub at_time: &'a [u8],
    /// SrcTermID.
    pub source: &'a [u8],
    /// ChargeTermID.
    pub charge: &'a [u8],
    /// DestTermID: as many fields as there are phones.
    pub destinations: &'a [u8],
    /// MsgContent.
    pub content: &'a [u8],
    /// Reserve.
    pub reserve: &'a [u8],
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

/// Deliver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliver<'a> {
    /// MsgID of this delivery.
    pub id: [u8; 10],
    /// IsReport.
    pub is_report: u8,
    /// MsgFormat.
    pub format: u8,
    /// RecvTime, 14 octets.
    pub received: &'a [u8],
    /// SrcTermID: the phone.
    pub source: &'a [u8],
    /// DestTermID: our number.
    pub destination: &'a [u8],
    /// MsgContent.
    pub content: &'a [u8],
    /// Reserve.
    pub reserve: &'a [u8],
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

impl<'a> Submit<'a> {
    /// The phones, each without its padding.
    pub fn phones(&self) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.destinations.chunks(PHONE_WIDTH);
        fields.map(|field| field.split(|b| *b == 0).next().unwrap_or_default())
    }

    /// The part and the text without its user data header.
    pub fn user_data(&self) -> (Option<Part>, &'a [u8]) {
        user_data(self.tlvs, self.content)
    }

    pub(super) fn encode_to_destinations(&self, version: Version, phones: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.message_type, self.report, self.priority]);
        put_fixed(self.service, 10, out);
        put_fixed(self.fee_type, 2, out);
        put_fixed(self.fee_code, 6, out);
        match version {
            Version::V2 => {}
            Version::V3 => put_fixed(self.fixed_fee, 6, out),
        }
        out.push(self.format);
        put_fixed(self.valid_until, 17, out);
        put_fixed(self.at_time, 17, out);
        put_fixed(self.source, PHONE_WIDTH, out);
        put_fixed(self.charge, PHONE_WIDTH, out);
        out.push(phones);
    }

    pub(super) fn encode_from_destinations(&self, out: &mut Vec<u8>) {
        put_content(self.content, out);
        put_fixed(self.reserve, RESERVE, out);
        out.extend_from_slice(self.tlvs.as_bytes());
    }

    fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let phones = self.destinations.len() / PHONE_WIDTH;
        let phones = u8::try_from(phones).unwrap_or(u8::MAX);
        self.encode_to_destinations(version, phones, out);
        let octets = usize::from(phones) * PHONE_WIDTH;
        out.extend(self.destinations.iter().take(octets));
        self.encode_from_destinations(out);
    }

    fn decode(version: Version, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let [message_type, report, priority] = reader.array("MsgType")?;
        let service = reader.fixed("ServiceID", 10)?;
        let fee_type = reader.fixed("FeeType", 2)?;
        let fee_code = reader.fixed("FeeCode", 6)?;
        let fixed_fee = match version {
            Version::V2 => &[][..],
            Version::V3 => reader.fixed("FixedFee", 6)?,
        };
        let format = reader.u8("MsgFormat")?;
        let valid_until = reader.fixed("ValidTime", 17)?;
        let at_time = reader.fixed("AtTime", 17)?;
        let source = reader.fixed("SrcTermID", PHONE_WIDTH)?;
        let charge = reader.fixed("ChargeTermID", PHONE_WIDTH)?;
        let phones = reader.u8("DestTermIDCount")?;
        let destinations = reader.take(usize::from(phones) * PHONE_WIDTH, "DestTermID")?;
        Ok(Self {
            message_type,
            report,
            priority,
            service,
            fee_type,
            fee_code,
            fixed_fee,
            format,
            valid_until,
            at_time,
            source,
            charge,
            destinations,
            content: content(reader)?,
            reserve: reader.fixed("Reserve", RESERVE)?,
            tlvs: Tlvs::decode(reader.remaining())?,
        })
    }
}

impl<'a> Deliver<'a> {
    /// The text as characters.
    pub fn text(&self) -> String {
        let (_, text) = user_data(self.tlvs, self.content);
        alphabet::decode_national(self.format, text)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&[self.is_report, self.format]);
        put_fixed(self.received, 14, out);
        put_fixed(self.source, PHONE_WIDTH, out);
        put_fixed(self.destination, PHONE_WIDTH, out);
        put_content(self.content, out);
        put_fixed(self.reserve, RESERVE, out);
        out.extend_from_slice(self.tlvs.as_bytes());
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let id = reader.array("MsgID")?;
        let [is_report, format] = reader.array("IsReport")?;
        Ok(Self {
            id,
            is_report,
            format,
            received: reader.fixed("RecvTime", 14)?,
            source: reader.fixed("SrcTermID", PHONE_WIDTH)?,
            destination: reader.fixed("DestTermID", PHONE_WIDTH)?,
            content: content(reader)?,
            reserve: reader.fixed("Reserve", RESERVE)?,
            tlvs: Tlvs::decode(reader.remaining())?,
        })
    }
}

/// The first whole packet at the start of `bytes`; `None` while it is incomplete.
pub fn frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    numbered(bytes)
}

impl<'a> Body<'a> {
    /// Decodes the body that [`frame`] found.
    pub fn decode(version: Version, frame: &Frame<'a>) -> Result<Self, DecodeError> {
        use command::{ACTIVE_TEST, DELIVER, EXIT, LOGIN, RESP, SUBMIT};
        let mut reader = Reader::new(frame.body);
        let reader = &mut reader;
        let answered = frame.command & RESP != 0;
        let body = match (frame.command & !RESP, answered) {
            (LOGIN, false) => Self::Login(Login {
                client: reader.fixed("ClientID", 8)?,
                authenticator: reader.array("AuthenticatorClient")?,
                mode: reader.u8("LoginMode")?,
                timestamp: reader.u32("TimeStamp")?,
                version: reader.u8("ClientVersion")?,
            }),
            (LOGIN, true) => Self::LoginResp(
                reader.u32("Status")?,
                reader.array("AuthenticatorServer")?,
                reader.u8("ServerVersion")?,
            ),
            (SUBMIT, false) => Self::Submit(Submit::decode(version, reader)?),
            (SUBMIT, true) => Self::SubmitResp(reader.array("MsgID")?, reader.u32("Status")?),
            (DELIVER, false) => Self::Deliver(Deliver::decode(reader)?),
            (DELIVER, true) => Self::DeliverResp(reader.array("MsgID")?, reader.u32("Status")?),
            (ACTIVE_TEST, false) => Self::ActiveTest,
            (ACTIVE_TEST, true) => Self::ActiveTestResp,
            (EXIT, false) => Self::Exit,
            (EXIT, true) => Self::ExitResp,
            _ => return Err(DecodeError::UnknownCommand(frame.command)),
        };
        reader.finish()?;
        Ok(body)
    }

    /// Appends the packet.
    pub fn encode(&self, version: Version, sequence: u32, out: &mut Vec<u8>) {
        let start = begin(self.command(), &sequence.to_be_bytes(), out);
        match self {
            Self::Login(login) => {
                put_fixed(login.client, 8, out);
                out.extend_from_slice(&login.authenticator);
                out.push(login.mode);
                out.extend_from_slice(&login.timestamp.to_be_bytes());
                out.push(login.version);
            }
            Self::LoginResp(status, authenticator, octet) => {
                out.extend_from_slice(&status.to_be_bytes());
                out.extend_from_slice(authenticator);
                out.push(*octet);
            }
            Self::Submit(submit) => submit.encode(version, out),
            Self::Deliver(deliver) => deliver.encode(out),
            Self::SubmitResp(id, status) | Self::DeliverResp(id, status) => {
                out.extend_from_slice(id);
                out.extend_from_slice(&status.to_be_bytes());
            }
            Self::ActiveTest | Self::ActiveTestResp | Self::Exit | Self::ExitResp => {}
        }
        put_length(start, out);
    }

    /// RequestID of these fields.
    pub const fn command(&self) -> u32 {
        match self {
            Self::Login(_) => command::LOGIN,
            Self::LoginResp(..) => command::LOGIN | command::RESP,
            Self::Submit(_) => command::SUBMIT,
            Self::SubmitResp(..) => command::SUBMIT | command::RESP,
            Self::Deliver(_) => command::DELIVER,
            Self::DeliverResp(..) => command::DELIVER | command::RESP,
            Self::ActiveTest => command::ACTIVE_TEST,
            Self::ActiveTestResp => command::ACTIVE_TEST | command::RESP,
            Self::Exit => command::EXIT,
            Self::ExitResp => command::EXIT | command::RESP,
        }
    }
}

fn user_data<'a>(tlvs: Tlvs<'a>, content: &'a [u8]) -> (Option<Part>, &'a [u8]) {
    let has_header = matches!(tlvs.get(tag::TP_UDHI), Some([flag]) if flag & 1 == 1);
    if has_header {
        udh::split(content)
    } else {
        (None, content)
    }
}

fn content<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = reader.u8("MsgLength")?;
    reader.take(usize::from(length), "MsgContent")
}

fn put_content(content: &[u8], out: &mut Vec<u8>) {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend(content.iter().take(usize::from(length)));
}
