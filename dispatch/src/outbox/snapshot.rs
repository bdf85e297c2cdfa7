//! An outbox at rest: written in small parts so that the link goes on between them, and read back.
//!
//! Parts are of different moments. All progress after the beginning is applied again over what is
//! read, and that gives the state at its end: what may follow a state is decided by that state
//! alone, so that a recipient found further on passes over what came before, or joins its course.
//!
//! Layout: `SFOB`, format u8, then items; numbers are of variable length, differences are to the
//! one before in the same item.
//! - 1: an intent: its number, what closed it u8 (0 nothing), length, JSON;
//! - 2: states of 4,096 recipients: number of the intent, of the page, two states a byte;
//! - 3: receipt ids in ascending order: how many, then of each the difference, the intent's
//!   number, and the difference of the recipient;
//! - 4: addresses that will never work again, by recipient in ascending order: how many, then of each
//!   the difference of the recipient, the address, milliseconds;
//! - 5: what counts against the daily limit: day, parts;
//! - 9: the end: last progress written, how many intents, pages, receipt ids and addresses there were.

use super::Outbox;
use crate::intent::{Intent, IntentId, RecipientNo};
use crate::ledger::varint::{self, unzigzag, zigzag};
use crate::ledger::{Ledger, Receipt, Receipts, Retired, Spent, State, States};
use model::Time;

/// Format of snapshots written by this version.
pub const SNAPSHOT_FORMAT: u8 = 3;
/// The one without what counts against the daily limit.
const FORMAT_UNCOUNTED: u8 = 2;
/// The one before it, without addresses that will never work again.
const FORMAT_BEFORE: u8 = 1;

const MAGIC: &[u8; 4] = b"SFOB";
/// Receipt ids looked through for one item.
const RECEIPTS_MAX: usize = 8_192;
/// Items of one part, also where they are empty: bounds the time that one takes.
const ITEMS_MAX: usize = 1_024;

const INTENT: u8 = 1;
const PAGE: u8 = 2;
const RECEIPTS: u8 = 3;
const RETIRED: u8 = 4;
const SPENT: u8 = 5;
const END: u8 = 9;

/// A snapshot in the making: what of the outbox is written.
#[derive(Debug)]
pub struct Walk {
    /// Intents from this number on came later: they are read with what follows the snapshot.
    end: u32,
    next: Next,
    written: Written,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Start,
    /// The first intent of this number or a higher one.
    Intent(u32),
    /// The first page of that intent from this one on.
    Page(u32, usize),
    /// Receipt ids after this one.
    Receipts(Option<Receipt>),
    Retired,
    End,
    Nothing,
}

/// How many items of each kind, to be checked at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Written {
    intents: u64,
    pages: u64,
    receipts: u64,
    retired: u64,
}

/// What a snapshot gives back: a later place to start a replay.
#[derive(Clone, Debug, Default)]
pub struct AtRest {
    /// Intents in the order they were planned.
    pub intents: Vec<Intent>,
    pub(super) ledger: Ledger,
    /// Last progress written.
    pub(super) seq: u64,
}

/// Why bytes are not an outbox at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by a newer version.
    #[error("the link's snapshot has format {0}, newer than {SNAPSHOT_FORMAT}: upgrade this node")]
    Newer(u8),
    /// Not a snapshot, or cut short.
    #[error("the link's snapshot is damaged at byte {0}: start from an earlier one")]
    Damaged(usize),
}

impl Outbox {
    /// Begins a snapshot. What is planned and learned from here on is not surely in it.
    pub fn walk(&self) -> Walk {
        Walk {
            end: self.ledger.next_number(),
            next: Next::Start,
            written: Written::default(),
        }
    }

    /// Appends the next part, about `bytes_max` long; false where it was the last.
    pub fn part(&self, walk: &mut Walk, bytes_max: usize, out: &mut Vec<u8>) -> bool {
        let full = out.len().saturating_add(bytes_max.max(1));
        for _ in 0..ITEMS_MAX {
            if matches!(walk.next, Next::Nothing) || out.len() >= full {
                break;
            }
            walk.next = self.item(walk, out);
        }
        !matches!(walk.next, Next::Nothing)
    }

    /// Every intent that it remembers, in the order they were planned.
    pub fn intents(&self) -> impl Iterator<Item = &Intent> {
        self.tracks.values().map(|track| &track.intent)
    }

    fn item(&self, walk: &mut Walk, out: &mut Vec<u8>) -> Next {
        match walk.next {
            Next::Start => {
                out.extend_from_slice(MAGIC);
                out.push(SNAPSHOT_FORMAT);
                Next::Intent(0)
            }
            Next::Intent(from) => {
                let Some((no, track)) = self.tracks.range(from..walk.end).next() else {
                    return Next::Page(0, 0);
                };
                walk.written.intents += 1;
                let account = self.ledger.account_by(*no);
                let closed = account.and_then(|account| account.closed);
                put_intent(out, *no, &track.intent, closed);
                Next::Intent(no + 1)
            }
            Next::Page(from, page) => {
                let Some((no, _)) = self.tracks.range(from..walk.end).next() else {
                    return Next::Receipts(None);
                };
                let page = if *no == from { page } else { 0 };
                let account = self.ledger.account_by(*no);
                let found = account.and_then(|account| account.states.page_from(page));
                let Some((page, states)) = found else {
                    return Next::Page(no + 1, 0);
                };
                walk.written.pages += 1;
                out.push(PAGE);
                varint::put(out, u64::from(*no));
                varint::put(out, page as u64);
                states.pack(out);
                Next::Page(*no, page + 1)
            }
            Next::Receipts(after) => {
                let mut receipts = self.ledger.receipts().after(after, RECEIPTS_MAX);
                let Some(last) = receipts.last().copied() else {
                    return Next::Retired;
                };
                receipts.retain(|r| r.intent < walk.end && self.tracks.contains_key(&r.intent));
                walk.written.receipts += receipts.len() as u64;
                put_receipts(out, &receipts);
                Next::Receipts(Some(last))
            }
            Next::Retired => {
                walk.written.retired = self.ledger.retired().len() as u64;
                put_retired(out, self.ledger.retired());
                let Spent { day, parts } = self.ledger.spent();
                out.push(SPENT);
                varint::put(out, zigzag(day.cast_unsigned()));
                varint::put(out, parts);
                Next::End
            }
            Next::End => {
                let Written {
                    intents,
                    pages,
                    receipts,
                    retired,
                } = walk.written;
                out.push(END);
                for number in [self.seq, intents, pages, receipts, retired] {
                    varint::put(out, number);
                }
                Next::Nothing
            }
            Next::Nothing => Next::Nothing,
        }
    }
}

fn put_intent(out: &mut Vec<u8>, no: u32, intent: &Intent, closed: Option<State>) {
    // Our own plain types cannot fail to be written to memory; an empty one reads as damaged.
    let json = serde_json::to_vec(intent).unwrap_or_default();
    out.push(INTENT);
    varint::put(out, u64::from(no));
    out.push(closed.unwrap_or_default().code());
    varint::put(out, json.len() as u64);
    out.extend_from_slice(&json);
}

fn put_receipts(out: &mut Vec<u8>, receipts: &[Receipt]) {
    out.push(RECEIPTS);
    varint::put(out, receipts.len() as u64);
    let (mut id, mut recipient) = (0, 0);
    for receipt in receipts {
        varint::put(out, receipt.id.wrapping_sub(id));
        varint::put(out, u64::from(receipt.intent));
        let step = i64::from(receipt.recipient) - i64::from(recipient);
        varint::put(out, zigzag(step.cast_unsigned()));
        (id, recipient) = (receipt.id, receipt.recipient);
    }
}

fn put_retired(out: &mut Vec<u8>, all: impl ExactSizeIterator<Item = (RecipientNo, Retired)>) {
    out.push(RETIRED);
    varint::put(out, all.len() as u64);
    let mut last = 0;
    for (recipient, retired) in all {
        varint::put(out, u64::from(recipient.0 - last));
        varint::put(out, retired.address);
        varint::put(out, zigzag(retired.at.millis().cast_unsigned()));
        last = recipient.0;
    }
}

impl AtRest {
    /// Reads all parts of a snapshot, one behind the other.
    ///
    /// # Errors
    /// The bytes are damaged, or of a newer version.
    pub fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut reader = Reader { bytes, rest: bytes };
        let is_ours = reader.take(MAGIC.len()) == Some(MAGIC);
        let format = reader.byte().filter(|_| is_ours);
        match format {
            Some(FORMAT_BEFORE | FORMAT_UNCOUNTED | SNAPSHOT_FORMAT) => {}
            Some(newer) if newer > SNAPSHOT_FORMAT => return Err(SnapshotError::Newer(newer)),
            Some(_) | None => return Err(SnapshotError::Damaged(0)),
        }
        let mut found = Found::default();
        loop {
            if let Some(seq) = found.item(&mut reader).ok_or_else(|| reader.damaged())? {
                return found.at_rest(seq, format == Some(FORMAT_BEFORE), &reader);
            }
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Found {
    /// Numbers of the intents, ascending; those of the ledger are their places here.
    numbers: Vec<u32>,
    intents: Vec<Intent>,
    accounts: Vec<(IntentId, States, Option<State>)>,
    receipts: Vec<Receipt>,
    retired: Vec<(u32, Retired)>,
    spent: Spent,
    written: Written,
}

impl Found {
    /// Reads one item; gives the last progress where it was the end.
    fn item(&mut self, reader: &mut Reader<'_>) -> Option<Option<u64>> {
        match reader.byte()? {
            INTENT => self.intent(reader)?,
            PAGE => {
                let place = self.place(reader.number()?)?;
                let page = reader.number()?;
                let packed = reader.take(States::PACKED)?;
                let (_, states, _) = self.accounts.get_mut(place as usize)?;
                states.unpack(page, packed)?;
                self.written.pages += 1;
            }
            RECEIPTS => self.some_receipts(reader)?,
            RETIRED => self.some_retired(reader)?,
            SPENT => {
                let day = unzigzag(reader.varint()?).cast_signed();
                let parts = reader.varint()?;
                self.spent = Spent { day, parts };
            }
            END => return reader.varint().map(Some),
            _ => return None,
        }
        Some(None)
    }

    fn intent(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let number = reader.number()?;
        let closed = State::from_code(reader.byte()?)?;
        let length = usize::try_from(reader.varint()?).ok()?;
        let intent: Intent = serde_json::from_slice(reader.take(length)?).ok()?;
        if self.numbers.last().is_some_and(|last| *last >= number) {
            return None;
        }
        let closed = (closed != State::Unsent).then_some(closed);
        self.numbers.push(number);
        self.accounts.push((intent.id, States::default(), closed));
        self.intents.push(intent);
        self.written.intents += 1;
        Some(())
    }

    fn some_receipts(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let (mut id, mut recipient) = (0u64, 0u32);
        for _ in 0..reader.varint()? {
            id = id.wrapping_add(reader.varint()?);
            let intent = self.place(reader.number()?)?;
            let step = unzigzag(reader.varint()?) as u32;
            recipient = recipient.wrapping_add(step);
            self.receipts.push(Receipt {
                id,
                intent,
                recipient,
            });
            self.written.receipts += 1;
        }
        Some(())
    }

    fn some_retired(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let mut recipient = 0u32;
        for _ in 0..reader.varint()? {
            recipient = recipient.checked_add(reader.number()?)?;
            let address = reader.varint()?;
            let at = Time::from_millis(unzigzag(reader.varint()?).cast_signed());
            self.retired.push((recipient, Retired { address, at }));
            self.written.retired += 1;
        }
        Some(())
    }

    fn place(&self, number: u32) -> Option<u32> {
        let place = self.numbers.binary_search(&number).ok()?;
        u32::try_from(place).ok()
    }

    fn at_rest(
        self,
        seq: u64,
        is_before: bool,
        reader: &Reader<'_>,
    ) -> Result<AtRest, SnapshotError> {
        let mut reader = Reader { ..*reader };
        let Written {
            intents,
            pages,
            receipts,
            retired,
        } = self.written;
        let counted = [intents, pages, receipts, retired];
        let counted = counted.iter().take(if is_before { 3 } else { 4 });
        let mut is_whole = !is_before || retired == 0;
        for count in counted {
            is_whole &= reader.varint() == Some(*count);
        }
        if !is_whole || !reader.rest.is_empty() {
            return Err(reader.damaged());
        }
        let receipts = Receipts::of(self.receipts);
        let ledger = Ledger::of(self.accounts, receipts);
        let mut ledger = ledger.ok_or_else(|| reader.damaged())?;
        for (recipient, retired) in self.retired {
            ledger.retire(recipient, retired.address, retired.at);
        }
        ledger.spend(self.spent);
        Ok(AtRest {
            intents: self.intents,
            ledger,
            seq,
        })
    }
}

/// Bytes read from the front; every read is `None` where too few are left.
#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        varint::take(&mut self.rest)
    }

    fn number(&mut self) -> Option<u32> {
        u32::try_from(self.varint()?).ok()
    }

    const fn damaged(&self) -> SnapshotError {
        SnapshotError::Damaged(self.bytes.len() - self.rest.len())
    }
}
