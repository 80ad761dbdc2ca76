//! The files that `init` makes, as values and texts.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::found::{FoundMachine, SHARE};
use crate::admin::args::InitArgs;

/// A file that is to be made.
#[derive(Debug)]
pub(super) struct NewFile {
    pub path: PathBuf,
    pub text: String,
    pub mode: u32,
    /// Whether the file belongs to the group of the services instead of root's.
    pub is_for_services: bool,
}

impl NewFile {
    /// A package leaves a configuration of comments alone. The site is added at its end, and all
    /// that is there stays.
    pub fn adds(&self) -> bool {
        if !self.is_for_services {
            return false;
        }
        let there = std::fs::read_to_string(&self.path).ok();
        let table = there.and_then(|text| text.parse::<toml::Table>().ok());
        table.is_some_and(|table| table.is_empty())
    }

    /// Nothing is to be done.
    pub fn is_done(&self) -> bool {
        self.path.exists() && !self.adds()
    }
}

/// The file of the free GeoIP data, and the command that gets it.
pub(super) const FREE_GEOIP: &str = "/var/lib/GeoIP/dbip-city-lite.mmdb";

/// The configuration with one site.
pub(super) fn configuration(args: &InitArgs, path: &Path, found: &FoundMachine) -> NewFile {
    let quoted = |path: &Path| toml::Value::String(path.to_string_lossy().into_owned()).to_string();
    let database = args.state.join(format!("{}.sqlite", args.site));
    let mut text =
        String::from("# `heliostat config` prints every key with its default and its meaning.\n");
    let _ = writeln!(text, "[site.{}]", args.site);
    let _ = writeln!(text, "tree = {}", quoted(&tree(args, found)));
    let _ = writeln!(text, "database = {}", quoted(&database));
    match found.geoip.is_empty() {
        true => {
            let _ = writeln!(text, "# geoip = [\"{FREE_GEOIP}\"]");
        }
        false => {
            let files: Vec<String> = found.geoip.iter().map(|path| quoted(path)).collect();
            let _ = writeln!(text, "geoip = [{}]", files.join(", "));
        }
    }
    NewFile {
        path: path.to_owned(),
        text,
        mode: 0o640,
        is_for_services: true,
    }
}

/// The tree as Apache writes it, if it is the same directory.
pub(super) fn tree(args: &InitArgs, found: &FoundMachine) -> PathBuf {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let wanted = std::path::absolute(&args.tree).unwrap_or_else(|_| args.tree.clone());
    match &found.document_root {
        Some(root) if real(root).is_some() && real(root) == real(&wanted) => root.clone(),
        _ => wanted,
    }
}

/// Apache's host.
pub(super) fn host(args: &InitArgs, found: &FoundMachine) -> NewFile {
    let mut text = format!(
        "# Heliostat for {}. The names are explained in {SHARE}/heliostat-server.conf.\n",
        args.host
    );
    let mut define = |name: &str, value: &str| {
        let _ = writeln!(text, "Define HELIOSTAT_{name} \"{value}\"");
    };
    define("HOST", &args.host);
    define("TREE", &tree(args, found).to_string_lossy());
    if let Some((file, key)) = &found.certificate {
        define("CERTIFICATE", file);
        define("CERTIFICATE_KEY", key);
    }
    if !found.proxies.is_empty() {
        define("TRUSTED_PROXY", &found.proxies.join(" "));
    }
    if args.share != Path::new(SHARE) {
        define("SHARE", &args.share.to_string_lossy());
    }
    let _ = writeln!(
        text,
        "Include \"{}/mod_proxy_fcgi.conf\"",
        args.share.display()
    );
    NewFile {
        path: args.hosts.join(format!("heliostat-{}.conf", args.site)),
        text,
        mode: 0o644,
        is_for_services: false,
    }
}
