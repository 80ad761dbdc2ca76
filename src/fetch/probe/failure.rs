//! Gives the reason for which a check failed.

use std::io;

use rustix::io::Errno;

use crate::fetch::FetchError;
use crate::fetch::RedirectRefusal;
use crate::fetch::cause::{causes, deepest};
use crate::fetch::certificate::tls_words;
use crate::fetch::client_error::{ClientFailure, HANDSHAKE_CUT, sort};
use crate::fetch::tls::is_without_certificates;

/// Errors of the system that concern this host alone: no descriptor, no memory, a rule of its own
/// firewall or sandbox.
const OURS: [Errno; 6] = [
    Errno::MFILE,
    Errno::NFILE,
    Errno::NOBUFS,
    Errno::NOMEM,
    Errno::PERM,
    Errno::ACCESS,
];

/// Why a check failed; never contains a user, a password or a query of a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// This host has no route over that address family, so that nothing is known about the mirror.
    #[error("this host has no route over that address family")]
    NoRoute,
    /// This host has no descriptors or memory left, or its rules forbid the check, so that nothing
    /// is known about the mirror.
    #[error("this host cannot check it ({said})")]
    Here {
        /// The system's reason.
        said: String,
    },
    /// The deadline of the pass came before the check, so that nothing is known about the mirror.
    #[error("not checked: the deadline of the pass came first")]
    NotReached,
    /// The resolver says that the name has no address.
    #[error("its host name cannot be resolved ({said})")]
    UnknownHost {
        /// The resolver's reason.
        said: String,
    },
    /// The resolver does not answer, or cannot ask, so that nothing is known about the name.
    #[error("the resolver does not answer for its host name ({said})")]
    ResolverSilent {
        /// The system's reason.
        said: String,
    },
    /// A router, or this host, says that it has no route to the mirror.
    #[error("there is no way to it ({said})")]
    NoWay {
        /// The system's reason.
        said: String,
    },
    /// The connection was refused or reset, so that the way to the mirror is open.
    #[error("no connection ({said})")]
    Unreachable {
        /// The system's reason.
        said: String,
    },
    /// No answer came in time.
    #[error("no answer within {timeout_s} s")]
    Silent {
        /// The time-out.
        timeout_s: u64,
    },
    /// The server's certificate was refused, or the server does not speak TLS.
    #[error("TLS fails ({said}); its operator must repair it")]
    Tls {
        /// The reason, in the words of `certificate`.
        said: String,
    },
    /// The base URL cannot be read.
    #[error("its base URL cannot be used ({said}); correct it with heliostat edit")]
    Url {
        /// The reason.
        said: String,
    },
    /// Another server than an FTP server listens there.
    #[error("it does not speak FTP ({said})")]
    NotFtp {
        /// The server's words.
        said: String,
    },
    /// The connection broke, or the answer is not HTTP.
    #[error("the exchange broke ({said})")]
    Broken {
        /// The client's reason.
        said: String,
    },
    /// The status of the answer is not that of a file.
    #[error("it answers {status} for {path}")]
    Status {
        /// The status of HTTP or FTP.
        status: u16,
        /// The path that was asked for.
        path: String,
    },
    /// The base URL gives an error, and no file of the mirror is known.
    #[error("its base URL answers {status}")]
    Base {
        /// The status of HTTP or FTP.
        status: u16,
    },
    /// The file has another size.
    #[error("{path} has {found} bytes there, not {expected}")]
    WrongSize {
        /// The path that was asked for.
        path: String,
        /// The size in the catalogue.
        expected: u64,
        /// The size on the mirror.
        found: u64,
    },
    /// A pull-through cache serves other bytes than those of the file.
    #[error("it hands out other bytes of {path} (SHA-256): an older version, or damaged ones")]
    WrongContent {
        /// The path that was asked for.
        path: String,
    },
    /// A pull-through cache keeps content longer than its `cacheTtl`.
    #[error(
        "it serves content {age_s} s old (generation {served} of {ours}), cacheTtl is {ttl_s}; \
         purge it, or correct cacheTtl"
    )]
    Stale {
        /// Seconds since the served content was the newest.
        age_s: i64,
        /// The generation that the cache serves.
        served: i64,
        /// The newest generation.
        ours: i64,
        /// Seconds for which the cache may keep content.
        ttl_s: i64,
    },
    /// The answer is an HTML page: a login, error or parking page.
    #[error("it answers with a page ({bytes}) in place of {path}: a login, error or parking page")]
    Page {
        /// The path that was asked for.
        path: String,
        /// `N bytes of text/html`.
        bytes: String,
    },
    /// The mirror redirects to this redirector, in which clients would loop.
    #[error("it redirects back here ({to})")]
    Home {
        /// The target of the redirect.
        to: String,
    },
    /// The mirror redirects from https to http, which browsers refuse.
    #[error("it redirects from https to http ({to})")]
    Downgraded {
        /// The target of the redirect.
        to: String,
    },
    /// The mirror redirects to a URL to which no mirror may lead.
    #[error("it redirects to {to}, which is not followed: {why}")]
    RedirectRefusal {
        /// The target of the redirect.
        to: String,
        /// The reason why it is not followed.
        why: RedirectRefusal,
    },
    /// The target of a redirect is no URL of http or https.
    #[error("it redirects to what is no URL of a web server")]
    RedirectedAway,
    /// The answer does not tell the size of the file.
    #[error("it does not tell the size of {path}")]
    NoSize {
        /// The path that was asked for.
        path: String,
    },
    /// A part of the file was asked for, and another was sent.
    #[error("it does not send the part of {path} that was asked for")]
    NoRange {
        /// The path that was asked for.
        path: String,
    },
    /// A part of the file has other bytes.
    #[error("bytes {begin} to {last} of {path} are not ours (SHA-1 {found}, not {expected})")]
    WrongPiece {
        /// The path that was asked for.
        path: String,
        /// The first byte.
        begin: u64,
        /// The last byte.
        last: u64,
        /// The digest of our bytes.
        expected: String,
        /// The digest of those that came.
        found: String,
    },
    /// Too many redirects, most likely in a circle.
    #[error("it redirects more than {redirects_max} times")]
    TooManyRedirects {
        /// The limit.
        redirects_max: usize,
    },
    /// The program cannot probe URLs of this scheme.
    #[error("URLs of the scheme {scheme} are not probed")]
    Scheme {
        /// The scheme.
        scheme: &'static str,
    },
}

impl Failure {
    /// Whether the failure concerns this host only, and says nothing about the mirror.
    pub fn is_ours(&self) -> bool {
        matches!(
            self,
            Failure::NoRoute | Failure::NotReached | Failure::Here { .. } | Failure::Scheme { .. }
        )
    }

    /// Whether this host would see the same of every mirror if it were cut off: silence, no route,
    /// a resolver that does not answer. Any answer, also a refusal, shows that the way is open. So
    /// does a resolver that says that a name does not exist.
    pub fn is_of_the_way(&self) -> bool {
        matches!(
            self,
            Failure::Silent { .. }
                | Failure::NoRoute
                | Failure::NoWay { .. }
                | Failure::ResolverSilent { .. }
        )
    }

    /// Sorts an error of the system's resolver. Only that a name does not exist is the name's
    /// fault; any other error may be the resolver's.
    pub(super) fn of_resolver(error: &io::Error) -> Failure {
        /// `EAI_NONAME` and `EAI_NODATA` in the words of glibc and musl; the standard library
        /// passes no code on.
        const NOT_THERE: [&str; 4] = [
            "Name or service not known",
            "No address associated with hostname",
            "Name does not resolve",
            "Name has no usable address",
        ];
        if let ours @ Failure::Here { .. } = Failure::of_io(error) {
            return ours;
        }
        let said = error.to_string();
        if NOT_THERE.iter().any(|words| said.contains(words)) {
            Failure::UnknownHost { said }
        } else {
            Failure::ResolverSilent { said }
        }
    }

    /// Whether the failure concerns this file only, so that the mirror is asked for one more.
    pub fn is_of_the_file(&self) -> bool {
        matches!(
            self,
            Failure::Status {
                status: 403 | 404 | 410 | 550,
                ..
            } | Failure::WrongSize { .. }
                | Failure::Page { .. }
        )
    }

    /// Sorts an error of the system while connecting or talking.
    pub(super) fn of_io(error: &io::Error) -> Failure {
        use io::ErrorKind as Kind;
        let said = error.to_string();
        let is_here = |errno: &Errno| error.raw_os_error() == Some(errno.raw_os_error());
        if OURS.iter().any(is_here) {
            return Failure::Here { said };
        }
        match error.kind() {
            Kind::NetworkUnreachable | Kind::AddrNotAvailable => Failure::NoRoute,
            Kind::Unsupported => Failure::NoRoute,
            Kind::HostUnreachable | Kind::NetworkDown => Failure::NoWay { said },
            // The kernel itself gave up connecting.
            Kind::TimedOut => Failure::NoWay { said },
            Kind::ConnectionRefused | Kind::ConnectionReset => Failure::Unreachable { said },
            _ => Failure::Broken { said },
        }
    }

    fn of_tls(error: &rustls::Error) -> Failure {
        match is_without_certificates(error) {
            true => Failure::Here {
                said: FetchError::NO_CERTIFICATES.to_owned(),
            },
            false => Failure::Tls {
                said: tls_words(error),
            },
        }
    }

    /// Sorts an error of the HTTP client; `timeout_s` is the client's time limit.
    pub(super) fn of_client(error: reqwest::Error, timeout_s: u64) -> Failure {
        let error = error.without_url();
        let sorted = sort(&error);
        match sorted {
            ClientFailure::Timeout => return Failure::Silent { timeout_s },
            ClientFailure::Tls(error) => return Failure::of_tls(error),
            ClientFailure::Handshake => {
                let said = HANDSHAKE_CUT.to_owned();
                return Failure::Tls { said };
            }
            _ => {}
        }
        let said = deepest(&error);
        if let Some(failure) = causes(&error).find_map(|cause| cause.downcast_ref::<Failure>()) {
            return failure.clone();
        }
        match sorted {
            ClientFailure::UnknownHost => Failure::UnknownHost { said },
            ClientFailure::Connect => Failure::of_connect(&error, said),
            _ => Failure::Broken { said },
        }
    }

    fn of_connect(error: &reqwest::Error, said: String) -> Failure {
        let mut io_errors = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
        match io_errors.next().map(Failure::of_io) {
            Some(Failure::Broken { said }) => Failure::Unreachable { said },
            Some(other) => other,
            None => Failure::Unreachable { said },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_sorted() {
        let full = io::Error::from_raw_os_error(Errno::MFILE.raw_os_error());
        assert!(Failure::of_io(&full).is_ours());
        let of = |kind| Failure::of_io(&io::Error::from(kind));
        assert_eq!(of(io::ErrorKind::NetworkUnreachable), Failure::NoRoute);
        assert!(!of(io::ErrorKind::ConnectionRefused).is_of_the_way());
        assert!(!of(io::ErrorKind::ConnectionReset).is_of_the_way());
        assert!(of(io::ErrorKind::HostUnreachable).is_of_the_way());
        assert!(of(io::ErrorKind::TimedOut).is_of_the_way());
        let no_route = of(io::ErrorKind::NetworkUnreachable);
        assert!(no_route.is_ours() && no_route.is_of_the_way());
        for (said, is_of_the_way) in [
            ("Name or service not known", false),
            ("No address associated with hostname", false),
            ("Temporary failure in name resolution", true),
            ("Non-recoverable failure in name resolution", true),
            ("System error", true),
        ] {
            let said = format!("failed to lookup address information: {said}");
            let found = Failure::of_resolver(&io::Error::other(said.clone()));
            assert_eq!(found.is_of_the_way(), is_of_the_way, "{said}");
            assert!(!found.is_ours(), "{said}");
        }
        let page = Failure::Page {
            path: "a".into(),
            bytes: "7 bytes of text/html".into(),
        };
        assert!(page.is_of_the_file() && !page.is_of_the_way() && !page.is_ours());
    }
}
