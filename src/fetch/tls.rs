//! TLS for every client: one provider, and the certificates of the system.

use super::error::FetchError;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;

/// Trusts what the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificates.
///
/// # Errors
/// [`FetchError::Client`] when there are none, or when they cannot be read.
pub fn with_system_certificates() -> Result<ClientConfig, FetchError> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let failed = |error: rustls::Error| FetchError::Client(error.into());
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_platform_verifier()
            .map_err(failed)?
            .with_no_client_auth(),
    )
}
