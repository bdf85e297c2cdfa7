//! What CMPP's codes mean (CMPP 2.0 §7.4.1.2, §7.4.3.2; 3.0 §8.4.1.2, §8.4.3.2).

use crate::gateway::sms::results::Row;
use crate::gateway::sms::results::Verdict::{Accepted, Permanent, Throttled, Transient, Uncertain};

/// Status of the answer to a login.
pub(in crate::gateway::sms) const LOGIN_RESULTS: &[Row] = &[
    (0, Accepted, "正确 (taken)"),
    (1, Permanent, "消息结构错 (malformed)"),
    (2, Permanent, "非法源地址 (account or our address unknown)"),
    (3, Permanent, "认证错 (wrong shared secret)"),
    (4, Permanent, "版本太高 (version too high: try cmpp2)"),
    (5, Transient, "其他错误 (another error)"),
];

/// Result of the answer to a submit. From 9 on the two versions and the gateways agree in the main.
pub(in crate::gateway::sms) const SUBMIT_RESULTS: &[Row] = &[
    (0, Accepted, "正确 (taken)"),
    (1, Permanent, "消息结构错 (malformed)"),
    (2, Permanent, "命令字错 (unknown command)"),
    // What had this number before may be what is sent again.
    (3, Uncertain, "消息序号重复 (sequence number used before)"),
    (4, Permanent, "消息长度错 (wrong length)"),
    (5, Permanent, "资费代码错 (wrong fee code)"),
    (6, Permanent, "超过最大信息长 (text too long)"),
    (7, Permanent, "业务代码错 (wrong service id)"),
    (8, Throttled, "流量控制错 (flow control)"),
    (
        9,
        Permanent,
        "本网关不负责此计费号码 (fee number of another gateway)",
    ),
    (10, Permanent, "Src_Id 错误 (wrong source number)"),
    (11, Permanent, "Msg_src 错误 (wrong SP id)"),
    (12, Permanent, "Fee_terminal_Id 错误 (wrong fee number)"),
    (13, Permanent, "Dest_terminal_Id 错误 (wrong destination)"),
];

/// Results that say that a phone is not of this carrier: a number that moved.
pub(in crate::gateway::sms) const NOT_OURS: &[u32] = &[9];
