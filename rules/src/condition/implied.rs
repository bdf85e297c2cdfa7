//! Whether one condition holds wherever another does, as far as that shows from its comparisons.
//!
//! What is found is true; what is not found may be true all the same: nothing is known of how
//! different calls hang together but that windows within windows hold no more.

use super::parse::{Call, Reading};
use super::program::{Atom, Kleene, Op, Program, Test};
use super::reach;
use crate::forecast::Ask;
use crate::window::{Function, Window};
use model::{Parameter, Tier};
use std::cmp::Ordering;

/// What a condition comes to whatever is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quarrel {
    /// All of it holds always, or never.
    Whole(bool),
    /// Some of its comparisons that are joined do.
    Part(bool),
}

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

    /// What in it hangs on nothing that is measured: comparisons that contradict each other, or leave
    /// nothing out. A comparison that is so by itself is not told here.
    pub(crate) fn quarrel(&self, calls: &[Call]) -> Option<Quarrel> {
        let tree = self.tree()?;
        match (&tree, tree.outcome(calls)) {
            (Tree::Leaf(Op::Constant(truth)), _) => Some(Quarrel::Whole(*truth == Kleene::True)),
            (Tree::Leaf(_), _) => None,
            (Tree::And(..) | Tree::Or(..), Some(holds)) => Some(Quarrel::Whole(holds)),
            (Tree::And(..) | Tree::Or(..), None) => tree.part(calls).map(Quarrel::Part),
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

impl<'p> Tree<'p> {
    /// What it comes to, where that can be told.
    fn outcome(&self, calls: &[Call]) -> Option<bool> {
        match self {
            Self::Leaf(Op::Constant(truth)) => Some(*truth == Kleene::True),
            Self::Leaf(op) => reach::fixed(op, calls).map(|fixed| fixed.holds),
            Self::And(one, another) | Self::Or(one, another) => {
                let ends = matches!(self, Self::Or(..));
                let (one, another) = (one.outcome(calls), another.outcome(calls));
                if one == Some(ends) || another == Some(ends) {
                    return Some(ends);
                }
                let both = one.is_some() && another.is_some();
                (both && one == another)
                    .then_some(!ends)
                    .or_else(|| self.pairs(calls).then_some(ends))
            }
        }
    }

    /// True where two of its joined comparisons settle it: with `&&` they exclude each other, with
    /// `||` one of them holds always.
    fn pairs(&self, calls: &[Call]) -> bool {
        let is_or = matches!(self, Self::Or(..));
        let mut leaves = Vec::new();
        self.joined(is_or, &mut leaves);
        let settles = |one: &Op, another: &Op| match is_or {
            false => inverse(another).is_some_and(|not| implies(one, &not, calls)),
            true => inverse(one).is_some_and(|not| implies(&not, another, calls)),
        };
        let later = |at: usize| leaves.iter().skip(at + 1);
        let mut each = leaves.iter().enumerate();
        each.any(|(at, one)| {
            later(at).any(|another| settles(one, another) || settles(another, one))
        })
    }

    /// Comparisons that are joined alike.
    fn joined(&self, or: bool, leaves: &mut Vec<&'p Op>) {
        match self {
            Self::Leaf(op) => leaves.push(op),
            Self::And(one, another) | Self::Or(one, another) => {
                if matches!(self, Self::Or(..)) == or {
                    one.joined(or, leaves);
                    another.joined(or, leaves);
                }
            }
        }
    }

    /// What a joined part of it comes to.
    fn part(&self, calls: &[Call]) -> Option<bool> {
        match self {
            Self::Leaf(_) => None,
            Self::And(one, another) | Self::Or(one, another) => {
                let is_or = matches!(self, Self::Or(..));
                let own = self.pairs(calls).then_some(is_or);
                own.or_else(|| one.part(calls))
                    .or_else(|| another.part(calls))
            }
        }
    }

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

/// The comparison that holds where that one does not.
fn inverse(op: &Op) -> Option<Op> {
    match op {
        Op::AtLeast { call, bound } => Some(Op::AtMost {
            call: *call,
            bound: bound.checked_sub(1)?,
        }),
        Op::AtMost { call, bound } => Some(Op::AtLeast {
            call: *call,
            bound: bound.checked_add(1)?,
        }),
        Op::Linear(atom) => Some(Op::Linear(Atom {
            test: atom.test.negated(),
            ..atom.clone()
        })),
        Op::Tier { index, test, tier } => Some(Op::Tier {
            index: *index,
            test: test.negated(),
            tier: *tier,
        }),
        Op::Constant(_) | Op::And | Op::Or => None,
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
    let falls = matches!(test, Test::AtMost | Test::Below);
    // What falls from the sky is never less than nothing.
    let adds_up = matches!(
        short.parameter,
        Parameter::Rainfall | Parameter::RainfallTotal | Parameter::Snowfall | Parameter::Lightning
    );
    let grows = match short.function {
        Function::Sum | Function::Expected(Ask::Sum) => rises && adds_up,
        Function::Max | Function::Expected(Ask::Max) => rises,
        Function::Min | Function::Expected(Ask::Min) => falls,
        // The newest value lies in every window up to now, where nothing else is read beside it.
        Function::Last => {
            let (max, min) = (Function::Max, Function::Min);
            (long.function == max && rises) || (long.function == min && falls)
        }
        Function::Mean
        | Function::Delta
        | Function::Rate
        | Function::Count
        | Function::Age
        | Function::Indicator(_)
        | Function::Expected(Ask::CircleIn(_) | Ask::Distance | Ask::Closest) => false,
    };
    let is_within = match (short.window, long.window) {
        (Some(Window::Rolling(within)), Some(Window::Rolling(around))) => within <= around,
        (None, Some(Window::Rolling(_))) => reads_one(calls),
        (_, _) => false,
    };
    let same = Reading {
        window: long.window,
        function: if short.function == Function::Last {
            long.function
        } else {
            short.function
        },
        ..short
    };
    let order = of.order_of_bounds(over);
    let bounds = order.is_some_and(|(order, _)| follows(test, as_well, order));
    grows && same == long && is_within && bounds
}

/// True where only one parameter is read: its newest reading is the newest of all.
fn reads_one(calls: &[Call]) -> bool {
    let mut parameters = calls.iter().map(|call| call.reading.parameter);
    let first = parameters.next();
    parameters.all(|parameter| Some(parameter) == first)
}
