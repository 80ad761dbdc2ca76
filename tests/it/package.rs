//! Tests the parts of the package beside the programs: links to one file, manual pages,
//! completions.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory;

use crate::stand_in::folder::temporary_folder;
use crate::stand_in::site::program_path;

#[path = "../../scripts/package.d/pages.rs"]
#[allow(dead_code, reason = "its main reads the folder from a command line")]
mod pages;

/// Each name with the program that answers to it.
const NAMES: [(&str, &str); 7] = [
    ("heliostat", "heliostat"),
    ("mb", "heliostat"),
    ("heliostat-fcgi", "heliostat-fcgi"),
    ("heliostat-index", "heliostat-index"),
    ("heliostat-scan", "heliostat-scan"),
    ("heliostat-probe", "heliostat-probe"),
    ("mirrorprobe", "heliostat-probe"),
];

#[test]
fn one_file_is_all_programs() {
    let folder = temporary_folder();
    for (name, program) in NAMES {
        let link = folder.path().join(name);
        std::os::unix::fs::symlink(program_path("heliostat"), &link).expect("a link");
        let output = Command::new(&link)
            .arg("--version")
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            said.trim(),
            format!("{program} {}", env!("CARGO_PKG_VERSION")),
            "{name}"
        );
    }
}

fn file_names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Names of a command's page and of those below it.
fn add_pages(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
    found.insert(format!("{name}.1"));
    for below in command.get_subcommands() {
        add_pages(below, &format!("{name}-{}", below.get_name()), found);
    }
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = temporary_folder();
    pages::write(folder.path()).expect("pages");
    let mut expected: BTreeSet<String> =
        NAMES.iter().map(|(name, _)| format!("{name}.1")).collect();
    let admin = heliostat::admin::args::Arguments::command();
    add_pages(&admin, "heliostat", &mut expected);
    let man = folder.path().join("man");
    assert_eq!(file_names(&man), expected);
    let read = |name: &str| std::fs::read_to_string(man.join(name)).expect("a page");
    let page = read("heliostat-explain.1");
    for part in [
        "\n.SH NAME\n",
        "\n.SH SYNOPSIS\n",
        "\n.SH OPTIONS\n",
        "\n.SH EXAMPLES\n.nf\n",
        "heliostat explain /dist/x.iso",
    ] {
        assert!(page.contains(part), "{part:?} in\n{page}");
    }
    // The program's page, not the one of the subcommand that only passes options on.
    assert!(read("heliostat-scan.1").contains("\\-\\-due"), "scan");
}

/// The file that the package brings, with the # removed as its comments say.
#[test]
fn configuration_of_the_package_is_loaded() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/package.d/heliostat.toml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    let is_live = |line: &str| line.trim_start().starts_with("fallbacks");
    assert!(!text.lines().any(is_live), "no example has live fallbacks");
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => key,
        _ => line,
    });
    let folder = temporary_folder();
    let written = folder.path().join("heliostat.toml");
    std::fs::write(&written, lines.collect::<Vec<_>>().join("\n")).expect("written");
    let config = heliostat::config::load(&written).expect("it is a configuration");
    assert_eq!(config.sites.len(), 1);
}

/// The words that bash offers behind `words`.
fn offered(file: &Path, words: &[&str]) -> BTreeSet<String> {
    let name = words[0];
    let script = format!(
        "set -e; . '{}'; COMP_WORDS=({}); COMP_CWORD={}; f=$(complete -p {name}); \
         f=${{f#*-F }}; ${{f%% *}} {name} '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        file.display(),
        words.join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let output = Command::new("bash").args(["-c", &script]).output();
    let output = output.expect("bash starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    words.lines().map(str::to_owned).collect()
}

#[test]
fn completions_offer_commands_and_options() {
    let folder = temporary_folder();
    pages::write(folder.path()).expect("completions");
    for (name, _) in NAMES {
        for file in [
            format!("bash/{name}"),
            format!("zsh/_{name}"),
            format!("fish/{name}.fish"),
        ] {
            let text = std::fs::read_to_string(folder.path().join(&file)).expect("a completion");
            assert!(text.contains(name), "{file}");
        }
    }
    let bash = |name: &str| folder.path().join("bash").join(name);
    for (words, expected) in [
        (["heliostat", "exp"], "explain"),
        (["mb", "prob"], "probefile"),
        (["heliostat-scan", "--du"], "--due"),
        (["mirrorprobe", "--ret"], "--retry"),
    ] {
        let offered = offered(&bash(words[0]), &words);
        assert!(offered.contains(expected), "{words:?}: {offered:?}");
    }
    let of_scan = offered(&bash("heliostat"), &["heliostat", "scan", "--du"]);
    assert!(of_scan.contains("--due"), "{of_scan:?}");
}
