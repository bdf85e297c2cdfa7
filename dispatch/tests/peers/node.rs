//! The peers written for Node: where their modules are, and the loud word where they cannot be had.

#[path = "missing.rs"]
pub(crate) mod missing;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dispatch/tests/peers");

/// The peer's modules, installed once into the build's own directory.
pub(crate) fn modules() -> Option<&'static Path> {
    static MODULES: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match MODULES.get_or_init(install) {
        Ok(path) => Some(path),
        Err(why) => {
            missing::missing(&format!("no independent peer to test against: {why}"));
            None
        }
    }
}

fn install() -> Result<PathBuf, String> {
    let node = Command::new("node").arg("--version").output();
    node.map_err(|e| format!("node: {e}"))?;
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    std::fs::create_dir_all(&to).map_err(|e| e.to_string())?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(Path::new(PEERS).join(file), to.join(file)).map_err(|e| e.to_string())?;
    }
    let is_there = |name: &str| {
        to.join("node_modules")
            .join(name)
            .join("package.json")
            .exists()
    };
    if ["smpp", "web-push-testing"].into_iter().all(is_there) {
        return Ok(to);
    }
    let npm = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(&to)
        .output()
        .map_err(|e| format!("npm: {e}"))?;
    if npm.status.success() {
        Ok(to)
    } else {
        Err(String::from_utf8_lossy(&npm.stderr).into_owned())
    }
}

/// A peer's program.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(PEERS).join(name)
}
