//! The demo city with some of its people, made anew for a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// Runs a script of the repository; gives what it printed.
pub(crate) fn node(arguments: &[&str]) -> String {
    let output = Command::new("node")
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "node {arguments:?}: {words}");
    String::from_utf8(output.stdout).unwrap()
}

/// Writes the city with so many subscribers below `folder`.
pub(crate) fn write(folder: &Path, subscribers: u32) -> PathBuf {
    let city = folder.join("city");
    let written = city.display().to_string();
    let subscribers = subscribers.to_string();
    node(&[
        "testdata/generate.mjs",
        &written,
        "--subscribers",
        &subscribers,
    ]);
    let demo = root().join("testdata/city");
    for sub in ["rules", "wording"] {
        fs::create_dir(city.join(sub)).unwrap();
        for entry in fs::read_dir(demo.join(sub)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), city.join(sub).join(entry.file_name())).unwrap();
            }
        }
    }
    fs::copy(demo.join("city.toml"), city.join("city.toml")).unwrap();
    city
}
