//! The name of this host.

/// The name of this host, as far as it can be a part of file names.
pub fn host_name() -> String {
    let node = rustix::system::uname();
    let host = node.nodename().to_string_lossy();
    let is_char = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let host: String = host.chars().filter(is_char).collect();
    host.trim_start_matches('.').to_owned()
}
