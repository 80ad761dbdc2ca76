//! Accepts abbreviated long options as `mb` does.
//!
//! `mb` takes any beginning of a long option that fits one of its options only (optparse). We have
//! more options, so `--pref` of `mb new` would fit two. A beginning that fits exactly one option
//! that `mb` has is therefore written out before the command line is read; everything else is
//! left to clap.

use std::ffi::OsString;

use clap::Command;

use super::change::BEYOND_MB;

/// Writes abbreviations of `mb`'s options out.
pub fn write_out(command: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let Some(place) = subcommand_place(command, &arguments) else {
        return arguments;
    };
    let name = arguments[place].to_string_lossy().into_owned();
    let Some(subcommand) = command.find_subcommand(&name) else {
        return arguments;
    };
    // The options of another program are its own business.
    if subcommand
        .get_positionals()
        .any(clap::Arg::is_trailing_var_arg_set)
    {
        return arguments;
    }
    let end = arguments
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(arguments.len());
    arguments
        .into_iter()
        .enumerate()
        .map(|(at, argument)| {
            if at > place && at < end {
                written_out(subcommand, &argument).unwrap_or(argument)
            } else {
                argument
            }
        })
        .collect()
}

/// Where the subcommand stands: after the global options and their values.
fn subcommand_place(command: &Command, arguments: &[OsString]) -> Option<usize> {
    let takes_value = |option: &str| {
        command.get_arguments().any(|argument| {
            let long = option.strip_prefix("--");
            let fits_long = |name: &str| long.is_some_and(|long| name.starts_with(long));
            let fits = argument
                .get_long_and_visible_aliases()
                .is_some_and(|names| names.into_iter().any(fits_long))
                || argument
                    .get_short()
                    .is_some_and(|short| option == format!("-{short}"));
            fits && argument.get_action().takes_values()
        })
    };
    let mut at = 1;
    while let Some(argument) = arguments.get(at) {
        let text = argument.to_string_lossy();
        if !text.starts_with('-') {
            return Some(at);
        }
        at += if takes_value(&text) { 2 } else { 1 };
    }
    None
}

fn written_out(command: &Command, argument: &OsString) -> Option<OsString> {
    let text = argument.to_str()?.strip_prefix("--")?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let known = |option: &&clap::Arg| option.get_long().is_some();
    let options: Vec<&clap::Arg> = command.get_arguments().filter(known).collect();
    let is_exact = |option: &&clap::Arg| {
        option.get_long() == Some(name)
            || option
                .get_all_aliases()
                .is_some_and(|names| names.contains(&name))
    };
    if name.is_empty() || options.iter().any(is_exact) {
        return None;
    }
    let mut fitting = options
        .iter()
        .filter(|option| option.get_help_heading() != Some(BEYOND_MB))
        .filter_map(|option| option.get_long())
        .filter(|long| long.starts_with(name));
    let (Some(long), None) = (fitting.next(), fitting.next()) else {
        return None;
    };
    let value = value.map(|value| format!("={value}")).unwrap_or_default();
    Some(OsString::from(format!("--{long}{value}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::args::Arguments;
    use clap::CommandFactory;

    #[test]
    fn what_was_clear_in_mb_stays_clear() {
        for (line, expected) in [
            ("mb new x --ht http://m/", "mb new x --http http://m/"),
            ("mb new x --pref", "mb new x --prefix-only"),
            ("mb new x --region-=1", "mb new x --region-only=1"),
            ("mb -b s new x --pre", "mb -b s new x --prefix-only"),
            (
                "mb --brain s -d new x --sc 5",
                "mb --brain s -d new x --score 5",
            ),
            ("mb --site=s new x --sc=5", "mb --site=s new x --score=5"),
            // Exact names and those that fit several are left alone.
            (
                "mb new x --prefix 10.0.0.0/8",
                "mb new x --prefix 10.0.0.0/8",
            ),
            ("mb new x --https u", "mb new x --https u"),
            ("mb new x --operator n", "mb new x --operator n"),
            ("mb list --as", "mb list --as"),
            ("mb new x -- --ht", "mb new x -- --ht"),
            ("mb scan --al", "mb scan --al"),
            ("mb", "mb"),
            ("mb unknown --ht", "mb unknown --ht"),
        ] {
            let arguments = line.split(' ').map(OsString::from).collect();
            let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
            assert_eq!(
                write_out(&Arguments::command(), arguments),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
