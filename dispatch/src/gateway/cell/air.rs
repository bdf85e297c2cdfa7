//! What a carrier's cells say at a moment, and what has to change so that they say something else.
//!
//! Pure. An interface of the ECBE's shape knows a message by its identifier alone, which all warnings
//! of a tier share: to take one away is to take away all of that identifier, and to put back what
//! still stands. Phones show a serial number once, so that what is put back rings nobody.

use super::page::{CODES, Pages, Serial, UPDATES};
use model::{AreaCode, Language, Tier, Time, WarningId};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Message codes of one warning: one for each language, of which there are fewer.
const CODES_EACH: u16 = 8;
/// Warnings that can have codes of their own.
const BLOCKS: u16 = CODES / CODES_EACH;
/// Messages held; of more the one that ends first gives way.
const MESSAGES_MAX: usize = 64;

/// One message in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// Language.
    pub language: Language,
    /// Message identifier.
    pub identifier: u16,
    /// The text.
    pub pages: Pages,
}

/// What is to be said of one warning in some areas from now on.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The warning.
    pub warning: WarningId,
    /// Where; what was said of the warning there before is said no more.
    pub areas: BTreeSet<AreaCode>,
    /// The tier that is said.
    pub tier: Tier,
    /// The words; none takes away what was said, and that is all.
    pub wordings: Vec<Wording>,
    /// Until when it is worth hearing.
    pub until: Time,
}

/// How the messages of a warning are numbered; kept with the delivery, so that a restart goes on
/// from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Numbering {
    block: u16,
    update: u8,
}

/// One message on the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnAir {
    /// Message identifier.
    pub identifier: u16,
    /// Serial number.
    pub serial: Serial,
    /// Language.
    pub language: Language,
    /// The text.
    pub pages: Pages,
    /// Where.
    pub areas: BTreeSet<AreaCode>,
    /// Until when.
    pub until: Time,
}

/// What is to be done with one identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub identifier: u16,
    /// True where everything of it is taken away first.
    pub clear: bool,
    /// What is put there.
    pub put: Vec<OnAir>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    warning: WarningId,
    numbering: Numbering,
    tier: Tier,
    wordings: Vec<Wording>,
    areas: BTreeSet<AreaCode>,
    until: Time,
}

/// What the cells say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Air {
    said: Vec<Said>,
    /// The last numbering of each warning of which something is said.
    numbered: BTreeMap<WarningId, (Numbering, Time)>,
}

impl Numbering {
    /// As one number that is not 0.
    pub fn to_number(self) -> u64 {
        1 + u64::from(self.block) * u64::from(UPDATES) + u64::from(self.update)
    }

    /// From [`Numbering::to_number`].
    pub fn from_number(number: u64) -> Option<Self> {
        let number = u16::try_from(number.checked_sub(1)?).ok()?;
        let (block, update) = (number / u16::from(UPDATES), number % u16::from(UPDATES));
        let update = u8::try_from(update).ok()?;
        (block < BLOCKS).then_some(Self { block, update })
    }

    fn serial(self, language: Language) -> Serial {
        // Fewer languages than codes of a warning.
        let place = language.index() as u16 % CODES_EACH;
        Serial {
            code: self.block * CODES_EACH + place,
            update: self.update,
        }
    }
}

impl Air {
    /// The next numbering of a warning: its update number rises by one from message to message and
    /// begins again after the last. One of which nothing is on the air has codes that no other has.
    pub fn numbering(&self, warning: WarningId, seed: u64) -> Numbering {
        if let Some((last, _)) = self.numbered.get(&warning) {
            return Numbering {
                block: last.block,
                update: (last.update + 1) % UPDATES,
            };
        }
        let used: BTreeSet<u16> = self.numbered.values().map(|(it, _)| it.block).collect();
        let digest = Sha256::digest(format!("sanfang/cell/1\n{warning}\n{seed}"));
        let first = digest
            .first_chunk()
            .map_or(0, |two| u16::from_be_bytes(*two))
            % BLOCKS;
        let mut blocks = (0..BLOCKS).map(|step| (first + step) % BLOCKS);
        let block = blocks.find(|block| !used.contains(block)).unwrap_or(first);
        Numbering { block, update: 0 }
    }

    /// What they say after `notice` at `at`.
    pub fn with(&self, notice: &Notice, numbering: Numbering, at: Time) -> Self {
        let mut next = self.at(at);
        for said in next.of_mut(notice.warning) {
            said.areas.retain(|area| !notice.areas.contains(area));
        }
        if !notice.wordings.is_empty() && at < notice.until {
            next.said.push(Said {
                warning: notice.warning,
                numbering,
                tier: notice.tier,
                wordings: notice.wordings.clone(),
                areas: notice.areas.clone(),
                until: notice.until,
            });
        }
        // Also of what was taken away: the next message is newer than all that phones have.
        let kept = next.numbered.entry(notice.warning);
        let (last, until) = kept.or_insert((numbering, notice.until));
        (*last, *until) = (numbering, notice.until.max(*until));
        next.swept()
    }

    /// What they say where each area is asked for the tier that stands there and until when: what has
    /// fallen or ended is taken away, what stands for longer is said for longer. `None` changes
    /// nothing.
    pub fn renewed(
        &self,
        stands: impl Fn(WarningId, AreaCode) -> Option<(Tier, Time)>,
        at: Time,
    ) -> Self {
        let mut next = self.at(at);
        for said in &mut next.said {
            let (warning, tier) = (said.warning, said.tier);
            // An all-clear stands by itself.
            if tier == Tier::None {
                continue;
            }
            said.areas
                .retain(|area| stands(warning, *area).is_none_or(|(now, _)| now >= tier));
            let longest = said.areas.iter().filter_map(|area| stands(warning, *area));
            let longest = longest.map(|(_, until)| until).max();
            said.until = said.until.max(longest.unwrap_or(said.until));
            if let Some((_, until)) = next.numbered.get_mut(&warning) {
                *until = said.until.max(*until);
            }
        }
        next.swept()
    }

    /// Everything that is on the air, by identifier.
    pub fn messages(&self) -> BTreeMap<u16, Vec<OnAir>> {
        let mut all: BTreeMap<u16, Vec<OnAir>> = BTreeMap::new();
        for said in &self.said {
            for wording in &said.wordings {
                all.entry(wording.identifier).or_default().push(OnAir {
                    identifier: wording.identifier,
                    serial: said.numbering.serial(wording.language),
                    language: wording.language,
                    pages: wording.pages.clone(),
                    areas: said.areas.clone(),
                    until: said.until,
                });
            }
        }
        all
    }

    /// What has to be done so that the cells, which say `self`, say `next`: what only adds comes
    /// first. Of the identifiers in `doubted` nobody knows what they say.
    pub fn changes(&self, next: &Self, doubted: &BTreeSet<u16>) -> Vec<Change> {
        let (have, want) = (self.messages(), next.messages());
        let identifiers: BTreeSet<u16> = have.keys().chain(want.keys()).copied().collect();
        let mut changes = Vec::new();
        for identifier in identifiers {
            let of = |all: &BTreeMap<u16, Vec<OnAir>>| all.get(&identifier).cloned();
            let (have, want) = (of(&have).unwrap_or_default(), of(&want).unwrap_or_default());
            let stays = have.iter().all(|message| want.contains(message));
            let clear = !stays || doubted.contains(&identifier);
            let put: Vec<OnAir> = match clear {
                true => want,
                false => want.into_iter().filter(|it| !have.contains(it)).collect(),
            };
            if clear || !put.is_empty() {
                changes.push(Change {
                    identifier,
                    clear,
                    put,
                });
            }
        }
        changes.sort_by_key(|change| change.clear);
        changes
    }

    /// Without what is over.
    fn at(&self, at: Time) -> Self {
        let mut next = self.clone();
        next.said.retain(|said| at < said.until);
        next.numbered.retain(|_, (_, until)| at < *until);
        next
    }

    fn of_mut(&mut self, warning: WarningId) -> impl Iterator<Item = &mut Said> {
        let said = self.said.iter_mut();
        said.filter(move |said| said.warning == warning)
    }

    /// Without what is said nowhere, and within the bound.
    fn swept(mut self) -> Self {
        self.said.retain(|said| !said.areas.is_empty());
        while self.said.len() > MESSAGES_MAX {
            let ends = self
                .said
                .iter()
                .enumerate()
                .min_by_key(|(_, said)| said.until);
            let Some((first, _)) = ends else { break };
            self.said.remove(first);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn warning(number: u64) -> WarningId {
        WarningId::parse(&format!("{number:024x}")).unwrap()
    }

    fn areas(codes: &[u64]) -> BTreeSet<AreaCode> {
        let code = |no: &u64| AreaCode::parse(&format!("44010600{no:04}")).unwrap();
        codes.iter().map(code).collect()
    }

    fn at(second: i64) -> Time {
        Time::from_seconds(second)
    }

    fn notice(number: u64, tier: Tier, codes: &[u64], until: i64) -> Notice {
        let identifier = match tier {
            Tier::Red => 4371,
            Tier::None | Tier::White | Tier::Blue | Tier::Yellow | Tier::Orange => 4373,
        };
        let wording = |language| Wording {
            language,
            identifier,
            pages: Pages::of(&format!("{number} {tier}"), language).unwrap(),
        };
        Notice {
            warning: warning(number),
            areas: areas(codes),
            tier,
            wordings: [Language::Zh, Language::En].map(wording).to_vec(),
            until: at(until),
        }
    }

    fn step(air: &Air, notice: &Notice, second: i64) -> (Air, Vec<Change>) {
        let numbering = air.numbering(notice.warning, 1);
        let next = air.with(notice, numbering, at(second));
        let changes = air.changes(&next, &BTreeSet::new());
        (next, changes)
    }

    #[test]
    fn an_update_rises_and_begins_again_after_the_last() {
        let mut air = Air::default();
        let mut updates = Vec::new();
        for round in 0..18 {
            let notice = notice(1, Tier::Red, &[1], 1_000);
            (air, _) = step(&air, &notice, round);
            updates.push(air.messages()[&4371][0].serial.update);
        }
        let wanted: Vec<u8> = (0..16).chain([0, 1]).collect();
        assert_eq!(updates, wanted);
        assert_eq!(air.messages()[&4371].len(), 2, "one in each language");
    }

    #[test]
    fn what_rises_in_a_part_goes_on_in_the_rest() {
        let (air, changes) = step(
            &Air::default(),
            &notice(1, Tier::Orange, &[1, 2, 3], 900),
            0,
        );
        assert_eq!((changes.len(), changes[0].clear), (1, false));
        let (air, changes) = step(&air, &notice(1, Tier::Red, &[2], 900), 1);
        let of = |change: &Change| (change.identifier, change.clear, change.put[0].areas.len());
        let found: Vec<_> = changes.iter().map(of).collect();
        assert_eq!(
            found,
            [(4371, false, 1), (4373, true, 2)],
            "the rise is first"
        );
        let serials: Vec<Serial> = changes[1].put.iter().map(|it| it.serial).collect();
        assert!(
            serials.iter().all(|serial| serial.update == 0),
            "it rings nobody again"
        );
        let end = Notice {
            wordings: Vec::new(),
            ..notice(1, Tier::None, &[1, 2, 3], 900)
        };
        let (air, changes) = step(&air, &end, 2);
        assert!(air.messages().is_empty());
        assert!(
            changes
                .iter()
                .all(|change| change.clear && change.put.is_empty())
        );
        let (air, _) = step(&air, &notice(1, Tier::Red, &[1], 900), 3);
        assert_eq!(
            air.messages()[&4371][0].serial.update,
            3,
            "newer than what phones have"
        );
    }

    #[test]
    fn who_shares_an_identifier_is_put_back() {
        let (air, _) = step(&Air::default(), &notice(1, Tier::Red, &[1], 900), 0);
        let (air, changes) = step(&air, &notice(2, Tier::Red, &[2], 900), 1);
        assert_eq!((changes[0].clear, changes[0].put.len()), (false, 2));
        let end = Notice {
            wordings: Vec::new(),
            ..notice(1, Tier::None, &[1], 900)
        };
        let (air, changes) = step(&air, &end, 2);
        assert_eq!((changes[0].clear, changes[0].put.len()), (true, 2));
        assert_eq!(changes[0].put[0].areas, areas(&[2]));
        let mut codes: Vec<u16> = air.messages()[&4371]
            .iter()
            .map(|it| it.serial.code)
            .collect();
        codes.dedup();
        assert_eq!(codes.len(), 2, "languages have codes of their own");
    }

    #[test]
    fn what_fell_is_taken_away_and_what_stands_longer_is_said_longer() {
        let (air, _) = step(&Air::default(), &notice(1, Tier::Red, &[1, 2], 100), 0);
        let one = areas(&[1]);
        let stands = |_, area| match one.contains(&area) {
            true => Some((Tier::Yellow, at(500))),
            false => Some((Tier::Red, at(500))),
        };
        let next = air.renewed(stands, at(50));
        let message = next.messages()[&4371][0].clone();
        assert_eq!((message.areas, message.until), (areas(&[2]), at(500)));
        assert_eq!(
            air.renewed(|_, _| None, at(50)),
            air,
            "nobody knows: nothing changes"
        );
        assert!(
            air.renewed(|_, _| None, at(100)).messages().is_empty(),
            "its time is over"
        );
    }

    #[test]
    fn a_numbering_is_kept_as_a_number() {
        for block in [0, 1, 127] {
            for update in [0, 15] {
                let numbering = Numbering { block, update };
                let number = numbering.to_number();
                assert!(number > 0);
                assert_eq!(Numbering::from_number(number), Some(numbering));
            }
        }
        assert_eq!(Numbering::from_number(0), None);
        assert_eq!(Numbering::from_number(2049), None);
    }

    proptest! {
        /// Whatever is said, the changes done one after the other leave exactly what is meant.
        #[test]
        fn changes_lead_there(acts in proptest::collection::vec((1u64..4, 0u8..3, 1u64..5, 1u64..5), 1..20)) {
            let mut air = Air::default();
            let mut cells: Vec<OnAir> = Vec::new();
            for (round, (number, kind, first, second)) in (0i64..).zip(acts) {
                let tier = [Tier::Red, Tier::Orange, Tier::None][usize::from(kind)];
                let mut notice = notice(number, tier, &[first, second], 1_000);
                if tier == Tier::None {
                    notice.wordings.clear();
                }
                let (next, changes) = step(&air, &notice, round);
                for change in changes {
                    if change.clear {
                        cells.retain(|message| message.identifier != change.identifier);
                    }
                    cells.extend(change.put);
                }
                air = next;
                let mut wanted: Vec<OnAir> = air.messages().into_values().flatten().collect();
                let key = |it: &OnAir| (it.identifier, it.serial);
                wanted.sort_by_key(key);
                cells.sort_by_key(key);
                prop_assert_eq!(&cells, &wanted);
                // No two messages of one identifier have one serial number.
                let mut names: Vec<_> = wanted.iter().map(key).collect();
                names.dedup();
                prop_assert_eq!(names.len(), wanted.len());
            }
        }
    }
}
