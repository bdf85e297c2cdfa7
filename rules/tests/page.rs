//! What docs/rules.md shows as a rulebook loads without a notice, and passes what it shows as its tests.
#![expect(
    clippy::unwrap_used,
    reason = "a page that cannot be read ends its test"
)]

use model::Parameter;
use rules::{Rulebook, suite};
use std::path::Path;
use std::sync::Arc;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    std::fs::read_to_string(path).unwrap()
}

/// Files that the page shows, each by the name in its first line.
fn files(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```toml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let named = blocks.filter_map(|block| {
        let name = block.lines().next()?.strip_prefix("# rules/")?;
        Some((name.to_owned(), block.to_owned()))
    });
    named.collect()
}

#[test]
fn the_files_of_the_page_are_a_rulebook_that_passes_its_tests() {
    let (tests, rules): (Vec<_>, Vec<_>) = files(&page())
        .into_iter()
        .partition(|(name, _)| name.starts_with("tests/"));
    assert_eq!((rules.len(), tests.len()), (3, 3));
    let bytes = |(name, text): (String, String)| (name, text.into_bytes());
    let read = Rulebook::read(&rules.into_iter().map(bytes).collect::<Vec<_>>());
    let book = Arc::new(read.unwrap_or_else(|faults| panic!("{faults:#?}")));
    assert_eq!(book.notices, []);
    let mut played = 0;
    for (name, text) in tests {
        assert!(name.ends_with(".test.toml"), "{name}");
        let outcomes = suite::run(&book, &name, &text);
        for outcome in outcomes.unwrap_or_else(|faults| panic!("{faults:#?}")) {
            assert_eq!(
                outcome.failures,
                [],
                "{name}:{} {}\n{}",
                outcome.line,
                outcome.name,
                outcome.story.join("\n")
            );
            played += 1;
        }
    }
    assert_eq!(played, 5);
}

/// Every block that begins like a file is one of the above: none of them is left out for its first line.
#[test]
fn every_file_of_the_page_has_its_name() {
    let page = page();
    let schemas = page.matches("\nschema ").count();
    assert_eq!(files(&page).len(), schemas);
}

#[test]
fn every_parameter_is_on_the_page() {
    let page = page();
    let names = Parameter::ALL.map(Parameter::name);
    for name in names {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}
