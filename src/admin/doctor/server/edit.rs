//! Commands that change a line of a configuration file.
//!
//! They name lines by number, so that each changes the one place that was looked at. A command that
//! adds a line moves those below it; the doctor is asked again before the next one.

use std::path::Path;

use super::place::real;
use crate::admin::apache::{Apache, Directive, VirtualHost};
use crate::admin::doctor::shell::{text_word, word};

/// The file itself: `sed -i` puts a file in the place of a link, such as those in Debian's
/// sites-enabled.
fn file_word(file: &Path) -> String {
    word(&real(file))
}

/// Adds a line at the end of a host.
pub(super) fn add_to_host(host: &VirtualHost<'_>, line: &str) -> String {
    let file = file_word(&host.section.file);
    match host.lines() {
        Some((_, end)) => {
            let script = format!("{end}i\\    {}", line.replace('\\', "\\\\"));
            format!("sed -i {} {file}", text_word(&script))
        }
        None => format!("editor {file}"),
    }
}

/// Makes comments of all lines of a host.
pub(super) fn comment_out(host: &VirtualHost<'_>) -> String {
    let file = file_word(&host.section.file);
    match host.lines() {
        Some((begin, end)) => format!("sed -i '{begin},{end}s/^/#/' {file}"),
        None => format!("editor {file}"),
    }
}

/// Adds lines before all others of the file.
pub(super) fn add_on_top(file: &Path, lines: &[String]) -> String {
    let script = format!("1i\\{}", lines.join("\\n").replace("\\.", "\\\\."));
    format!("sed -i {} {}", text_word(&script), file_word(file))
}

/// Writes `new` for `old` in a directive, or in the `Define` that it has `old` from; else defines
/// `name` on top of the host's file.
pub(super) fn respell(
    apache: &Apache,
    directive: &Directive,
    (old, new): (&str, &str),
    (host, name): (&VirtualHost<'_>, &str),
) -> String {
    let is_define = |one: &&Directive| {
        let value = one.arguments.get(1).map(String::as_str);
        one.name == "define" && value == Some(old) && line_has(one, old)
    };
    let defined = apache.directives.iter().find(is_define);
    match (line_has(directive, old), defined) {
        (true, _) => substitute(directive, old, new),
        (false, Some(define)) => substitute(define, old, new),
        (false, None) => add_on_top(&host.section.file, &[format!("Define {name} {new}")]),
    }
}

fn line_has(directive: &Directive, text: &str) -> bool {
    let file = std::fs::read_to_string(&directive.file).unwrap_or_default();
    let line = file.lines().nth(directive.line.saturating_sub(1));
    line.is_some_and(|line| line.contains(text))
}

/// Writes `new` for `old` in the line of a directive.
pub(super) fn substitute(directive: &Directive, old: &str, new: &str) -> String {
    let escape = |text: &str, special: &str| -> String {
        let escaped = text.chars().flat_map(|c| {
            let escape = special.contains(c).then_some('\\');
            escape.into_iter().chain([c])
        });
        escaped.collect()
    };
    let (old, new) = (escape(old, "\\|.*[]^$"), escape(new, "\\|&"));
    let script = format!("{}s|{old}|{new}|", directive.line);
    format!(
        "sed -i {} {}",
        text_word(&script),
        file_word(&directive.file)
    )
}
