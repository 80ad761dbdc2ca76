//! Reads URLs of rsync daemons.

use std::fmt;
use std::net::IpAddr;

use crate::domain::url_parts::URL_BYTES_MAX;

/// The URL of a mirror's tree: `rsync://[USER[:PASSWORD]@]HOST[:PORT]/MODULE[/PATH]`, or
/// `[USER@]HOST::MODULE[/PATH]`.
///
/// The URL is displayed without the password, always with a slash at the end, so that rsync lists
/// the content of the path even if that is a link.
#[derive(Clone, PartialEq, Eq)]
pub struct RsyncUrl {
    user: Option<String>,
    password: Option<String>,
    /// With the brackets of an IPv6 address.
    host: String,
    port: Option<u16>,
    module: String,
    /// Components below the module.
    path: Vec<String>,
}

/// Why a text is no rsync URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RsyncUrlError {
    /// The text has another form, for example that of a remote shell.
    #[error("it is not of the form rsync://HOST/MODULE/ or HOST::MODULE")]
    Form,
    /// The host is missing, or has characters that no host name has.
    #[error("its host is not a host name or address")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// The module is missing; without one a server lists its modules.
    #[error("it has no module; write rsync://HOST/MODULE/")]
    NoModule,
    /// The text has a control character.
    #[error("it has a control character")]
    Control,
    /// The text is longer than any URL of a mirror.
    #[error("it is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
}

impl RsyncUrl {
    /// Reads either form.
    ///
    /// # Errors
    /// Returns [`RsyncUrlError`], which never repeats the URL, because that may hold a password.
    pub fn parse(text: &str) -> Result<RsyncUrl, RsyncUrlError> {
        let text = text.trim();
        if text.len() > URL_BYTES_MAX {
            return Err(RsyncUrlError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(RsyncUrlError::Control);
        }
        let (authority, path, is_url) = split(text)?;
        let (user, password, host_port) = split_user(authority);
        let (host, port) = split_port(host_port, is_url)?;
        let mut components = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(str::to_owned);
        Ok(RsyncUrl {
            user,
            password,
            host,
            port,
            module: components.next().ok_or(RsyncUrlError::NoModule)?,
            path: components.collect(),
        })
    }

    /// The host, without the brackets of an address.
    pub(in crate::fetch) fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// The same URL with one of its host's addresses in place of the host.
    pub(in crate::fetch) fn at(&self, ip: IpAddr) -> RsyncUrl {
        let host = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        RsyncUrl {
            host,
            ..self.clone()
        }
    }

    /// The URL without the slash at the end, which means the directory itself and not its content.
    /// `None` for a whole module.
    pub(in crate::fetch) fn without_slash(&self) -> Option<String> {
        let whole = self.to_string();
        let text = whole.strip_suffix('/')?;
        (!self.path.is_empty()).then(|| text.to_owned())
    }

    /// The password, which goes into the environment and never onto a command line.
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// A path that a server names, relative to this URL; a path that begins with a slash counts
    /// from the module. `None` if it lies outside of this URL.
    pub fn relative(&self, named: &[u8]) -> Option<Vec<u8>> {
        let Some(mut rest) = named.strip_prefix(b"/") else {
            return Some(named.to_vec());
        };
        for component in &self.path {
            rest = rest.strip_prefix(component.as_bytes())?;
            rest = rest
                .strip_prefix(b"/")
                .or(rest.is_empty().then_some(rest))?;
        }
        Some(rest.to_vec())
    }
}

fn split(text: &str) -> Result<(&str, &str, bool), RsyncUrlError> {
    const SCHEME: &str = "rsync://";
    if text
        .get(..SCHEME.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
    {
        let rest = &text[SCHEME.len()..];
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        return Ok((authority, path, true));
    }
    // The colons of an IPv6 address do not separate the module.
    let address_end = text.find("]::").filter(|end| text[..*end].contains('['));
    let colons = address_end.map(|end| end + 1).or_else(|| text.find("::"));
    let (authority, path) = text.split_at(colons.ok_or(RsyncUrlError::Form)?);
    let path = &path["::".len()..];
    if authority.contains('/') {
        return Err(RsyncUrlError::Form);
    }
    Ok((authority, path, false))
}

/// A password may contain `:` and `@`; a user and a host may not.
fn split_user(authority: &str) -> (Option<String>, Option<String>, &str) {
    let Some((credentials, host)) = authority.rsplit_once('@') else {
        return (None, None, authority);
    };
    let (user, password) = match credentials.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (credentials, None),
    };
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (given(user), password.and_then(given), host)
}

fn split_port(host_port: &str, is_url: bool) -> Result<(String, Option<u16>), RsyncUrlError> {
    let after_address = host_port.find(']').map_or(0, |end| end + 1);
    let (host, port) = match host_port[after_address..].find(':') {
        Some(colon) if is_url => {
            let (host, port) = host_port.split_at(after_address + colon);
            let port = port[1..].parse().ok().filter(|port| *port != 0);
            (host, Some(port.ok_or(RsyncUrlError::Port)?))
        }
        _ => (host_port, None),
    };
    let is_address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_host = match is_address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let mark = |char: char| matches!(char, '.' | '-' | '_');
            !host.starts_with('-') && host.chars().all(|c| c.is_alphanumeric() || mark(c))
        }
    };
    if host.is_empty() || !is_host {
        return Err(RsyncUrlError::Host);
    }
    Ok((host.to_owned(), port))
}

impl fmt::Display for RsyncUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rsync://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}/", self.module)?;
        self.path
            .iter()
            .try_for_each(|component| write!(f, "{component}/"))
    }
}

impl fmt::Debug for RsyncUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsyncUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_passwords_are_never_shown() {
        for (text, shown, password) in [
            ("rsync://h/m", "rsync://h/m/", None),
            ("RSYNC://h:8730//m//a/./b/", "rsync://h:8730/m/a/b/", None),
            ("rsync://u@h/m/", "rsync://u@h/m/", None),
            ("rsync://u:p:a@ss@h/m", "rsync://u@h/m/", Some("p:a@ss")),
            ("rsync://:p@h/m", "rsync://h/m/", Some("p")),
            ("rsync://[::1]:873/m", "rsync://[::1]:873/m/", None),
            ("h::m/a b", "rsync://h/m/a b/", None),
            ("u:p@h::m", "rsync://u@h/m/", Some("p")),
            ("u@[fe80::1]::m", "rsync://u@[fe80::1]/m/", None),
            ("[::1]::m/a", "rsync://[::1]/m/a/", None),
            ("rsync://h/-m/--x", "rsync://h/-m/--x/", None),
        ] {
            let Ok(url) = RsyncUrl::parse(text) else {
                assert_eq!(shown, "", "{text}");
                continue;
            };
            assert_eq!(
                (url.to_string().as_str(), url.password()),
                (shown, password)
            );
            assert!(
                !format!("{url:?}").contains(password.unwrap_or("\n")),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_daemon_is_refused() {
        for (text, expected) in [
            ("", RsyncUrlError::Form),
            ("/srv/pub", RsyncUrlError::Form),
            ("host:/srv/pub", RsyncUrlError::Form),
            ("http://h/m", RsyncUrlError::Form),
            ("--server::m", RsyncUrlError::Host),
            ("-e sh::m", RsyncUrlError::Host),
            ("rsync://-h/m", RsyncUrlError::Host),
            ("rsync:///m", RsyncUrlError::Host),
            ("rsync://h h/m", RsyncUrlError::Host),
            ("rsync://[::x]/m", RsyncUrlError::Host),
            ("rsync://h:0/m", RsyncUrlError::Port),
            ("rsync://h:ssh/m", RsyncUrlError::Port),
            ("rsync://h", RsyncUrlError::NoModule),
            ("h::", RsyncUrlError::NoModule),
            ("rsync://h/m\nx", RsyncUrlError::Control),
        ] {
            assert_eq!(RsyncUrl::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn named_paths_count_from_the_url_or_from_the_module() {
        let url = RsyncUrl::parse("rsync://h/m/pub/dist").expect("a URL");
        for (named, expected) in [
            (&b"a/b"[..], Some(&b"a/b"[..])),
            (b"/pub/dist/a/b", Some(b"a/b")),
            (b"/pub/dist", Some(b"")),
            (b"/pub/distant/a", None),
            (b"/other/a", None),
        ] {
            assert_eq!(url.relative(named).as_deref(), expected);
        }
    }
}
