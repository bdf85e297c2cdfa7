//! What result codes mean, as data: a table for each protocol.

use std::fmt;

/// What a refused submit means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The far side has the message.
    Accepted,
    /// Slower: the account's rate or the far side's queue is full.
    Throttled,
    /// It may go through another time.
    Transient,
    /// It never will as it stands.
    Permanent,
    /// The far side may have it all the same.
    Uncertain,
}

/// Which table a code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// command_status of SMPP.
    Smpp,
    /// Status of CMPP's answer to a login.
    CmppLogin,
    /// Result of CMPP's answer to a submit.
    CmppSubmit,
    /// Result of SGIP.
    Sgip,
    /// Status of SMGP.
    Smgp,
}

/// One code, what follows from it, and what the standard calls it.
pub type Row = (u32, Verdict, &'static str);

/// A result code as on the wire; zero is success everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultCode {
    /// Whose code it is.
    pub table: Table,
    /// The code.
    pub value: u32,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Smpp,
        Self::CmppLogin,
        Self::CmppSubmit,
        Self::Sgip,
        Self::Smgp,
    ];

    /// Its rows, by code.
    pub const fn rows(self) -> &'static [Row] {
        match self {
            Self::Smpp => super::smpp::RESULTS,
            Self::CmppLogin => super::cmpp::LOGIN_RESULTS,
            Self::CmppSubmit => super::cmpp::SUBMIT_RESULTS,
            Self::Sgip => super::sgip::RESULTS,
            Self::Smgp => super::smgp::RESULTS,
        }
    }
}

impl ResultCode {
    /// Whether it says that the phone is another carrier's, as the standard has it; what else a
    /// gateway says is written in the account's contract.
    pub fn is_not_ours(self) -> bool {
        let codes: &[u32] = match self.table {
            Table::Smpp | Table::CmppLogin => &[],
            Table::CmppSubmit => super::cmpp::NOT_OURS,
            Table::Sgip => super::sgip::NOT_OURS,
            Table::Smgp => super::smgp::NOT_OURS,
        };
        codes.contains(&self.value)
    }

    /// A code of a table.
    pub const fn new(table: Table, value: u32) -> Self {
        Self { table, value }
    }

    fn row(self) -> Option<&'static Row> {
        self.table.rows().iter().find(|row| row.0 == self.value)
    }

    /// What a submit answered so means.
    ///
    /// Codes that the tables do not have (every vendor has some) count as transient: a bounded
    /// number of further tries costs less than a warning that was never tried again.
    pub fn verdict(self) -> Verdict {
        if self.value == 0 {
            return Verdict::Accepted;
        }
        self.row().map_or(Verdict::Transient, |row| row.1)
    }

    /// True for success.
    pub const fn is_ok(self) -> bool {
        self.value == 0
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        let field = match self.table {
            Table::Smpp => {
                return match self.row() {
                    Some(row) => write!(f, "{} (0x{value:02X})", row.2),
                    None => write!(f, "command_status 0x{value:X}"),
                };
            }
            Table::CmppLogin => "CMPP login status",
            Table::CmppSubmit => "CMPP result",
            Table::Sgip => "SGIP result",
            Table::Smgp => "SMGP status",
        };
        match self.row() {
            Some(row) => write!(f, "{field} {value}: {}", row.2),
            None => write!(f, "{field} {value}, which the standard does not have"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Permanent, Throttled, Transient, Uncertain};

    #[test]
    fn tables_are_in_order_and_say_each_code_once_in_words() {
        for table in Table::ALL {
            let rows = table.rows();
            assert_eq!(rows[0].0, 0, "{table:?} begins with success");
            assert_eq!(rows[0].1, Verdict::Accepted);
            assert!(rows.iter().skip(1).all(|row| row.1 != Verdict::Accepted));
            assert!(
                rows.windows(2).all(|two| two[0].0 < two[1].0),
                "{table:?} is sorted"
            );
            for (value, _, words) in rows {
                let said = ResultCode::new(table, *value).to_string();
                assert!(!words.is_empty() && said.contains(words), "{said}");
            }
        }
    }

    /// What must not be lost when somebody edits a table.
    #[test]
    fn codes_that_decide_what_becomes_of_a_warning() {
        let cases = [
            (Table::Smpp, 0x58, Throttled),
            (Table::Smpp, 0x14, Throttled),
            (Table::Smpp, 0x08, Transient),
            (Table::Smpp, 0x0B, Permanent),
            (Table::Smpp, 0x401, Transient),
            (Table::CmppSubmit, 8, Throttled),
            (Table::CmppSubmit, 3, Uncertain),
            (Table::CmppSubmit, 13, Permanent),
            (Table::CmppSubmit, 66, Transient),
            (Table::Sgip, 11, Throttled),
            (Table::Sgip, 33, Throttled),
            (Table::Sgip, 9, Uncertain),
            (Table::Sgip, 6, Permanent),
            (Table::Sgip, 32, Transient),
            (Table::Smgp, 1, Throttled),
            (Table::Smgp, 12, Uncertain),
            (Table::Smgp, 47, Permanent),
            (Table::Smgp, 75, Transient),
            (Table::Smgp, 200, Transient),
        ];
        for (table, value, verdict) in cases {
            let code = ResultCode::new(table, value);
            assert_eq!(code.verdict(), verdict, "{code}");
        }
    }

    #[test]
    fn what_says_that_a_phone_is_anothers_is_a_refusal() {
        for table in Table::ALL {
            let codes = (0..256).map(|value| ResultCode::new(table, value));
            for code in codes.filter(|code| code.is_not_ours()) {
                assert_eq!(code.verdict(), Permanent, "{code}");
            }
        }
        assert!(ResultCode::new(Table::CmppSubmit, 9).is_not_ours());
        assert!(!ResultCode::new(Table::Smpp, 9).is_not_ours());
    }

    #[test]
    fn codes_are_said_in_words() {
        let said = |table, value| ResultCode::new(table, value).to_string();
        assert_eq!(said(Table::Smpp, 0x58), "ESME_RTHROTTLED (0x58)");
        assert_eq!(said(Table::Smpp, 0x401), "command_status 0x401");
        assert_eq!(
            said(Table::CmppSubmit, 8),
            "CMPP result 8: 流量控制错 (flow control)"
        );
        assert_eq!(
            said(Table::Smgp, 200),
            "SMGP status 200, which the standard does not have"
        );
    }
}
