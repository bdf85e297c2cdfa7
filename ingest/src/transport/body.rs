//! Request bodies, plain or compressed, never larger than allowed once decompressed.

use std::borrow::Cow;
use std::io::{self, Write};

/// Compression windows above this are refused: what RFC 8878 §3.1.1.1.2 asks every reader to
/// support, so that a small body cannot ask for much memory.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How a body is compressed (RFC 9110 §8.4 content codings).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// `gzip` (RFC 1952), any number of members.
    Gzip,
    /// `zstd` (RFC 8878), any number of frames.
    Zstd,
}

/// Why a body was refused.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// 413.
    #[error("the body is larger than {bytes_max} bytes once decompressed: send it in parts")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// 415.
    #[error("content encoding {0:?} is not supported: use identity, gzip or zstd")]
    Unsupported(String),
    /// 400.
    #[error(
        "the body cannot be decompressed ({0}): send it whole, in the encoding its header names"
    )]
    Corrupt(io::Error),
}

/// A body being received, piece by piece.
pub struct Body {
    decoder: Decoder,
    bytes_max: usize,
}

enum Decoder {
    Identity(Bounded),
    Gzip(Box<flate2::write::MultiGzDecoder<Bounded>>),
    Zstd {
        decoder: Box<zstd::stream::write::Decoder<'static, Bounded>>,
        is_empty: bool,
    },
}

/// Memory that refuses to grow beyond its bound.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
    is_over: bool,
}

/// Decompresses a whole body; one without encoding is borrowed.
///
/// # Errors
/// [`BodyError`], naming the HTTP status that fits.
pub fn decode<'a>(
    encoding: Option<&str>,
    body: &'a [u8],
    bytes_max: usize,
) -> Result<Cow<'a, [u8]>, BodyError> {
    match Encoding::from_header(encoding)? {
        Encoding::Identity if body.len() > bytes_max => Err(BodyError::TooLarge { bytes_max }),
        Encoding::Identity => Ok(Cow::Borrowed(body)),
        compressed @ (Encoding::Gzip | Encoding::Zstd) => {
            let mut whole = Body::new(compressed, bytes_max)?;
            whole.push(body)?;
            whole.finish().map(Cow::Owned)
        }
    }
}

impl Encoding {
    /// What a `Content-Encoding` header asks for.
    ///
    /// # Errors
    /// [`BodyError::Unsupported`] for any other coding, and for several in a row.
    pub fn from_header(value: Option<&str>) -> Result<Self, BodyError> {
        let Some(value) = value else {
            return Ok(Self::Identity);
        };
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            other => Err(BodyError::Unsupported(other.chars().take(40).collect())),
        }
    }
}

impl Body {
    /// An empty body of at most `bytes_max` decompressed bytes.
    ///
    /// # Errors
    /// [`BodyError::Corrupt`] where the decompressor cannot be set up.
    pub fn new(encoding: Encoding, bytes_max: usize) -> Result<Self, BodyError> {
        let sink = Bounded {
            bytes: Vec::new(),
            bytes_max,
            is_over: false,
        };
        let decoder = match encoding {
            Encoding::Identity => Decoder::Identity(sink),
            Encoding::Gzip => Decoder::Gzip(Box::new(flate2::write::MultiGzDecoder::new(sink))),
            Encoding::Zstd => {
                let mut decoder =
                    zstd::stream::write::Decoder::new(sink).map_err(BodyError::Corrupt)?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG_MAX)
                    .map_err(BodyError::Corrupt)?;
                Decoder::Zstd {
                    decoder: Box::new(decoder),
                    is_empty: true,
                }
            }
        };
        Ok(Self { decoder, bytes_max })
    }

    /// Adds the next piece as it came over the wire.
    ///
    /// # Errors
    /// [`BodyError`]; the body is then of no more use.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), BodyError> {
        let written = match &mut self.decoder {
            Decoder::Identity(sink) => sink.write_all(piece),
            Decoder::Gzip(decoder) => decoder.write_all(piece),
            Decoder::Zstd { decoder, is_empty } => {
                *is_empty &= piece.is_empty();
                decoder.write_all(piece)
            }
        };
        written.map_err(|error| self.error(error))
    }

    /// The decompressed bytes, where the body is complete.
    ///
    /// # Errors
    /// [`BodyError::Corrupt`] where its end is missing.
    pub fn finish(mut self) -> Result<Vec<u8>, BodyError> {
        let finished = match &mut self.decoder {
            Decoder::Identity(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Zstd { is_empty: true, .. } => Ok(()),
            Decoder::Zstd { decoder, .. } => decoder.do_finish(),
        };
        if let Err(error) = finished {
            return Err(self.error(error));
        }
        Ok(std::mem::take(&mut self.sink_mut().bytes))
    }

    fn sink_mut(&mut self) -> &mut Bounded {
        match &mut self.decoder {
            Decoder::Identity(sink) => sink,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zstd { decoder, .. } => decoder.get_mut(),
        }
    }

    fn error(&mut self, error: io::Error) -> BodyError {
        if self.sink_mut().is_over {
            return BodyError::TooLarge {
                bytes_max: self.bytes_max,
            };
        }
        BodyError::Corrupt(error)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.bytes_max - self.bytes.len() {
            self.is_over = true;
            return Err(io::Error::other("over the limit"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn squeezed(encoding: &str, plain: &[u8]) -> Vec<u8> {
        match encoding {
            "gzip" => gzip(plain),
            "zstd" => zstd::encode_all(plain, 1).unwrap(),
            _ => plain.to_vec(),
        }
    }

    #[test]
    fn a_bomb_is_too_large_and_stays_small() {
        let plain = vec![b' '; 50 << 20];
        for encoding in ["gzip", "zstd"] {
            let body = squeezed(encoding, &plain);
            assert!(body.len() < 1_000_000);
            let mut whole =
                Body::new(Encoding::from_header(Some(encoding)).unwrap(), 1 << 20).unwrap();
            assert!(matches!(
                whole.push(&body),
                Err(BodyError::TooLarge {
                    bytes_max: 1_048_576
                })
            ));
            assert!(whole.sink_mut().bytes.len() <= 1 << 20);
        }
    }

    #[test]
    fn the_limit_itself_passes_and_one_byte_more_does_not() {
        for encoding in ["identity", "gzip", "zstd"] {
            let body = squeezed(encoding, &[b'x'; 1000]);
            assert_eq!(decode(Some(encoding), &body, 1000).unwrap().len(), 1000);
            assert!(matches!(
                decode(Some(encoding), &body, 999),
                Err(BodyError::TooLarge { .. })
            ));
        }
    }

    #[test]
    fn a_cut_or_altered_body_is_corrupt() {
        let plain = b"{\"station\":\"G04217\"}\n".repeat(100);
        for encoding in ["gzip", "zstd"] {
            let body = squeezed(encoding, &plain);
            let cut = &body[..body.len() - 3];
            assert!(matches!(
                decode(Some(encoding), cut, 1 << 20),
                Err(BodyError::Corrupt(_))
            ));
            assert!(matches!(
                decode(Some(encoding), &plain, 1 << 20),
                Err(BodyError::Corrupt(_))
            ));
        }
        let mut altered = gzip(&plain);
        let middle = altered.len() - 6;
        altered[middle] ^= 1;
        assert!(matches!(
            decode(Some("gzip"), &altered, 1 << 20),
            Err(BodyError::Corrupt(_))
        ));
    }

    #[test]
    fn members_and_frames_follow_each_other() {
        for encoding in ["gzip", "zstd"] {
            let body = [squeezed(encoding, b"one "), squeezed(encoding, b"two")].concat();
            assert_eq!(
                decode(Some(encoding), &body, 100).unwrap().as_ref(),
                b"one two"
            );
        }
    }

    #[test]
    fn other_codings_are_named() {
        let error = decode(Some("br"), b"", 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "content encoding \"br\" is not supported: use identity, gzip or zstd"
        );
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_whole(
            plain in proptest::collection::vec(any::<u8>(), 0..5000),
            piece in 1usize..700,
            encoding in prop::sample::select(vec!["identity", "gzip", "zstd"]),
        ) {
            let body = squeezed(encoding, &plain);
            let mut whole = Body::new(Encoding::from_header(Some(encoding)).unwrap(), 5000).unwrap();
            for part in body.chunks(piece) {
                whole.push(part).unwrap();
            }
            prop_assert_eq!(whole.finish().unwrap(), plain);
        }

        #[test]
        fn never_panics(
            body in proptest::collection::vec(any::<u8>(), 0..300),
            encoding in prop::sample::select(vec!["gzip", "zstd"]),
        ) {
            let _ = decode(Some(encoding), &body, 1000);
        }
    }
}
