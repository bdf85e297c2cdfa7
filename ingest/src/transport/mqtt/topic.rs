//! Topic filters (MQTT 3.1.1 and 5, §4.7).

/// A topic has at most as many bytes as its length can say.
const BYTES_MAX: usize = u16::MAX as usize;

/// What stands behind `$share/group/`, or the filter itself.
fn unshared(filter: &str) -> Option<&str> {
    match filter.strip_prefix("$share/") {
        None => Some(filter),
        Some(rest) => {
            let (group, filter) = rest.split_once('/')?;
            let is_group = !group.is_empty() && !group.contains(['+', '#']);
            is_group.then_some(filter)
        }
    }
}

/// True where a broker would take it: `#` stands last, `+` and `#` alone in their level.
pub(super) fn is_filter(filter: &str) -> bool {
    let Some(filter) = unshared(filter) else {
        return false;
    };
    if filter.is_empty() || filter.len() > BYTES_MAX || filter.contains('\0') {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let wild = level.contains(['+', '#']);
        if (wild && level.len() > 1) || (level == "#" && levels.peek().is_some()) {
            return false;
        }
    }
    true
}

/// True where a message on `topic` comes by `filter`.
pub(super) fn matches(filter: &str, topic: &str) -> bool {
    let Some(filter) = unshared(filter) else {
        return false;
    };
    // A wildcard at the start does not mean the broker's own topics.
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut wanted, mut levels) = (filter.split('/'), topic.split('/'));
    loop {
        match (wanted.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            (Some(_) | None, Some(_) | None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_told_from_what_only_looks_like_one() {
        for good in ["a", "a/+/b", "#", "+", "a/#", "/", "$share/g/a/+", "$SYS/#"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in [
            "",
            "a/#/b",
            "a+",
            "a/b#",
            "$share/g",
            "$share//a",
            "$share/+/a",
            "a\0",
        ] {
            assert!(!is_filter(bad), "{bad:?}");
        }
    }

    #[test]
    fn topics_match_level_by_level() {
        for (filter, topic) in [
            ("a/+/c", "a/b/c"),
            ("a/#", "a"),
            ("a/#", "a/b/c"),
            ("#", "a/b"),
            ("+/+", "/b"),
            ("$share/g/a/+", "a/b"),
            ("$SYS/#", "$SYS/x"),
        ] {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in [
            ("a/+", "a"),
            ("a/+", "a/b/c"),
            ("a/b", "a/B"),
            ("#", "$SYS/x"),
            ("+/x", "$SYS/x"),
            ("a/b/c", "a/b"),
        ] {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }
}
