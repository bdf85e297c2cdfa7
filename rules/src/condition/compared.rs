//! What a condition compares at one subject: each value with the bound it is held against.

use super::program::{Atom, Kleene, Op, Program, Situated, Test};
use super::ratio::Ratio;
use model::Tier;

/// One comparison of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) what: What,
    /// `>=`, `>`, `<=`, `<`, `==` or `!=`; whole quanta stand as `>=` and `<=`.
    pub(crate) test: &'static str,
    pub(crate) holds: Kleene,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A call with a bound in its own quanta.
    Call { call: u16, bound: Ratio },
    /// A call with a threshold that the site does not have.
    NoThreshold { call: u16 },
    /// Several calls with each other: there is no single bound.
    Several { calls: Vec<u16> },
    /// The tier of another rule.
    Situation { index: u16, tier: Tier },
}

impl Program {
    /// Every comparison, in the order of the condition.
    pub(crate) fn compared(&self, at: &Situated<'_>) -> Vec<Compared> {
        let compare = |op: &Op| {
            let (what, test) = match op {
                Op::AtLeast { call, bound } => (whole(*call, *bound), Test::AtLeast),
                Op::AtMost { call, bound } => (whole(*call, *bound), Test::AtMost),
                Op::Linear(atom) => atom.what(at),
                Op::Situation { index, test, tier } => {
                    let (index, tier) = (*index, *tier);
                    (What::Situation { index, tier }, *test)
                }
                Op::Constant(_) | Op::And | Op::Or => return None,
            };
            let alone = Self {
                ops: [op.clone()].into(),
            };
            Some(Compared {
                what,
                test: test.sign(),
                holds: alone.evaluate(at),
            })
        };
        self.ops.iter().filter_map(compare).collect()
    }
}

fn whole(call: u16, bound: i64) -> What {
    let bound = Ratio::whole(bound);
    What::Call { call, bound }
}

impl Atom {
    /// `factor · call + sites + constant` against zero, solved for the call.
    fn what(&self, at: &Situated<'_>) -> (What, Test) {
        let [(call, factor)] = &*self.calls else {
            let calls = self.calls.iter().map(|(call, _)| *call).collect();
            return (What::Several { calls }, self.test);
        };
        let (call, factor) = (*call, *factor);
        let test = match factor < 0 {
            true => self.test.mirrored(),
            false => self.test,
        };
        let sites = self.sites.iter().map(|(site, factor)| {
            let threshold = at.sites.get(usize::from(*site)).copied().flatten()?;
            factor.checked_mul(i128::from(threshold))
        });
        let sum = sites.sum::<Option<i128>>();
        let sum = sum.and_then(|sum| sum.checked_add(self.constant));
        let bound = sum.and_then(|sum| Ratio::new(sum.checked_neg()?, factor));
        let what = bound.map_or(What::NoThreshold { call }, |bound| What::Call {
            call,
            bound,
        });
        (what, test)
    }
}

impl Test {
    const fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::AtMost => "<=",
            Self::Below => "<",
            Self::Equal => "==",
            Self::Differs => "!=",
        }
    }
}
