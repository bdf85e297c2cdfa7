//! Accounts at carriers: what each may still send on a day, how long its phones take, and what is wrong
//! with what was agreed.

use dispatch::directory::Directory;
use dispatch::gateway::sms::{Account, Day, Kinds, LinkConfig, Refusal, Sorter, parts_of};
use dispatch::ledger::Spent;
use dispatch::preview::Reached;
use model::fault::{Fault, Severity};
use model::{Channel, Offset, Time};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::BTreeMap;

/// From so many days before its last one an account is to be renewed.
const RENEW_DAYS: i64 = 30;
/// Texts that are named where an account does not pass them; the rest is counted.
const NAMED_MAX: usize = 3;

/// The accounts of a process.
#[derive(Default)]
pub(crate) struct Accounts {
    links: Vec<String>,
    all: Vec<Account>,
    paces: Vec<Pace>,
    /// Which of them tells each telephone.
    sorter: Sorter,
    spent: Mutex<BTreeMap<String, Spent>>,
}

/// How fast an account sends, and in how many parts.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Parts a second by its contract; 0 where none was agreed.
    per_s: u32,
    with_flash: bool,
    always_ucs2: bool,
}

/// When the last phone of one account rings at its contracted rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LastPhone {
    /// Its link.
    pub(crate) link: String,
    /// People it tells.
    pub(crate) heads: u64,
    /// Parts that these take, shown at once as well where it does that.
    pub(crate) parts: u64,
    /// Parts of the same tier or a higher one that wait there before.
    pub(crate) ahead: u64,
    /// Parts a second.
    pub(crate) pace_per_s: u32,
    /// Seconds from the first message to the last; nothing where no rate was agreed.
    pub(crate) last_phone_s: Option<u64>,
}

impl Accounts {
    /// Accounts by the names of their links, each with its pace.
    pub(crate) fn new(all: &[(&String, &LinkConfig, u32)]) -> Self {
        let paces = all.iter().map(|(_, config, per_s)| {
            let style = config.style();
            Pace {
                per_s: *per_s,
                with_flash: style.sender.flash,
                always_ucs2: style.always_ucs2(),
            }
        });
        let sorter = all.first().map(|(_, config, _)| config.sorter());
        Self {
            links: all.iter().map(|(name, ..)| (*name).clone()).collect(),
            all: all.iter().map(|(_, of, _)| of.agreed.clone()).collect(),
            paces: paces.collect(),
            sorter: sorter.unwrap_or_default(),
            spent: Mutex::default(),
        }
    }

    /// Their links, in the order in which they share the phones.
    pub(crate) fn links(&self) -> &[String] {
        &self.links
    }

    /// True where short messages go out by none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Which of them tells each telephone; nothing where there is one that tells all.
    pub(crate) fn sorter(&self) -> Option<&Sorter> {
        Some(&self.sorter).filter(|sorter| !sorter.is_plain())
    }

    /// When the last phone of each account rings. `ahead` is how many messages wait at a link before.
    /// Each account is reckoned by its own phones: who stands in for one that is down is not foretold.
    pub(crate) fn last_phones(
        &self,
        reached: &[Reached],
        ahead: impl Fn(&str) -> u64,
    ) -> Vec<LastPhone> {
        let sms = || reached.iter().filter(|of| of.channel == Channel::Sms);
        let places = (0..=u8::MAX).zip(self.links.iter().zip(&self.paces));
        let of_account = places.map(|(place, (link, pace))| {
            let times = if pace.with_flash { 2 } else { 1 };
            let heads = sms().flat_map(|of| of.by_account.get(&place));
            let heads = heads.flat_map(BTreeMap::values).copied();
            let parts = sms().map(|of| {
                of.parts_by(place, |words| {
                    times * parts_of(&words.text, pace.always_ucs2) as u64
                })
            });
            let parts = parts.fold(0, u64::saturating_add);
            let ahead = ahead(link).saturating_mul(times);
            let rate = u64::from(pace.per_s);
            let all = parts.saturating_add(ahead);
            LastPhone {
                link: link.clone(),
                heads: heads.fold(0, u64::saturating_add),
                parts,
                ahead,
                pace_per_s: pace.per_s,
                last_phone_s: (rate > 0).then(|| all.div_ceil(rate)),
            }
        });
        of_account.collect()
    }

    /// What a link took so far; known of the links that this process serves.
    pub(crate) fn spent(&self, link: &str, spent: Spent) {
        self.spent.lock().insert(link.to_owned(), spent);
    }

    /// Every account, with what it took of that day.
    pub(crate) fn on(&self, day: Day) -> Vec<Account> {
        let spent = self.spent.lock();
        let with_use = |(link, account): (&String, &Account)| {
            let used = spent.get(link).filter(|spent| spent.day == day.0);
            let mut account = account.clone();
            account.used = used.map_or(0, |spent| spent.parts);
            account
        };
        self.links.iter().zip(&self.all).map(with_use).collect()
    }
}

/// Telephones of a directory that are of no known carrier; `file` is where they stand.
pub(crate) fn unknown(file: &str, directory: &Directory, kinds: &Kinds) -> Vec<Fault> {
    let found = directory.without_carrier(kinds);
    let faults = found.into_iter().map(|(begins, count)| {
        let what = format!("{count} numbers of no known carrier begin with {begins}");
        let remedy = "correct them, or add the beginning to a list of the city's own (numbers = \"numbers.toml\"); by a verified list they get no short message";
        fault(file, "phone", what, remedy.to_owned(), Severity::Notice)
    });
    faults.collect()
}

/// Accounts of the configuration in `file` that are over or soon will be.
pub(crate) fn ending(file: &str, accounts: &[Account], now: Time, offset: Offset) -> Vec<Fault> {
    let today = Day::of(now, offset);
    let ending = accounts.iter().filter_map(|account| {
        let (last, left) = account.expires().zip(account.days_left(today))?;
        let name = &account.name;
        let (what, severity) = match left {
            ..0 => (
                format!("{name} expired on {last}: it passes nothing"),
                Severity::Error,
            ),
            0..=RENEW_DAYS => (
                format!("{name} expires on {last}, in {left} days"),
                Severity::Notice,
            ),
            _ => return None,
        };
        let remedy = format!(
            "renew it with the carrier{}, then write the new day",
            called(account)
        );
        Some(fault(file, "sms.contract.expires", what, remedy, severity))
    });
    ending.collect()
}

/// Whom to call about an account, where somebody was named.
fn called(account: &Account) -> String {
    match account.on_duty.as_str() {
        "" => String::new(),
        name => format!(" ({name})"),
    }
}

/// Short messages that accounts do not pass, `texts` with the keys of their templates. One that none
/// passes reaches nobody; one that some do not, nobody of theirs.
pub(crate) fn unpassed(
    file: &str,
    accounts: &[Account],
    texts: &BTreeMap<String, String>,
) -> Vec<Fault> {
    let mut found: BTreeMap<(bool, String, Refusal), (usize, Vec<String>)> = BTreeMap::new();
    for (text, key) in texts {
        // Whether it is over is said once, not of every text.
        let why = |account: &Account| account.refusal(text, Day(i64::MIN));
        let refused: Vec<_> = accounts.iter().filter_map(|a| Some((a, why(a)?))).collect();
        let by_none = refused.len() == accounts.len();
        for (account, why) in refused {
            let of = found.entry((by_none, account.name.clone(), why));
            let (count, named) = of.or_default();
            *count += 1;
            if named.len() < NAMED_MAX && !named.iter().any(|named| named.starts_with(key.as_str()))
            {
                named.push(format!("{key} {text:?}"));
            }
        }
    }
    let faults = found
        .into_iter()
        .map(|((by_none, name, why), (count, named))| {
            let named = named.join("; ");
            let what = format!("{name} does not pass {count} of the city's texts: {why}: {named}");
            let severity = match by_none {
                true => Severity::Error,
                false => Severity::Notice,
            };
            let (field, remedy) = match why {
                Refusal::Template => (
                    "sms.contract.templates",
                    "have these registered, or word them as one that is",
                ),
                Refusal::Signature | Refusal::Expired(_) | Refusal::DailyMax { .. } => (
                    "sms.contract.signatures",
                    "have the signature registered, or take that of city.toml",
                ),
            };
            fault(file, field, what, remedy.to_owned(), severity)
        });
    faults.collect()
}

fn fault(file: &str, field: &str, what: String, remedy: String, severity: Severity) -> Fault {
    Fault {
        file: file.to_owned(),
        line: None,
        field: field.into(),
        excerpt: None,
        what,
        remedy,
        severity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dispatch::gateway::sms::Contract;

    fn account(name: &str, agreed: &str) -> Account {
        let contract: Contract = toml::from_str(agreed).unwrap();
        contract.account(name)
    }

    #[test]
    fn what_ends_is_said_a_month_before_and_fails_once_it_is_over() {
        let accounts = [
            account(
                "a",
                "expires = \"2027-03-31\"\non_duty = \"王工 020-12345\"",
            ),
            account("b", "expires = \"2027-05-01\""),
            account("c", ""),
        ];
        let said = |day: &str| {
            let (now, offset) = Time::parse(&format!("{day}T12:00:00+08:00")).unwrap();
            let faults = ending("sanfang.toml", &accounts, now, offset);
            let said = |f: &Fault| (f.severity == Severity::Error, f.what.clone());
            faults.iter().map(said).collect::<Vec<_>>()
        };
        let (now, offset) = Time::parse("2027-04-01T12:00:00+08:00").unwrap();
        let remedies = ending("sanfang.toml", &accounts, now, offset);
        let remedies: Vec<&str> = remedies.iter().map(|it| it.remedy.as_str()).collect();
        let renew = "renew it with the carrier, then write the new day";
        let named = "renew it with the carrier (王工 020-12345), then write the new day";
        assert_eq!(remedies, [named, renew], "who is on duty is named");
        assert_eq!(said("2027-02-28"), []);
        assert_eq!(
            said("2027-03-01"),
            [(false, "a expires on 2027-03-31, in 30 days".to_owned())]
        );
        assert_eq!(
            said("2027-04-01"),
            [
                (
                    true,
                    "a expired on 2027-03-31: it passes nothing".to_owned()
                ),
                (false, "b expires on 2027-05-01, in 30 days".to_owned()),
            ]
        );
    }

    #[test]
    fn a_text_that_no_account_passes_is_a_fault_and_one_that_some_do_not_is_a_notice() {
        let accounts = [
            account("a", "signatures = [\"【甲】\"]"),
            account("b", "signatures = [\"【甲】\", \"【乙】\"]"),
        ];
        let texts = [
            ("【甲】一", "alert.zh"),
            ("【乙】二", "relay.zh"),
            ("三", "ended.zh"),
        ];
        let texts = texts.map(|(text, key)| (text.to_owned(), key.to_owned()));
        let faults = unpassed("sanfang.toml", &accounts, &texts.into_iter().collect());
        let said = |f: &Fault| (f.severity == Severity::Error, f.what.clone());
        let signature = "the text opens with none of the signatures registered for it";
        assert_eq!(
            faults.iter().map(said).collect::<Vec<_>>(),
            [
                (
                    false,
                    format!(
                        "a does not pass 1 of the city's texts: {signature}: relay.zh \"【乙】二\""
                    )
                ),
                (
                    true,
                    format!("a does not pass 1 of the city's texts: {signature}: ended.zh \"三\"")
                ),
                (
                    true,
                    format!("b does not pass 1 of the city's texts: {signature}: ended.zh \"三\"")
                ),
            ]
        );
    }

    #[test]
    fn what_was_used_counts_on_its_own_day() {
        let config = LinkConfig {
            agreed: account("a", "daily_max = 10"),
            ..LinkConfig::default()
        };
        let link = "sms".to_owned();
        let accounts = Accounts::new(&[(&link, &config, 0)]);
        accounts.spent("sms", Spent { day: 7, parts: 4 });
        let left = |day| accounts.on(Day(day)).first().and_then(Account::left);
        assert_eq!((left(7), left(8)), (Some(6), Some(10)));
    }
}
