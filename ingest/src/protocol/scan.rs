//! The JSON lexer under [`super::json`]: RFC 8259 tokens of valid UTF-8 text, without allocation
//! unless a string holds escapes.

use super::What;
use std::borrow::Cow;

/// A position in JSON text.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// The next byte that is not white space, left in place.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes white space and `byte`, or stays before what is there instead.
    #[inline]
    pub(super) fn pass(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Passes exactly this text, with no white space before it.
    #[inline]
    pub(super) fn pass_text(&mut self, text: &[u8]) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let found = rest.starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// A string, opening quote next.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, What> {
        if !self.pass(b'"') {
            return Err(What::WrongType);
        }
        let from = self.at;
        loop {
            self.at += plain_run(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => {
                    let found = self.text.get(from..self.at).ok_or(What::NotJson)?;
                    self.at += 1;
                    return Ok(Cow::Borrowed(found));
                }
                Some(b'\\') => return self.escaped_string(from).map(Cow::Owned),
                Some(control) if *control < 0x20 => return Err(What::NotJson),
                Some(_) => self.at += 1,
                None => return Err(What::NotJson),
            }
        }
    }

    /// The text of a number, checked against the grammar.
    #[inline]
    pub(super) fn number(&mut self) -> Result<&'a str, What> {
        self.peek();
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let Some(length) = number_end(rest) else {
            let is_number = matches!(rest.first(), Some(b'-' | b'0'..=b'9') | None);
            return Err(if is_number {
                What::NotJson
            } else {
                What::WrongType
            });
        };
        let found = self.text.get(self.at..self.at + length);
        self.at += length;
        found.ok_or(What::NotJson)
    }

    /// Passes any value, at most `depth_max` containers deep.
    pub(super) fn skip_value(&mut self, depth_max: usize) -> Result<(), What> {
        // One bit for each open container, outermost highest: 1 is an object, 0 an array.
        let (mut objects, mut depth) = (0u128, 0usize);
        loop {
            match self.peek().ok_or(What::NotJson)? {
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    if depth == depth_max.min(128) {
                        return Err(What::TooDeep);
                    }
                    let is_object = open == b'{';
                    if !self.pass(if is_object { b'}' } else { b']' }) {
                        objects = objects << 1 | u128::from(is_object);
                        depth += 1;
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => self.skip_string()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => {
                    self.number().map_err(|_| What::NotJson)?;
                }
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let is_object = objects & 1 == 1;
                if self.pass(b',') {
                    if is_object {
                        self.key()?;
                    }
                    break;
                }
                if !self.pass(if is_object { b'}' } else { b']' }) {
                    return Err(What::NotJson);
                }
                objects >>= 1;
                depth -= 1;
            }
        }
    }

    /// Passes this literal.
    pub(super) fn word(&mut self, word: &[u8]) -> Result<(), What> {
        self.peek();
        if self.pass_text(word) {
            Ok(())
        } else {
            Err(What::NotJson)
        }
    }

    fn key(&mut self) -> Result<(), What> {
        self.string().map_err(|_| What::NotJson)?;
        if self.pass(b':') {
            Ok(())
        } else {
            Err(What::NotJson)
        }
    }

    fn skip_string(&mut self) -> Result<(), What> {
        self.at += 1;
        loop {
            self.at += plain_run(self.text.as_bytes().get(self.at..).unwrap_or_default());
            let byte = self.text.as_bytes().get(self.at).ok_or(What::NotJson)?;
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => {
                    let mark = self.text.as_bytes().get(self.at).ok_or(What::NotJson)?;
                    self.at += 1;
                    match mark {
                        b'u' => {
                            self.hex4()?;
                        }
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        _ => return Err(What::NotJson),
                    }
                }
                control if *control < 0x20 => return Err(What::NotJson),
                _ => {}
            }
        }
    }

    fn escaped_string(&mut self, from: usize) -> Result<String, What> {
        let mut owned = self
            .text
            .get(from..self.at)
            .ok_or(What::NotJson)?
            .to_owned();
        loop {
            let run_from = self.at;
            loop {
                self.at += plain_run(self.text.as_bytes().get(self.at..).unwrap_or_default());
                match self.text.as_bytes().get(self.at).ok_or(What::NotJson)? {
                    b'"' | b'\\' => break,
                    control if *control < 0x20 => return Err(What::NotJson),
                    _ => self.at += 1,
                }
            }
            owned.push_str(self.text.get(run_from..self.at).ok_or(What::NotJson)?);
            let is_end = self.text.as_bytes().get(self.at) == Some(&b'"');
            self.at += 1;
            if is_end {
                return Ok(owned);
            }
            let escape = *self.text.as_bytes().get(self.at).ok_or(What::NotJson)?;
            self.at += 1;
            owned.push(match escape {
                b'"' => '"',
                b'\\' => '\\',
                b'/' => '/',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode_escape()?,
                _ => return Err(What::NotJson),
            });
        }
    }

    fn unicode_escape(&mut self) -> Result<char, What> {
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or(What::NotJson);
        }
        if !self.pass_text(b"\\u") {
            return Err(What::NotJson);
        }
        let low = self.hex4()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(What::NotJson);
        }
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(What::NotJson)
    }

    fn hex4(&mut self) -> Result<u32, What> {
        let digits = self
            .text
            .as_bytes()
            .get(self.at..self.at + 4)
            .ok_or(What::NotJson)?;
        self.at += 4;
        digits.iter().try_fold(0, |sum, digit| {
            let value = char::from(*digit).to_digit(16).ok_or(What::NotJson)?;
            Ok(sum * 16 + value)
        })
    }
}

/// The end of the array element that starts at `from`, found by brackets and quotes alone, for
/// getting past an element that is not JSON; `None` where the bytes end first.
pub(super) fn element_end(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut depth) = (from, 0usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += 1;
                loop {
                    at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
                    if bytes.get(at) == Some(&b'"') {
                        break;
                    }
                    at += 2;
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b']' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

/// The length of the JSON number that the bytes begin with.
#[inline]
pub(super) fn number_end(bytes: &[u8]) -> Option<usize> {
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at += digits(bytes, at),
        Some(_) | None => return None,
    }
    if bytes.get(at) == Some(&b'.') {
        let run = digits(bytes, at + 1);
        if run == 0 {
            return None;
        }
        at += 1 + run;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let run = digits(bytes, at);
        if run == 0 {
            return None;
        }
        at += run;
    }
    Some(at)
}

#[inline]
fn digits(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// How many leading bytes are surely neither a quote, a backslash nor a control character: whole
/// words of eight, then the rest of the word that holds the first such byte.
#[inline]
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    run(bytes, 0)
}

/// The same of bytes that are ASCII besides.
#[inline]
pub(super) fn plain_ascii_run(bytes: &[u8]) -> usize {
    run(bytes, HIGHS)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// A run of bytes that are plain and have none of the bits of `others`.
#[inline]
fn run(bytes: &[u8], others: u64) -> usize {
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut run = 0;
    for chunk in bytes.as_chunks::<8>().0 {
        let word = u64::from_le_bytes(*chunk);
        let quotes = zero_bytes(word ^ (ONES * b'"' as u64));
        let slashes = zero_bytes(word ^ (ONES * b'\\' as u64));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        // A borrow can mark a plain byte above a marked one, never below: the lowest mark is true.
        let marks = quotes | slashes | controls | word & others;
        if marks != 0 {
            return run + (marks.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    run
}
