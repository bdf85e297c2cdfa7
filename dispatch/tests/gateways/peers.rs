//! What the tests share: the peers, or a loud word that they are missing.

pub(crate) use crate::node::missing::{missing, skipped};

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The Python of the independent peers; `None` where it cannot be made.
pub(crate) fn python() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(|| {
        let script = repository().join("deploy/test-peers.sh");
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

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
