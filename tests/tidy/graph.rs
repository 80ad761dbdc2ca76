//! Which file of `src` imports which, and the circles among them.
//!
//! A path is followed to the file that defines the item: `mod.rs` files only pass names on, so that
//! they are no files of the graph themselves. Tests inside a file do not count.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// How many `pub use` may follow each other before a path is given up.
const RE_EXPORTS_MAX: usize = 8;

/// One path that a file names.
struct Import {
    /// The absolute path, `crate` left out.
    path: Vec<String>,
    /// The name under which the file knows it.
    name: String,
    is_public: bool,
}

/// The imports between the files of a crate.
pub struct Graph {
    /// Index of a file → indices of the files that it imports.
    edges: Vec<BTreeSet<usize>>,
    names: Vec<String>,
}

impl Graph {
    /// Reads the imports of `files`, which are all files of one `src`.
    pub fn of(files: &[Source]) -> Graph {
        let modules: BTreeMap<Vec<String>, usize> = files
            .iter()
            .enumerate()
            .map(|(index, file)| (module_path(&file.name), index))
            .collect();
        let imports: Vec<Vec<Import>> = files.iter().map(|file| imports(file, &modules)).collect();
        let mut exports = BTreeMap::new();
        for (file, imports) in files.iter().zip(&imports) {
            let here = module_path(&file.name);
            for import in imports.iter().filter(|import| import.is_public) {
                let mut name = here.clone();
                name.push(import.name.clone());
                exports.insert(name, import.path.clone());
            }
        }
        let mut edges = vec![BTreeSet::new(); files.len()];
        for (index, imports) in imports.iter().enumerate() {
            if only_declares(&files[index].name) || files[index].is_test_file() {
                continue;
            }
            let defined = imports
                .iter()
                .filter_map(|import| resolve(&import.path, &modules, &exports, 0));
            edges[index]
                .extend(defined.filter(|&used| used != index && !only_declares(&files[used].name)));
        }
        Graph {
            edges,
            names: files.iter().map(|file| file.name.clone()).collect(),
        }
    }

    /// Groups of two or more files each of which reaches all others of its group.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let reached: Vec<BTreeSet<usize>> = (0..self.edges.len())
            .map(|from| self.reached(from))
            .collect();
        let mut grouped = BTreeSet::new();
        let mut circles = Vec::new();
        for from in 0..self.edges.len() {
            if !reached[from].contains(&from) || grouped.contains(&from) {
                continue;
            }
            let group: Vec<usize> = reached[from]
                .iter()
                .copied()
                .filter(|&to| reached[to].contains(&from))
                .collect();
            circles.push(group.iter().map(|&file| self.names[file].clone()).collect());
            grouped.extend(group);
        }
        circles
    }

    fn reached(&self, from: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<usize> = self.edges[from].iter().copied().collect();
        while let Some(file) = open.pop() {
            if seen.insert(file) {
                open.extend(&self.edges[file]);
            }
        }
        seen
    }
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are both the module `a::b`.
fn module_path(name: &str) -> Vec<String> {
    let inside = name.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if parts
        .last()
        .is_some_and(|last| last == "mod" || last == "lib")
    {
        parts.pop();
    }
    parts
}

fn only_declares(name: &str) -> bool {
    name.ends_with("/mod.rs") || name == "src/lib.rs"
}

/// The file that defines what `path` names.
fn resolve(
    path: &[String],
    modules: &BTreeMap<Vec<String>, usize>,
    exports: &BTreeMap<Vec<String>, Vec<String>>,
    depth: usize,
) -> Option<usize> {
    if depth > RE_EXPORTS_MAX {
        return None;
    }
    for length in (1..=path.len()).rev() {
        let Some(&file) = modules.get(&path[..length]) else {
            continue;
        };
        let through = path.get(..=length).and_then(|name| exports.get(name));
        if let Some(target) = through {
            let whole: Vec<String> = target.iter().chain(&path[length + 1..]).cloned().collect();
            return resolve(&whole, modules, exports, depth + 1);
        }
        return Some(file);
    }
    None
}

/// The modules that a file names by `use` and by whole paths, tests left out.
fn imports(file: &Source, modules: &BTreeMap<Vec<String>, usize>) -> Vec<Import> {
    let here = module_path(&file.name);
    let mut found = Vec::new();
    let absolute = |segments: &[String]| absolute(segments, &here, modules);
    for (start, _) in file.code.match_indices("use ") {
        let line_start = file.code[..start].rfind('\n').map_or(0, |at| at + 1);
        let before = file.code[line_start..start].trim();
        let is_statement = before.is_empty() || before.starts_with("pub");
        let end = file.code[start..].find(';').map(|length| start + length);
        let Some(end) = end.filter(|_| is_statement && !file.is_test(file.line_of(start))) else {
            continue;
        };
        for (segments, name) in leaves(&file.code[start + "use ".len()..end]) {
            if let Some(path) = absolute(&segments) {
                let is_public = before.starts_with("pub");
                found.push(Import {
                    path,
                    name,
                    is_public,
                });
            }
        }
    }
    for root in ["crate::", "super::"] {
        for (start, _) in file.code.match_indices(root) {
            let before = &file.code[..start];
            let inside = before.ends_with(|c: char| c.is_alphanumeric() || "_:{".contains(c));
            if inside || before.ends_with("pub(in ") || file.is_test(file.line_of(start)) {
                continue;
            }
            let path: String = file.code[start..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
                .collect();
            let segments: Vec<String> = path.split("::").map(str::to_owned).collect();
            if let Some(path) = absolute(&segments) {
                let name = String::new();
                found.push(Import {
                    path,
                    name,
                    is_public: false,
                });
            }
        }
    }
    found
}

/// `segments` without `crate`, `self` and `super`; `None` for what is of another crate.
fn absolute(
    segments: &[String],
    here: &[String],
    modules: &BTreeMap<Vec<String>, usize>,
) -> Option<Vec<String>> {
    let up = segments
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    let first = segments.first()?;
    if first == "crate" {
        return Some(segments[1..].to_vec());
    }
    if up > 0 {
        let base = here.get(..here.len().checked_sub(up)?)?;
        return Some(base.iter().chain(&segments[up..]).cloned().collect());
    }
    let inner = if first == "self" {
        &segments[1..]
    } else {
        segments
    };
    let whole: Vec<String> = here.iter().chain(inner).cloned().collect();
    let child = whole.get(..=here.len())?;
    modules.contains_key(child).then_some(whole)
}

/// `a::{b, c::{self, d as e}}` as paths, each with its local name.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path: Vec<String> = path
            .split("::")
            .map(|part| part.trim().to_owned())
            .collect();
        let last = path.last().cloned().unwrap_or_default();
        let name = if alias.is_empty() {
            last
        } else {
            alias.trim().to_owned()
        };
        return vec![(path, name)];
    };
    let prefix: Vec<String> = prefix
        .split("::")
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let items = super::layer::top_items(group);
    let inner = items
        .into_iter()
        .filter(|item| !item.trim().is_empty())
        .flat_map(leaves);
    let whole = inner.map(|(path, name)| {
        if path == ["self"] {
            return (prefix.clone(), prefix.last().cloned().unwrap_or_default());
        }
        (prefix.iter().chain(&path).cloned().collect(), name)
    });
    whole.collect()
}
