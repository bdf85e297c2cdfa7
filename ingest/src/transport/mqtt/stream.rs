//! A connection to a broker, plain or with TLS.

use super::config::MqttConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Connects to the broker of `config`.
///
/// # Errors
/// The network, TLS, or a file of certificates that cannot be read.
pub(super) async fn connect(config: &MqttConfig) -> io::Result<Box<dyn Stream>> {
    let Some(address) = config.address() else {
        return Err(io::Error::other("mqtt.url is not an address"));
    };
    let stream = TcpStream::connect((address.host, address.port)).await?;
    stream.set_nodelay(true)?;
    if !address.is_tls {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(address.host.to_owned()).map_err(io::Error::other)?;
    let roots = roots(config.ca_file.as_deref())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await?;
    Ok(Box::new(stream))
}

/// The secret that a file holds alone.
///
/// # Errors
/// The file cannot be read.
pub(super) fn secret(path: &Path) -> io::Result<Vec<u8>> {
    let text = std::fs::read_to_string(path).map_err(|error| named(path, &error))?;
    Ok(text.trim_end_matches(['\r', '\n']).as_bytes().to_vec())
}

/// Certificates trusted: those of `file`, else the system's.
fn roots(file: Option<&Path>) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let Some(file) = file else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        return Ok(roots);
    };
    let bad = |error: &dyn std::fmt::Display| named(file, &io::Error::other(error.to_string()));
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| bad(&error))? {
        let certificate = certificate.map_err(|error| bad(&error))?;
        roots.add(certificate).map_err(|error| bad(&error))?;
    }
    Ok(roots)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
