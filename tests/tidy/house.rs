//! Rules about the whole of `src`: names that exist once, rooms that one can see at a glance.

use std::collections::BTreeMap;

use super::source::Source;

/// Files of one folder that a person still finds their way in.
pub const ROOM_FILES_MAX: usize = 20;

/// Functions that exist once, with the file that has them.
pub const ONE_PLACE: [(&str, &str); 3] = [
    ("now", "src/program/clock.rs"),
    ("chain", "src/program/exit.rs"),
    ("lock", "src/program/lock.rs"),
];

/// Types that more than one file defines, tests left out.
pub fn types_defined_twice(files: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        for (line, code) in file.code_lines().filter(|(line, _)| !file.is_test(*line)) {
            if let Some(name) = defined(code, &["struct", "enum", "union", "trait", "type"]) {
                let place = format!("{}:{line}", file.name);
                places.entry(name).or_default().push(place);
            }
        }
    }
    let twice = places.into_iter().filter(|(_, places)| places.len() > 1);
    twice
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect()
}

/// Folders with more than [`ROOM_FILES_MAX`] files side by side.
pub fn crowded_rooms(files: &[Source]) -> Vec<String> {
    let mut rooms: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        let room = file.name.rsplit_once('/').map_or("", |(room, _)| room);
        *rooms.entry(room).or_default() += 1;
    }
    let crowded = rooms
        .into_iter()
        .filter(|(_, files)| *files > ROOM_FILES_MAX);
    crowded
        .map(|(room, files)| format!("{room}: {files} files, at most {ROOM_FILES_MAX}"))
        .collect()
}

/// Free functions of [`ONE_PLACE`] that stand anywhere else.
pub fn second_copies(files: &[Source]) -> Vec<String> {
    let mut bad = Vec::new();
    for file in files {
        for (line, code) in file.code_lines().filter(|(line, _)| !file.is_test(*line)) {
            let Some(name) = defined(code, &["fn"]) else {
                continue;
            };
            for (once, place) in ONE_PLACE {
                if name == once && file.name != place {
                    bad.push(format!("{}:{line}: `{once}` is in {place}", file.name));
                }
            }
        }
    }
    bad
}

/// The name that a line at the left margin defines by one of `words`.
fn defined(code: &str, words: &[&str]) -> Option<String> {
    let item = code.strip_prefix("pub").map_or(code, |rest| {
        rest.strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map_or(rest, |(_, rest)| rest)
            .trim_start()
    });
    let rest = words
        .iter()
        .find_map(|word| item.strip_prefix(word)?.strip_prefix(' '))?;
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    Some(name)
}
