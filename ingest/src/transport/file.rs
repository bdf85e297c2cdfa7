//! Recorded observations from files and standard input, in large pieces that end with a line.

use crate::protocol::{Framing, RECORD_BYTES_MAX};
use std::io::{self, Read};

/// Bytes of a piece, at most: little enough to stay in a cache beside the state it is stepped into.
pub const PIECE_BYTES: usize = 128 << 10;

/// The largest file that may be one JSON array, since an array is read as a whole.
pub const ARRAY_BYTES_MAX: usize = 256 << 20;

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system says so.
    #[error("line {line}: cannot read: {source}")]
    Io {
        /// Line reached.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A JSON array that is too large to be read as a whole.
    #[error("the array is larger than {ARRAY_BYTES_MAX} bytes: write one object a line instead")]
    ArrayTooLarge,
}

/// A file cut into pieces.
#[derive(Debug)]
pub struct Pieces<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The bytes read and not handed out yet: `buffer[from..to]`.
    from: usize,
    to: usize,
    line: u64,
    bytes_read: u64,
    state: State,
}

/// Whole lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The lines.
    pub bytes: &'a [u8],
    /// How to read them, with the number of the first line.
    pub framing: Framing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Lines,
    /// Within a line too long to be a record, which is passed over to its end.
    Overlong,
    End,
}

impl<R: Read> Pieces<R> {
    /// Pieces of what `reader` gives.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; PIECE_BYTES],
            from: 0,
            to: 0,
            line: 1,
            bytes_read: 0,
            state: State::Start,
        }
    }

    /// Bytes read so far, for progress.
    pub const fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The next piece; `None` at the end.
    ///
    /// A line longer than a piece is handed out as its beginning, which is longer than any record
    /// may be and so is rejected by its number; the rest of it is passed over.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, FileError> {
        if self.state == State::Start {
            self.state = State::Lines;
            if self.is_array()? {
                return self.whole_array().map(Some);
            }
        }
        while self.state != State::End {
            let unread = self.buffer.get(self.from..self.to).unwrap_or_default();
            if self.state == State::Overlong {
                match memchr::memchr(b'\n', unread) {
                    Some(end) => {
                        self.from += end + 1;
                        self.line += 1;
                        self.state = State::Lines;
                    }
                    None => self.from = self.to,
                }
            }
            let unread = self.buffer.get(self.from..self.to).unwrap_or_default();
            if let Some(last) = memchr::memrchr(b'\n', unread) {
                return Ok(Some(self.hand_out(last + 1)));
            }
            if unread.len() == self.buffer.len() {
                self.state = State::Overlong;
                let first = self.line;
                self.from = self.to;
                let bytes = self.buffer.get(..RECORD_BYTES_MAX + 1).unwrap_or_default();
                return Ok(Some(Piece {
                    bytes,
                    framing: Framing::Lines { first },
                }));
            }
            if self.fill()? == 0 {
                self.state = State::End;
                let rest = self.to - self.from;
                return Ok((rest > 0).then(|| self.hand_out(rest)));
            }
        }
        Ok(None)
    }

    fn hand_out(&mut self, length: usize) -> Piece<'_> {
        let bytes = self
            .buffer
            .get(self.from..self.from + length)
            .unwrap_or_default();
        let first = self.line;
        self.from += length;
        self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        Piece {
            bytes,
            framing: Framing::Lines { first },
        }
    }

    /// Reads on behind the unread bytes, which move to the front of the buffer.
    fn fill(&mut self) -> Result<usize, FileError> {
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        let free = self.buffer.get_mut(self.to..).unwrap_or_default();
        let count = loop {
            match self.reader.read(free) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(FileError::Io {
                        line: self.line,
                        source,
                    });
                }
            }
        };
        self.to += count;
        self.bytes_read += count as u64;
        Ok(count)
    }

    fn is_array(&mut self) -> Result<bool, FileError> {
        loop {
            let start = self.buffer.get(self.from..self.to).unwrap_or_default();
            let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
            if let Some(first) = start.trim_ascii_start().first() {
                return Ok(*first == b'[');
            }
            if self.to == self.buffer.len() || self.fill()? == 0 {
                return Ok(false);
            }
        }
    }

    fn whole_array(&mut self) -> Result<Piece<'_>, FileError> {
        while self.fill()? > 0 {
            if self.to == self.buffer.len() {
                if self.to >= ARRAY_BYTES_MAX {
                    return Err(FileError::ArrayTooLarge);
                }
                self.buffer.resize(self.to * 2, 0);
            }
        }
        self.state = State::End;
        let bytes = self.buffer.get(self.from..self.to).unwrap_or_default();
        Ok(Piece {
            bytes,
            framing: Framing::Detect,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives at most so many bytes a call, as a pipe does.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines_of(bytes: &[u8], step: usize) -> Vec<(u64, Vec<u8>)> {
        let mut pieces = Pieces::new(Trickle(bytes, step));
        let mut lines = Vec::new();
        while let Some(piece) = pieces.next_piece().unwrap() {
            let Framing::Lines { first } = piece.framing else {
                panic!("an array")
            };
            let body = piece.bytes.strip_suffix(b"\n").unwrap_or(piece.bytes);
            lines.extend((first..).zip(body.split(|b| *b == b'\n').map(<[u8]>::to_vec)));
        }
        assert_eq!(pieces.bytes_read(), bytes.len() as u64);
        lines
    }

    #[test]
    fn a_line_longer_than_a_piece_is_cut_and_counted_as_one() {
        let mut bytes = b"first\n".to_vec();
        bytes.extend(vec![b'x'; 3 * PIECE_BYTES]);
        bytes.extend_from_slice(b"\nthird\n");
        let lines = lines_of(&bytes, usize::MAX);
        assert_eq!(lines.len(), 3);
        assert_eq!((lines[1].0, lines[1].1.len()), (2, RECORD_BYTES_MAX + 1));
        assert_eq!(lines[2], (3, b"third".to_vec()));
    }

    #[test]
    fn an_array_is_one_piece() {
        let bytes = format!(" \n[{}1]", "1,\n".repeat(1 << 20));
        let mut pieces = Pieces::new(Trickle(bytes.as_bytes(), 10_000));
        let piece = pieces.next_piece().unwrap().unwrap();
        assert_eq!(
            (piece.framing, piece.bytes),
            (Framing::Detect, bytes.as_bytes())
        );
        assert_eq!(pieces.next_piece().unwrap(), None);
    }

    proptest! {
        #[test]
        fn every_line_comes_once_with_its_number(
            lines in proptest::collection::vec("[a-z ]{0,40}", 1..60),
            step in 1usize..200,
        ) {
            let text = lines.join("\n");
            prop_assume!(!text.is_empty() && !text.ends_with('\n'));
            let expected: Vec<_> = (1..).zip(lines.iter().map(|l| l.as_bytes().to_vec())).collect();
            prop_assert_eq!(lines_of(text.as_bytes(), step), expected);
        }
    }
}
