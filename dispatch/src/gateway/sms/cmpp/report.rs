//! The status report of CMPP, inside a deliver (CMPP 2.0 §7.4.5.1).

use super::pdu::Deliver;
use crate::gateway::sms::codec::{Content, Reported, phone};
use crate::gateway::sms::identifier::{MessageKey, Spelling, candidates};
use crate::gateway::sms::receipt::{Fields, ReceiptError, of_stat};
use crate::gateway::sms::wire::{DecodeError, Reader, put_fixed};

/// Octets of a report with numbers of 21 and of 32 octets.
const LENGTHS: [(usize, usize); 2] = [(60, 21), (71, 32)];

/// The 60 octets of a report, 71 with the wide numbers of 3.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report<'a> {
    /// Msg_Id of the submit.
    pub id: u64,
    /// Stat, 7 octets: `DELIVRD`.
    pub stat: &'a [u8],
    /// Submit_time, `YYMMDDHHMM`.
    pub submitted: &'a [u8],
    /// Done_time.
    pub done: &'a [u8],
    /// Dest_terminal_Id.
    pub phone: &'a [u8],
    /// SMSC_sequence.
    pub smsc_sequence: u32,
}

impl Report<'_> {
    /// Appends it, the number in so many octets.
    pub fn encode(&self, phone_width: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_be_bytes());
        put_fixed(self.stat, 7, out);
        put_fixed(self.submitted, 10, out);
        put_fixed(self.done, 10, out);
        put_fixed(self.phone, phone_width, out);
        out.extend_from_slice(&self.smsc_sequence.to_be_bytes());
    }
}

/// Reads the octets of a report; `None` where they are none, by their length.
pub fn read_report(octets: &[u8]) -> Option<Report<'_>> {
    let (_, width) = LENGTHS.iter().find(|(length, _)| *length == octets.len())?;
    decode(octets, *width).ok()
}

fn decode(octets: &[u8], width: usize) -> Result<Report<'_>, DecodeError> {
    let mut reader = Reader::new(octets);
    Ok(Report {
        id: u64::from_be_bytes(reader.array("Msg_Id")?),
        stat: reader.fixed("Stat", 7)?,
        submitted: reader.fixed("Submit_time", 10)?,
        done: reader.fixed("Done_time", 10)?,
        phone: reader.fixed("Dest_terminal_Id", width)?,
        smsc_sequence: reader.u32("SMSC_sequence")?,
    })
}

/// What a deliver that calls itself a report says. Gateways that sit before an SMPP centre hand its
/// text through as it is, the identifier in decimal or hexadecimal.
pub(super) fn content(deliver: &Deliver<'_>, spelling: Spelling) -> Content {
    let from = phone(deliver.source);
    if let Some(report) = read_report(deliver.content) {
        let about = phone(report.phone);
        let (state, reason) = of_stat(report.stat);
        return Content::Receipt(Reported {
            ids: [Some(MessageKey(report.id)), None, None],
            phone: if about == 0 { from } else { about },
            state,
            reason,
        });
    }
    let fields = Fields::of(deliver.content);
    match (fields.id, fields.state()) {
        (Some(id), Some((state, reason))) if !id.is_empty() => Content::Receipt(Reported {
            ids: candidates(id, spelling),
            phone: from,
            state,
            reason,
        }),
        (Some(_), None) => Content::Unread(ReceiptError::NoState, deliver.text()),
        (None | Some(_), _) => Content::Unread(ReceiptError::NoIdentifier, deliver.text()),
    }
}
