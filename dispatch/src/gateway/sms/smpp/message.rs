//! The fields that submit_sm and deliver_sm share (SMPP 3.4 §4.4.1, §4.6.1), and what the text holds.

use super::tag;
use crate::gateway::sms::alphabet;
use crate::gateway::sms::udh::{self, Part};
use crate::gateway::sms::wire::{DecodeError, Reader, Tlvs, put_c_octet};

/// esm_class bit 6: the text begins with a user data header.
pub const ESM_UDHI: u8 = 0x40;
/// esm_class bits 5–2 that tell a receipt from a message.
const ESM_TYPE: u8 = 0x3C;
/// Message-centre delivery receipt.
pub const ESM_RECEIPT: u8 = 0x04;
/// Intermediate delivery notification.
pub const ESM_INTERMEDIATE: u8 = 0x20;
/// short_message holds at most so many octets.
pub const SHORT_MESSAGE_MAX: usize = 254;

/// An address with its type of number and numbering plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address<'a> {
    /// Type of number (§5.2.5): 0 unknown, 1 international, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan (§5.2.6): 0 unknown, 1 E.164.
    pub npi: u8,
    /// Digits or letters, at most 20 octets.
    pub digits: &'a [u8],
}

/// submit_sm or deliver_sm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShortMessage<'a> {
    /// service_type, at most 5 octets.
    pub service_type: &'a [u8],
    /// source_addr.
    pub source: Address<'a>,
    /// destination_addr.
    pub destination: Address<'a>,
    /// esm_class (§5.2.12).
    pub esm_class: u8,
    /// protocol_id.
    pub protocol_id: u8,
    /// priority_flag.
    pub priority: u8,
    /// schedule_delivery_time, empty for at once.
    pub schedule: &'a [u8],
    /// validity_period, empty for the centre's default.
    pub validity: &'a [u8],
    /// registered_delivery (§5.2.17).
    pub registered_delivery: u8,
    /// replace_if_present_flag.
    pub replace_if_present: u8,
    /// data_coding (§5.2.19).
    pub data_coding: u8,
    /// sm_default_msg_id.
    pub default_message: u8,
    /// short_message, at most 254 octets.
    pub short_message: &'a [u8],
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

impl<'a> ShortMessage<'a> {
    /// True for a delivery receipt or an intermediate notification.
    ///
    /// Some centres leave esm_class at zero; receipted_message_id then gives it away.
    pub fn is_receipt(&self) -> bool {
        let kind = self.esm_class & ESM_TYPE;
        kind == ESM_RECEIPT
            || kind == ESM_INTERMEDIATE
            || self.tlvs.get(tag::RECEIPTED_MESSAGE_ID).is_some()
    }

    /// True where the notification says that the message is still on its way.
    pub const fn is_intermediate(&self) -> bool {
        self.esm_class & ESM_TYPE == ESM_INTERMEDIATE
    }

    /// The part and the text without its user data header.
    ///
    /// A header whose length or elements do not hold is left in the text.
    pub fn user_data(&self) -> (Option<Part>, &'a [u8]) {
        let payload = self.tlvs.get(tag::MESSAGE_PAYLOAD);
        let whole = payload.unwrap_or(self.short_message);
        if self.esm_class & ESM_UDHI == 0 {
            return (self.sar(), whole);
        }
        udh::split(whole)
    }

    /// The text as characters, by its data_coding.
    pub fn text(&self) -> String {
        alphabet::decode(self.data_coding, self.user_data().1)
    }

    fn sar(&self) -> Option<Part> {
        let reference = self.tlvs.get(tag::SAR_MSG_REF_NUM)?.first_chunk()?;
        Some(Part {
            reference: u16::from_be_bytes(*reference),
            total: *self.tlvs.get(tag::SAR_TOTAL_SEGMENTS)?.first()?,
            number: *self.tlvs.get(tag::SAR_SEGMENT_SEQNUM)?.first()?,
        })
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let service_type = reader.c_octet("service_type", 6)?;
        let source = Address {
            ton: reader.u8("source_addr_ton")?,
            npi: reader.u8("source_addr_npi")?,
            digits: reader.c_octet("source_addr", 21)?,
        };
        let destination = Address {
            ton: reader.u8("dest_addr_ton")?,
            npi: reader.u8("dest_addr_npi")?,
            digits: reader.c_octet("destination_addr", 21)?,
        };
        let esm_class = reader.u8("esm_class")?;
        let protocol_id = reader.u8("protocol_id")?;
        let priority = reader.u8("priority_flag")?;
        let schedule = reader.c_octet("schedule_delivery_time", 17)?;
        let validity = reader.c_octet("validity_period", 17)?;
        let registered_delivery = reader.u8("registered_delivery")?;
        let replace_if_present = reader.u8("replace_if_present_flag")?;
        let data_coding = reader.u8("data_coding")?;
        let default_message = reader.u8("sm_default_msg_id")?;
        let length = reader.u8("sm_length")?;
        let short_message = reader.take(usize::from(length), "short_message")?;
        let rest = reader.take(reader.rest().len(), "optional parameters")?;
        Ok(Self {
            service_type,
            source,
            destination,
            esm_class,
            protocol_id,
            priority,
            schedule,
            validity,
            registered_delivery,
            replace_if_present,
            data_coding,
            default_message,
            short_message,
            tlvs: Tlvs::decode(rest)?,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.encode_to_destination(out);
        put_c_octet(self.destination.digits, out);
        self.encode_from_esm_class(out);
    }

    /// All fields before the digits of the destination.
    pub(super) fn encode_to_destination(&self, out: &mut Vec<u8>) {
        put_c_octet(self.service_type, out);
        out.extend_from_slice(&[self.source.ton, self.source.npi]);
        put_c_octet(self.source.digits, out);
        out.extend_from_slice(&[self.destination.ton, self.destination.npi]);
    }

    /// All fields after the NUL of the destination.
    pub(super) fn encode_from_esm_class(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.esm_class, self.protocol_id, self.priority]);
        put_c_octet(self.schedule, out);
        put_c_octet(self.validity, out);
        out.extend_from_slice(&[
            self.registered_delivery,
            self.replace_if_present,
            self.data_coding,
            self.default_message,
        ]);
        let length = u8::try_from(self.short_message.len()).unwrap_or(u8::MAX);
        out.push(length);
        out.extend(self.short_message.iter().take(usize::from(length)));
        out.extend_from_slice(self.tlvs.as_bytes());
    }
}
