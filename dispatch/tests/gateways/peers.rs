//! What the tests share: the peers, or a loud word that they are missing.

#[path = "../peers/python.rs"]
mod interpreter;

pub(crate) use crate::node::missing::{missing, skipped};
pub(crate) use interpreter::python;

use std::path::PathBuf;

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
