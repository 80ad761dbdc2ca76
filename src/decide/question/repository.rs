//! Decides requests for lists of mirrors by the name of a repository, or by a path, as clients of
//! MirrorManager ask for them.

use super::arrange::{ListQuestion, ListedMirrors, arrange};
use super::value::{ListRefusal, NamedQuestion, RefusedList};
use crate::decide::client::Client;
use crate::decide::context::WorkerContext;
use crate::decide::decision::{
    Choice, DecidedFile, DecidedRules, Document, Metalink, Outcome, OwnUrl, RepositoryList,
    Unavailable,
};
use crate::decide::list::with_slash;
use crate::decide::passage::RequestPass;
use crate::decide::select::Extent;
use crate::domain::document::metalink::REPOMD;
use crate::domain::mirror::MirrorId;
use crate::domain::path::FilePath;
use crate::domain::place::{CountryCode, RegionCode};
use crate::domain::repository::{ListArguments, ListHeading, ListSubject};
use crate::domain::representation::Representation;
use crate::domain::select::Reason;
use crate::domain::url::Scheme;
use crate::geoip::continent_of;
use crate::snapshot::Snapshot;
use crate::tree::Location;

/// URL paths of lists, below the tree's own.
const TEXT_LIST: &[u8] = b"mirrorlist";
const METALINK_LIST: &[u8] = b"metalink";

/// Names of repositories of sources have this in them, and no architecture.
const SOURCE: &[u8] = b"source";

/// The subject of a list, found in the tree.
struct ListPlace {
    /// The file by which mirrors are chosen; `None`: by the files below the directory.
    file: Option<DecidedFile>,
    /// Canonical path of the directory; `None`: the list is about the file.
    directory: Option<Vec<u8>>,
    /// The directory, or the file, as it was named.
    named: Vec<u8>,
}

/// Candidates for a list, and all other mirrors with the reason.
#[derive(Default)]
pub(super) struct FoundMirrors<'s> {
    pub choices: Vec<Choice<'s>>,
    pub excluded: Vec<(MirrorId, &'s str, Reason)>,
}

impl<'s> RequestPass<'_, 's> {
    /// The answer at `/mirrorlist` and `/metalink`; `None` for all other URLs, and where the tree
    /// has a file or directory of that name.
    pub(in crate::decide) fn list_by_name(
        &mut self,
        context: &mut WorkerContext,
        path: &FilePath,
    ) -> Option<Outcome<'s>> {
        let is_metalink = match path.as_bytes() {
            TEXT_LIST => false,
            METALINK_LIST => true,
            _ => return None,
        };
        let config = &self.state.config;
        if config.repositories.is_empty() && !config.lists.is_set() {
            return None;
        }
        match self.locate(context, path) {
            Location::Missing => {}
            Location::Unknown(problem) => {
                return Some(Outcome::Unavailable(Unavailable::Tree(problem)));
            }
            _ => return None,
        }
        let asked = ListArguments::parse(self.request.query_string);
        let mut heading = None;
        let outcome = self.named_list(context, (&asked, is_metalink), &mut heading);
        Some(outcome.unwrap_or_else(|why| {
            Outcome::NoList(Box::new(ListRefusal {
                why,
                heading,
                is_metalink,
            }))
        }))
    }

    /// # Errors
    /// Returns the reason if there is no list.
    fn named_list(
        &mut self,
        context: &mut WorkerContext,
        (asked, is_metalink): (&ListArguments, bool),
        heading: &mut Option<ListHeading>,
    ) -> Result<Outcome<'s>, RefusedList> {
        let subject = asked.subject.as_ref().ok_or(RefusedList::NoSubject)?;
        let Some(snapshot) = self.state.snapshot.as_deref() else {
            return Ok(Outcome::Unavailable(Unavailable::Database));
        };
        let subject = self.redirected(subject);
        *heading = Some(ListHeading::of(&subject));
        let mut place = match self.place_of(context, snapshot, &subject)? {
            Ok(place) => place,
            Err(outcome) => return Ok(outcome),
        };
        self.take_rules_of(&place.named);
        let client = self.list_client(asked)?;
        self.decision.client = Some(client);
        self.decision.file.clone_from(&place.file);
        let requested = match (&place.file, &place.directory) {
            (Some(file), Some(_)) if is_metalink => Some(file.path.clone()),
            _ => FilePath::parse(&place.named).ok(),
        };
        if let Some(requested) = requested {
            self.decision.own = OwnUrl::OfTree(requested.clone());
            self.decision.requested = Some(requested);
        }
        match (is_metalink, &subject, &place.file) {
            (true, ListSubject::Path(_), _) if place.directory.is_some() => {
                return Err(RefusedList::NoMetalink);
            }
            (true, _, Some(file)) => {
                let wanted = (&client, &file.clone());
                return Ok(self.list_metalink(context, asked, wanted));
            }
            (true, _, None) => return Err(RefusedList::NoMetalink),
            (false, ..) => {}
        }
        let mut heading = heading.take().unwrap_or_default();
        // A redirect to a file never leads to an earlier version.
        if let Some(file) = &mut place.file
            && (place.directory.is_some() || !asked.redirects)
        {
            *file = self.take_earlier(context, file, false);
        }
        let found = self.candidates(context, asked, (&client, &place));
        let FoundMirrors { choices, excluded } =
            self.arranged(found, (asked, is_metalink), &client, &mut heading);
        let list = RepositoryList {
            heading,
            made_at: asked.shows_time.then_some(self.state.changed_at),
            directory: place.directory.as_deref().map(with_slash),
            named: place.named,
            choices,
            excluded,
            redirects: asked.redirects,
        };
        Ok(Outcome::Document(Document::RepositoryList(Box::new(list))))
    }

    /// Lets the rules count that hold at the own URL of the list's directory or file.
    fn take_rules_of(&mut self, named: &[u8]) {
        if let DecidedRules::Configured(_) = self.decision.rules {
            let rules = self.state.config.rules(named);
            self.decision.rules = DecidedRules::Configured(rules);
        }
    }

    /// The subject under the names that count, which the decision keeps.
    fn redirected(&mut self, subject: &ListSubject) -> ListSubject {
        let (asked, arch) = match subject {
            ListSubject::Repository { repo, arch } => (repo, arch),
            ListSubject::Path(path) => {
                let clean = FilePath::clean(path).map_or(path.clone(), |path| path.into_owned());
                return ListSubject::Path(clean);
            }
        };
        let has_source = asked.windows(SOURCE.len()).any(|part| part == SOURCE);
        let arch = if has_source { SOURCE } else { &arch[..] };
        let redirects = &self.state.config.lists.redirects;
        let to = std::str::from_utf8(asked).ok();
        let to = to.and_then(|name| redirects.get(name));
        let repo = to.map_or(&asked[..], |name| name.as_bytes());
        self.decision.named = Some(Box::new(NamedQuestion::Repository {
            asked: asked.clone(),
            repo: repo.to_vec(),
            arch: arch.to_vec(),
        }));
        ListSubject::Repository {
            repo: repo.to_vec(),
            arch: arch.to_vec(),
        }
    }

    /// Finds the subject in the tree; an outcome if this cannot be known.
    ///
    /// # Errors
    /// Returns the reason if there is no such thing.
    fn place_of(
        &self,
        context: &mut WorkerContext,
        snapshot: &Snapshot,
        subject: &ListSubject,
    ) -> Result<Result<ListPlace, Outcome<'s>>, RefusedList> {
        let (named, marker, unknown) = match subject {
            ListSubject::Repository { repo, arch } => {
                let table = &snapshot.repositories;
                if table.is_disabled(repo) {
                    return Err(RefusedList::Disabled);
                }
                let unknown = RefusedList::UnknownRepository;
                let known = table.find(repo, arch).ok_or(unknown)?;
                (known.directory.clone(), known.marker.clone(), unknown)
            }
            ListSubject::Path(path) => {
                let unknown = RefusedList::UnknownPath;
                if !self.state.config.lists.paths {
                    return Err(unknown);
                }
                let path = FilePath::parse(path).map_err(|_| unknown)?;
                match self.locate(context, &path) {
                    Location::Directory => {}
                    Location::File {
                        path: real,
                        version,
                    } => {
                        let file = DecidedFile {
                            path: real,
                            version,
                        };
                        return self.file_place(path, file).map(Ok);
                    }
                    Location::Unknown(problem) => {
                        return Ok(Err(Outcome::Unavailable(Unavailable::Tree(problem))));
                    }
                    _ => return Err(unknown),
                }
                let marker = [path.as_bytes(), b"/repodata/", REPOMD].concat();
                let marker = FilePath::parse(&marker).map_err(|_| unknown)?;
                (path.as_bytes().to_vec(), marker, unknown)
            }
        };
        match self.locate(context, &marker) {
            Location::File { path, version } => {
                // Mirrors have the real directory; for a marker that is a link it is unknown.
                let suffix = &marker.as_bytes()[named.len()..];
                let real = path.as_bytes().strip_suffix(suffix);
                let directory = real.map_or(named.clone(), <[u8]>::to_vec);
                let file = DecidedFile { path, version };
                if !self.may_tell_of(&file.path) {
                    return Err(unknown);
                }
                Ok(Ok(ListPlace {
                    file: Some(file),
                    directory: Some(directory),
                    named,
                }))
            }
            Location::Unknown(problem) => Ok(Err(Outcome::Unavailable(Unavailable::Tree(problem)))),
            _ if unknown == RefusedList::UnknownRepository => Err(unknown),
            _ => self.directory_place(context, named),
        }
    }

    fn file_place(&self, path: FilePath, file: DecidedFile) -> Result<ListPlace, RefusedList> {
        match self.may_tell_of(&file.path) {
            true => Ok(ListPlace {
                file: Some(file),
                directory: None,
                named: path.as_bytes().to_vec(),
            }),
            false => Err(RefusedList::UnknownPath),
        }
    }

    /// Finds a directory without a marker.
    fn directory_place(
        &self,
        context: &mut WorkerContext,
        named: Vec<u8>,
    ) -> Result<Result<ListPlace, Outcome<'s>>, RefusedList> {
        match context.sources.directory(&named) {
            Ok(Some(real)) if self.state.config.rules(&real).documents => Ok(Ok(ListPlace {
                file: None,
                directory: Some(real),
                named,
            })),
            Ok(_) => Err(RefusedList::UnknownPath),
            Err(problem) => Ok(Err(Outcome::Unavailable(Unavailable::Tree(problem)))),
        }
    }

    /// The client of a list: the one that asks, or the one that it may pretend to be.
    ///
    /// # Errors
    /// Returns [`RefusedList::BadAddress`] if a client that may pretend names no address.
    fn list_client(&self, asked: &ListArguments) -> Result<Client, RefusedList> {
        let client = Client::of_site(self.request, self.state);
        let trusted = &self.state.config.lists.ip_parameter;
        let is_trusted = client
            .ip
            .is_some_and(|ip| trusted.iter().any(|net| net.contains(&ip)));
        if asked.ip.is_empty() || !is_trusted {
            return Ok(client);
        }
        let ip = asked.address().ok_or(RefusedList::BadAddress)?;
        Ok(Client::at(ip, self.request, self.state))
    }

    /// The candidates for a list.
    fn candidates(
        &mut self,
        context: &mut WorkerContext,
        asked: &ListArguments,
        (client, place): (&Client, &ListPlace),
    ) -> FoundMirrors<'s> {
        if !self.decision.rules.engine {
            return FoundMirrors::default();
        }
        let mut client = if asked.is_near {
            *client
        } else {
            client.anywhere()
        };
        if !asked.protocols.is_empty() && asked.schemes() != [Scheme::Https] {
            // The client says which schemes it takes.
            client.scheme = Scheme::Http;
        }
        client.asks_over = self.wishes.as_deref().and_then(|wishes| wishes.family);
        let extent = self.depth.extent(Extent::All);
        let Some(file) = &place.file else {
            let directory = place.directory.as_deref().unwrap_or_default();
            return self.of_whole_directory(context, &client, directory);
        };
        match self.find(context, (&client, file), extent) {
            Ok(found) => FoundMirrors {
                choices: found.choices,
                excluded: found.excluded,
            },
            // Our own URL stands for mirrors.
            Err(_) => FoundMirrors::default(),
        }
    }

    /// Puts candidates in a list's order.
    fn arranged(
        &self,
        found: FoundMirrors<'s>,
        (asked, is_metalink): (&ListArguments, bool),
        client: &Client,
        heading: &mut ListHeading,
    ) -> FoundMirrors<'s> {
        let config = &self.state.config;
        let continent_of = |country: CountryCode| -> Option<RegionCode> {
            let own = config.place_overrides.continent_of(country);
            own.or_else(|| continent_of(country))
        };
        let question = ListQuestion {
            asked,
            client,
            minimum: config.lists.minimum,
            max: config.lists.max,
            is_metalink,
            has_scan_urls: config.lists.scan_urls,
            continent_of: &continent_of,
        };
        let Some(snapshot) = self.state.snapshot.as_deref() else {
            return found;
        };
        let ListedMirrors { choices, left_out } =
            arrange(found.choices, &snapshot.roster, &question, heading);
        let mut excluded = found.excluded;
        excluded.extend(left_out);
        FoundMirrors { choices, excluded }
    }

    /// The metalink of a list: all URLs of each mirror.
    fn list_metalink(
        &mut self,
        context: &mut WorkerContext,
        asked: &ListArguments,
        (client, file): (&Client, &DecidedFile),
    ) -> Outcome<'s> {
        let place = ListPlace {
            file: Some(self.take_earlier(context, file, true)),
            directory: None,
            named: Vec::new(),
        };
        let found = self.candidates(context, asked, (client, &place));
        let mut heading = ListHeading::default();
        let FoundMirrors { choices, excluded } =
            self.arranged(found, (asked, true), client, &mut heading);
        let Ok(hashes) = self.summary(context, file) else {
            return Outcome::Unavailable(Unavailable::Database);
        };
        Outcome::Document(Document::Metalink(Metalink {
            kind: Representation::Metalink,
            choices,
            excluded,
            hashes,
            has_torrent: false,
            names_torrent: false,
            is_by_mirror: true,
            alternates: std::mem::take(&mut self.takes.alternates),
        }))
    }
}
