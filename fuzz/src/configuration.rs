//! `sanfang.toml`: what somebody wrote, wrote wrongly, or saved as something else.

use std::path::Path;

/// A configuration. Each fault says where it is, what is wrong and what to do.
pub(crate) fn configuration(bytes: &[u8]) {
    let base = Path::new("/nowhere");
    for fault in sanfang::faults_of_configuration("sanfang.toml", bytes, base) {
        let is_whole = fault.what.contains("UTF-8") || fault.what.contains("more faults");
        let is_placed = !fault.field.is_empty() || fault.line.is_some();
        assert!(is_placed || is_whole, "{fault}");
        assert!(
            !fault.what.is_empty() && !fault.remedy.is_empty(),
            "{fault}"
        );
    }
}
