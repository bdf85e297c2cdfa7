//! Simplified Chinese into traditional characters, by the tables of OpenCC.

use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// Longest word of the table, in characters.
const WORD_MAX: usize = 3;

static TABLE: LazyLock<FxHashMap<&'static str, &'static str>> = LazyLock::new(|| {
    include_str!("traditional.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect()
});

/// `text` in traditional characters: the longest known word first, then characters one by one.
pub fn traditional(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let ends = rest.char_indices().skip(1).map(|(at, _)| at);
        let ends: Vec<usize> = ends.chain([rest.len()]).take(WORD_MAX).collect();
        let known = ends.iter().rev().find_map(|end| {
            let word = rest.get(..*end)?;
            TABLE.get(word).map(|said| (*end, *said))
        });
        let end = match known {
            Some((end, said)) => {
                out.push_str(said);
                end
            }
            None => {
                out.push(first);
                first.len_utf8()
            }
        };
        rest = rest.get(end..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_between_characters() {
        for (simple, full) in [
            ("立即离开涵洞、地库", "立即離開涵洞、地庫"),
            ("台风 干旱 发布 头发", "颱風 乾旱 發布 頭髮"),
            ("积水后退 皇后 里面 公里", "積水後退 皇后 裡面 公里"),
            ("{{issued}}广州三防", "{{issued}}廣州三防"),
            ("abc 12345", "abc 12345"),
            ("", ""),
        ] {
            assert_eq!(traditional(simple), full);
        }
    }

    #[test]
    fn no_word_is_longer_than_looked_for() {
        let longest = TABLE.keys().map(|word| word.chars().count()).max();
        assert_eq!(longest, Some(WORD_MAX));
        assert!(TABLE.len() > 10_000, "{}", TABLE.len());
    }
}
