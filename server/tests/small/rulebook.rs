//! The demo city's rulebook as it is put forward: its files by name, with another orange of rain.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The orange of rain in it, which stands there once.
pub(crate) const ORANGE: &str = r#"rainfall.sum("3h") >= 50.0"#;

/// Its tests of rain.
pub(crate) const RAIN_TESTS: &str = "tests/rainstorm.test.toml";

/// The one test that holds whatever the thresholds of rain are.
const DRY: &str = r#"schema = 1
[[test]]
name = "a dry hour"
rule = "rainstorm"
start = "2023-09-07T12:00:00+08:00"
interval = "1m"
series = { rainfall = "0x60" }
expect = [{ at = "59m", tier = "none" }]
"#;

/// The rules in a folder and the demo city's tests beside them, of rain the dry one.
pub(crate) fn rulebook(rules: &Path) -> BTreeMap<String, String> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city/rules/tests");
    let mut files = BTreeMap::new();
    for (under, folder) in [("", rules), ("tests/", &demo)] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_string_lossy();
                files.insert(format!("{under}{name}"), fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(files.insert(RAIN_TESTS.into(), DRY.into()).is_some());
    files
}

/// The same with `to` in the place of the first `from` in its rules.
pub(crate) fn changed(rules: &Path, from: &str, to: &str) -> BTreeMap<String, String> {
    let mut files = rulebook(rules);
    let mut rules = files.iter_mut().filter(|(name, _)| !name.contains('/'));
    let (_, text) = rules.find(|(_, text)| text.contains(from)).unwrap();
    *text = text.replacen(from, to, 1);
    files
}
