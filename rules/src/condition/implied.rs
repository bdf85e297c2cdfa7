//! Whether one condition holds wherever another does, as far as that shows from its comparisons.
//!
//! What is found is true; what is not found may be true all the same: nothing is known of how
//! different calls hang together but that windows within windows hold no more.

use super::parse::{Call, Reading};
use super::program::{Atom, Op, Program, Test};
use crate::window::{Function, Window};
use model::{Parameter, Tier};
use std::cmp::Ordering;

/// A condition as it was written, out of its flat program.
enum Tree<'p> {
    Leaf(&'p Op),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

impl Program {
    /// Whether another condition holds wherever this one does.
    pub(crate) fn implies(&self, other: &Self, calls: &[Call]) -> bool {
        match (self.tree(), other.tree()) {
            (Some(ours), Some(theirs)) => ours.implies(&theirs, calls),
            (None, _) | (_, None) => false,
        }
    }

    fn tree(&self) -> Option<Tree<'_>> {
        let mut stack = Vec::new();
        for op in &self.ops {
            let tree = match op {
                Op::And | Op::Or => {
                    let second = Box::new(stack.pop()?);
                    let first = Box::new(stack.pop()?);
                    if matches!(op, Op::And) {
                        Tree::And(first, second)
                    } else {
                        Tree::Or(first, second)
                    }
                }
                Op::AtLeast { .. }
                | Op::AtMost { .. }
                | Op::Linear(_)
                | Op::Tier { .. }
                | Op::Constant(_) => Tree::Leaf(op),
            };
            stack.push(tree);
        }
        stack.pop().filter(|_| stack.is_empty())
    }
}

impl Tree<'_> {
    fn implies(&self, other: &Self, calls: &[Call]) -> bool {
        match (self, other) {
            (Self::Or(one, another), _) => {
                one.implies(other, calls) && another.implies(other, calls)
            }
            (_, Self::And(one, another)) => {
                self.implies(one, calls) && self.implies(another, calls)
            }
            (Self::Leaf(of), Self::Leaf(over)) => implies(of, over, calls),
            (Self::And(..), Self::Or(..)) => {
                self.any_implies(other, calls) || self.implies_any(other, calls)
            }
            (Self::And(..), Self::Leaf(_)) => self.any_implies(other, calls),
            (Self::Leaf(_), Self::Or(..)) => self.implies_any(other, calls),
        }
    }

    /// Where both of its parts hold, one of them is enough.
    fn any_implies(&self, other: &Self, calls: &[Call]) -> bool {
        let Self::And(one, another) = self else {
            return false;
        };
        one.implies(other, calls) || another.implies(other, calls)
    }

    /// Where one of the other's parts is enough.
    fn implies_any(&self, other: &Self, calls: &[Call]) -> bool {
        let Self::Or(one, another) = other else {
            return false;
        };
        self.implies(one, calls) || self.implies(another, calls)
    }
}

fn implies(of: &Op, over: &Op, calls: &[Call]) -> bool {
    if let (
        Op::Tier { index, test, tier },
        Op::Tier {
            index: other,
            test: as_well,
            tier: bound,
        },
    ) = (of, over)
    {
        let mut found = std::iter::once(Tier::None).chain(Tier::WARNING);
        return index == other
            && found.all(|found| !test.holds(found.cmp(tier)) || as_well.holds(found.cmp(bound)));
    }
    match (atom(of), atom(over)) {
        (Some(of), Some(over)) => of.implies(&over) || widens(&of, &over, calls),
        (None, _) | (_, None) => false,
    }
}

/// A comparison in its general form.
fn atom(op: &Op) -> Option<Atom> {
    let whole = |call: u16, bound: i64, test| Atom {
        calls: [(call, 1)].into(),
        sites: [].into(),
        constant: -i128::from(bound),
        test,
    };
    match op {
        Op::AtLeast { call, bound } => Some(whole(*call, *bound, Test::AtLeast)),
        Op::AtMost { call, bound } => Some(whole(*call, *bound, Test::AtMost)),
        Op::Linear(atom) => {
            let mut atom = atom.clone();
            atom.calls.sort_unstable();
            atom.sites.sort_unstable();
            Some(atom)
        }
        Op::Tier { .. } | Op::Constant(_) | Op::And | Op::Or => None,
    }
}

impl Atom {
    /// The same comparison by its first factor's sign: above a bound is above, whatever was
    /// written on which side.
    fn upright(&self) -> Option<(i128, Test)> {
        let (_, scale) = self.calls.first()?;
        let test = if *scale < 0 {
            self.test.mirrored()
        } else {
            self.test
        };
        (*scale != 0).then_some((*scale, test))
    }

    /// Whether another comparison of the same holds wherever this one does.
    fn implies(&self, other: &Self) -> bool {
        self.order_of_bounds(other).is_some_and(|(order, is_same)| {
            let tests = self.upright().zip(other.upright());
            is_same && tests.is_some_and(|((_, of), (_, over))| follows(of, over, order))
        })
    }

    /// How this one's bound lies to the other's, and whether both are of the same calls and
    /// thresholds. A bound is what the calls are held against once their first factor is one.
    fn order_of_bounds(&self, other: &Self) -> Option<(Ordering, bool)> {
        let ((ours, _), (theirs, _)) = self.upright().zip(other.upright())?;
        let same = |one: &[(u16, i128)], another: &[(u16, i128)]| {
            let mut pairs = one.iter().zip(another);
            let alike = |((a, of), (b, over)): (&(u16, i128), &(u16, i128))| {
                let product = of.checked_mul(theirs).zip(over.checked_mul(ours));
                a == b && product.is_some_and(|(of, over)| of == over)
            };
            one.len() == another.len() && pairs.all(alike)
        };
        let is_same = same(&self.calls, &other.calls) && same(&self.sites, &other.sites);
        // -c/s against -d/t, over the positive |s|·|t|.
        let of = self.constant.checked_neg()?.checked_mul(theirs)?;
        let over = other.constant.checked_neg()?.checked_mul(ours)?;
        let order = if (ours < 0) == (theirs < 0) {
            of.cmp(&over)
        } else {
            over.cmp(&of)
        };
        Some((order, is_same))
    }
}

/// Whether what passes one test passes another of the same figure, by how the bound of the first
/// lies to that of the second.
fn follows(of: Test, over: Test, order: Ordering) -> bool {
    match (of, over) {
        (Test::AtLeast | Test::Above, Test::AtLeast) | (Test::Above, Test::Above) => order.is_ge(),
        (Test::AtLeast, Test::Above | Test::Differs) => order.is_gt(),
        (Test::Above, Test::Differs) => order.is_ge(),
        (Test::AtMost | Test::Below, Test::AtMost) | (Test::Below, Test::Below) => order.is_le(),
        (Test::AtMost, Test::Below | Test::Differs) => order.is_lt(),
        (Test::Below, Test::Differs) => order.is_le(),
        (Test::Equal, over) => over.holds(order),
        (Test::Differs, Test::Differs) => order.is_eq(),
        (Test::AtLeast | Test::Above, Test::AtMost | Test::Below | Test::Equal)
        | (Test::AtMost | Test::Below, Test::AtLeast | Test::Above | Test::Equal)
        | (Test::Differs, Test::AtLeast | Test::Above | Test::AtMost | Test::Below | Test::Equal) => {
            false
        }
    }
}

/// Whether the other asks for no more of the same over a window that holds this one's.
fn widens(of: &Atom, over: &Atom, calls: &[Call]) -> bool {
    let alone = |atom: &Atom| match (&*atom.calls, &*atom.sites) {
        ([(call, _)], []) => calls.get(usize::from(*call)).map(|call| call.reading),
        (_, _) => None,
    };
    let tests = of.upright().zip(over.upright());
    let (Some((short, long)), Some(((_, test), (_, as_well)))) =
        (alone(of).zip(alone(over)), tests)
    else {
        return false;
    };
    let rises = matches!(test, Test::AtLeast | Test::Above);
    let grows = match short.function {
        // What falls from the sky is never less than nothing.
        Function::Sum => {
            rises
                && matches!(
                    short.parameter,
                    Parameter::Rainfall | Parameter::RainfallTotal
                )
        }
        Function::Max => rises,
        Function::Min => matches!(test, Test::AtMost | Test::Below),
        Function::Last
        | Function::Mean
        | Function::Delta
        | Function::Rate
        | Function::Count
        | Function::Age
        | Function::Indicator(_)
        | Function::Expected(_) => false,
    };
    let (Some(Window::Rolling(within)), Some(Window::Rolling(around))) =
        (short.window, long.window)
    else {
        return false;
    };
    let same = Reading {
        window: long.window,
        ..short
    };
    let order = of.order_of_bounds(over);
    let bounds = order.is_some_and(|(order, _)| follows(test, as_well, order));
    grows && same == long && within <= around && bounds
}
