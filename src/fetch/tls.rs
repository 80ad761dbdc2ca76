//! Sets up TLS for every client: one provider, and the system's certificates of authorities.
//!
//! # Errors
//! A system without such certificates (Debian without the package ca-certificates) can still ask
//! http and rsync mirrors. Only exchanges over TLS fail there, with [`FetchError::NoCertificates`].

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::cause::causes;
use super::certificate::TellingVerifier;
use super::error::FetchError;

/// The error of rustls among a client's errors, if there is one.
pub(super) fn tls_cause<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Whether an error is [`FetchError::NO_CERTIFICATES`], which tells nothing about the server.
pub(super) fn is_without_certificates(error: &Error) -> bool {
    matches!(error, Error::General(said) if said == FetchError::NO_CERTIFICATES)
}

/// Trusts the authorities that the system trusts, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR`
/// name. On a system without any, every server is refused.
///
/// # Errors
/// Returns [`FetchError::Client`] if the provider cannot be used.
pub fn with_system_certificates() -> Result<ClientConfig, FetchError> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match Verifier::new(Arc::clone(&provider)) {
        Ok(inner) => Arc::new(TellingVerifier { inner }),
        Err(error) => {
            log::debug!("no server's certificate can be checked: {error}");
            Arc::new(RefuseAll(ring::default_provider()))
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::Client(error.into()))?
        // The name warns of verifiers that accept too much. These two accept no more than the
        // system.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// Refuses every certificate.
#[derive(Debug)]
struct RefuseAll(CryptoProvider);

fn refused<T>() -> Result<T, Error> {
    Err(Error::General(FetchError::NO_CERTIFICATES.to_owned()))
}

impl ServerCertVerifier for RefuseAll {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        refused()
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        refused()
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        refused()
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
