//! TLS to other servers: which certificates are believed.
//!
//! The system's certificates, and those of a file that the operator names, such as that of a company's own authority.
//! Everything that connects from here with TLS uses one configuration, made once when the host is put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The operator's certificates cannot be read.
    #[error("the certificates in {} cannot be used: {reason}; expected PEM", file.display())]
    Certificates {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The library refuses its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// A client's configuration that believes the system's certificates, and those of a PEM file.
///
/// # Errors
///
/// When the file cannot be read or has no certificate in it. A system without certificates is no error: it only means
/// that nobody but the file's authorities is believed.
pub fn client(more: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (_, ignored) = roots.add_parsable_certificates(system.certs);
    if ignored > 0 {
        tracing::debug!(ignored, "certificates of the system cannot be parsed");
    }
    if let Some(file) = more {
        for certificate in read(file)? {
            roots
                .add(certificate)
                .map_err(|error| wrong(file, error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(file, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(file, "there is no certificate in it".to_owned()));
    }
    Ok(certificates)
}

fn wrong(file: &Path, reason: String) -> TlsError {
    TlsError::Certificates {
        file: file.to_owned(),
        reason,
    }
}
