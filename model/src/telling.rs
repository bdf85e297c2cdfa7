//! How people are told: when it is quiet, by which ways offices and signers are asked, how long a
//! text is worth sending.

use crate::{Channel, Offset, Span, Tier, Time};
use serde::Deserialize;

/// What `city.toml` says under `[telling]`; the defaults suit a first installation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telling {
    /// Hours in which falls and endings do not ring (domain §0.4).
    pub quiet: QuietHours,
    /// Ways a request to another authority takes.
    pub request_channels: Vec<Channel>,
    /// Ways those who sign are called.
    pub signing_channels: Vec<Channel>,
    /// How long an orange or red rise is worth sending.
    pub valid_high: Span,
    /// How long a lower rise is.
    pub valid_low: Span,
    /// How long a fall, an ending or a cancel is.
    pub valid_fall: Span,
    /// By when a responsible person reports, red.
    pub deadline_red: Span,
    /// By when, below red.
    pub deadline: Span,
    /// What of our own is low, said to responsible persons together; each by itself where it is absent.
    pub digest: Option<Digest>,
    /// Centimetres by which water at a site rises, its tier standing, before its people are told again;
    /// they are not where it is absent.
    pub depth_step_cm: Option<u16>,
}

/// Up to which tier what is ours waits for a whole period, and is then said in one message for each
/// place and channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// The highest tier that waits, at most yellow.
    pub tier: Tier,
    /// Minutes of a period, counted from the whole hour.
    pub every_minutes: u8,
}

/// Local hours between which nothing that can wait rings; the same hour twice for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// First quiet hour, 0 to 23.
    pub from: u8,
    /// First hour that is not, 0 to 23.
    pub to: u8,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            quiet: QuietHours { from: 22, to: 7 },
            request_channels: vec![Channel::Email, Channel::Webhook],
            signing_channels: vec![Channel::Sms, Channel::Push, Channel::Email],
            valid_high: Span::from_minutes(120),
            valid_low: Span::from_minutes(180),
            valid_fall: Span::from_minutes(360),
            deadline_red: Span::from_minutes(15),
            deadline: Span::from_minutes(30),
            digest: None,
            depth_step_cm: None,
        }
    }
}

impl Telling {
    /// How long a rise to that tier is worth sending.
    pub fn valid(&self, tier: Tier) -> Span {
        if tier >= Tier::Orange {
            self.valid_high
        } else {
            self.valid_low
        }
    }

    /// By when a responsible person reports, counted from the message.
    pub fn deadline(&self, tier: Tier) -> Span {
        if tier == Tier::Red {
            self.deadline_red
        } else {
            self.deadline
        }
    }
}

impl Digest {
    /// True where a period ended after `since`.
    pub fn is_due(self, since: Time, at: Time) -> bool {
        let period = |time: Time| {
            time.minute()
                .div_euclid(i64::from(self.every_minutes.max(1)))
        };
        period(at) > period(since)
    }
}

impl QuietHours {
    /// The end of the quiet hours that `at` lies in, if it does.
    pub fn until(self, at: Time, offset: Offset) -> Option<Time> {
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        let shift = i64::from(offset.0) * 60;
        let local = at.seconds() + shift;
        let (day, hour) = (local.div_euclid(86_400), local.rem_euclid(86_400) / 3600);
        let quiet = if from <= to {
            (from..to).contains(&hour)
        } else {
            hour >= from || hour < to
        };
        let end_day = if hour >= to { day + 1 } else { day };
        quiet.then(|| Time::from_seconds(end_day * 86_400 + to * 3600 - shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_end_in_the_morning() {
        let hours = QuietHours { from: 22, to: 7 };
        let until = |text: &str| {
            let (time, offset) = Time::parse(text).unwrap();
            hours.until(time, offset).map(|t| t.display(offset))
        };
        let morning = Some("2023-09-08T07:00:00+08:00".to_owned());
        assert_eq!(until("2023-09-07T22:00:00+08:00"), morning);
        assert_eq!(until("2023-09-08T06:59:59+08:00"), morning);
        assert_eq!(until("2023-09-08T07:00:00+08:00"), None);
        assert_eq!(until("2023-09-07T21:59:59+08:00"), None);
        let (time, offset) = Time::parse("2023-09-08T03:00:00+08:00").unwrap();
        assert_eq!(QuietHours { from: 0, to: 0 }.until(time, offset), None);
    }
}
