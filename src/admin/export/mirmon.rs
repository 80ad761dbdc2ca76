//! Writes the list of mirrors that mirmon reads (behaviour §10).

use crate::db::mirror::MirrorRecord;
use crate::domain::select::Law;
use crate::domain::url::{Scheme, without_login};
use crate::domain::url_parts::UrlParts;

/// mirmon's option `list_style`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirmonStyle {
    /// `COUNTRY URL EMAIL`.
    Plain,
    /// The same behind the scheme.
    Apache,
}

/// The name that GeoIP files and mirmon give an unknown country; an empty field would shift the
/// others.
const UNKNOWN_COUNTRY: &str = "--";

/// A line per URL of each enabled mirror: of clients, of FTP, of rsync.
///
/// mirmon's page is public: private mirrors are left out, and so are URLs for scans that need a
/// password.
pub fn lines(mirrors: &[MirrorRecord], law: Law, style: MirmonStyle) -> String {
    let mut text = String::new();
    for mirror in mirrors {
        if !mirror.enabled || law.is_private(&mirror.check().0) {
            continue;
        }
        // Clients are sent there without a login.
        let base_url = without_login(&mirror.base_url);
        for (url, scheme) in [
            (&base_url, "http"),
            (&mirror.ftp_url, "ftp"),
            (&mirror.rsync_url, "rsync"),
        ] {
            if url.is_empty() || needs_login(url) {
                continue;
            }
            let scheme = Scheme::of(url).map_or(scheme, Scheme::as_str);
            let country = match mirror.country.as_str() {
                "" => UNKNOWN_COUNTRY,
                country => country,
            };
            let mut fields = vec![country, url, &mirror.admin_email];
            if style == MirmonStyle::Apache {
                fields.insert(0, scheme);
            }
            let fields: Vec<String> = fields.into_iter().map(field).collect();
            text.push_str(&fields.join("\t"));
            text.push('\n');
        }
    }
    text
}

/// A URL, or rsync's `USER@HOST::MODULE`.
fn needs_login(url: &str) -> bool {
    match UrlParts::of(url) {
        Some(parts) => parts.login().is_some(),
        None => url.contains('@'),
    }
}

/// A value that neither ends its field nor its line.
fn field(text: &str) -> String {
    text.replace(char::is_control, " ")
}
