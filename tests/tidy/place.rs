//! Rules about places: which module may use, name or do what.

use super::layer::{crate_uses, layer_of, may_use};
use super::source::Source;

/// A foreign crate and the only places that may name it (a directory, or a file name anywhere).
const CRATES_AT_THE_EDGE: [(&str, &[&str]); 10] = [
    ("rusqlite", &["src/db/"]),
    ("maxminddb", &["src/geoip/"]),
    (
        "clap",
        &[
            "src/bin/",
            "src/config/",
            "src/admin/",
            "src/program/arguments.rs",
            "/args.rs",
        ],
    ),
    ("reqwest", &["src/fetch/", "src/notify/"]),
    ("rustls", &["src/fetch/"]),
    ("tokio", &["src/fetch/", "src/notify/"]),
    ("html5gum", &["src/domain/listing/"]),
    ("x509_parser", &["src/fetch/"]),
    ("listenfd", &["src/fcgi/", "src/respond/"]),
    ("comfy_table", &["src/program/"]),
];

/// Imports against the order of the layers.
pub fn wrong_imports(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        let layer = layer_of(&file.name);
        for (line, used) in crate_uses(file) {
            if !file.is_test(line) && !may_use(layer, &used) {
                bad.push(format!(
                    "{}:{line}: `{layer}` must not use `{used}`",
                    file.name
                ));
            }
        }
    }
    bad
}

/// Foreign crates away from the one place that may name them.
pub fn strayed_crates(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        for (name, places) in CRATES_AT_THE_EDGE {
            let home = places.iter().any(|place| {
                file.name.starts_with(place) || place.starts_with('/') && file.name.ends_with(place)
            });
            for (line, code) in file.code_lines().filter(|_| !home) {
                let named =
                    code.contains(&format!("{name}::")) || code.contains(&format!("use {name};"));
                if named && !file.is_test(line) {
                    bad.push(format!(
                        "{}:{line}: {name} belongs in {places:?}",
                        file.name
                    ));
                }
            }
        }
    }
    bad
}

/// Clocks, generators, files, environment and sockets among the `files` of the domain.
pub fn impure_domain(files: &[Source]) -> Vec<String> {
    let domain = |file: &&Source| file.name.starts_with("src/domain/");
    let impure = [
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "unix::fs",
        "unix::net",
        "SystemTime::now",
        "Instant::now",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "File::open",
        "Rng::new()",
        "fastrand::seed",
        "fastrand::u",
        "fastrand::f",
        "log::error",
        "log::warn",
        "log::info",
        "log::debug",
        "thread_local!",
    ];
    let mut bad = Vec::new();
    for file in files.iter().filter(domain) {
        for (line, code) in file.code_lines() {
            for word in impure {
                if code.contains(word) && !file.is_test(line) {
                    bad.push(format!("{}:{line}: {word}", file.name));
                }
            }
        }
    }
    bad
}

/// SQL outside of the database layer.
pub fn strayed_sql(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        for (line, text) in &file.strings {
            let sql = text.trim_start();
            let is_sql = (sql.starts_with("SELECT ") && sql.contains("FROM"))
                || (sql.starts_with("UPDATE ") && sql.contains("SET"))
                || [
                    "DELETE FROM ",
                    "CREATE TABLE ",
                    "PRAGMA ",
                    "BEGIN IMMEDIATE",
                    "ATTACH ",
                ]
                .iter()
                .any(|word| sql.starts_with(word));
            if is_sql && !file.name.starts_with("src/db/") && !file.is_test(*line) {
                bad.push(format!("{}:{line}: {sql:.40}", file.name));
            }
        }
    }
    bad
}

/// Library code that prints.
pub fn prints(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        let prints = file.name.starts_with("src/bin/")
            || file.name.starts_with("src/admin/")
            || ["/report.rs", "/args.rs", "/progress.rs"]
                .iter()
                .any(|e| file.name.ends_with(e));
        for (line, code) in file.code_lines().filter(|_| !prints) {
            let word = ["println!", "print!(", "eprintln!", "eprint!("];
            if word.iter().any(|word| code.contains(word)) && !file.is_test(line) {
                bad.push(format!("{}:{line}: {}", file.name, code.trim()));
            }
        }
    }
    bad
}

/// `mod.rs` files that hold more than declarations.
pub fn full_mod_files(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files.iter().filter(|file| file.name.ends_with("/mod.rs")) {
        let code = file.code.replace('\n', " ");
        let mut rest = code.as_str();
        while let Some((item, after)) = rest.split_once(';') {
            if !is_declaration(item) {
                bad.push(format!("{}: {}", file.name, item.trim()));
                rest = "";
                break;
            }
            rest = after;
        }
        if !rest.trim().is_empty() {
            bad.push(format!("{}: {:.60}", file.name, rest.trim()));
        }
    }
    bad
}

fn is_declaration(item: &str) -> bool {
    let mut item = item.trim();
    while item.starts_with("#[") {
        item = item
            .split_once(']')
            .map_or("", |(_, after)| after)
            .trim_start();
    }
    let bare = item
        .strip_prefix("pub(crate) ")
        .or_else(|| item.strip_prefix("pub(super) "));
    let bare = bare.or_else(|| item.strip_prefix("pub ")).unwrap_or(item);
    bare.starts_with("mod ") || bare.starts_with("use ") && bare != item
}
