//! Defines the reasons for which a mirror cannot be listed.

/// Why a mirror could not be listed; `said` is what the server or the program wrote.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The program is not installed.
    #[error("cannot run the program rsync; install it (package rsync)")]
    NoProgram(#[source] std::io::Error),
    /// The program could not be spoken to.
    #[error("lost the rsync program")]
    Pipe(#[source] std::io::Error),
    /// No connection, now.
    #[error("the server takes no more connections ({said}); scan it later")]
    Full {
        /// The server's words.
        said: String,
    },
    /// Not for this address.
    #[error("the server refuses us ({said}); ask its operator to allow this address")]
    Denied {
        /// The server's words.
        said: String,
    },
    /// Not by rsync, or not like this, whoever asks.
    #[error("the server does not let the module be listed ({said}); ask its operator to")]
    Unlistable {
        /// The server's words.
        said: String,
    },
    /// Not with these credentials.
    #[error(
        "the server refuses user or password ({said}); the rsync URL takes them as \
         rsync://USER:PASSWORD@HOST/MODULE/"
    )]
    WrongPassword {
        /// The server's words.
        said: String,
    },
    /// The first part of the path does not exist.
    #[error("the server has no such module ({said}); correct the rsync URL")]
    UnknownModule {
        /// The server's words.
        said: String,
    },
    /// The path behind the module does not exist or is closed.
    #[error("the URL's directory cannot be listed ({said}); correct the URL")]
    NoDirectory {
        /// The server's words.
        said: String,
    },
    /// Success without even the directory itself.
    #[error(
        "the server lists nothing, not even the module itself ({said}); correct the rsync URL, or \
         ask its operator"
    )]
    NothingListed {
        /// The server's words.
        said: String,
    },
    /// The name does not resolve.
    #[error("cannot find the host ({said})")]
    UnknownHost {
        /// The program's words.
        said: String,
    },
    /// Nobody listens, or no route.
    #[error("cannot connect ({said})")]
    Unreachable {
        /// The program's words.
        said: String,
    },
    /// Too long without a byte.
    #[error("no answer for {timeout_s} s; scan.timeout_s sets how long to wait")]
    Silent {
        /// The limit.
        timeout_s: u64,
    },
    /// The connection ended before the listing did.
    #[error("the connection broke before the listing was complete ({said})")]
    Broken {
        /// The program's words.
        said: String,
    },
    /// Any other failure.
    #[error("rsync failed with {status} ({said})")]
    Failed {
        /// `code 12`, or the signal.
        status: String,
        /// The most telling line.
        said: String,
    },
    /// More entries than any mirror has.
    #[error("the listing has more than {entries_max} entries; it is not a mirror of this tree")]
    TooManyEntries {
        /// The limit.
        entries_max: u64,
    },
    /// Longer than any listing takes.
    #[error(
        "the listing was not complete after {seconds_max} s; scan.time_max_s sets how long \
         one mirror may take"
    )]
    TooLong {
        /// The limit.
        seconds_max: u64,
    },
    /// An answer that drips.
    #[error("its answer comes too slowly to be waited for ({bytes} bytes in {seconds} s)")]
    Slow {
        /// What came.
        bytes: u64,
        /// In what time.
        seconds: u64,
    },
    /// The system is full.
    #[error("{}", FetchError::NO_THREAD)]
    NoThread(#[source] std::io::Error),
    /// The HTTP client cannot be made.
    #[error("cannot set up the HTTP client")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server's certificate, or what it speaks.
    #[error("TLS fails ({said}); its operator must repair it")]
    Tls {
        /// What TLS says.
        said: String,
    },
    /// This system cannot check any certificate.
    #[error("{}", FetchError::NO_CERTIFICATES)]
    NoCertificates,
    /// The base URL leads elsewhere.
    #[error("it redirects to {to}, which is not below its base URL")]
    Redirected {
        /// Where to.
        to: String,
    },
    /// Where a mirror must not lead to.
    #[error("it redirects to {to}, which is not followed: {why}")]
    NotFollowed {
        /// Where to.
        to: String,
        /// Why not.
        why: super::redirect::NotFollowed,
    },
    /// Another server, which does not answer as one.
    #[error("it redirects to {to}, which cannot be asked")]
    Led {
        /// Where to.
        to: String,
        /// Why not.
        #[source]
        cause: Box<FetchError>,
    },
    /// In a circle, most likely.
    #[error("more than {redirects_max} redirects in a row")]
    TooManyRedirects {
        /// The limit.
        redirects_max: usize,
    },
    /// Larger than any index.
    #[error("the listing of one directory has more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// An answer, but not the page.
    #[error("the server answers with status {status}{}", advice(*status))]
    Status {
        /// The status.
        status: u16,
    },
    /// A page, but no listing.
    #[error(transparent)]
    Index(crate::domain::listing::PageError),
    /// Not with this login.
    #[error(
        "the server refuses the login ({said}); the FTP URL takes user and password as \
         ftp://USER:PASSWORD@HOST/PATH/"
    )]
    Login {
        /// The server's words.
        said: String,
    },
    /// The other way round for a server that offers none is [`FetchError::Tls`].
    #[error("the server wants TLS ({said}); write the FTP URL as ftpes://HOST/PATH/")]
    WantsTls {
        /// The server's words.
        said: String,
    },
    /// An answer, but not the one that was asked for.
    #[error("the server answers '{said}'")]
    Refused {
        /// The server's words.
        said: String,
    },
    /// The same, because it is not there.
    #[error("the server says that it is not there ('{said}')")]
    Absent {
        /// The server's words.
        said: String,
    },
    /// Something else listens there.
    #[error("it does not speak FTP ({said})")]
    NotFtp {
        /// What it says.
        said: String,
    },
    /// A listing that is no listing.
    #[error("its listing has a form that is not known ({said})")]
    UnknownForm {
        /// The line.
        said: String,
    },
    /// FTP's commands are lines.
    #[error("its name contains a line break, which FTP cannot transmit")]
    Unspeakable,
    /// The program was told to stop.
    #[error("stopped before the listing was complete")]
    Stopped,
}

impl FetchError {
    /// What is said where the system gives no thread.
    pub(super) const NO_THREAD: &str =
        "this system gives no more threads; raise its limit (ulimit -u, TasksMax=)";

    /// What is said of a mirror whose certificate cannot be checked here.
    pub(super) const NO_CERTIFICATES: &str = "this system has no certificates of authorities; \
         install ca-certificates, or name a file by SSL_CERT_FILE";
}

fn advice(status: u16) -> &'static str {
    match status {
        401 => " (it wants user and password; the URL takes them as http://USER:PASSWORD@HOST/)",
        403 => " (it does not allow a listing; ask its operator for directory indexes)",
        404 | 410 => " (there is no such directory; correct the base URL)",
        429 | 503 => " (it is busy; scan it later)",
        _ => "",
    }
}
