//! One virtual host of a site: whether it asks the responder, and serves files without it.

use std::path::{Path, PathBuf};

use super::edit::{add_on_top, add_to_host, respell, substitute};
use super::place::{local_asis, real};
use crate::admin::apache::{Apache, Directive, VirtualHost, is_within};
use crate::admin::doctor::finding::Finding;
use crate::admin::doctor::shell::{text_word, word};
use crate::config::SiteConfig;

/// Folders in which packages put the files to include.
const SHARE: &str = "/usr/share/heliostat";

/// A host, and what it should serve.
pub(super) struct HostOfSite<'a> {
    pub apache: &'a Apache,
    pub site: &'a SiteConfig,
    pub host: &'a VirtualHost<'a>,
    /// The responder's socket.
    pub listen: &'a str,
}

/// Everything about one host.
pub(super) fn check(of: &HostOfSite<'_>) -> Vec<Finding> {
    if let Some(finding) = of.asks_nobody() {
        return vec![finding];
    }
    let checks = [
        of.without_local_delivery(),
        of.other_socket(),
        of.without_reuse(),
        of.other_sendfile_path(),
        of.other_spelling(),
        of.without_log(),
        of.large_min_size(),
        of.multiviews(),
        of.encoded_slashes(),
    ];
    let mut findings: Vec<Finding> = checks.into_iter().flatten().collect();
    findings.extend(of.unknown_encodings());
    findings
}

impl HostOfSite<'_> {
    fn share(&self) -> PathBuf {
        let defined = self.apache.defined("HELIOSTAT_SHARE");
        PathBuf::from(defined.unwrap_or(SHARE))
    }

    /// Lists the directives of that name that hold for this host: its own, and the server's.
    fn holding<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Directive> {
        self.apache.of_server(name).chain(self.host.named(name))
    }

    /// Finds a host that never asks about files of its tree.
    fn asks_nobody(&self) -> Option<Finding> {
        let roots: Vec<&str> = self
            .host
            .named("documentroot")
            .chain(
                self.host
                    .named("alias")
                    .filter(|one| one.section("location").is_none()),
            )
            .filter_map(|one| one.arguments.last().map(String::as_str))
            .filter(|root| real(Path::new(root)) == real(&self.site.tree))
            .collect();
        let asks = self
            .holding("setenv")
            .filter(|one| one.argument() == "HELIOSTAT_ASKED");
        let asks: Vec<&Directive> = asks.collect();
        let covers = |one: &&Directive| match one.section("directory") {
            Some(directory) => roots
                .iter()
                .any(|root| is_within(Path::new(root), &directory.argument)),
            None => true,
        };
        if asks.iter().any(covers) {
            return None;
        }
        let include = format!("Include \"{}/heliostat-host.conf\"", self.share().display());
        let shown = self.host.shown();
        if let Some(elsewhere) = asks.first().and_then(|one| one.section("directory")) {
            let ask = format!(
                "<Directory \"{root}\">\\n        \
                 Include \"{share}/heliostat-ask.conf\"\\n    </Directory>",
                root = roots.first().copied().unwrap_or_default(),
                share = self.share().display()
            );
            return Some(
                Finding::error(
                    "directory-elsewhere",
                    format!("{shown} asks the responder about another directory than it serves"),
                )
                .because(format!(
                    "it serves {}, and asks in <Directory \"{}\">; Apache compares names and \
                     follows no link for that, so nothing is redirected",
                    roots.join(", "),
                    elsewhere.argument
                ))
                .mended_by(add_to_host(self.host, &ask).replace("\\\\n", "\\n")),
            );
        }
        Some(
            Finding::error(
                "host-without-heliostat",
                format!("{shown} asks no responder"),
            )
            .because("it serves the tree without heliostat-host.conf: nothing is redirected")
            .mended_by(add_to_host(self.host, &include)),
        )
    }

    fn without_local_delivery(&self) -> Option<Finding> {
        let shown = self.host.shown();
        let down = self.host.named("alias").find(|one| {
            one.section("location")
                .is_some_and(|location| location.argument == "/.heliostat/down")
        });
        let Some(down) = down else {
            let include = format!("Include \"{}/heliostat-host.conf\"", self.share().display());
            return Some(
                Finding::error(
                    "local-delivery-missing",
                    format!("{shown} serves no file while the responder is away"),
                )
                .because("it has no /.heliostat/down; clients get 503 then")
                .mended_by(add_to_host(self.host, &include)),
            );
        };
        let path = Path::new(down.argument());
        (!path.exists()).then(|| {
            let cause = format!("{shown} needs it while the responder is away; clients get 404");
            local_asis(path, cause)
        })
    }

    /// Sockets that the handlers of the host name.
    fn sockets(&self) -> Vec<(&Directive, String)> {
        let all = self.apache.directives.iter();
        let found = all.flat_map(|one| {
            let named = one.arguments.iter().filter_map(|word| {
                let (_, rest) = word.split_once("proxy:unix:")?;
                let (socket, scheme) = rest.split_once('|')?;
                scheme.starts_with("fcgi:").then(|| socket.to_owned())
            });
            named.map(move |socket| (one, socket))
        });
        found.filter(|(one, _)| one.name != "define").collect()
    }

    fn other_socket(&self) -> Option<Finding> {
        let sockets = self.sockets();
        let listen = real(Path::new(self.listen));
        let (directive, first) = sockets.first()?;
        if sockets
            .iter()
            .any(|(_, socket)| real(Path::new(socket)) == listen)
        {
            return None;
        }
        let names = (self.host, "HELIOSTAT_SOCKET");
        let fix = respell(self.apache, directive, (first, self.listen), names);
        Some(
            Finding::error(
                "socket-elsewhere",
                format!(
                    "{} asks another socket than the responder's",
                    self.host.shown()
                ),
            )
            .because(format!(
                "Apache asks {first}, the responder listens on {}",
                self.listen
            ))
            .mended_by(fix),
        )
    }

    fn without_reuse(&self) -> Option<Finding> {
        let sockets = self.sockets();
        let (_, socket) = sockets.first()?;
        let is_ours = |one: &&Directive| {
            let proxy = one.section("proxy");
            proxy.is_some_and(|proxy| proxy.argument.contains("fcgi:"))
        };
        let settings = self.holding("proxyset").filter(is_ours);
        let words = settings.flat_map(|one| &one.arguments);
        let reuses = words.filter(|word| word.to_ascii_lowercase().starts_with("enablereuse="));
        let is_on = reuses
            .last()
            .is_some_and(|word| word.to_ascii_lowercase().ends_with("=on"));
        if is_on {
            return None;
        }
        let text = format!(
            "<Proxy \"unix:{socket}|fcgi://heliostat\">\n    ProxySet enablereuse=on ttl=30 \
             connectiontimeout=500ms timeout=1 retry=0\n</Proxy>\n"
        );
        Some(
            Finding::warning(
                "connections-not-kept",
                format!(
                    "Apache opens a connection for each request of {}",
                    self.host.shown()
                ),
            )
            .because("enablereuse=on is not set for the responder; a redirect costs twice as much")
            .mended_by(format!(
                "printf %s {} >>{}",
                text_word(&text),
                word(&self.host.section.file)
            )),
        )
    }

    /// mod_xsendfile compares names, too.
    fn other_sendfile_path(&self) -> Option<Finding> {
        let ours = self
            .holding("xsendfilepath")
            .filter(|one| one.section("location").is_none());
        let ours: Vec<&Directive> = ours.collect();
        let tree = &self.site.tree;
        if ours.iter().any(|one| is_within(tree, one.argument())) {
            return None;
        }
        let named: Vec<&str> = ours.iter().map(|one| one.argument()).collect();
        let line = format!("XSendFilePath \"{}\"", tree.display());
        Some(
            Finding::error(
                "sendfile-path",
                format!("{} may not send the tree as it is named", self.host.shown()),
            )
            .because(format!(
                "XSendFilePath is {}, `tree` is {}; mod_xsendfile follows no link, so each file \
                 that is served here takes a detour over an error, or is 404",
                if named.is_empty() {
                    "not set".to_owned()
                } else {
                    named.join(", ")
                },
                tree.display()
            ))
            .mended_by(add_to_host(self.host, &line)),
        )
    }

    fn other_spelling(&self) -> Option<Finding> {
        let root = self.host.document_root()?;
        let written: PathBuf = Path::new(root.argument()).components().collect();
        let tree = &self.site.tree;
        if written == *tree || real(&written) != real(tree) {
            return None;
        }
        let new = tree.to_string_lossy();
        let names = (self.host, "HELIOSTAT_TREE");
        let fix = respell(self.apache, root, (root.argument(), &new), names);
        Some(
            Finding::warning(
                "tree-spelled-otherwise",
                format!("{} names the tree by another path", self.host.shown()),
            )
            .because(format!(
                "DocumentRoot is {}, `tree` is {}: the same directory, until somebody changes \
                 one of the links",
                root.argument(),
                tree.display()
            ))
            .mended_by(fix),
        )
    }

    fn without_log(&self) -> Option<Finding> {
        let logs = ["customlog", "transferlog"];
        let has_log = logs.iter().any(|name| self.holding(name).next().is_some());
        (!has_log).then(|| {
            let errors = self.holding("errorlog").last().map(Directive::argument);
            let directory = errors.and_then(|log| Path::new(log).parent());
            let directory = directory.filter(|directory| directory.is_dir());
            let directory = directory.unwrap_or(Path::new("logs")).display();
            let line = format!("CustomLog {directory}/download.log combined");
            Finding::warning(
                "log-missing",
                format!("{} has no access log", self.host.shown()),
            )
            .because("neither the host nor the server has a CustomLog, so no log has the downloads")
            .mended_by(add_to_host(self.host, &line))
        })
    }

    /// Finds a limit that keeps Apache from asking about files that mirrors may get.
    fn large_min_size(&self) -> Option<Finding> {
        let asked = self.apache.defined("HELIOSTAT_MIN_SIZE")?;
        let asked: u64 = asked.parse().ok()?;
        let rules = self
            .site
            .directories
            .iter()
            .map(|directory| &directory.rules);
        let rules = rules.chain([&self.site.tree_rules]);
        let least = rules
            .filter(|rules| rules.engine)
            .map(|rules| rules.min_size_bytes)
            .min()?;
        (asked > least).then(|| {
            let line = format!("Define HELIOSTAT_MIN_SIZE {least}");
            Finding::warning(
                "min-size",
                format!(
                    "{} asks about files of {asked} bytes and more",
                    self.host.shown()
                ),
            )
            .because(format!(
                "`min_size` is {least}: smaller files are never redirected"
            ))
            .mended_by(add_on_top(&self.host.section.file, &[line]))
        })
    }

    fn multiviews(&self) -> Option<Finding> {
        let tree = real(&self.site.tree);
        let one = self.holding("options").find(|one| {
            let directory = one.section("directory");
            let covers = directory.is_none_or(|directory| {
                is_within(&tree, &directory.argument)
                    || is_within(&self.site.tree, &directory.argument)
            });
            covers && one.arguments.iter().any(|word| is_multiviews(word))
        })?;
        let words = one.arguments.iter().filter(|word| !is_multiviews(word));
        let words: Vec<&str> = words.map(String::as_str).collect();
        let old = one.arguments.join(" ");
        let new = match words.is_empty() {
            true if old.starts_with('+') => "-MultiViews".to_owned(),
            true => "None".to_owned(),
            false => words.join(" "),
        };
        Some(
            Finding::note("multiviews", format!("{} guesses names", self.host.shown()))
                .because(format!(
                    "MultiViews ({}) reads the directory at each name that does not exist, \
                     documents included",
                    one.place()
                ))
                .mended_by(substitute(one, &old, &new)),
        )
    }

    fn encoded_slashes(&self) -> Option<Finding> {
        let one = self.holding("allowencodedslashes").last()?;
        one.argument().eq_ignore_ascii_case("on").then(|| {
            Finding::note(
                "encoded-slashes",
                format!("{} decodes %2F in URLs", self.host.shown()),
            )
            .because(format!(
                "AllowEncodedSlashes On ({}): each file has several URLs, of which caches keep \
                 each, and rules on the URL miss some",
                one.place()
            ))
            .mended_by(substitute(one, one.argument(), "NoDecode"))
        })
    }

    /// Finds endings for which answers would have a Content-Encoding.
    fn unknown_encodings(&self) -> Vec<Finding> {
        let bare = |word: &str| word.trim_start_matches('.').to_ascii_lowercase();
        let removed = self
            .host
            .named("removeencoding")
            .flat_map(|one| &one.arguments);
        let removed: Vec<String> = removed.map(|word| bare(word)).collect();
        let added = self.holding("addencoding");
        let added = added.flat_map(|one| one.arguments.iter().skip(1).map(move |word| (one, word)));
        let unknown = added.filter(|(_, word)| !removed.contains(&bare(word)));
        let unknown: Vec<(&Directive, String)> =
            unknown.map(|(one, word)| (one, bare(word))).collect();
        let Some((one, _)) = unknown.first() else {
            return Vec::new();
        };
        let endings: Vec<&str> = unknown.iter().map(|(_, ending)| ending.as_str()).collect();
        let defined = |name| self.apache.defined(name).unwrap_or_default();
        let lines = [
            format!(
                "Define HELIOSTAT_ENCODED \"{}|{}\"",
                defined("HELIOSTAT_ENCODED"),
                endings.join("|")
            ),
            format!(
                "Define HELIOSTAT_ENCODINGS \"{} .{}\"",
                defined("HELIOSTAT_ENCODINGS"),
                endings.join(" .")
            ),
        ];
        vec![
            Finding::warning(
                "encoding-unknown",
                format!(
                    "{} calls .{} an encoding",
                    self.host.shown(),
                    endings.join(", .")
                ),
            )
            .because(format!(
                "AddEncoding ({}) gives redirects and documents of such names a \
                 Content-Encoding, and clients cannot decode them",
                one.place()
            ))
            .mended_by(add_on_top(&self.host.section.file, &lines)),
        ]
    }
}

fn is_multiviews(word: &str) -> bool {
    let word = word.trim_start_matches('+');
    word.eq_ignore_ascii_case("multiviews")
}
