//! Data on standard output. Whoever reads it may stop early: a closed pipe is no failure.

use super::Failure;
use std::io::{self, BufWriter, Stdout, Write};

/// Standard output, buffered.
pub(crate) struct Output {
    out: BufWriter<Stdout>,
}

impl Output {
    /// Opens it.
    pub(crate) fn open() -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
        }
    }

    /// Writes one line. False where nobody reads any more: the caller may stop.
    pub(crate) fn line(&mut self, text: &str) -> Result<bool, Failure> {
        let written = writeln!(self.out, "{text}");
        read_on(written)
    }

    /// Writes what is buffered.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        read_on(self.out.flush()).map(|_| ())
    }
}

/// Writes all lines.
pub(crate) fn lines(lines: &[String]) -> Result<(), Failure> {
    let mut output = Output::open();
    for line in lines {
        if !output.line(line)? {
            break;
        }
    }
    output.finish()
}

/// True where what was written has a reader.
pub(crate) fn read_on(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Failed(format!("standard output: {error}"))),
    }
}
