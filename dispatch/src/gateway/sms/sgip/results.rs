//! What SGIP's codes mean (SGIP 1.2, table of error codes): one table for answers and reports.

use crate::gateway::sms::results::Row;
use crate::gateway::sms::results::Verdict::{Accepted, Permanent, Throttled, Transient, Uncertain};

/// Result, and ErrorCode of a report.
pub(in crate::gateway::sms) const RESULTS: &[Row] = &[
    (0, Accepted, "无错误 (taken)"),
    (1, Permanent, "非法登录 (wrong login name or password)"),
    (2, Transient, "重复登录 (logged in twice)"),
    (3, Transient, "连接过多 (too many connections)"),
    (4, Permanent, "登录类型错 (wrong login type)"),
    (5, Permanent, "参数格式错 (malformed)"),
    (
        6,
        Permanent,
        "非法手机号码 (wrong number, or no 86 before it)",
    ),
    (7, Permanent, "消息ID错 (wrong message id)"),
    (8, Permanent, "信息长度错 (wrong length)"),
    // What had this sequence before may be what is sent again.
    (9, Uncertain, "非法序列号 (sequence wrong or used before)"),
    (10, Permanent, "非法操作GNS (not allowed at the GNS)"),
    (11, Throttled, "节点忙 (node busy)"),
    (21, Transient, "目的地址不可达 (next node not available)"),
    (22, Transient, "路由错 (routed wrongly)"),
    (23, Permanent, "路由不存在 (no route)"),
    (24, Permanent, "计费号码无效 (fee number invalid)"),
    (25, Transient, "用户不能通信 (phone off or out of reach)"),
    (26, Transient, "手机内存不足 (phone memory full)"),
    (
        27,
        Permanent,
        "手机不支持短消息 (phone takes no short messages)",
    ),
    (
        28,
        Transient,
        "手机接收短消息出现错误 (phone failed to take it)",
    ),
    (29, Permanent, "不知道的用户 (unknown subscriber)"),
    (30, Permanent, "不提供此功能 (not provided)"),
    (31, Permanent, "非法设备 (illegal device)"),
    (32, Transient, "系统失败 (system failure)"),
    (
        33,
        Throttled,
        "短信中心队列满 (message centre's queue full)",
    ),
];

/// Results that say that no way leads to a phone here: a number that moved.
pub(in crate::gateway::sms) const NOT_OURS: &[u32] = &[23];
