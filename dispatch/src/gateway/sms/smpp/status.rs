//! command_status (SMPP 3.4 §5.1.3): what the far side says, and what follows from it.

use crate::gateway::sms::results::Verdict::{Accepted, Permanent, Throttled, Transient};
use crate::gateway::sms::results::{ResultCode, Row, Table};

/// A command_status as on the wire; zero is success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u32);

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
}

impl From<Status> for ResultCode {
    fn from(status: Status) -> Self {
        Self::new(Table::Smpp, status.0)
    }
}

/// The standard's codes. Those from 0x400 belong to the vendor.
pub(in crate::gateway::sms) const RESULTS: &[Row] = &[
    (0x00, Accepted, "ESME_ROK"),
    (0x01, Permanent, "ESME_RINVMSGLEN"),
    (0x02, Permanent, "ESME_RINVCMDLEN"),
    (0x03, Permanent, "ESME_RINVCMDID"),
    (0x04, Transient, "ESME_RINVBNDSTS"),
    (0x05, Permanent, "ESME_RALYBND"),
    (0x06, Permanent, "ESME_RINVPRTFLG"),
    (0x07, Permanent, "ESME_RINVREGDLVFLG"),
    (0x08, Transient, "ESME_RSYSERR"),
    (0x0A, Permanent, "ESME_RINVSRCADR"),
    (0x0B, Permanent, "ESME_RINVDSTADR"),
    (0x0C, Permanent, "ESME_RINVMSGID"),
    (0x0D, Transient, "ESME_RBINDFAIL"),
    (0x0E, Transient, "ESME_RINVPASWD"),
    (0x0F, Transient, "ESME_RINVSYSID"),
    (0x11, Transient, "ESME_RCANCELFAIL"),
    (0x13, Transient, "ESME_RREPLACEFAIL"),
    (0x14, Throttled, "ESME_RMSGQFUL"),
    (0x15, Permanent, "ESME_RINVSERTYP"),
    (0x33, Permanent, "ESME_RINVNUMDESTS"),
    (0x34, Permanent, "ESME_RINVDLNAME"),
    (0x40, Permanent, "ESME_RINVDESTFLAG"),
    (0x42, Permanent, "ESME_RINVSUBREP"),
    (0x43, Permanent, "ESME_RINVESMCLASS"),
    (0x44, Permanent, "ESME_RCNTSUBDL"),
    (0x45, Transient, "ESME_RSUBMITFAIL"),
    (0x48, Permanent, "ESME_RINVSRCTON"),
    (0x49, Permanent, "ESME_RINVSRCNPI"),
    (0x50, Permanent, "ESME_RINVDSTTON"),
    (0x51, Permanent, "ESME_RINVDSTNPI"),
    (0x53, Permanent, "ESME_RINVSYSTYP"),
    (0x54, Permanent, "ESME_RINVREPFLAG"),
    (0x55, Permanent, "ESME_RINVNUMMSGS"),
    (0x58, Throttled, "ESME_RTHROTTLED"),
    (0x61, Permanent, "ESME_RINVSCHED"),
    (0x62, Permanent, "ESME_RINVEXPIRY"),
    (0x63, Permanent, "ESME_RINVDFTMSGID"),
    (0x64, Transient, "ESME_RX_T_APPN"),
    (0x65, Permanent, "ESME_RX_P_APPN"),
    (0x66, Permanent, "ESME_RX_R_APPN"),
    (0x67, Transient, "ESME_RQUERYFAIL"),
    (0xC0, Permanent, "ESME_RINVOPTPARSTREAM"),
    (0xC1, Permanent, "ESME_ROPTPARNOTALLWD"),
    (0xC2, Permanent, "ESME_RINVPARLEN"),
    (0xC3, Permanent, "ESME_RMISSINGOPTPARAM"),
    (0xC4, Permanent, "ESME_RINVOPTPARAMVAL"),
    (0xFE, Transient, "ESME_RDELIVERYFAILURE"),
    (0xFF, Transient, "ESME_RUNKNOWNERR"),
];
