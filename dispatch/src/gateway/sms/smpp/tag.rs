//! Tags of optional parameters used here (SMPP 3.4 §5.3.2).

/// Identifier of the message that a receipt is about, C-octet string.
pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
/// Concatenation reference, two octets.
pub const SAR_MSG_REF_NUM: u16 = 0x020C;
/// Number of segments, one octet.
pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
/// Number of this segment from 1, one octet.
pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
/// Network type and error code, three octets.
pub const NETWORK_ERROR_CODE: u16 = 0x0423;
/// Text longer than short_message holds.
pub const MESSAGE_PAYLOAD: u16 = 0x0424;
/// State of the message a receipt is about, one octet.
pub const MESSAGE_STATE: u16 = 0x0427;
