//! Accounts that tell each other's phones: links that come and go, a day that is used up, crashes; and
//! everybody is told once all the same.

use super::*;
use dispatch::intent::{Recipients, StandIns};
use std::collections::VecDeque;
use std::sync::Arc;

const ACCOUNTS: usize = 3;
const PEOPLE: u32 = 60;
const LINKS: [&str; ACCOUNTS] = ["sms", "sms/b", "sms/c"];
const TAKEN: Outcome = Outcome::Accepted { receipt: 0 };

/// One account and what is on its disk.
struct Account {
    outbox: Outbox,
    /// What others handed it and it has not read yet.
    queue: VecDeque<Intent>,
    intents: Vec<Intent>,
    progress: Vec<Progress>,
    up: bool,
}

/// Three accounts; each person's phone is of one of them.
struct Carriers {
    accounts: Vec<Account>,
    limits: Vec<Limits>,
    /// True where what is handed on is read at once.
    at_once: bool,
    now: i64,
    /// How often each revision reached each person.
    got: BTreeMap<(u32, u32), u32>,
    /// Messages by account.
    left: [usize; ACCOUNTS],
}

impl Carriers {
    /// Each hands over to the others in turn; `daily_max` of the first.
    fn new(daily_max: u64) -> Self {
        let others = |own| {
            (1..ACCOUNTS)
                .map(move |step| (own + step) % ACCOUNTS)
                .collect()
        };
        Self::agreed(daily_max, [others(0), others(1), others(2)])
    }

    /// The same where each account's phones are told by those.
    fn agreed(daily_max: u64, by: [Vec<usize>; ACCOUNTS]) -> Self {
        let named = |by: &Vec<usize>| by.iter().map(|other| LINKS[*other].to_owned()).collect();
        let each = LINKS.iter().zip(&by);
        let fail_over = StandIns::of(each.map(|(link, by)| ((*link).to_owned(), named(by))));
        let limits = (0..ACCOUNTS).map(|own| Limits {
            daily_max: if own == 0 { daily_max } else { 0 },
            fail_over: fail_over.clone(),
            chunk_rows: 7,
            ..Limits::with_window(5)
        });
        let limits: Vec<Limits> = limits.collect();
        let accounts = limits.iter().zip(LINKS).map(|(limits, link)| Account {
            outbox: Outbox::new(link, limits.clone()),
            queue: VecDeque::new(),
            intents: Vec::new(),
            progress: Vec::new(),
            up: false,
        });
        Self {
            accounts: accounts.collect(),
            limits,
            at_once: true,
            now: 1,
            got: BTreeMap::new(),
            left: [0; ACCOUNTS],
        }
    }

    /// The same thing is said by every account to its own phones.
    fn say(&mut self, intent: &Intent) {
        for (own, link) in LINKS.into_iter().enumerate() {
            let id = IntentId::derive(
                intent.warning,
                intent.revision,
                link,
                intent.purpose,
                Reach::Public,
                "",
            );
            let link = link.to_owned();
            self.plan(
                own,
                Intent {
                    id,
                    link,
                    ..intent.clone()
                },
            );
        }
    }

    fn plan(&mut self, own: usize, intent: Intent) {
        self.accounts[own].intents.push(intent.clone());
        self.step(own, Event::Planned(&intent));
    }

    /// An account reads the first thing that others handed it.
    fn read(&mut self, own: usize) {
        if let Some(intent) = self.accounts[own].queue.pop_front() {
            self.plan(own, intent);
        }
    }

    fn read_all(&mut self) {
        while let Some(own) = (0..ACCOUNTS).find(|own| !self.accounts[*own].queue.is_empty()) {
            self.read(own);
        }
    }

    fn link(&mut self, own: usize, up: bool) {
        self.accounts[own].up = up;
        self.step(own, if up { Event::Up } else { Event::Down });
    }

    fn crash(&mut self, own: usize) {
        let account = &self.accounts[own];
        let mut out = Effects::default();
        let outbox = Outbox::recover(
            LINKS[own],
            self.limits[own].clone(),
            AtRest::default(),
            account.intents.iter(),
            account.progress.iter(),
            at(self.now),
            &mut out,
        );
        self.accounts[own].outbox = outbox;
        self.run(own, out);
        self.link(own, self.accounts[own].up);
    }

    fn step(&mut self, own: usize, event: Event<'_>) {
        let mut out = Effects::default();
        self.accounts[own]
            .outbox
            .step(at(self.now), event, &mut out);
        self.run(own, out);
    }

    /// Does what an account asks for until it asks for nothing; the far side takes all at once.
    fn run(&mut self, own: usize, mut out: Effects) {
        loop {
            let mut next = Effects::default();
            for record in &out.progress {
                let read = Progress::decode(&record.encode()).unwrap();
                self.accounts[own].progress.push(read);
            }
            let mut handed: BTreeMap<(IntentId, Arc<str>, bool), Vec<RecipientNo>> =
                BTreeMap::new();
            for note in &out.notes {
                if let Note::HandOver {
                    intent,
                    to,
                    recipient,
                    asks,
                } = note
                {
                    let whose = handed.entry((*intent, Arc::clone(to), *asks));
                    whose.or_default().push(*recipient);
                }
            }
            let seq = out.progress.last().map_or(0, |record| record.seq);
            let time = at(self.now);
            let account = &mut self.accounts[own];
            account.outbox.step(time, Event::Durable(seq), &mut next);
            for wanted in &out.resolve {
                let rows = rows(own, wanted);
                let event = Event::Rows {
                    intent: wanted.intent,
                    pass: wanted.pass,
                    epoch: wanted.epoch,
                    cursor: wanted.cursor + u64::from(wanted.rows_max),
                    rows: &rows.0,
                    end: rows.1,
                };
                account.outbox.step(time, event, &mut next);
            }
            let mut answers = Vec::new();
            for send in &out.sends {
                let revision = account.intents.iter().find(|it| it.id == send.intent);
                let revision = revision.unwrap().revision;
                for sending in out.batch(send) {
                    assert!(account.up, "nothing leaves a link that is down");
                    let who = sending.token.recipient().0;
                    *self.got.entry((revision, who)).or_default() += 1;
                    self.left[own] += 1;
                    answers.push(Answer {
                        token: sending.token,
                        outcome: TAKEN,
                    });
                }
            }
            if !answers.is_empty() {
                let event = Event::Answers(&answers);
                account.outbox.step(time, event, &mut next);
            }
            for ((id, heir, asks), people) in handed {
                let intents = &self.accounts[own].intents;
                let intent = intents.iter().find(|it| it.id == id).unwrap();
                let to = LINKS.iter().position(|link| **link == *heir).unwrap();
                let handed = intent.handed(time, Recipients::of(people), &heir, asks);
                self.accounts[to].queue.push_back(handed);
            }
            if self.at_once {
                self.read_all();
            }
            let quiet = next.resolve.is_empty() && next.sends.is_empty();
            if quiet && next.progress.is_empty() && next.notes.is_empty() {
                return;
            }
            out = next;
        }
    }

    /// Everybody is there again, and time passes: whom nobody could tell is handed round.
    fn rest(&mut self) {
        self.at_once = true;
        self.read_all();
        for own in 0..ACCOUNTS {
            self.link(own, true);
            self.step(own, Event::Aside(false));
        }
        for _ in 0..4 {
            self.now += 901;
            for own in 0..ACCOUNTS {
                self.step(own, Event::Tick);
            }
        }
    }

    fn got(&self, revision: u32, who: u32) -> u32 {
        self.got.get(&(revision, who)).copied().unwrap_or(0)
    }
}

/// The people of a page: those of the account, or those who were handed to it.
fn rows(own: usize, wanted: &dispatch::outbox::Resolve) -> (Vec<Row>, bool) {
    let handed = wanted.audience.only.as_ref();
    let mine = |who: &u32| match handed {
        Some(only) => only.has(RecipientNo(*who)),
        None => *who as usize % ACCOUNTS == own,
    };
    let here = |who: &u32| wanted.audience.areas.contains(&area(u64::from(*who % 4)));
    let alone = |who: &u32| who.is_multiple_of(5) == (wanted.pass == 0);
    let all: Vec<u32> = (0..PEOPLE)
        .filter(mine)
        .filter(here)
        .filter(alone)
        .collect();
    let from = usize::try_from(wanted.cursor).unwrap();
    let page = all.iter().skip(from).take(wanted.rows_max as usize);
    let row = |who: &u32| Row {
        recipient: RecipientNo(*who),
        variant: 0,
        shared: false,
        address: u64::from(*who),
    };
    let is_end = from + wanted.rows_max as usize >= all.len();
    (page.map(row).collect(), is_end)
}

#[test]
fn an_account_that_is_away_leaves_its_phones_to_the_next_and_its_end_goes_there_too() {
    for tier in [Tier::Yellow, Tier::Red] {
        let mut carriers = Carriers::new(0);
        carriers.link(1, true);
        carriers.link(2, true);
        carriers.say(&to_all(1, Purpose::Alert, tier, 0, 9000));
        assert_eq!(carriers.left, [0, 20, 20], "its phones wait");
        carriers.step(0, Event::Aside(true));
        assert_eq!(carriers.left, [0, 40, 20], "the next has them");
        let counts = carriers.accounts[0].outbox.ledger();
        let own = carriers.accounts[0].intents[0].id;
        assert_eq!(counts.counts(own).of(State::Handed), 20);
        assert!(carriers.accounts[0].outbox.is_idle());

        carriers.link(0, true);
        carriers.step(0, Event::Aside(false));
        carriers.crash(0);
        carriers.say(&to_all(2, Purpose::Ended, tier, 10, 9000));
        assert_eq!(
            carriers.left,
            [0, 80, 40],
            "who told them says that it is over"
        );
        for who in 0..PEOPLE {
            assert_eq!(
                (carriers.got(1, who), carriers.got(2, who)),
                (1, 1),
                "{who}"
            );
        }
    }
}

#[test]
fn of_a_day_that_is_used_up_the_rest_goes_to_the_next_account() {
    let mut carriers = Carriers::new(8);
    for own in 0..ACCOUNTS {
        carriers.link(own, true);
    }
    carriers.say(&to_all(1, Purpose::Alert, Tier::Red, 0, 9000));
    assert_eq!(carriers.left, [8, 32, 20]);
    carriers.say(&to_all(2, Purpose::Ended, Tier::Red, 10, 9000));
    assert_eq!(
        carriers.left,
        [8, 72, 40],
        "the day has no room for its end"
    );
    for who in 0..PEOPLE {
        assert_eq!(
            (carriers.got(1, who), carriers.got(2, who)),
            (1, 1),
            "{who}"
        );
    }
}

#[test]
fn whom_no_account_can_tell_waits_at_their_own_and_goes_round_again() {
    let mut carriers = Carriers::new(0);
    for own in 0..ACCOUNTS {
        carriers.step(own, Event::Aside(true));
    }
    carriers.say(&to_all(1, Purpose::Alert, Tier::Red, 0, 9000));
    let handed = |carriers: &Carriers| {
        let intents = carriers
            .accounts
            .iter()
            .map(|account| account.intents.len());
        intents.sum::<usize>()
    };
    let once = handed(&carriers);
    carriers.step(1, Event::Tick);
    assert_eq!(
        (handed(&carriers), carriers.left),
        (once, [0, 0, 0]),
        "once round"
    );
    // Their own account comes back.
    carriers.link(0, true);
    carriers.step(0, Event::Aside(false));
    let told = |carriers: &Carriers| -> Vec<u32> {
        (0..PEOPLE)
            .filter(|who| carriers.got(1, *who) == 1)
            .collect()
    };
    assert!(
        told(&carriers)
            .iter()
            .all(|who| (*who as usize).is_multiple_of(ACCOUNTS))
    );
    assert_eq!(carriers.left, [20, 0, 0]);
    // The others stay away: in time theirs come to the one that is there.
    carriers.now += 901;
    for own in [1, 2] {
        carriers.step(own, Event::Tick);
    }
    assert_eq!((told(&carriers).len(), carriers.left), (60, [60, 0, 0]));
}

#[test]
fn what_is_handed_on_late_gives_way_to_what_was_said_since() {
    for purpose in [Purpose::Cancelled, Purpose::Rise] {
        let mut carriers = Carriers::new(0);
        carriers.at_once = false;
        carriers.link(1, true);
        carriers.say(&to_all(1, Purpose::Alert, Tier::Yellow, 0, 9000));
        carriers.step(0, Event::Aside(true));
        assert!(!carriers.accounts[1].queue.is_empty());
        // Before the next account reads that, it is over, or worse.
        carriers.say(&to_all(2, purpose, Tier::Red, 10, 9000));
        carriers.read_all();
        carriers.read_all();
        let of_the_first = (0..PEOPLE).filter(|who| (*who as usize).is_multiple_of(ACCOUNTS));
        let is_rise = u32::from(purpose == Purpose::Rise);
        for who in of_the_first {
            let got = (carriers.got(1, who), carriers.got(2, who));
            assert_eq!(got, (0, is_rise), "{purpose:?}: {who}");
        }
    }
}

#[test]
fn the_account_that_the_phones_are_of_says_who_is_asked_next() {
    // Neither of the others has anybody of its own.
    let mut carriers = Carriers::agreed(0, [vec![1, 2], vec![], vec![]]);
    for own in [0, 1] {
        carriers.step(own, Event::Aside(true));
    }
    carriers.link(2, true);
    carriers.say(&to_all(1, Purpose::Alert, Tier::Red, 0, 9000));
    assert_eq!(carriers.left, [0, 0, 40], "the second that was agreed");
    carriers.link(1, true);
    carriers.step(1, Event::Aside(false));
    assert_eq!(carriers.left, [0, 20, 40], "phones of no agreement wait");
}

#[test]
fn whom_a_stand_in_has_goes_back_where_it_can_tell_nobody_either() {
    let mut carriers = Carriers::agreed(0, [vec![1], vec![], vec![]]);
    carriers.step(0, Event::Aside(true));
    carriers.say(&to_all(1, Purpose::Alert, Tier::Red, 0, 9000));
    assert_eq!(carriers.left, [0, 0, 0]);
    // The stand-in is down too; the phones' own account is there again.
    carriers.step(1, Event::Aside(true));
    carriers.link(0, true);
    carriers.step(0, Event::Aside(false));
    assert_eq!(carriers.left, [20, 0, 0]);
}

#[test]
fn who_waits_for_a_text_that_is_not_passed_is_handed_on_together() {
    let mut carriers = Carriers::new(0);
    carriers.link(1, true);
    let intent = to_all(1, Purpose::Alert, Tier::Red, 0, 9000);
    carriers.say(&intent);
    let own = carriers.accounts[0].intents[0].id;
    carriers.step(0, Event::NotPassed(own, 0));
    assert_eq!(carriers.left, [0, 20, 0], "the link is down: they wait");
    carriers.link(0, true);
    assert_eq!(carriers.left, [0, 40, 0]);
    let handed = carriers.accounts[1].intents.len() - 1;
    assert!(
        handed <= 4,
        "{handed} intents for twenty people in windows of five"
    );
}

#[test]
fn where_nobody_is_left_to_ask_who_may_have_been_told_hears_the_end() {
    let mut carriers = Carriers::new(0);
    carriers.link(1, true);
    carriers.step(0, Event::Aside(true));
    carriers.say(&to_all(1, Purpose::Alert, Tier::Red, 0, 9000));
    assert_eq!(carriers.left, [0, 40, 0]);
    // The agreement is taken out of the configuration.
    for limits in &mut carriers.limits {
        limits.fail_over = StandIns::default();
    }
    carriers.crash(0);
    carriers.link(0, true);
    carriers.step(0, Event::Aside(false));
    carriers.say(&to_all(2, Purpose::Ended, Tier::Red, 10, 9000));
    assert_eq!(carriers.left, [20, 60, 0]);
}

#[test]
fn whatever_comes_and_goes_everybody_is_told_once() {
    for seed in 0..400 {
        let mut random = Random(seed);
        let mut carriers = Carriers::new(if random.one_in(3) { 15 } else { 0 });
        carriers.at_once = random.one_in(2);
        let tier = [Tier::Blue, Tier::Yellow][random.below(2) as usize];
        let mut revision = 0;
        for _ in 0..30 {
            carriers.now += 1;
            let own = random.below(ACCOUNTS as u64) as usize;
            match random.below(8) {
                0 => carriers.link(own, true),
                1 => carriers.link(own, false),
                2 => carriers.step(own, Event::Aside(true)),
                3 => carriers.step(own, Event::Aside(false)),
                4 => carriers.crash(own),
                5 | 6 => carriers.read(own),
                _ if revision < 4 => {
                    revision += 1;
                    carriers.say(&to_all(revision, Purpose::Rise, tier, carriers.now, 90_000));
                }
                _ => {}
            }
        }
        revision += 1;
        carriers.say(&to_all(revision, Purpose::Rise, tier, carriers.now, 90_000));
        carriers.rest();
        for who in 0..PEOPLE {
            assert_eq!(carriers.got(revision, who), 1, "{seed}: {who}");
            let most = (1..=revision).map(|it| carriers.got(it, who)).max();
            assert_eq!(most, Some(1), "{seed}: {who} heard something twice");
        }
    }
}

#[test]
fn an_end_reaches_whoever_was_told_by_any_account_and_nobody_else() {
    let mut handed = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let mut carriers = Carriers::new(if random.one_in(3) { 10 } else { 0 });
        carriers.at_once = random.one_in(2);
        let mut revision = 1;
        carriers.say(&to_all(1, Purpose::Alert, Tier::Yellow, 0, 90_000));
        for _ in 0..25 {
            carriers.now += 1;
            let own = random.below(ACCOUNTS as u64) as usize;
            match random.below(7) {
                0 => carriers.link(own, true),
                1 => carriers.link(own, false),
                2 => carriers.step(own, Event::Aside(true)),
                3 => carriers.step(own, Event::Aside(false)),
                4 | 5 => carriers.read(own),
                _ if revision < 4 => {
                    revision += 1;
                    carriers.say(&to_all(
                        revision,
                        Purpose::Rise,
                        Tier::Yellow,
                        carriers.now,
                        90_000,
                    ));
                }
                _ => {}
            }
        }
        revision += 1;
        carriers.say(&to_all(
            revision,
            Purpose::Ended,
            Tier::Yellow,
            carriers.now,
            90_000,
        ));
        carriers.rest();
        for own in 0..ACCOUNTS {
            handed += carriers.accounts[own].outbox.stats().handed;
        }
        for who in 0..PEOPLE {
            let was_told = (1..revision).any(|it| carriers.got(it, who) > 0);
            assert_eq!(
                carriers.got(revision, who),
                u32::from(was_told),
                "{seed}: {who}"
            );
        }
    }
    assert!(handed > 10_000, "{handed}");
}
