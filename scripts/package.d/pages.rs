//! Writes manual pages and shell completions from the definitions of the commands.
//!
//! `pages FOLDER` writes `FOLDER/man`, `FOLDER/bash`, `FOLDER/zsh` and `FOLDER/fish`, each file
//! with the name that its reader expects. `scripts/package` calls it; the package does not have it.

use std::io::{Error, Result, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use heliostat::admin::args::Arguments;
use heliostat::index::IndexArgs;
use heliostat::probe::args::ProbeArgs;
use heliostat::respond::ResponderArgs;
use heliostat::scan::args::ScanArgs;

/// Subcommands of `heliostat` that are programs with pages of their own.
const PASSED: [&str; 3] = ["index", "probe", "scan"];

fn main() -> Result<()> {
    match std::env::args_os().nth(1) {
        Some(folder) => write(Path::new(&folder)),
        None => Err(Error::other("the folder is missing: pages FOLDER")),
    }
}

/// Writes all files below a folder.
pub fn write(folder: &Path) -> Result<()> {
    write_manuals(&folder.join("man"))?;
    let shells = [
        ("bash", Shell::Bash),
        ("zsh", Shell::Zsh),
        ("fish", Shell::Fish),
    ];
    for (name, shell) in shells {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        for (program, mut command) in programs() {
            let written = generate_to(shell, &mut command, program, &folder)?;
            // bash looks for a file that is called like the command.
            if shell == Shell::Bash {
                std::fs::rename(written, folder.join(program))?;
            }
        }
    }
    Ok(())
}

/// Every name of a program, with its command.
fn programs() -> [(&'static str, Command); 7] {
    let probe = ProbeArgs::command;
    [
        ("heliostat", admin()),
        ("mb", admin()),
        ("heliostat-fcgi", ResponderArgs::command()),
        ("heliostat-index", IndexArgs::command()),
        ("heliostat-scan", ScanArgs::command()),
        ("heliostat-probe", probe()),
        ("mirrorprobe", probe().name("mirrorprobe")),
    ]
}

/// The admin's command with the options that it passes to the other programs.
fn admin() -> Command {
    let programs = [
        IndexArgs::command(),
        ProbeArgs::command(),
        ScanArgs::command(),
    ];
    let passed = PASSED.iter().zip(programs);
    passed.fold(Arguments::command(), |admin, (name, program)| {
        admin.mut_subcommand(name, |passed| options_of(name, &program, &passed))
    })
}

/// A program's options under a subcommand's name.
fn options_of(name: &'static str, program: &Command, passed: &Command) -> Command {
    let about = passed.get_about().cloned().unwrap_or_default();
    let options = program.get_arguments().cloned();
    Command::new(name).about(about).args(options)
}

/// A page for each program, and one for each subcommand of `heliostat`.
fn write_manuals(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut admin = Arguments::command().disable_help_subcommand(true);
    admin.build();
    write_manual(&admin, folder)?;
    for command in [
        ResponderArgs::command(),
        IndexArgs::command(),
        ScanArgs::command(),
        ProbeArgs::command(),
    ] {
        write_manual(&command, folder)?;
    }
    // The same pages under the other names.
    std::fs::write(folder.join("mb.1"), ".so man1/heliostat.1\n")?;
    std::fs::write(folder.join("mirrorprobe.1"), ".so man1/heliostat-probe.1\n")
}

fn write_manual(command: &Command, folder: &Path) -> Result<()> {
    for below in command.get_subcommands() {
        if !below.is_hide_set() && !PASSED.contains(&below.get_name()) {
            write_manual(below, folder)?;
        }
    }
    let help = command.get_after_help().map(ToString::to_string);
    let man = Man::new(command.clone())
        .manual("Heliostat")
        .source(concat!("heliostat ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    write_help(&help.unwrap_or_default(), &mut page)?;
    std::fs::write(folder.join(man.get_filename()), page)
}

/// The end of a help text, line by line: its examples first, then its notes.
fn write_help(help: &str, page: &mut Vec<u8>) -> Result<()> {
    let (examples, notes) = help.split_once("\n\n").unwrap_or((help, ""));
    let (examples, notes) = match examples.strip_prefix("Examples:\n") {
        Some(examples) => (examples, notes),
        None => ("", help),
    };
    for (heading, text) in [("EXAMPLES", examples), ("NOTES", notes)] {
        if text.is_empty() {
            continue;
        }
        let mut roff = Roff::default();
        roff.control("SH", [heading]).control("nf", []);
        for line in text.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
        roff.to_writer(page)?;
    }
    page.flush()
}
