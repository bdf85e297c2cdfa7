//! One packet of CMPP: finds it in a stream of bytes, decodes it strictly, encodes it.

use crate::gateway::sms::alphabet;
use crate::gateway::sms::codec::{Frame, FrameError, NUMBERED_BYTES, begin, numbered, put_length};
use crate::gateway::sms::udh::{self, Part};
use crate::gateway::sms::wire::{DecodeError, Reader, put_fixed};

/// Octets of the header: Total_Length, Command_Id, Sequence_Id.
pub const HEADER_BYTES: usize = NUMBERED_BYTES;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 2.0
    V2,
    /// 3.0
    V3,
}

impl Version {
    /// Octets of a telephone number.
    pub const fn phone_width(self) -> usize {
        match self {
            Self::V2 => 21,
            Self::V3 => 32,
        }
    }

    /// Octets at the end of submit and deliver: Reserve, LinkID.
    const fn link_width(self) -> usize {
        match self {
            Self::V2 => 8,
            Self::V3 => 20,
        }
    }

    /// The octet in a login.
    pub const fn octet(self) -> u8 {
        match self {
            Self::V2 => 0x20,
            Self::V3 => 0x30,
        }
    }

    const fn is_v3(self) -> bool {
        matches!(self, Self::V3)
    }
}

/// Command_Id (CMPP 2.0 §7.3.1).
pub mod command {
    /// CMPP_CONNECT
    pub const CONNECT: u32 = 1;
    /// CMPP_TERMINATE
    pub const TERMINATE: u32 = 2;
    /// CMPP_SUBMIT
    pub const SUBMIT: u32 = 4;
    /// CMPP_DELIVER
    pub const DELIVER: u32 = 5;
    /// CMPP_ACTIVE_TEST
    pub const ACTIVE_TEST: u32 = 8;
    /// This bit marks answers.
    pub const RESP: u32 = 0x8000_0000;
}

/// The operations with their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Login.
    Connect(Connect<'a>),
    /// Answer to a login: status, AuthenticatorISMG, version.
    ConnectResp(u32, [u8; 16], u8),
    /// The wish to end the session.
    Terminate,
    /// Its answer.
    TerminateResp,
    /// One message from us to phones.
    Submit(Submit<'a>),
    /// Its answer: Msg_Id, Result.
    SubmitResp(u64, u32),
    /// A report or a message from a phone.
    Deliver(Deliver<'a>),
    /// Our answer: Msg_Id, Result.
    DeliverResp(u64, u32),
    /// Are you there.
    ActiveTest,
    /// Yes.
    ActiveTestResp,
}

/// CMPP_CONNECT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Source_Addr, the SP's id: 6 octets.
    pub source: &'a [u8],
    /// AuthenticatorSource.
    pub authenticator: [u8; 16],
    /// Version.
    pub version: u8,
    /// MMDDHHMMSS as a number.
    pub timestamp: u32,
}

/// CMPP_SUBMIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Submit<'a> {
    /// Msg_Id, zero from us.
    pub id: u64,
    /// Pk_total, from 1.
    pub total: u8,
    /// Pk_number, from 1.
    pub number: u8,
    /// Registered_Delivery: 1 asks for a report.
    pub registered_delivery: u8,
    /// Msg_level.
    pub level: u8,
    /// Service_Id, 10 octets.
    pub service: &'a [u8],
    /// Fee_UserType: 2 charges the SP.
    pub fee_user_type: u8,
    /// Fee_terminal_Id.
    pub fee_terminal: &'a [u8],
    /// Fee_terminal_type (3.0).
    pub fee_terminal_type: u8,
    /// TP_pId.
    pub protocol_id: u8,
    /// TP_udhi: 1 where the text begins with a user data header.
    pub udhi: u8,
    /// Msg_Fmt.
    pub format: u8,
    /// Msg_src, the SP's id: 6 octets.
    pub source: &'a [u8],
    /// FeeType, 2 octets: "01" is free of charge.
    pub fee_type: &'a [u8],
    /// FeeCode, 6 octets.
    pub fee_code: &'a [u8],
    /// ValId_Time, 17 octets.
    pub valid_until: &'a [u8],
    /// At_Time, 17 octets.
    pub at_time: &'a [u8],
    /// Src_Id, 21 octets.
    pub source_number: &'a [u8],
    /// Dest_terminal_Id: as many fields as there are phones.
    pub destinations: &'a [u8],
    /// Dest_terminal_type (3.0).
    pub destination_type: u8,
    /// Msg_Content.
    pub content: &'a [u8],
    /// Reserve (2.0), LinkID (3.0).
    pub link: &'a [u8],
}

/// CMPP_DELIVER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliver<'a> {
    /// Msg_Id of this delivery.
    pub id: u64,
    /// Dest_Id: our number.
    pub destination: &'a [u8],
    /// Service_Id.
    pub service: &'a [u8],
    /// TP_pid.
    pub protocol_id: u8,
    /// TP_udhi.
    pub udhi: u8,
    /// Msg_Fmt.
    pub format: u8,
    /// Src_terminal_Id: the phone.
    pub source: &'a [u8],
    /// Src_terminal_type (3.0).
    pub source_type: u8,
    /// Registered_Delivery: 1 for a report.
    pub registered_delivery: u8,
    /// Msg_Content.
    pub content: &'a [u8],
    /// Reserved (2.0), LinkID (3.0).
    pub link: &'a [u8],
}

impl<'a> Submit<'a> {
    /// The phones, each without its padding.
    pub fn phones(&self, version: Version) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.destinations.chunks(version.phone_width());
        fields.map(|field| field.split(|b| *b == 0).next().unwrap_or_default())
    }

    /// The part and the text without its user data header.
    pub fn user_data(&self) -> (Option<Part>, &'a [u8]) {
        user_data(self.udhi, self.content)
    }

    pub(super) fn encode_to_destinations(&self, version: Version, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(&[
            self.total,
            self.number,
            self.registered_delivery,
            self.level,
        ]);
        put_fixed(self.service, 10, out);
        out.push(self.fee_user_type);
        put_fixed(self.fee_terminal, version.phone_width(), out);
        if version.is_v3() {
            out.push(self.fee_terminal_type);
        }
        out.extend_from_slice(&[self.protocol_id, self.udhi, self.format]);
        put_fixed(self.source, 6, out);
        put_fixed(self.fee_type, 2, out);
        put_fixed(self.fee_code, 6, out);
        put_fixed(self.valid_until, 17, out);
        put_fixed(self.at_time, 17, out);
        put_fixed(self.source_number, 21, out);
    }

    pub(super) fn encode_from_destinations(&self, version: Version, out: &mut Vec<u8>) {
        if version.is_v3() {
            out.push(self.destination_type);
        }
        put_content(self.content, out);
        put_fixed(self.link, version.link_width(), out);
    }

    fn encode(&self, version: Version, out: &mut Vec<u8>) {
        self.encode_to_destinations(version, out);
        let phones = self.destinations.len() / version.phone_width();
        let phones = u8::try_from(phones).unwrap_or(u8::MAX);
        out.push(phones);
        let octets = usize::from(phones) * version.phone_width();
        out.extend(self.destinations.iter().take(octets));
        self.encode_from_destinations(version, out);
    }

    fn decode(version: Version, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let width = version.phone_width();
        let id = u64::from_be_bytes(reader.array("Msg_Id")?);
        let [total, number, registered_delivery, level] = reader.array("Pk_total")?;
        let service = reader.fixed("Service_Id", 10)?;
        let fee_user_type = reader.u8("Fee_UserType")?;
        let fee_terminal = reader.fixed("Fee_terminal_Id", width)?;
        let fee_terminal_type = if version.is_v3() {
            reader.u8("Fee_terminal_type")?
        } else {
            0
        };
        let [protocol_id, udhi, format] = reader.array("TP_pId")?;
        let source = reader.fixed("Msg_src", 6)?;
        let fee_type = reader.fixed("FeeType", 2)?;
        let fee_code = reader.fixed("FeeCode", 6)?;
        let valid_until = reader.fixed("ValId_Time", 17)?;
        let at_time = reader.fixed("At_Time", 17)?;
        let source_number = reader.fixed("Src_Id", 21)?;
        let phones = reader.u8("DestUsr_tl")?;
        let destinations = reader.take(usize::from(phones) * width, "Dest_terminal_Id")?;
        let destination_type = if version.is_v3() {
            reader.u8("Dest_terminal_type")?
        } else {
            0
        };
        Ok(Self {
            id,
            total,
            number,
            registered_delivery,
            level,
            service,
            fee_user_type,
            fee_terminal,
            fee_terminal_type,
            protocol_id,
            udhi,
            format,
            source,
            fee_type,
            fee_code,
            valid_until,
            at_time,
            source_number,
            destinations,
            destination_type,
            content: content(reader)?,
            link: reader.fixed("Reserve", version.link_width())?,
        })
    }
}

impl<'a> Deliver<'a> {
    /// The part and the text without its user data header.
    pub fn user_data(&self) -> (Option<Part>, &'a [u8]) {
        user_data(self.udhi, self.content)
    }

    /// The text as characters.
    pub fn text(&self) -> String {
        alphabet::decode_national(self.format, self.user_data().1)
    }

    fn encode(&self, version: Version, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_be_bytes());
        put_fixed(self.destination, 21, out);
        put_fixed(self.service, 10, out);
        out.extend_from_slice(&[self.protocol_id, self.udhi, self.format]);
        put_fixed(self.source, version.phone_width(), out);
        if version.is_v3() {
            out.push(self.source_type);
        }
        out.push(self.registered_delivery);
        put_content(self.content, out);
        put_fixed(self.link, version.link_width(), out);
    }

    fn decode(version: Version, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let id = u64::from_be_bytes(reader.array("Msg_Id")?);
        let destination = reader.fixed("Dest_Id", 21)?;
        let service = reader.fixed("Service_Id", 10)?;
        let [protocol_id, udhi, format] = reader.array("TP_pid")?;
        let source = reader.fixed("Src_terminal_Id", version.phone_width())?;
        let source_type = if version.is_v3() {
            reader.u8("Src_terminal_type")?
        } else {
            0
        };
        Ok(Self {
            id,
            destination,
            service,
            protocol_id,
            udhi,
            format,
            source,
            source_type,
            registered_delivery: reader.u8("Registered_Delivery")?,
            content: content(reader)?,
            link: reader.fixed("Reserved", version.link_width())?,
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
        use command::{ACTIVE_TEST, CONNECT, DELIVER, RESP, SUBMIT, TERMINATE};
        let mut reader = Reader::new(frame.body);
        let reader = &mut reader;
        let answered = frame.command & RESP != 0;
        let body = match (frame.command & !RESP, answered) {
            (CONNECT, false) => Self::Connect(Connect {
                source: reader.fixed("Source_Addr", 6)?,
                authenticator: reader.array("AuthenticatorSource")?,
                version: reader.u8("Version")?,
                timestamp: reader.u32("Timestamp")?,
            }),
            (CONNECT, true) => Self::ConnectResp(
                result(reader, 17)?,
                reader.array("AuthenticatorISMG")?,
                reader.u8("Version")?,
            ),
            (TERMINATE, false) => Self::Terminate,
            (TERMINATE, true) => Self::TerminateResp,
            (SUBMIT, false) => Self::Submit(Submit::decode(version, reader)?),
            (SUBMIT, true) => {
                let id = u64::from_be_bytes(reader.array("Msg_Id")?);
                Self::SubmitResp(id, result(reader, 0)?)
            }
            (DELIVER, false) => Self::Deliver(Deliver::decode(version, reader)?),
            (DELIVER, true) => {
                let id = u64::from_be_bytes(reader.array("Msg_Id")?);
                Self::DeliverResp(id, result(reader, 0)?)
            }
            (ACTIVE_TEST, false) => Self::ActiveTest,
            (ACTIVE_TEST, true) => {
                // One reserved octet, which some gateways leave out.
                reader.remaining();
                Self::ActiveTestResp
            }
            _ => return Err(DecodeError::UnknownCommand(frame.command)),
        };
        reader.finish()?;
        Ok(body)
    }

    /// Appends the packet.
    pub fn encode(&self, version: Version, sequence: u32, out: &mut Vec<u8>) {
        let start = begin(self.command(), &sequence.to_be_bytes(), out);
        match self {
            Self::Connect(connect) => {
                put_fixed(connect.source, 6, out);
                out.extend_from_slice(&connect.authenticator);
                out.push(connect.version);
                out.extend_from_slice(&connect.timestamp.to_be_bytes());
            }
            Self::ConnectResp(status, authenticator, octet) => {
                put_result(version, *status, out);
                out.extend_from_slice(authenticator);
                out.push(*octet);
            }
            Self::Submit(submit) => submit.encode(version, out),
            Self::Deliver(deliver) => deliver.encode(version, out),
            Self::SubmitResp(id, result) | Self::DeliverResp(id, result) => {
                out.extend_from_slice(&id.to_be_bytes());
                put_result(version, *result, out);
            }
            Self::ActiveTestResp => out.push(0),
            Self::Terminate | Self::TerminateResp | Self::ActiveTest => {}
        }
        put_length(start, out);
    }

    /// Command_Id of these fields.
    pub const fn command(&self) -> u32 {
        match self {
            Self::Connect(_) => command::CONNECT,
            Self::ConnectResp(..) => command::CONNECT | command::RESP,
            Self::Terminate => command::TERMINATE,
            Self::TerminateResp => command::TERMINATE | command::RESP,
            Self::Submit(_) => command::SUBMIT,
            Self::SubmitResp(..) => command::SUBMIT | command::RESP,
            Self::Deliver(_) => command::DELIVER,
            Self::DeliverResp(..) => command::DELIVER | command::RESP,
            Self::ActiveTest => command::ACTIVE_TEST,
            Self::ActiveTestResp => command::ACTIVE_TEST | command::RESP,
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
    let length = reader.u8("Msg_Length")?;
    reader.take(usize::from(length), "Msg_Content")
}

fn put_content(content: &[u8], out: &mut Vec<u8>) {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend(content.iter().take(usize::from(length)));
}

/// Status or Result, `after` octets before the end: one octet in 2.0 and four in 3.0, and gateways
/// that say 3.0 and write one; its width is told by what is there.
fn result(reader: &mut Reader<'_>, after: usize) -> Result<u32, DecodeError> {
    if reader.rest().len() >= after + 4 {
        return reader.u32("Result");
    }
    reader.u8("Result").map(u32::from)
}

/// What one octet cannot hold was read from four.
fn put_result(version: Version, result: u32, out: &mut Vec<u8>) {
    match (version, u8::try_from(result)) {
        (Version::V2, Ok(octet)) => out.push(octet),
        (Version::V2, Err(_)) | (Version::V3, _) => out.extend_from_slice(&result.to_be_bytes()),
    }
}
