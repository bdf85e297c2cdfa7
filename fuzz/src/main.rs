//! The runner: libFuzzer over the target that the environment names.
#![no_main]

use std::sync::LazyLock;

/// The chosen target; a wrong name ends the process with the right ones.
static TARGET: LazyLock<fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("TARGET").unwrap_or_default();
    let found = fuzz::TARGETS.iter().find(|(known, _)| *known == name);
    found.map_or_else(
        || {
            let names: Vec<_> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
            eprintln!("no target {name:?}; TARGET is one of: {}", names.join(" "));
            std::process::exit(2)
        },
        |(_, target)| *target,
    )
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| (*TARGET)(input));
