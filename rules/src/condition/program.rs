//! The flat program of a condition and its evaluation: integers, a fixed stack, no names.

use super::ratio::Ratio;
use crate::window::Value;
use model::Tier;

/// Most intermediate results a program may hold.
const STACK_MAX: usize = 40;

/// Truth with a third value (semantics §15). `and` is the lesser, `or` the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kleene {
    /// Does not hold.
    False,
    /// Cannot be told.
    Unknown,
    /// Holds.
    True,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    AtLeast,
    Above,
    AtMost,
    Below,
    Equal,
    Differs,
}

/// `Σ calls + Σ sites + constant` compared with zero, in integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Atom {
    pub(super) calls: Box<[(u16, i128)]>,
    pub(super) sites: Box<[(u16, i128)]>,
    pub(super) constant: i128,
    pub(super) test: Test,
}

/// Where the truth of a comparison turns as its figure grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    edge: Ratio,
    /// True where it turns beyond the edge, not at it.
    is_beyond: bool,
}

impl Turn {
    const fn at(bound: i64) -> Self {
        Self {
            edge: Ratio::whole(bound),
            is_beyond: false,
        }
    }

    pub(crate) const fn edge(self) -> Ratio {
        self.edge
    }

    /// The first whole number on the far side, of figures that are `per` times as fine.
    pub(crate) fn whole(self, per: Ratio) -> Option<i64> {
        let edge = self.edge.times(per)?;
        let whole = if self.is_beyond {
            edge.floor().checked_add(1)?
        } else {
            edge.ceil()
        };
        i64::try_from(whole).ok()
    }
}

/// One step of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// The whole-number call is at least the bound.
    AtLeast {
        call: u16,
        bound: i64,
    },
    /// The whole-number call is at most the bound.
    AtMost {
        call: u16,
        bound: i64,
    },
    /// Any other comparison.
    Linear(Atom),
    /// The tier of another rule or of a signal, compared.
    Tier {
        index: u16,
        test: Test,
        tier: Tier,
    },
    /// A truth known at load.
    Constant(Kleene),
    And,
    Or,
}

/// A compiled condition.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Program {
    pub(super) ops: Box<[Op]>,
}

/// What a program reads at one subject.
#[derive(Clone, Copy, Debug)]
pub struct Situated<'a> {
    /// Figures of the rule's calls, in the rule's order.
    pub values: &'a [Value],
    /// Thresholds of the site, in billionths of a unit; `None` where it has no such threshold.
    pub sites: &'a [Option<i64>],
    /// The tiers that the rule asks for.
    pub tiers: &'a [Tier],
    /// True where a partly covered window counts as unknown, as lowering asks (semantics §15).
    pub lowering: bool,
}

impl Kleene {
    /// Of a plain truth.
    pub const fn of(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl Test {
    /// True where what falls may come to hold.
    pub(super) const fn is_downward(self) -> bool {
        match self {
            Self::AtMost | Self::Below => true,
            Self::AtLeast | Self::Above | Self::Equal | Self::Differs => false,
        }
    }

    pub(super) const fn mirrored(self) -> Self {
        match self {
            Self::AtLeast => Self::AtMost,
            Self::Above => Self::Below,
            Self::AtMost => Self::AtLeast,
            Self::Below => Self::Above,
            Self::Equal => Self::Equal,
            Self::Differs => Self::Differs,
        }
    }

    pub(super) const fn negated(self) -> Self {
        match self {
            Self::AtLeast => Self::Below,
            Self::Above => Self::AtMost,
            Self::AtMost => Self::Above,
            Self::Below => Self::AtLeast,
            Self::Equal => Self::Differs,
            Self::Differs => Self::Equal,
        }
    }

    pub(super) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::AtLeast => order.is_ge(),
            Self::Above => order.is_gt(),
            Self::AtMost => order.is_le(),
            Self::Below => order.is_lt(),
            Self::Equal => order.is_eq(),
            Self::Differs => order.is_ne(),
        }
    }
}

impl Atom {
    /// The one-instruction form, where the atom is one whole-number call against a number.
    pub(super) fn simple(&self) -> Option<Op> {
        let ([(call, factor)], []) = (&*self.calls, &*self.sites) else {
            return None;
        };
        let edge = Ratio::new(-self.constant, *factor)?;
        let test = if *factor < 0 {
            self.test.mirrored()
        } else {
            self.test
        };
        let call = *call;
        let op = match test {
            Test::AtLeast => Op::AtLeast {
                call,
                bound: i64::try_from(edge.ceil()).ok()?,
            },
            Test::Above => Op::AtLeast {
                call,
                bound: i64::try_from(edge.floor() + 1).ok()?,
            },
            Test::AtMost => Op::AtMost {
                call,
                bound: i64::try_from(edge.floor()).ok()?,
            },
            Test::Below => Op::AtMost {
                call,
                bound: i64::try_from(edge.ceil() - 1).ok()?,
            },
            Test::Equal | Test::Differs => return None,
        };
        Some(op)
    }

    /// Where the truth turns, if it hangs on one call alone.
    fn turn(&self) -> Option<(u16, Turn)> {
        let ([(call, factor)], []) = (&*self.calls, &*self.sites) else {
            return None;
        };
        let edge = Ratio::new(self.constant.checked_neg()?, *factor)?;
        let test = if *factor < 0 {
            self.test.mirrored()
        } else {
            self.test
        };
        let is_beyond = match test {
            Test::AtLeast | Test::Below => false,
            Test::Above | Test::AtMost => true,
            Test::Equal | Test::Differs => return None,
        };
        Some((*call, Turn { edge, is_beyond }))
    }

    pub(super) fn evaluate(&self, at: &Situated<'_>) -> Kleene {
        let (mut number, mut of) = (self.constant, 1i128);
        for (site, factor) in &self.sites {
            // A tier that the site has no threshold for does not exist there: it never holds, and
            // never keeps the tiers below it from falling.
            let Some(Some(threshold)) = at.sites.get(usize::from(*site)) else {
                return Kleene::False;
            };
            let Some(term) = times(*factor, i128::from(*threshold)) else {
                return Kleene::Unknown;
            };
            number = number.saturating_add(term);
        }
        for (call, factor) in &self.calls {
            let Some(value) = at.value(*call) else {
                return Kleene::Unknown;
            };
            // Beyond 128 bits nothing measured lies; what cannot be told exactly is unknown.
            let term = times(value.number, *factor);
            let sum = term
                .and_then(|t| times(t, of))
                .zip(times(number, value.of))
                .and_then(|(t, n)| n.checked_add(t));
            match (sum, times(of, value.of)) {
                (Some(sum), Some(product)) => (number, of) = (sum, product),
                (None, _) | (_, None) => return Kleene::Unknown,
            }
        }
        Kleene::of(self.test.holds(number.cmp(&0)))
    }
}

impl Program {
    /// The truth of the condition at a subject.
    pub fn evaluate(&self, at: &Situated<'_>) -> Kleene {
        let mut stack = [Kleene::Unknown; STACK_MAX];
        let mut top = 0usize;
        for op in &self.ops {
            let result = match op {
                Op::AtLeast { call, bound } => match at.value(*call) {
                    Some(value) => Kleene::of(value.number >= i128::from(*bound)),
                    None => Kleene::Unknown,
                },
                Op::AtMost { call, bound } => match at.value(*call) {
                    Some(value) => Kleene::of(value.number <= i128::from(*bound)),
                    None => Kleene::Unknown,
                },
                Op::Linear(atom) => atom.evaluate(at),
                Op::Tier { index, test, tier } => {
                    let found = at.tier(*index);
                    Kleene::of(test.holds(found.cmp(tier)))
                }
                Op::Constant(truth) => *truth,
                Op::And | Op::Or => {
                    top = top.saturating_sub(2);
                    let (a, b) = (get(&stack, top), get(&stack, top + 1));
                    if matches!(op, Op::And) {
                        a.min(b)
                    } else {
                        a.max(b)
                    }
                }
            };
            if let Some(place) = stack.get_mut(top) {
                *place = result;
                top += 1;
            }
        }
        get(&stack, 0)
    }

    /// True where the stack is deep enough for the program.
    pub(super) fn fits(&self) -> bool {
        let mut depth = 0usize;
        self.ops.iter().all(|op| {
            match op {
                Op::And | Op::Or => depth = depth.saturating_sub(1),
                Op::AtLeast { .. }
                | Op::AtMost { .. }
                | Op::Linear(_)
                | Op::Tier { .. }
                | Op::Constant(_) => depth += 1,
            }
            depth <= STACK_MAX
        })
    }

    /// Every call with where its part of the truth turns; `None` where the truth hangs on anything
    /// but single calls.
    pub(crate) fn turns(&self) -> Option<Vec<(u16, Turn)>> {
        let mut turns = Vec::new();
        for op in &self.ops {
            match op {
                Op::AtLeast { call, bound } => turns.push((*call, Turn::at(*bound))),
                Op::AtMost { call, bound } => turns.push((*call, Turn::at(bound.checked_add(1)?))),
                Op::And | Op::Or | Op::Constant(_) => {}
                Op::Linear(atom) => turns.push(atom.turn()?),
                Op::Tier { .. } => return None,
            }
        }
        Some(turns)
    }

    /// Calls and bounds of which at least one must be reached before the condition can hold;
    /// `None` where no such list exists.
    pub(crate) fn floors(&self) -> Option<Vec<(u16, i64)>> {
        let mut floors = Vec::new();
        for op in &self.ops {
            match op {
                Op::AtLeast { call, bound } => floors.push((*call, *bound)),
                Op::And | Op::Or => {}
                Op::AtMost { .. } | Op::Linear(_) | Op::Tier { .. } | Op::Constant(_) => {
                    return None;
                }
            }
        }
        Some(floors)
    }
}

/// The product where 128 bits hold it. Nearly all numbers are of 64 bits, or one: then nothing need be
/// watched for.
#[inline]
fn times(a: i128, b: i128) -> Option<i128> {
    if b == 1 {
        return Some(a);
    }
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        (Err(_), _) | (_, Err(_)) => a.checked_mul(b),
    }
}

fn get(stack: &[Kleene; STACK_MAX], at: usize) -> Kleene {
    stack.get(at).copied().unwrap_or(Kleene::Unknown)
}

impl Situated<'_> {
    pub(super) fn tier(&self, index: u16) -> Tier {
        let tier = self.tiers.get(usize::from(index));
        tier.copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn value(&self, call: u16) -> Option<&Value> {
        self.values
            .get(usize::from(call))
            .filter(|value| value.is_known() && (value.covered || !self.lowering))
    }
}
