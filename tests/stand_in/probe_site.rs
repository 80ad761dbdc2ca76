//! Adds to a site the parts that tests of probes need: files that mirrors have, mirrors, passes.

use std::path::Path;

use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::event;
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::open_writer;
use heliostat::db::probe::{self, ProbeRecord};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use roaring::RoaringBitmap;

use super::scan_site::{OLD, catalogue_tree, mirror_record, reader};
use super::site::TestSite;
use super::webserver::WebServer;

/// The files of every site here.
pub const FILES: [&str; 4] = ["a b.iso", "d/ü.rpm", "d/c.tar.gz", "z.zip"];

/// One result decides.
pub const AT_ONCE: &str = "down_after = 1\nup_after = 1\nwindow = 1";

/// A site whose probes have these settings.
pub fn site(probe: &str) -> TestSite {
    site_with("", probe)
}

/// The same with settings of the site.
pub fn site_with(more: &str, probe: &str) -> TestSite {
    let config = format!(
        "{more}\n[site.test.rules]\nmin_size = 0\n[site.test.probe]\ntimeout_s = 2\n{probe}\n"
    );
    let site = TestSite::with_config(&config);
    for file in FILES {
        site.write(file, content_of(file).as_bytes(), OLD);
    }
    catalogue_tree(&site);
    site
}

fn content_of(file: &str) -> String {
    format!("this is {file}")
}

/// Puts the files on a server.
pub fn fill(server: &WebServer) {
    for file in FILES {
        let mut path = Vec::new();
        heliostat::domain::escape::url_path_into(&mut path, file.as_bytes());
        let path = String::from_utf8(path).expect("percent-encoded");
        server.put(&path, content_of(file).as_bytes());
    }
}

/// Stores a mirror that is enabled, alive, and known to have all files.
pub fn add(
    site: &TestSite,
    name: &str,
    url: &str,
    change: impl FnOnce(&mut MirrorRecord),
) -> MirrorId {
    let mut record = MirrorRecord::new(name);
    record.base_url = url.to_owned();
    (record.enabled, record.alive) = (true, true);
    change(&mut record);
    let current: RoaringBitmap = (1..=FILES.len() as u32).collect();
    let content = Content {
        current,
        outdated: RoaringBitmap::new(),
    };
    let origin = ContentOrigin {
        at: Timestamp(1),
        by: "rsync".into(),
        unknown_files: 0,
    };
    let mut writer = open_writer(&site.database()).expect("the database opens");
    let stored = writer.transaction(|transaction| {
        let id = mirror::insert(transaction, &record)?;
        content::publish(transaction, id, &content, &origin)?;
        Ok(id)
    });
    stored.expect("the mirror is stored")
}

/// One pass; the exit code and what it printed, standard error last.
pub fn pass(site: &TestSite, arguments: &[&str]) -> (i32, String) {
    pass_trusting(site, arguments, None)
}

/// The same with the certificate of an authority.
pub fn pass_trusting(
    site: &TestSite,
    arguments: &[&str],
    authority: Option<&Path>,
) -> (i32, String) {
    let mut command = site.command("heliostat-probe");
    command.args(arguments);
    if let Some(file) = authority {
        command.env("SSL_CERT_FILE", file);
    }
    let output = command.output().expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().expect("no signal");
    (code, String::from_utf8_lossy(&text).into_owned())
}

/// Whether the prober counts a mirror as alive.
pub fn is_alive(site: &TestSite, name: &str) -> bool {
    mirror_record(site, name).alive
}

/// Reads the records of a mirror's targets.
pub fn records(site: &TestSite, name: &str) -> Vec<ProbeRecord> {
    let id = mirror_record(site, name).id;
    let all = probe::all(&reader(site)).expect("probes");
    all.into_iter()
        .filter(|record| record.mirror == id)
        .collect()
}

/// The events of a mirror, newest first.
pub fn events(site: &TestSite, name: &str) -> Vec<String> {
    let id = mirror_record(site, name).id;
    let events = event::latest(&reader(site), Some(id), 100).expect("events");
    events.into_iter().map(|event| event.what).collect()
}
