//! command_status (SMPP 3.4 §5.1.3): what the far side says, and what follows from it.

use std::fmt;

/// A command_status as on the wire; zero is success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u32);

/// What a refused submit means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The message centre has the message.
    Accepted,
    /// Slower: the account's rate or the centre's queue is full.
    Throttled,
    /// It may go through another time.
    Transient,
    /// It never will as it stands.
    Permanent,
}

impl Status {
    /// ESME_ROK
    pub const OK: Self = Self(0x00);
    /// ESME_RINVCMDLEN
    pub const INVALID_LENGTH: Self = Self(0x02);
    /// ESME_RINVCMDID
    pub const INVALID_COMMAND: Self = Self(0x03);
    /// ESME_RINVBNDSTS
    pub const INVALID_BIND_STATE: Self = Self(0x04);
    /// ESME_RALYBND
    pub const ALREADY_BOUND: Self = Self(0x05);
    /// ESME_RSYSERR
    pub const SYSTEM_ERROR: Self = Self(0x08);
    /// ESME_RINVDSTADR
    pub const INVALID_DESTINATION: Self = Self(0x0B);
    /// ESME_RINVPASWD
    pub const INVALID_PASSWORD: Self = Self(0x0E);
    /// ESME_RMSGQFUL
    pub const QUEUE_FULL: Self = Self(0x14);
    /// ESME_RTHROTTLED
    pub const THROTTLED: Self = Self(0x58);

    /// What a submit answered so means.
    ///
    /// Codes the standard leaves open (0x400 and up belong to the vendor) count as transient:
    /// a bounded number of further tries costs less than a warning that was never tried again.
    pub const fn verdict(self) -> Verdict {
        match self.0 {
            0x00 => Verdict::Accepted,
            0x14 | 0x58 => Verdict::Throttled,
            0x01..=0x03 | 0x05..=0x07 | 0x0A..=0x0C | 0x15 | 0x33..=0x34 => Verdict::Permanent,
            0x40 | 0x42..=0x44 | 0x48..=0x57 | 0x61..=0x63 | 0x65..=0x66 | 0xC0..=0xC4 => {
                Verdict::Permanent
            }
            _ => Verdict::Transient,
        }
    }

    /// The standard's name, or `None` for a code that it does not define.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x00 => "ESME_ROK",
            0x01 => "ESME_RINVMSGLEN",
            0x02 => "ESME_RINVCMDLEN",
            0x03 => "ESME_RINVCMDID",
            0x04 => "ESME_RINVBNDSTS",
            0x05 => "ESME_RALYBND",
            0x06 => "ESME_RINVPRTFLG",
            0x07 => "ESME_RINVREGDLVFLG",
            0x08 => "ESME_RSYSERR",
            0x0A => "ESME_RINVSRCADR",
            0x0B => "ESME_RINVDSTADR",
            0x0C => "ESME_RINVMSGID",
            0x0D => "ESME_RBINDFAIL",
            0x0E => "ESME_RINVPASWD",
            0x0F => "ESME_RINVSYSID",
            0x11 => "ESME_RCANCELFAIL",
            0x13 => "ESME_RREPLACEFAIL",
            0x14 => "ESME_RMSGQFUL",
            0x15 => "ESME_RINVSERTYP",
            0x33 => "ESME_RINVNUMDESTS",
            0x34 => "ESME_RINVDLNAME",
            0x40 => "ESME_RINVDESTFLAG",
            0x42 => "ESME_RINVSUBREP",
            0x43 => "ESME_RINVESMCLASS",
            0x44 => "ESME_RCNTSUBDL",
            0x45 => "ESME_RSUBMITFAIL",
            0x48 => "ESME_RINVSRCTON",
            0x49 => "ESME_RINVSRCNPI",
            0x50 => "ESME_RINVDSTTON",
            0x51 => "ESME_RINVDSTNPI",
            0x53 => "ESME_RINVSYSTYP",
            0x54 => "ESME_RINVREPFLAG",
            0x55 => "ESME_RINVNUMMSGS",
            0x58 => "ESME_RTHROTTLED",
            0x61 => "ESME_RINVSCHED",
            0x62 => "ESME_RINVEXPIRY",
            0x63 => "ESME_RINVDFTMSGID",
            0x64 => "ESME_RX_T_APPN",
            0x65 => "ESME_RX_P_APPN",
            0x66 => "ESME_RX_R_APPN",
            0x67 => "ESME_RQUERYFAIL",
            0xC0 => "ESME_RINVOPTPARSTREAM",
            0xC1 => "ESME_ROPTPARNOTALLWD",
            0xC2 => "ESME_RINVPARLEN",
            0xC3 => "ESME_RMISSINGOPTPARAM",
            0xC4 => "ESME_RINVOPTPARAMVAL",
            0xFE => "ESME_RDELIVERYFAILURE",
            0xFF => "ESME_RUNKNOWNERR",
            _ => return None,
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:02X})", self.0),
            None => write!(f, "command_status 0x{:X}", self.0),
        }
    }
}
