//! The numbers written in a condition, and where: what somebody turns who tries another bound.

use super::parse::{ConditionError, parsed};
use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, SourceInfo};
use std::ops::Range;

/// A number in the text of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// As written, with its sign.
    pub text: String,
    /// Bytes of the condition.
    pub at: Range<usize>,
    /// The comparison it stands in.
    pub comparison: String,
}

/// Every number of a condition, in the order of the text; windows and ages are texts and not
/// among them.
///
/// # Errors
/// What is wrong with the condition.
pub fn literals(source: &str) -> Result<Vec<Literal>, ConditionError> {
    let (tree, places) = parsed(source)?;
    let mut found = Vec::new();
    collect(&tree, &places, source, &mut found);
    found.sort_by_key(|literal| literal.at.start);
    Ok(found)
}

fn collect(tree: &IdedExpr, places: &SourceInfo, source: &str, found: &mut Vec<Literal>) {
    match &tree.expr {
        Expr::Literal(LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_)) => {
            found.extend(literal(tree.id, places, source))
        }
        Expr::Call(call) => {
            let parts = call.target.iter().map(AsRef::as_ref).chain(&call.args);
            parts.for_each(|part| collect(part, places, source, found));
        }
        // Nothing else that a condition may hold has numbers in it.
        Expr::Literal(
            LiteralValue::String(_)
            | LiteralValue::Boolean(_)
            | LiteralValue::Bytes(_)
            | LiteralValue::Null,
        )
        | Expr::Unspecified
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::List(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_) => {}
    }
}

/// The parser places a number by its digits; its sign stands before them.
fn literal(node: u64, places: &SourceInfo, source: &str) -> Option<Literal> {
    let (start, last) = places.offset_for(node)?;
    let digits = start as usize..last as usize + 1;
    let before = source.get(..digits.start)?.trim_end();
    let sign = before.strip_suffix('-').filter(|rest| {
        // After a value it is a subtraction.
        let rest = rest.trim_end();
        !rest.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, ')' | '_' | '.'))
    });
    let at = sign.map_or(digits.start, str::len)..digits.end;
    Some(Literal {
        text: source.get(at.clone())?.to_owned(),
        comparison: comparison(source, &at)?,
        at,
    })
}

/// What stands between the `&&` and `||` around it.
fn comparison(source: &str, at: &Range<usize>) -> Option<String> {
    let joints = ["&&", "||"];
    let before = source.get(..at.start)?;
    let from = joints.map(|joint| before.rfind(joint).map_or(0, |found| found + joint.len()));
    let after = source.get(at.end..)?;
    let to = joints.map(|joint| after.find(joint).unwrap_or(after.len()));
    let from = from.into_iter().max()?;
    let to = at.end + to.into_iter().min()?;
    let mut text = source.get(from..to)?.trim();
    loop {
        let (opened, closed) = (text.matches('(').count(), text.matches(')').count());
        let less = match opened.cmp(&closed) {
            std::cmp::Ordering::Greater => text.strip_prefix('('),
            std::cmp::Ordering::Less => text.strip_suffix(')'),
            std::cmp::Ordering::Equal => None,
        };
        match less {
            Some(less) => text = less.trim(),
            None => return Some(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<(String, String)> {
        let found = literals(source).unwrap().into_iter();
        found
            .map(|literal| {
                assert_eq!(source[literal.at.clone()], literal.text);
                (literal.text, literal.comparison)
            })
            .collect()
    }

    #[test]
    fn each_number_is_found_with_its_comparison() {
        let pair = |text: &str, comparison: &str| (text.to_owned(), comparison.to_owned());
        assert_eq!(
            found(r#"rainfall.sum("1h") >= 30.0 || rainfall.sum("2h") >= mm(50)"#),
            [
                pair("30.0", r#"rainfall.sum("1h") >= 30.0"#),
                pair("50", r#"rainfall.sum("2h") >= mm(50)"#),
            ]
        );
        assert_eq!(
            found(
                r#"site.x > 1 || (displacement.count("3h") >= 12 && displacement.rate("3h") * 24.0 >= site.red)"#
            ),
            [
                pair("1", "site.x > 1"),
                pair("12", r#"displacement.count("3h") >= 12"#),
                pair("24.0", r#"displacement.rate("3h") * 24.0 >= site.red"#),
            ]
        );
        let cold = r#"!(temperature.last() > -2.5) && temperature.last() -1 <= - 4"#;
        let texts: Vec<String> = found(cold).into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["-2.5", "1", "- 4"]);
        assert_eq!(found(r#"water_depth.last() >= site.red"#), []);
        assert!(literals("rainfall.sum(").is_err());
    }
}
