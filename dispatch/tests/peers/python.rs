//! The Python of the independent peers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The Python of the independent peers; `None` where it cannot be made.
pub(crate) fn python() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/test-peers.sh");
        let output = Command::new(script).arg("--python").output().ok()?;
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        let peers = String::from_utf8(output.stdout).ok()?;
        Some(PathBuf::from(peers.trim()).join("venv/bin/python"))
    })
    .clone()
}
