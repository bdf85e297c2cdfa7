//! WAV files to samples of 8,000 a second: clips that people recorded, and what a speech program says.

use super::g711;

/// Samples a second of a telephone.
pub const RATE: u32 = 8_000;
/// Longest sound taken, seconds.
pub const SECONDS_MAX: u32 = 300;

/// Why bytes are no sound that can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// No RIFF file of WAVE.
    #[error("it is no WAV file")]
    Kind,
    /// It has no format or no sound.
    #[error("it has no fmt or no data")]
    Cut,
    /// Another format.
    #[error("its format is neither PCM of 8 or 16 bits nor A-law, of one or two channels")]
    Format,
    /// A rate nobody records at.
    #[error("its rate of {0} samples a second is not from 8000 to 96000")]
    Rate(u32),
    /// Nobody listens that long.
    #[error("it is longer than {SECONDS_MAX} s")]
    Long,
}

/// How samples lie in the file.
#[derive(Clone, Copy)]
enum Layout {
    Pcm8,
    Pcm16,
    Alaw,
}

/// The samples of a file, at [`RATE`]. A length that is not known yet, as programs write it that
/// speak into a pipe, is that of what there is.
///
/// # Errors
/// It is no sound that can be played: see [`WavError`].
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, WavError> {
    let is_wave = bytes.get(..4) == Some(b"RIFF") && bytes.get(8..12) == Some(b"WAVE");
    if !is_wave {
        return Err(WavError::Kind);
    }
    let mut rest = bytes.get(12..).unwrap_or_default();
    let mut format = None;
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, l0, l1, l2, l3] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let chunk = behind.get(..length).unwrap_or(behind);
        match &[a, b, c, d] {
            b"fmt " => format = Some(self::format(chunk)?),
            b"data" => {
                let (layout, channels, rate) = format.ok_or(WavError::Cut)?;
                return samples(chunk, layout, channels, rate);
            }
            _ => {}
        }
        // Chunks begin at even places.
        let next = length.saturating_add(length & 1);
        rest = behind.get(next..).unwrap_or_default();
    }
    Err(WavError::Cut)
}

fn format(chunk: &[u8]) -> Result<(Layout, usize, u32), WavError> {
    let head = chunk.first_chunk::<16>().ok_or(WavError::Cut)?;
    let [k0, k1, c0, c1, r0, r1, r2, r3, .., b0, b1] = *head;
    let bits = u16::from_le_bytes([b0, b1]);
    let layout = match (u16::from_le_bytes([k0, k1]), bits) {
        (1, 8) => Layout::Pcm8,
        (1, 16) => Layout::Pcm16,
        (6, 8) => Layout::Alaw,
        _ => return Err(WavError::Format),
    };
    let channels = usize::from(u16::from_le_bytes([c0, c1]));
    if !(1..=2).contains(&channels) {
        return Err(WavError::Format);
    }
    let rate = u32::from_le_bytes([r0, r1, r2, r3]);
    if !(RATE..=96_000).contains(&rate) {
        return Err(WavError::Rate(rate));
    }
    Ok((layout, channels, rate))
}

fn samples(data: &[u8], layout: Layout, channels: usize, rate: u32) -> Result<Vec<i16>, WavError> {
    let width = match layout {
        Layout::Pcm8 | Layout::Alaw => 1,
        Layout::Pcm16 => 2,
    };
    if data.len() / (width * channels) > (rate * SECONDS_MAX) as usize {
        return Err(WavError::Long);
    }
    let one = |bytes: &[u8]| match (layout, bytes) {
        (Layout::Pcm8, [byte, ..]) => (i16::from(*byte) - 128) << 8,
        (Layout::Pcm16, [low, high, ..]) => i16::from_le_bytes([*low, *high]),
        (Layout::Alaw, [byte, ..]) => g711::decode(*byte),
        (Layout::Pcm8 | Layout::Pcm16 | Layout::Alaw, _) => 0,
    };
    let frames = data.chunks_exact(width * channels).map(|frame| {
        let all: i32 = frame.chunks_exact(width).map(|s| i32::from(one(s))).sum();
        all / i32::from(u8::try_from(channels).unwrap_or(1))
    });
    Ok(slower(&frames.collect::<Vec<i32>>(), rate))
}

/// The same sound at [`RATE`]: each sample the mean of the time that it stands for.
fn slower(samples: &[i32], rate: u32) -> Vec<i16> {
    let (from, to) = (u64::from(rate), u64::from(RATE));
    let length = samples.len() as u64 * to / from;
    let mean = |number: u64| {
        // In parts of a source sample, `to` of them each.
        let (begin, end) = (number * from, (number + 1) * from);
        let mut sum = 0_i64;
        for at in begin / to..=(end - 1) / to {
            let part = end.min((at + 1) * to) - begin.max(at * to);
            let sample = usize::try_from(at).ok().and_then(|at| samples.get(at));
            sum += i64::from(sample.copied().unwrap_or(0)) * i64::try_from(part).unwrap_or(0);
        }
        let mean = sum / i64::from(rate);
        i16::try_from(mean).unwrap_or(if mean < 0 { i16::MIN } else { i16::MAX })
    };
    (0..length).map(mean).collect()
}

/// A file of 16 bits, one channel: what tests and demos put where people put recordings.
pub fn write(samples: &[i16], rate: u32) -> Vec<u8> {
    let length = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX - 36);
    let mut bytes = Vec::with_capacity(samples.len() * 2 + 44);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + length).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    bytes.extend_from_slice(&[1, 0, 1, 0]);
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&(rate * 2).to_le_bytes());
    bytes.extend_from_slice(&[2, 0, 16, 0]);
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn other_layouts_say_the_same() {
        let of = |kind: u8, channels: u8, bits: u8, data: &[u8]| {
            let mut bytes = write(&[], RATE);
            (bytes[20], bytes[22], bytes[34]) = (kind, channels, bits);
            bytes.truncate(40);
            bytes.extend((data.len() as u32).to_le_bytes());
            bytes.extend(data);
            read(&bytes)
        };
        assert_eq!(of(1, 1, 8, &[128, 255, 0]), Ok(vec![0, 32512, -32768]));
        assert_eq!(of(6, 1, 8, &[0xD5]), Ok(vec![8]));
        assert_eq!(of(1, 2, 16, &[0, 1, 0, 3]), Ok(vec![512]));
        assert_eq!(of(3, 1, 8, &[0]), Err(WavError::Format));
        assert_eq!(of(1, 6, 16, &[0]), Err(WavError::Format));
        assert_eq!(read(&write(&[1], 4000)), Err(WavError::Rate(4000)));
        assert_eq!(read(&write(&[1], RATE)[..40]), Err(WavError::Cut));
        assert_eq!(read(b"ID3"), Err(WavError::Kind));
        let long = vec![0; (RATE * SECONDS_MAX + 1) as usize];
        assert_eq!(read(&write(&long, RATE)), Err(WavError::Long));
    }

    #[test]
    fn a_length_that_a_pipe_did_not_know_is_what_there_is() {
        let mut bytes = write(&[5, 6, 7], RATE);
        bytes[40..44].copy_from_slice(&0x7FFF_F000_u32.to_le_bytes());
        assert_eq!(read(&bytes), Ok(vec![5, 6, 7]));
    }

    proptest! {
        #[test]
        fn at_our_rate_it_is_as_it_was(samples in proptest::collection::vec(any::<i16>(), 0..300)) {
            prop_assert_eq!(read(&write(&samples, RATE)), Ok(samples));
        }

        /// Against the mean in floating point, sample by sample.
        #[test]
        fn slower_is_the_mean_of_what_it_stands_for(
            samples in proptest::collection::vec(any::<i16>(), 1..400),
            rate in prop::sample::select(vec![11_025_u32, 16_000, 22_050, 44_100, 48_000]),
        ) {
            let slow = read(&write(&samples, rate)).unwrap();
            prop_assert_eq!(slow.len(), samples.len() * 8_000 / rate as usize);
            let ratio = f64::from(rate) / 8_000.0;
            for (number, sample) in slow.iter().enumerate() {
                let (begin, end) = (number as f64 * ratio, (number + 1) as f64 * ratio);
                let mut sum = 0.0;
                for (at, source) in samples.iter().enumerate() {
                    let part = end.min(at as f64 + 1.0) - begin.max(at as f64);
                    sum += f64::from(*source) * part.max(0.0);
                }
                prop_assert!((sum / ratio - f64::from(*sample)).abs() < 1.5);
            }
        }

        #[test]
        fn no_file_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut file = b"RIFF0000WAVE".to_vec();
            file.extend(bytes);
            drop(read(&file));
        }
    }
}
