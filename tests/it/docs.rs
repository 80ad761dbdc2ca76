//! Examples of the documents are what the programs understand.
//!
//! A command of ours is given `--help` behind its arguments, so that its words are read; then it is
//! run on a site of its own, without a network. A configuration is loaded. Programs that are not
//! run stand in a table with the reason, and no others may stand in an example.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stand_in::site::{TestSite, program_path};

/// Programs of others and scripts that this test does not run, and why.
const NOT_RUN: [(&str, &str); 31] = [
    (".ci/run", "it runs this test"),
    (
        "a2enconf",
        "it changes the machine's Apache; `scripts/package --check` runs it in a container",
    ),
    (
        "a2enmod",
        "it changes the machine's Apache; `e2e vhost` starts one with these modules",
    ),
    (
        "a2ensite",
        "it changes the machine's Apache; `e2e vhost` starts one with this host",
    ),
    (
        "apachectl",
        "it reads the machine's Apache; `e2e vhost` tests such a configuration",
    ),
    (
        "apparmor_parser",
        "it changes the kernel; `scripts/package --check` compiles the profile",
    ),
    ("apt", "it changes the machine"),
    ("cargo", "it builds what this test is a part of"),
    (
        "cat",
        "what it writes is below /etc; configurations are loaded by the next test",
    ),
    (
        "cp",
        "it writes below /etc; `e2e vhost` starts Apache with the same file",
    ),
    ("curl", "it asks a host of the reader's"),
    (
        "do",
        "a word of the shell, of a loop that asks the reader's hosts",
    ),
    (
        "done",
        "a word of the shell, of a loop that asks the reader's hosts",
    ),
    ("find", "it lists the tree of the reader"),
    (
        "for",
        "a word of the shell, of a loop that asks the reader's hosts",
    ),
    ("grep", "it reads what curl got"),
    ("install", "it writes below /usr, /etc and /var"),
    ("journalctl", "it reads the journal of the machine"),
    ("ln", "it writes below /usr"),
    (
        "mirror-trace",
        "`it scan::mirror_trace` runs it behind a transfer",
    ),
    (
        "pg_dump",
        "it reads MirrorBrain's database; a dump of one is given to what reads it",
    ),
    ("rsync", "it asks a server of the reader's"),
    (
        "scripts/demo",
        "it installs packages and builds; a release begins with it",
    ),
    (
        "scripts/package",
        "it builds for minutes; with --check it runs the commands of docs/build.md",
    ),
    ("scripts/newcomer", "it boots containers"),
    ("scripts/rehearse", "it boots a container"),
    ("scripts/rehearse-live", "it boots a container"),
    ("scripts/test", "it runs this test"),
    ("scripts/bench", "it measures for minutes"),
    (
        "systemctl",
        "it changes the machine; `e2e unit` checks the units",
    ),
    (
        "systemd-sysusers",
        "it changes the machine; `e2e unit` checks the file",
    ),
];

/// Commands of ours that do not end with 0 where there is no network, and why. Each is a part of
/// the document's name and the command.
const ENDS_OTHERWISE: [(&str, i32, &str); 16] = [
    ("heliostat repo show lin-9", 1, "the tree has no repository"),
    (
        "heliostat repo expire lin-9",
        1,
        "the tree has no repository",
    ),
    (
        "https.md heliostat update --https",
        3,
        "the only mirror has not been scanned, so it cannot be asked for anything",
    ),
    (
        "front-ends.md heliostat-index --from",
        2,
        "the site of this test has a tree",
    ),
    (
        "going-live.md heliostat compare",
        3,
        "neither host can be reached",
    ),
    (
        "going-live.md heliostat smoke http://download.example.org --list",
        2,
        "this machine has no such list",
    ),
    (
        "going-live.md heliostat smoke --merge",
        2,
        "this machine has no such reports",
    ),
    (
        "going-live.md heliostat smoke",
        1,
        "the host cannot be reached",
    ),
    (
        "-e mirror.example.org",
        1,
        "no mirror of that name can be reached",
    ),
    (
        "troubleshooting.md heliostat doctor",
        3,
        "this machine has neither the users nor a responder",
    ),
    (
        "getting-started.md heliostat init",
        2,
        "this machine has no /srv/download",
    ),
    (
        "getting-started.md heliostat doctor",
        3,
        "this machine has neither the users nor a responder",
    ),
    (
        "install.md heliostat init",
        2,
        "this machine has no /srv/download",
    ),
    (
        "commands.md heliostat import urls",
        2,
        "this machine has no such list",
    ),
    (
        "migrate.md heliostat import apache",
        2,
        "this machine has no such host of Apache",
    ),
    (
        "migrate.md heliostat-scan --all",
        1,
        "the only mirror that was imported cannot be reached",
    ),
];

/// Where documents have the access log, and a line of it.
const ACCESS_LOG: &str = "/var/log/apache2/download.log";
const ACCESS_LINE: &str = "192.0.2.7 - - [27/Nov/2026:10:00:00 +0100] \
    \"GET /some/file.iso HTTP/1.1\" 200 7 \"-\" \"curl/8\"\n";

/// Rules of dlcount for the file of the documents.
const DLCOUNT: &str = "StatsCount \"^/some/(.*)[.]iso$\" \"\\1 any 1 all\"\n";

/// A dump of the mirror and the file of the documents.
const DUMP: &str = "\
INSERT INTO server (id, identifier, baseurl, baseurl_ftp, baseurl_rsync, enabled, \
status_baseurl, region, country, asn, prefix, score, comment, lat, lng) VALUES \
(1, 'mirror.example.org', 'http://mirror.example.org/pub/', '', \
'', 't', 't', 'eu', 'de', '0', '', '100', '', NULL, NULL);
INSERT INTO filearr (id, path, mirrors) VALUES (1, 'some/file.iso', '{1}');
";

/// Words before a command that change who runs it, or how.
const PREFIXES: [&str; 9] = [
    "sudo",
    "-u",
    "heliostat:",
    "taskset",
    "-c",
    "0",
    "chrt",
    "--idle",
    "do",
];

/// A fenced block of a document.
struct Block {
    place: String,
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(|name| root.join(name))
        .to_vec();
    let docs = std::fs::read_dir(root.join("docs")).expect("docs");
    files.extend(docs.flatten().map(|entry| entry.path()));
    files.retain(|path| path.extension().is_some_and(|end| end == "md"));
    files.sort();
    let mut blocks = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a document");
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    open = Some(Block {
                        place: format!("{name}:{}", number + 1),
                        language: language.to_owned(),
                        text: String::new(),
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.text += &format!("{line}\n"),
                (None, None) => {}
            }
        }
    }
    blocks
}

/// The simple commands of a block of shell, as words; here documents are left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.to_owned();
        while let Some(more) = line.strip_suffix('\\') {
            line = format!("{more} {}", lines.next().unwrap_or_default());
        }
        if line.contains("<<'EOF'") {
            for inside in lines.by_ref() {
                if inside == "EOF" {
                    break;
                }
            }
        }
        let line = line.split(" #").next().unwrap_or_default();
        // A line of a crontab: five fields of time and a user.
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_cron = words.len() > 6 && words[..5].iter().all(|w| w.starts_with(['*', '1']));
        let line = if is_cron {
            words[6..].join(" ")
        } else {
            line.to_owned()
        };
        for part in line.split([';', '|']).flat_map(|part| part.split("&&")) {
            let words = part
                .split_whitespace()
                .map(|word| word.trim_matches(['\'', '"']));
            let words: Vec<String> = words
                .take_while(|word| !word.starts_with(['>', '<']))
                .map(str::to_owned)
                .collect();
            if !words.is_empty() && !words[0].starts_with('#') {
                commands.push(words);
            }
        }
    }
    commands
}

/// The words behind what only changes who runs a command.
fn bare(words: &[String]) -> &[String] {
    let mut words = words;
    while let [first, rest @ ..] = words {
        let is_user =
            first == "heliostat" && rest.first().is_some_and(|w| w.starts_with("heliostat"));
        if !PREFIXES.contains(&first.as_str()) && !is_user {
            break;
        }
        words = rest;
    }
    words
}

#[test]
fn commands_of_the_documents_are_understood() {
    let site = TestSite::new();
    let mut bad = Vec::new();
    let mut ours = 0;
    for block in blocks() {
        if !matches!(block.language.as_str(), "" | "sh" | "shell" | "console") {
            continue;
        }
        for words in commands(&block.text) {
            let [name, arguments @ ..] = bare(&words) else {
                continue;
            };
            let place = &block.place;
            if let Some(script) = name.strip_prefix("scripts/") {
                let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
                if !root.join(script).is_file() {
                    bad.push(format!("{place}: no script {name}"));
                }
                continue;
            }
            let program = match name.as_str() {
                "mb" => "heliostat",
                "mirrorprobe" => "heliostat-probe",
                other => other,
            };
            if !program.starts_with("heliostat") {
                let is_known = NOT_RUN.iter().any(|(name, _)| *name == program);
                let is_shell = is_known || program.contains(['=', '[', '.']);
                if !is_shell {
                    bad.push(format!(
                        "{place}: {name} is a program that this test does not know"
                    ));
                }
                continue;
            }
            ours += 1;
            let output = Command::new(program_path(program))
                .args(arguments)
                .arg("--help")
                .env("HELIOSTAT_CONFIG", site.config())
                .output()
                .expect("it starts");
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                bad.push(format!("{place}: {}: {}", words.join(" "), said.trim()));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(ours >= 15, "only {ours} commands were found");
}

/// The site that a document begins with: a file, and the mirror that it names unless it makes it;
/// nothing where it imports all.
fn site_of_document(blocks: &[Block]) -> TestSite {
    let has = |part: &str| blocks.iter().any(|block| block.text.contains(part));
    let stats = match has("stats collect") {
        true => "[site.test.stats]\nspool = \"spool\"\n",
        false => "",
    };
    let site = TestSite::with_config(&format!("{stats}[site.test.rules]\nmin_size = 0"));
    std::fs::create_dir(site.path("spool")).expect("a folder");
    site.write("some/file.iso", b"content", 1_500_000_000);
    if has("import mirrorbrain") {
        return site;
    }
    std::fs::write(
        site.path("own-networks.txt"),
        "192.0.2.0/24 AS64500 campus\n",
    )
    .expect("a file");
    site.run_ok("heliostat-index", &["-q", "--no-hashes"]);
    if !has("new mirror.example.org") {
        let urls = "-H http://mirror.example.org/pub/ -R rsync://mirror.example.org/pub/";
        let words: Vec<&str> = urls.split(' ').collect();
        site.run_ok(
            "heliostat",
            &[&["new", "mirror.example.org"][..], &words].concat(),
        );
    }
    site
}

/// The folder of the databases in the documents is the site's.
fn in_folder_of(site: &TestSite, arguments: &[String]) -> Vec<String> {
    let folder = format!("{}/", site.path(".").display());
    let arguments = arguments.iter();
    arguments
        .map(|argument| argument.replace("/var/lib/heliostat/", &folder))
        .collect()
}

/// Runs a command where no other host can be reached; its exit code, and what it said.
fn run_alone(site: &TestSite, program: &str, arguments: &[String]) -> (Option<i32>, String) {
    let dump = site.path("dump.sql");
    std::fs::write(&dump, DUMP).expect("a dump");
    let log = site.path("download.log");
    std::fs::write(&log, ACCESS_LINE).expect("a log");
    let dlcount = site.path("dlcount.conf");
    std::fs::write(&dlcount, DLCOUNT).expect("rules");
    let arguments = arguments.iter().map(|argument| match argument.as_str() {
        ACCESS_LOG => log.as_os_str(),
        "dlcount.conf" => dlcount.as_os_str(),
        other => std::ffi::OsStr::new(other),
    });
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "--", program_path(program)])
        .args(arguments)
        .env("HELIOSTAT_CONFIG", site.config())
        .stdin(std::fs::File::open(dump).expect("a dump"))
        .output()
        .expect("unshare starts; `scripts/test` installs it");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// Each document's commands one after the other, on a site of its own.
#[test]
fn commands_of_the_documents_run() {
    let (mut bad, mut met) = (Vec::new(), Vec::new());
    let shell = blocks().into_iter();
    let shell = shell.filter(|block| matches!(&*block.language, "" | "sh" | "shell" | "console"));
    let mut documents: BTreeMap<String, Vec<Block>> = BTreeMap::new();
    for block in shell {
        let name = block.place.split(':').next().unwrap_or_default().to_owned();
        documents.entry(name).or_default().push(block);
    }
    for blocks in documents.values() {
        let site = site_of_document(blocks);
        let all = blocks.iter().flat_map(|block| {
            let commands = commands(&block.text).into_iter();
            commands.map(|words| (block.place.clone(), bare(&words).to_vec()))
        });
        for (place, words) in all {
            let [name, arguments @ ..] = &words[..] else {
                continue;
            };
            if !name.starts_with("heliostat") {
                let is_told = NOT_RUN.iter().any(|(known, _)| known == name);
                if !is_told && !name.contains(['=', '[']) {
                    bad.push(format!("{place}: {name} is neither run nor in the table"));
                }
                continue;
            }
            let line = words.join(" ");
            let told = format!("{} {line}", place.split(':').next().unwrap_or_default());
            let otherwise = ENDS_OTHERWISE.iter().find(|(part, ..)| told.contains(part));
            met.extend(otherwise.map(|(part, ..)| *part));
            let expected = otherwise.map_or(0, |(_, code, _)| *code);
            let (code, said) = run_alone(&site, name, &in_folder_of(&site, arguments));
            if code != Some(expected) {
                bad.push(format!(
                    "{place}: {line}: {code:?}, not {expected}: {}",
                    said.trim()
                ));
            }
        }
    }
    let stale = ENDS_OTHERWISE
        .iter()
        .filter(|(part, ..)| !met.contains(part));
    bad.extend(stale.map(|(part, ..)| format!("no document has {part}")));
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn configurations_of_the_documents_are_loaded() {
    let site = TestSite::new();
    let mut count = 0;
    for block in blocks() {
        let is_toml = block.language == "toml";
        if !is_toml {
            continue;
        }
        let mut table: toml::Table =
            toml::from_str(&block.text).unwrap_or_else(|error| panic!("{}: {error}", block.place));
        let sites = table.get_mut("site").and_then(toml::Value::as_table_mut);
        for (_, settings) in sites.into_iter().flatten() {
            let settings = settings.as_table_mut().expect("a site is a table");
            let has_origin = settings.contains_key("origin");
            for (key, value) in [("tree", site.tree()), ("database", site.database())] {
                if key == "tree" && has_origin {
                    continue;
                }
                let value = value.to_string_lossy().into_owned();
                settings.entry(key).or_insert(toml::Value::String(value));
            }
        }
        let file = site.path("example.toml");
        std::fs::write(&file, table.to_string()).expect("written");
        let config = heliostat::config::load(&file).unwrap_or_else(|error| {
            let problem = heliostat::program::exit::chain(&error);
            panic!("{}: {problem}", block.place)
        });
        // Who copies an example would send clients to hosts that are none of his.
        let mut sites = config.sites.iter();
        let is_live = sites.any(|site| !site.rules(b"f").fallbacks.is_empty());
        assert!(!is_live, "{} has live fallbacks", block.place);
        count += 1;
    }
    assert!(count >= 6, "only {count} configurations were found");
}
