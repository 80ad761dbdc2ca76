//! Writes the help of `heliostat` with its commands in groups.

use std::fmt::Write;

use clap::Command;

/// The groups, each with its commands in the order of their use.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Mirrors",
        &[
            "new",
            "list",
            "show",
            "edit",
            "enable",
            "disable",
            "drain",
            "score",
            "rename",
            "delete",
            "commentadd",
            "update",
            "rollback",
            "markers",
            "product",
            "repo",
        ],
    ),
    (
        "Look",
        &[
            "status",
            "explain",
            "runs",
            "events",
            "logs",
            "file",
            "dirs",
            "test",
            "probefile",
            "iplookup",
            "topology",
            "replay",
            "compare",
            "smoke",
            "stats",
            "metrics",
            "uptake",
            "config",
            "instances",
        ],
    ),
    (
        "Run",
        &[
            "index",
            "makehashes",
            "scan",
            "ping",
            "probe",
            "backup",
            "restore",
            "vacuum",
            "db",
        ],
    ),
    (
        "Site",
        &[
            "init",
            "doctor",
            "import",
            "export",
            "mirrorlist",
            "pages",
            "timestamp",
            "null-tree",
            "help",
        ],
    ),
];

/// Columns of a screen that help may take.
const COLUMNS: usize = 80;

/// Columns of the commands' names, with the space around them.
const NAME_COLUMNS: usize = 14;

/// The command with a help that shows its subcommands in groups.
pub(super) fn in_groups(mut command: Command) -> Command {
    command.build();
    let mut groups = String::new();
    for (heading, names) in GROUPS {
        // Without a terminal, clap leaves the codes out.
        groups += &format!("\x1b[1m\x1b[4m{heading}:\x1b[0m\n");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = write!(groups, "  {name:<width$}", width = NAME_COLUMNS - 2);
            groups += &wrapped(&about);
        }
        groups.push('\n');
    }
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}\
         \x1b[1m\x1b[4mOptions:\x1b[0m\n{{options}}{{after-help}}"
    );
    command.help_template(template)
}

/// A text in lines that fit beside the name.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut used = NAME_COLUMNS;
    for word in text.split_whitespace() {
        if used + word.len() > COLUMNS {
            lines.truncate(lines.trim_end().len());
            lines.push('\n');
            lines += &" ".repeat(NAME_COLUMNS);
            used = NAME_COLUMNS;
        }
        lines += word;
        lines.push(' ');
        used += word.len() + 1;
    }
    lines.truncate(lines.trim_end().len());
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::admin::args::Arguments;

    #[test]
    fn every_command_is_in_one_group() {
        let command = Arguments::command();
        let mut named: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        named.sort_unstable();
        let mut all: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        all.push("help");
        all.sort_unstable();
        assert_eq!(named, all);
    }

    /// Commands without `--json`, and why.
    const WITHOUT_JSON: [(&str, &str); 5] = [
        ("metrics", "its text is for a machine: Prometheus"),
        (
            "export",
            "--format names the reader; JSON is one of the formats",
        ),
        (
            "mirrorlist",
            "it makes a page, in the form that --format names",
        ),
        ("timestamp", "its answer is files in the tree"),
        ("null-tree", "its answer is a tree of files"),
    ];

    /// Commands without `--dry-run`, and why; the others only look.
    const WITHOUT_DRY_RUN: [(&str, &str); 3] = [
        (
            "stats collect",
            "a timer runs it; it adds what is there once",
        ),
        (
            "mirrorlist",
            "it writes nothing but the page that it was asked for",
        ),
        (
            "pages",
            "it writes nothing but the folder that it was asked for",
        ),
    ];

    /// Commands that change nothing.
    const LOOKING: [&str; 33] = [
        "list",
        "show",
        "product list",
        "status",
        "explain",
        "runs",
        "events",
        "logs",
        "dirs",
        "test",
        "probefile",
        "iplookup",
        "topology check",
        "topology lookup",
        "topology rules",
        "replay",
        "compare",
        "stats files",
        "stats mirrors",
        "stats countries",
        "stats as",
        "stats products",
        "stats reasons",
        "stats efficiency",
        "stats columns",
        "metrics",
        "uptake",
        "config",
        "instances",
        "doctor",
        "smoke",
        "repo list",
        "repo show",
    ];

    /// Every command that has no further ones, with its whole name; not those whose options another
    /// program reads.
    fn leaves(command: &Command, above: &str, found: &mut Vec<(String, Vec<String>)>) {
        for one in command.get_subcommands() {
            let name = format!("{above} {}", one.get_name()).trim().to_owned();
            if one.has_subcommands() {
                leaves(one, &name, found);
            } else if !one.is_disable_help_flag_set() {
                let options = one.get_arguments().filter_map(|option| option.get_long());
                found.push((name, options.map(str::to_owned).collect()));
            }
        }
    }

    #[test]
    fn commands_have_json_and_what_changes_can_be_tried() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "", &mut found);
        let without = |option: &str| -> Vec<&str> {
            let lacking = found.iter();
            let lacking = lacking.filter(|(_, options)| options.iter().all(|one| one != option));
            lacking.map(|(name, _)| name.as_str()).collect()
        };
        let mut json = WITHOUT_JSON.map(|(name, _)| name).to_vec();
        let mut dry_run = WITHOUT_DRY_RUN.map(|(name, _)| name).to_vec();
        dry_run.extend(LOOKING);
        for (option, allowed) in [("json", &mut json), ("dry-run", &mut dry_run)] {
            let mut lacking = without(option);
            lacking.sort_unstable();
            allowed.sort_unstable();
            assert_eq!(lacking, *allowed, "without --{option}, and allowed to be");
        }
    }

    #[test]
    fn lines_fit_a_screen() {
        let text = in_groups(Arguments::command()).render_help().to_string();
        for line in text.lines() {
            let is_groups = !line.starts_with("   ") || line.starts_with("              ");
            assert!(!is_groups || line.chars().count() <= 100, "{line}");
        }
        assert!(
            text.contains("Mirrors:\n  new         Add a mirror\n"),
            "{text}"
        );
    }
}
