//! Defines the reasons for which a mirror cannot be listed.

/// Why a mirror could not be listed; `said` is the text of the server or of the program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The program rsync is not installed.
    #[error("cannot run the program rsync; install it (package rsync)")]
    NoProgram(#[source] std::io::Error),
    /// Reading the output of the program rsync failed.
    #[error("lost the rsync program")]
    Pipe(#[source] std::io::Error),
    /// The server takes no more connections now.
    #[error("the server takes no more connections ({said}); scan it later")]
    Full {
        /// The server's words.
        said: String,
    },
    /// The server refuses this host's address.
    #[error("the server refuses us ({said}); ask its operator to allow this address")]
    Denied {
        /// The server's words.
        said: String,
    },
    /// The server does not let anybody list the module, or not in this way.
    #[error("the server does not let the module be listed ({said}); ask its operator to")]
    Unlistable {
        /// The server's words.
        said: String,
    },
    /// The server refuses the user or the password.
    #[error(
        "the server refuses user or password ({said}); the rsync URL takes them as \
         rsync://USER:PASSWORD@HOST/MODULE/"
    )]
    WrongPassword {
        /// The server's words.
        said: String,
    },
    /// The first part of the path is no module of the server.
    #[error("the server has no such module ({said}); correct the rsync URL")]
    UnknownModule {
        /// The server's words.
        said: String,
    },
    /// The path below the module does not exist or is closed.
    #[error("the URL's directory cannot be listed ({said}); correct the URL")]
    NoDirectory {
        /// The server's words.
        said: String,
    },
    /// The program ended successfully, but the listing lacks even the directory itself.
    #[error(
        "the server lists nothing, not even the module itself ({said}); correct the rsync URL, or \
         ask its operator"
    )]
    NothingListed {
        /// The server's words.
        said: String,
    },
    /// The host name cannot be resolved.
    #[error("cannot find the host ({said})")]
    UnknownHost {
        /// The program's words.
        said: String,
    },
    /// No server listens at the address, or there is no route to it.
    #[error("cannot connect ({said})")]
    Unreachable {
        /// The program's words.
        said: String,
    },
    /// The server sent nothing for too long.
    #[error("no answer for {timeout_s} s; scan.timeout_s sets how long to wait")]
    Silent {
        /// The limit.
        timeout_s: u64,
    },
    /// The connection ended before the listing was complete.
    #[error("the connection broke before the listing was complete ({said})")]
    Broken {
        /// The program's words.
        said: String,
    },
    /// rsync failed for another reason.
    #[error("rsync failed with {status} ({said})")]
    Failed {
        /// `code 12`, or the signal.
        status: String,
        /// The most telling line.
        said: String,
    },
    /// The listing has more entries than any mirror of a real tree.
    #[error("the listing has more than {entries_max} entries; it is not a mirror of this tree")]
    TooManyEntries {
        /// The limit.
        entries_max: u64,
    },
    /// The listing took longer than one mirror may take.
    #[error(
        "the listing was not complete after {seconds_max} s; scan.time_max_s sets how long \
         one mirror may take"
    )]
    TooLong {
        /// The limit.
        seconds_max: u64,
    },
    /// The answer comes so slowly that it would take for ever.
    #[error("its answer comes too slowly to be waited for ({bytes} bytes in {seconds} s)")]
    Slow {
        /// Number of bytes that came.
        bytes: u64,
        /// Seconds in which they came.
        seconds: u64,
    },
    /// The system gives no more threads.
    #[error("{}", FetchError::NO_THREAD)]
    NoThread(#[source] std::io::Error),
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server's certificate was refused, or the server does not speak TLS.
    #[error("TLS fails ({said}); its operator must repair it")]
    Tls {
        /// The reason, in the words of `certificate`.
        said: String,
    },
    /// This system has no certificates of authorities, so that it can check none.
    #[error("{}", FetchError::NO_CERTIFICATES)]
    NoCertificates,
    /// The server redirects to a URL that is not below the mirror's base URL.
    #[error("it redirects to {to}, which is not below its base URL")]
    Redirected {
        /// The URL.
        to: String,
    },
    /// The server redirects to a URL to which no mirror may lead.
    #[error("it redirects to {to}, which is not followed: {why}")]
    RedirectRefusal {
        /// The URL.
        to: String,
        /// The reason why not.
        why: super::redirect::RedirectRefusal,
    },
    /// The server redirects to another server, which fails.
    #[error("it redirects to {to}, which cannot be asked")]
    Led {
        /// The URL.
        to: String,
        /// The failure.
        #[source]
        cause: Box<FetchError>,
    },
    /// Too many redirects, most likely in a circle.
    #[error("more than {redirects_max} redirects in a row")]
    TooManyRedirects {
        /// The limit.
        redirects_max: usize,
    },
    /// The listing of one directory is larger than any real one.
    #[error("the listing of one directory has more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// The web server answers with a status other than success.
    #[error("the server answers with status {status}{}", advice(*status))]
    Status {
        /// The status.
        status: u16,
    },
    /// The web server's page is no listing.
    #[error(transparent)]
    Index(crate::domain::listing::PageError),
    /// The FTP server refuses the login.
    #[error(
        "the server refuses the login ({said}); the FTP URL takes user and password as \
         ftp://USER:PASSWORD@HOST/PATH/"
    )]
    Login {
        /// The server's words.
        said: String,
    },
    /// The FTP server demands TLS. If the URL demands TLS and the server has none, that is
    /// [`FetchError::Tls`].
    #[error("the server wants TLS ({said}); write the FTP URL as ftpes://HOST/PATH/")]
    WantsTls {
        /// The server's words.
        said: String,
    },
    /// The FTP server refuses a command.
    #[error("the server answers '{said}'")]
    Refused {
        /// The server's words.
        said: String,
    },
    /// The FTP server refuses a command because the file or directory does not exist.
    #[error("the server says that it is not there ('{said}')")]
    Absent {
        /// The server's words.
        said: String,
    },
    /// Another server than an FTP server listens there.
    #[error("it does not speak FTP ({said})")]
    NotFtp {
        /// The server's words.
        said: String,
    },
    /// The FTP listing has a form that this program does not know.
    #[error("its listing has a form that is not known ({said})")]
    UnknownForm {
        /// The first line of that form.
        said: String,
    },
    /// The name contains the end of a line, which would end FTP's command.
    #[error("its name contains a line break, which FTP cannot transmit")]
    Unspeakable,
    /// The program was told to stop.
    #[error("stopped before the listing was complete")]
    Stopped,
}

impl FetchError {
    /// The message if the system gives no more threads.
    pub(super) const NO_THREAD: &str =
        "this system gives no more threads; raise its limit (ulimit -u, TasksMax=)";

    /// The message if this system cannot check certificates.
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
