//! Scans of real FTP servers.

use crate::ftpd::{Ftpd, Kind, Tls};
use crate::scan_site::{OLD, add_mirror, catalogue_tree, current, set};
use crate::site::TestSite;

#[test]
fn smoke() {
    for (kind, tls) in [
        (Kind::Vsftpd, Tls::None),
        (Kind::ProFtpd, Tls::None),
        (Kind::ProFtpdList, Tls::None),
        (Kind::PureFtpd, Tls::None),
        (Kind::Vsftpd, Tls::Explicit),
        (Kind::Vsftpd, Tls::Implicit),
        (Kind::ProFtpd, Tls::Explicit),
        (Kind::ProFtpd, Tls::Implicit),
        (Kind::PureFtpd, Tls::Explicit),
    ] {
        let site = TestSite::new();
        crate::rsyncd::set_mode(site.path("").as_path(), 0o755);
        site.write("a", b"a", OLD);
        site.write("dir/b c", b"b", OLD);
        site.write("dir/sub/.hidden", b"b", OLD);
        catalogue_tree(&site);
        let server = Ftpd::start(kind, tls, &site.tree());
        let id = add_mirror(&site, "m", "", |mirror| mirror.ftp_url = server.url());
        let mut command = site.command("heliostat-scan");
        command
            .args(["m", "--json", "-vv"])
            .env("RUST_LOG", "debug");
        if tls != Tls::None {
            command.env("SSL_CERT_FILE", server.authority());
        }
        let output = command.output().expect("it starts");
        println!(
            "{kind:?} {tls:?}\n{}{}{:?}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            current(&site, id)
        );
    }
}
