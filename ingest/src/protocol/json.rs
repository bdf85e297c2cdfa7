//! The observation contract: a JSON array, one JSON object, or one object a line.
//!
//! A hand-written scanner rather than `serde_json`, because this is where a storm's load lands
//! first. Keys come in any order, unknown ones are passed over; the text of the last time is
//! remembered, since a batch of readings mostly shares it.

use super::alike::{Alike, Like};
use super::scan::{Scanner, element_end};
use super::{DecodeError, Field, Framing, RECORD_BYTES_MAX, Reading, Take, What};
use model::{Offset, Quality, Time};

/// How deep an unknown key's value may be nested.
pub const DEPTH_MAX: usize = 64;

/// The records of a body, in order.
#[derive(Clone, Debug)]
pub struct Readings<'a> {
    /// All of it, without a byte order mark.
    body: &'a [u8],
    /// Where the next record starts or is looked for.
    at: usize,
    /// The line `counted_to` is on, from 1.
    line: u64,
    counted_to: usize,
    shape: Shape<'a>,
    habits: Habits<'a>,
    /// The last line, if lines like it can be told at a glance.
    alike: Option<Alike<'a>>,
}

#[derive(Clone, Copy, Debug)]
enum Shape<'a> {
    Unknown,
    Lines,
    /// An open array: the valid text of the body from `base`, and whether an element came before.
    Array {
        text: &'a str,
        base: usize,
        is_first: bool,
    },
    Done,
}

/// What records before this one were like; the next is mostly the same.
#[derive(Clone, Copy, Debug, Default)]
struct Habits<'a> {
    /// Text of the last time, and what it means.
    time_text: &'a str,
    time: Time,
    offset: Offset,
    /// The field that came after each field, by its code and one; after none at the start.
    follows: [Option<Field>; 8],
}

#[derive(Debug)]
struct Fault {
    field: Option<Field>,
    what: What,
}

impl<'a> Readings<'a> {
    /// The records of a body.
    pub fn new(body: &'a [u8], framing: Framing) -> Self {
        let (shape, line) = match framing {
            Framing::Detect => (Shape::Unknown, 1),
            Framing::Lines { first } => (Shape::Lines, first),
        };
        Self {
            body: body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body),
            at: 0,
            line,
            counted_to: 0,
            shape,
            habits: Habits::default(),
            alike: None,
        }
    }

    /// The next line, where it is like the one before. Kept in the loop that asks: what it gives
    /// is a dozen words that would go through memory otherwise.
    #[inline(always)]
    fn next_alike(&mut self) -> Option<Like<'_, 'a>> {
        let frame = self.alike.as_ref()?;
        let texts = frame.texts(self.body.get(self.at..)?)?;
        let line = self.line;
        self.at += texts.raw.len() + 1;
        self.line += 1;
        Some(Like { frame, texts, line })
    }

    fn detect(&mut self) -> Option<Result<Reading<'a>, DecodeError<'a>>> {
        let start = self
            .body
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())?;
        self.shape = Shape::Lines;
        match self.body.get(start) {
            Some(b'[') => {
                self.at = start + 1;
                self.shape = self.array_from(self.at, true);
                None
            }
            Some(b'{') => self.document(start),
            _ => None,
        }
    }

    /// One object laid out over several lines, which is told from lines of objects by its first
    /// line being no record and the whole being one.
    fn document(&mut self, start: usize) -> Option<Result<Reading<'a>, DecodeError<'a>>> {
        let rest = self.body.get(start..)?;
        let first = rest.get(..memchr::memchr(b'\n', rest)?)?;
        let is_complete = std::str::from_utf8(first)
            .is_ok_and(|line| Scanner::new(line, 0).skip_value(DEPTH_MAX + 1).is_ok());
        if is_complete {
            return None;
        }
        let text = std::str::from_utf8(rest).ok()?;
        let mut scanner = Scanner::new(text, 0);
        scanner.skip_value(DEPTH_MAX + 1).ok()?;
        if scanner.peek().is_some() {
            return None;
        }
        self.shape = Shape::Done;
        let line = self.line_at(start);
        Some(self.whole(rest, line))
    }

    #[inline]
    fn next_line(&mut self) -> Option<Result<Reading<'a>, DecodeError<'a>>> {
        loop {
            let rest = self.body.get(self.at..).filter(|rest| !rest.is_empty())?;
            if let Some(like) = self.next_alike() {
                return Some(Ok(like.reading()));
            }
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..length)?;
            let number = self.line;
            self.at += length + 1;
            self.line += 1;
            if line.first() == Some(&b'{') || !line.trim_ascii().is_empty() {
                let read = self.whole(line, number);
                self.alike = read.as_ref().ok().and_then(Alike::new);
                return Some(read);
            }
        }
    }

    /// A record that is all there is in `raw`, white space aside.
    #[inline]
    fn whole(&mut self, raw: &'a [u8], line: u64) -> Result<Reading<'a>, DecodeError<'a>> {
        let error = |fault: Fault| DecodeError {
            line,
            field: fault.field,
            what: fault.what,
            raw: raw.trim_ascii(),
        };
        if raw.len() > RECORD_BYTES_MAX {
            return Err(error(What::TooLong.into()));
        }
        let text = std::str::from_utf8(raw).map_err(|_| error(What::NotUtf8.into()))?;
        let mut scanner = Scanner::new(text, 0);
        let mut reading = record(&mut scanner, &mut self.habits).map_err(error)?;
        if scanner.peek().is_some() {
            return Err(error(What::Trailing.into()));
        }
        reading.line = line;
        reading.raw = raw;
        Ok(reading)
    }

    fn next_element(
        &mut self,
        text: &'a str,
        base: usize,
        is_first: bool,
    ) -> Option<Result<Reading<'a>, DecodeError<'a>>> {
        let mut scanner = Scanner::new(text, self.at - base);
        let is_whole = base + text.len() == self.body.len();
        if scanner.pass(b']') {
            self.shape = Shape::Done;
            let end = base + scanner.at();
            let rest = self.body.get(end..)?.trim_ascii();
            let line = self.line_at(end);
            return (!rest.is_empty()).then(|| Err(fail(line, What::Trailing, rest)));
        }
        if scanner.is_at_end() && is_whole {
            self.shape = Shape::Done;
            let line = self.line_at(self.body.len());
            return Some(Err(fail(line, What::Unclosed, &[])));
        }
        if !is_first {
            scanner.pass(b',');
        }
        scanner.peek();
        let start = base + scanner.at();
        let line = self.line_at(start);
        let fault = match record(&mut scanner, &mut self.habits) {
            Ok(mut reading) => {
                let end = base + scanner.at();
                if matches!(scanner.peek(), Some(b',' | b']')) && end - start <= RECORD_BYTES_MAX {
                    self.at = end;
                    self.shape = Shape::Array {
                        text,
                        base,
                        is_first: false,
                    };
                    reading.line = line;
                    reading.raw = self.body.get(start..end).unwrap_or_default();
                    return Some(Ok(reading));
                }
                let is_long = end - start > RECORD_BYTES_MAX;
                Fault::from(if is_long {
                    What::TooLong
                } else {
                    What::Trailing
                })
            }
            Err(fault) => fault,
        };
        Some(Err(self.reject_element(
            start,
            line,
            fault,
            scanner.is_at_end() && !is_whole,
        )))
    }

    /// Passes a bad element by its brackets, so that the next one is read.
    fn reject_element(
        &mut self,
        start: usize,
        line: u64,
        fault: Fault,
        is_cut_at_bad_utf8: bool,
    ) -> DecodeError<'a> {
        let end = element_end(self.body, start);
        self.at = end.unwrap_or(self.body.len());
        let raw = self.body.get(start..self.at).unwrap_or_default();
        let is_bad_utf8 = is_cut_at_bad_utf8 || std::str::from_utf8(raw).is_err();
        self.shape = match end {
            Some(_) => self.array_from(self.at, false),
            None => Shape::Done,
        };
        let what = match (end, is_bad_utf8) {
            (_, true) => What::NotUtf8,
            (None, false) => What::Unclosed,
            (Some(_), false) => fault.what,
        };
        let field = fault.field.filter(|_| what == fault.what);
        DecodeError {
            line,
            field,
            what,
            raw: raw.trim_ascii(),
        }
    }

    fn array_from(&self, base: usize, is_first: bool) -> Shape<'a> {
        let rest = self.body.get(base..).unwrap_or_default();
        let text = rest.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Shape::Array {
            text,
            base,
            is_first,
        }
    }

    fn line_at(&mut self, at: usize) -> u64 {
        let passed = self.body.get(self.counted_to..at).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.counted_to = at.max(self.counted_to);
        self.line
    }
}

/// Hands every record of a body to `take`, in order.
#[inline]
pub(super) fn each<'a>(body: &'a [u8], framing: Framing, take: &mut impl Take<'a>) {
    let mut readings = Readings::new(body, framing);
    loop {
        while let Some(like) = readings.next_alike() {
            take.like(like);
        }
        match readings.next() {
            Some(found) => take.found(found),
            None => return,
        }
    }
}

impl<'a> Iterator for Readings<'a> {
    type Item = Result<Reading<'a>, DecodeError<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Shape::Unknown = self.shape
            && let Some(found) = self.detect()
        {
            return Some(found);
        }
        match self.shape {
            Shape::Lines => self.next_line(),
            Shape::Array {
                text,
                base,
                is_first,
            } => self.next_element(text, base, is_first),
            Shape::Done | Shape::Unknown => None,
        }
    }
}

const fn fail(line: u64, what: What, raw: &[u8]) -> DecodeError<'_> {
    DecodeError {
        line,
        field: None,
        what,
        raw,
    }
}

/// One object of the contract, from its opening brace to its closing one.
#[inline]
fn record<'a>(scanner: &mut Scanner<'a>, habits: &mut Habits<'a>) -> Result<Reading<'a>, Fault> {
    let (mut station, mut parameter, mut value) = (None, None, None);
    let (mut time, mut unit, mut quality, mut interval_s) = (None, None, None, None);
    match scanner.peek() {
        Some(b'{') => scanner.pass(b'{'),
        Some(_) => {
            scanner.skip_value(DEPTH_MAX)?;
            return Err(What::NotAnObject.into());
        }
        None => return Err(What::NotJson.into()),
    };
    let mut is_open = !scanner.pass(b'}');
    let mut before = 0;
    while is_open {
        let expected = habits.follows.get_mut(before);
        match read_key(scanner, expected)? {
            Some(field) => {
                before = field as usize + 1;
                match field {
                    Field::Station => fill(&mut station, field, scanner.string())?,
                    Field::Parameter => fill(&mut parameter, field, scanner.string())?,
                    Field::Time => fill(&mut time, field, read_time(scanner, habits))?,
                    Field::Value => fill(&mut value, field, nullable(scanner, Scanner::number))?,
                    Field::Unit => fill(&mut unit, field, nullable(scanner, Scanner::string))?,
                    Field::Quality => fill(&mut quality, field, nullable(scanner, read_quality))?,
                    Field::Interval => {
                        fill(&mut interval_s, field, nullable(scanner, read_seconds))?
                    }
                }
            }
            None => scanner.skip_value(DEPTH_MAX)?,
        }
        is_open = scanner.pass(b',');
        if !is_open && !scanner.pass(b'}') {
            return Err(What::NotJson.into());
        }
    }
    let missing = |field| Fault {
        field: Some(field),
        what: What::Missing,
    };
    let (time, offset) = time.ok_or_else(|| missing(Field::Time))?;
    Ok(Reading {
        station: station.ok_or_else(|| missing(Field::Station))?,
        parameter: parameter.ok_or_else(|| missing(Field::Parameter))?,
        time,
        offset,
        value: value.ok_or_else(|| missing(Field::Value))?.map(Into::into),
        unit: unit.flatten(),
        quality: quality.flatten(),
        interval_s: interval_s.flatten(),
        line: 0,
        raw: &[],
    })
}

/// A key and its colon: `None` for one that is not of the contract. The one that came here in the
/// record before is compared whole, without looking for its end.
#[inline]
fn read_key(
    scanner: &mut Scanner<'_>,
    expected: Option<&mut Option<Field>>,
) -> Result<Option<Field>, What> {
    if let Some(&mut Some(field)) = expected
        && scanner.pass_text(written(field))
    {
        return Ok(Some(field));
    }
    let key = scanner.string().map_err(|_| What::NotJson)?;
    if !scanner.pass(b':') {
        return Err(What::NotJson);
    }
    let field = match key.as_ref() {
        "station" => Field::Station,
        "parameter" => Field::Parameter,
        "time" => Field::Time,
        "value" => Field::Value,
        "unit" => Field::Unit,
        "quality" => Field::Quality,
        "interval" => Field::Interval,
        _ => return Ok(None),
    };
    if let Some(expected) = expected {
        *expected = Some(field);
    }
    Ok(Some(field))
}

/// A key as it is mostly written.
const fn written(field: Field) -> &'static [u8] {
    match field {
        Field::Station => b"\"station\":",
        Field::Parameter => b"\"parameter\":",
        Field::Time => b"\"time\":",
        Field::Value => b"\"value\":",
        Field::Unit => b"\"unit\":",
        Field::Quality => b"\"quality\":",
        Field::Interval => b"\"interval\":",
    }
}

#[inline]
fn fill<T>(slot: &mut Option<T>, field: Field, read: Result<T, What>) -> Result<(), Fault> {
    let fault = |what| Fault {
        field: Some(field),
        what,
    };
    let value = read.map_err(fault)?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(fault(What::Twice)),
    }
}

#[inline]
fn nullable<'a, T>(
    scanner: &mut Scanner<'a>,
    read: impl FnOnce(&mut Scanner<'a>) -> Result<T, What>,
) -> Result<Option<T>, What> {
    if scanner.peek() == Some(b'n') {
        scanner.word(b"null")?;
        return Ok(None);
    }
    read(scanner).map(Some)
}

fn read_time<'a>(
    scanner: &mut Scanner<'a>,
    habits: &mut Habits<'a>,
) -> Result<(Time, Offset), What> {
    let before = scanner.clone();
    if !habits.time_text.is_empty()
        && scanner.pass(b'"')
        && scanner.pass_text(habits.time_text.as_bytes())
        && scanner.pass_text(b"\"")
    {
        return Ok((habits.time, habits.offset));
    }
    *scanner = before;
    let text = scanner.string()?;
    let (time, offset) = Time::parse_bytes(text.as_bytes()).ok_or(What::NotATime)?;
    if let std::borrow::Cow::Borrowed(text) = text {
        (habits.time_text, habits.time, habits.offset) = (text, time, offset);
    }
    Ok((time, offset))
}

fn read_quality(scanner: &mut Scanner<'_>) -> Result<Quality, What> {
    let code = read_seconds(scanner)?;
    let code = u8::try_from(code).map_err(|_| What::OutOfRange)?;
    Quality::from_code(code).ok_or(What::OutOfRange)
}

fn read_seconds(scanner: &mut Scanner<'_>) -> Result<u32, What> {
    let text = scanner.number()?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(What::OutOfRange);
    }
    text.parse().map_err(|_| What::OutOfRange)
}

impl From<What> for Fault {
    fn from(what: What) -> Self {
        Self { field: None, what }
    }
}
