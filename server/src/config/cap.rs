//! `[cap]`: the key that our CAP alerts are signed with; and the certificates of sources that sign theirs.

use super::secret_text;
use dispatch::gateway::cap::{CapSigner, Signers};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Our signature on our alerts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CapSection {
    /// RSA key, PKCS #8 in PEM.
    signing_key: PathBuf,
    /// Its certificate, X.509 in PEM.
    certificate: PathBuf,
}

impl CapSection {
    /// Relative paths are relative to the file.
    pub(super) fn anchor(&mut self, base: &Path) {
        for path in [&mut self.signing_key, &mut self.certificate] {
            *path = base.join(&*path);
        }
    }

    /// What signs; reads the files.
    pub(crate) fn signer(&self) -> Result<CapSigner, String> {
        let (key, certificate) = (
            secret_text(&self.signing_key)?,
            secret_text(&self.certificate)?,
        );
        let (key_file, file) = (self.signing_key.display(), self.certificate.display());
        CapSigner::new(&key, &certificate).map_err(|error| format!("{key_file}, {file}: {error}"))
    }
}

/// The certificates in a file, any of which must have signed what a source sends.
pub(super) fn signers(file: &Path) -> Result<Signers, String> {
    let text = secret_text(file)?;
    Signers::new(&text).map_err(|error| format!("{}: {error}", file.display()))
}
