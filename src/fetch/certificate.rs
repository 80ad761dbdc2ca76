//! Says in words why TLS with a server failed, for scans, probes and notices alike.
//!
//! Rustls only says that a self-signed certificate's issuer is unknown, or that the certificate
//! belongs to an authority (`CaUsedAsEndEntity`). So [`TellingVerifier`] wraps the system's
//! verifier and looks at a refused certificate once more.
//!
//! # Security
//! The wrapper changes errors only: a refused certificate stays refused.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, InvalidMessage, OtherError, SignatureScheme,
};

/// A fault of a certificate for which rustls has no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CertificateFault {
    /// The certificate names its own subject as the issuer.
    #[error("its certificate is self-signed")]
    SelfSigned,
    /// The certificate may sign others, so that it must not be a server's.
    #[error("its certificate is the certificate of an authority, not of a server")]
    Authority,
}

/// Wraps a verifier, and adds the [`CertificateFault`] to its errors.
pub(super) struct TellingVerifier<V> {
    pub inner: V,
}

impl<V: ServerCertVerifier> ServerCertVerifier for TellingVerifier<V> {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.inner
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
            .map_err(|error| explain(error, certificate))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

impl<V> fmt::Debug for TellingVerifier<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TellingVerifier")
    }
}

/// Adds the certificate's fault to an error that does not tell it.
fn explain(error: Error, certificate: &CertificateDer<'_>) -> Error {
    let is_vague = matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
    );
    match fault_of(certificate).filter(|_| is_vague) {
        Some(fault) => {
            let fault = OtherError(Arc::new(fault));
            Error::InvalidCertificate(CertificateError::Other(fault))
        }
        None => error,
    }
}

fn fault_of(certificate: &CertificateDer<'_>) -> Option<CertificateFault> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    if certificate.subject().as_raw() == certificate.issuer().as_raw() {
        return Some(CertificateFault::SelfSigned);
    }
    certificate.is_ca().then_some(CertificateFault::Authority)
}

/// The reason for which TLS failed, in words that an admin can act on.
pub(super) fn tls_words(error: &Error) -> String {
    let words = match error {
        Error::InvalidCertificate(problem) => match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet, or the clock of this host is slow"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            CertificateError::UnknownIssuer => {
                "its certificate is issued by an authority that is unknown here, or an \
                 intermediate certificate is missing"
            }
            CertificateError::Revoked => "its certificate is revoked",
            CertificateError::Other(other) => match other.0.downcast_ref::<CertificateFault>() {
                Some(fault) => return fault.to_string(),
                None => return error.to_string(),
            },
            _ => return error.to_string(),
        },
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS on this port"
        }
        _ => return error.to_string(),
    };
    words.to_owned()
}
