//! The user data header in front of a text (3GPP TS 23.040 §9.2.3.24): which part of which message it is.

/// Which part of which long message a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Reference shared by the parts of one message to one phone.
    pub reference: u16,
    /// How many parts there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub number: u8,
}

/// The part and the text without its header. A header whose length or elements do not hold is left in
/// the text.
pub fn split(octets: &[u8]) -> (Option<Part>, &[u8]) {
    let Some((length, rest)) = octets.split_first() else {
        return (None, octets);
    };
    match rest.split_at_checked(usize::from(*length)) {
        Some((header, text)) => (concatenation(header), text),
        None => (None, octets),
    }
}

/// The element of concatenation: 8-bit (00) or 16-bit (08) reference.
fn concatenation(mut header: &[u8]) -> Option<Part> {
    while let [element, length, rest @ ..] = header {
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        match (element, value) {
            (0x00, [reference, total, number]) => {
                return Some(Part {
                    reference: u16::from(*reference),
                    total: *total,
                    number: *number,
                });
            }
            (0x08, [high, low, total, number]) => {
                return Some(Part {
                    reference: u16::from_be_bytes([*high, *low]),
                    total: *total,
                    number: *number,
                });
            }
            _ => header = next,
        }
    }
    None
}
