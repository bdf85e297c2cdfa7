//! What SMGP's codes mean (SMGP 3.0 §8.2.2); 128 to 255 are the vendor's.

use crate::gateway::sms::results::Row;
use crate::gateway::sms::results::Verdict::{Accepted, Permanent, Throttled, Transient, Uncertain};

/// Status.
pub(in crate::gateway::sms) const RESULTS: &[Row] = &[
    (0, Accepted, "成功 (taken)"),
    (1, Throttled, "系统忙 (busy)"),
    (2, Transient, "超过最大连接数 (too many connections)"),
    (10, Permanent, "消息结构错 (malformed)"),
    (11, Permanent, "命令字错 (unknown command)"),
    // What had this number before may be what is sent again.
    (12, Uncertain, "序列号重复 (sequence number used before)"),
    (
        20,
        Permanent,
        "IP地址错 (our address is not the one agreed)",
    ),
    (21, Permanent, "认证错 (wrong shared secret)"),
    (22, Permanent, "版本太高 (version too high)"),
    (30, Permanent, "非法消息类型 (MsgType)"),
    (31, Permanent, "非法优先级 (Priority)"),
    (32, Permanent, "非法资费类型 (FeeType)"),
    (33, Permanent, "非法资费代码 (FeeCode)"),
    (34, Permanent, "非法短消息格式 (MsgFormat)"),
    (35, Permanent, "非法时间格式 (time format)"),
    (36, Permanent, "非法短消息长度 (MsgLength)"),
    (37, Permanent, "有效期已过 (validity is over)"),
    (38, Permanent, "非法查询类别 (QueryType)"),
    (39, Transient, "路由错误 (routed wrongly)"),
    (40, Permanent, "非法包月费/封顶费 (FixedFee)"),
    (41, Permanent, "非法更新类型 (UpdateType)"),
    (42, Permanent, "非法路由编号 (RouteId)"),
    (43, Permanent, "非法服务代码 (ServiceId)"),
    (44, Permanent, "非法有效期 (ValidTime)"),
    (45, Permanent, "非法定时发送时间 (AtTime)"),
    (46, Permanent, "非法发送用户号码 (SrcTermId)"),
    (47, Permanent, "非法接收用户号码 (DestTermId)"),
    (48, Permanent, "非法计费用户号码 (ChargeTermId)"),
    (49, Permanent, "非法SP服务代码 (SPCode)"),
    (56, Permanent, "非法源网关代码 (SrcGatewayID)"),
    (57, Permanent, "非法查询号码 (QueryTermID)"),
    (58, Permanent, "没有匹配路由 (no route)"),
    (59, Permanent, "非法SP类型 (SPType)"),
    (69, Permanent, "非法SP企业代码 (SPID)"),
    (70, Permanent, "非法SP接入类型 (SPAccessType)"),
    (72, Permanent, "非法时间戳 (Time)"),
    (73, Permanent, "非法业务代码 (MServiceID)"),
    // Tomorrow, or by another account: the outbox tries on and then another way.
    (
        74,
        Transient,
        "SP禁止下发时段 (SP may not send at this hour)",
    ),
    (75, Transient, "SP发送超过日流量 (SP's daily cap reached)"),
    (76, Transient, "SP帐号过有效期 (SP's account has expired)"),
];

/// Status that says that no way leads to a phone here: a number that moved.
pub(in crate::gateway::sms) const NOT_OURS: &[u32] = &[58];
