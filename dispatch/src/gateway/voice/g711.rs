//! ITU-T G.711 A-law: what telephone networks outside North America and Japan carry, a byte a sample.

/// A-law of silence.
pub const SILENCE: u8 = 0xD5;

/// Samples of 16 bits to A-law.
pub fn encode(sample: i16) -> u8 {
    // A-law has 13 bits: sign and 12; negative values are mirrored about -1/2.
    let shifted = i32::from(sample) >> 3;
    let (mask, value) = if shifted >= 0 {
        (0xD5_u8, shifted)
    } else {
        (0x55, -shifted - 1)
    };
    let value = value.min(0xFFF);
    let segment = if value < 32 {
        0
    } else {
        // Values from 32 on have their leading bit at 5 or above.
        27 - value.leading_zeros().min(27)
    };
    let mantissa = if segment < 2 {
        value >> 1
    } else {
        value >> segment
    } & 0xF;
    let code = u8::try_from(segment << 4).unwrap_or(0x70) | u8::try_from(mantissa).unwrap_or(0xF);
    code ^ mask
}

/// A-law to a sample of 16 bits.
pub fn decode(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code >> 4) & 7;
    let mantissa = i16::from(code & 0xF) << 4;
    let value = match segment {
        0 => mantissa + 8,
        _ => (mantissa + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn every_code_is_that_of_its_own_sample() {
        for code in 0..=u8::MAX {
            assert_eq!(encode(decode(code)), code, "{code:02x}");
        }
        assert_eq!(encode(0), SILENCE);
        assert_eq!((encode(i16::MAX), encode(i16::MIN)), (0xAA, 0x2A));
    }

    #[test]
    fn a_sample_comes_back_within_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let (is, was) = (i32::from(decode(encode(sample))), i32::from(sample));
            // Below 512 a step is 16; above it a sixteenth of the power of two below, doubled once.
            let step = (was.unsigned_abs().next_power_of_two() / 32).max(16);
            assert!(is.abs_diff(was) <= step, "{was} came back as {is}");
        }
    }

    /// The table of all samples is that of an independent codec: Python's `audioop.lin2alaw`.
    #[test]
    fn the_whole_table_is_the_one_others_have() {
        let table: Vec<u8> = (i16::MIN..=i16::MAX).map(encode).collect();
        assert_eq!(
            hex::encode(Sha256::digest(&table)),
            "38488f6fd710f4686360edc4d38639f96c491595ef93f8eb8d62d5e07ca6ce7b"
        );
    }
}
