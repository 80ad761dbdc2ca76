//! Measures the pure parts on which requests and scans spend their time: selection, documents, the
//! matrix of who has which file, and the readers of listings.
//!
//! `cargo bench` runs all; `cargo bench -- select` runs those whose name contains the word. Compare
//! two states on a quiet machine only; `scripts/bench` measures whole programs.

use divan::{Bencher, black_box};
use heliostat::domain::document::mirror_list::{
    FileFacts, ListedMirror, MirrorPage, Offers, PageClient, Subject,
};
use heliostat::domain::document::mirror_list_html::{Frame, mirrorlist};
use heliostat::domain::document::{FileSource, Sheet, meta4::meta4, metalink::metalink};
use heliostat::domain::file::{FileId, FileVersion};
use heliostat::domain::listing::rsync::parse_line;
use heliostat::domain::listing::{IndexForm, PageAddress, parse_list, parse_mlsd, read_index};
use heliostat::domain::mirror::{Mirror, MirrorCountry, MirrorId};
use heliostat::domain::place::{Coordinates, CountryCode, Place, RegionCode};
use heliostat::domain::select::{
    Access, DrainMoment, Holdings, Law, Question, Reason, Roster, Selector, Tier,
};
use heliostat::domain::time::Timestamp;
use heliostat::domain::url::{BaseUrl, EncodedPath, FileUrl, Scheme};
use heliostat::snapshot::Matrix;
use roaring::RoaringBitmap;

/// Countries of the mirrors, in turn, with their region.
const COUNTRIES: [(&str, &str); 5] = [
    ("de", "eu"),
    ("fr", "eu"),
    ("us", "na"),
    ("jp", "as"),
    ("br", "sa"),
];

/// Seed of all random numbers, so that runs are alike.
const SEED: u64 = 1;

fn main() {
    divan::main();
}

fn mirrors(count: usize) -> Vec<Mirror> {
    (1..=count).map(mirror).collect()
}

fn mirror(number: usize) -> Mirror {
    let (country, region) = COUNTRIES[number % COUNTRIES.len()];
    let mut mirror = Mirror::new(&format!("mirror{number}"));
    mirror.id = MirrorId(number as i64);
    mirror.base_url = BaseUrl::parse(&format!("http://mirror{number}.example.org/pub/")).ok();
    (mirror.enabled, mirror.alive, mirror.score) = (true, true, 100);
    mirror.country =
        CountryCode::parse(country.as_bytes()).map_or(MirrorCountry::Unknown, MirrorCountry::Of);
    mirror.region = RegionCode::parse(region.as_bytes());
    mirror
}

fn place(coordinates: Option<Coordinates>) -> Place {
    Place {
        country: CountryCode::parse(b"de"),
        region: RegionCode::parse(b"eu"),
        coordinates,
        asn: None,
    }
}

/// Every second mirror has the file.
struct HalfOfAll;

impl Holdings for HalfOfAll {
    fn word(&self, _: usize) -> u64 {
        0x5555_5555_5555_5555
    }

    fn why_not(&self, _: usize) -> Reason {
        Reason::FileMissing
    }
}

/// One selection of five mirrors, without and with the client's coordinates.
#[divan::bench(args = [20, 200], consts = [false, true])]
fn select<const WITH_COORDINATES: bool>(bencher: Bencher<'_, '_>, count: usize) {
    let known = Coordinates::known(51.0, 10.0);
    let coordinates = known.filter(|_| WITH_COORDINATES);
    let roster = Roster::new(mirrors(count));
    let question = Question {
        ip: "192.0.2.1".parse().ok(),
        place: place(coordinates),
        own_asn: None,
        size: 1000,
        want: 5,
        cached: None,
        drains: DrainMoment {
            now: Timestamp(0),
            is_drawn: true,
            is_last_resort: false,
        },
        rules: &[],
    };
    let table = roster.classes(&question.place, Access::of(Scheme::Http, None));
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut selector = Selector::new(move || random.u16(..=0x7fff));
    bencher.bench_local(|| {
        let site = (&roster, &table);
        selector.select(&Law::default(), site, black_box(&question), &HalfOfAll)
    });
}

/// Sorting mirrors into classes, as for the first client of a place.
#[divan::bench(args = [20, 200])]
fn classes(bencher: Bencher<'_, '_>, count: usize) {
    let roster = Roster::new(mirrors(count));
    let place = place(None);
    let access = Access::of(Scheme::Http, None);
    bencher.bench_local(|| roster.classes(black_box(&place), access));
}

fn render(bencher: Bencher<'_, '_>, count: usize, document: fn(&Sheet<'_>) -> usize) {
    let mirrors = mirrors(count);
    let urls: Vec<&BaseUrl> = mirrors.iter().filter_map(|m| m.base_url.as_ref()).collect();
    let path = EncodedPath::new(b"dist/a file.iso", urls.iter().copied());
    let target = FileUrl::new(path, None);
    let source = |base_url| FileSource {
        base_url,
        tier: Tier::Country,
        country: CountryCode::parse(b"de"),
        weight: (100, None),
        rank: None,
        is_private: false,
    };
    let sources: Vec<FileSource<'_>> = urls.into_iter().map(source).collect();
    let sheet = Sheet {
        name: b"a file.iso",
        version: FileVersion {
            size: 1 << 30,
            mtime: 1_700_000_000,
        },
        id: Some(FileId(1)),
        hashes: None,
        alternates: &[],
        sources: &sources,
        target: &target,
        place: place(None),
        network: None,
        origin: b"http://download.example.org/dist/a%20file.iso.meta4",
        publisher: None,
        published: Timestamp(1_700_000_000),
        torrent: None,
        magnet: None,
        broken: None,
    };
    bencher.bench_local(|| document(black_box(&sheet)));
}

/// A metalink of version 4.
#[divan::bench(args = [20, 200])]
fn render_meta4(bencher: Bencher<'_, '_>, count: usize) {
    render(bencher, count, |sheet| meta4(sheet).text.len());
}

/// A metalink of version 3.
#[divan::bench(args = [20, 200])]
fn render_metalink(bencher: Bencher<'_, '_>, count: usize) {
    render(bencher, count, |sheet| metalink(sheet).text.len());
}

/// The page with the mirrors of a file.
#[divan::bench(args = [20, 200])]
fn render_mirror_list(bencher: Bencher<'_, '_>, count: usize) {
    let mirrors = mirrors(count);
    let listed = |mirror: &Mirror| ListedMirror {
        name: "m",
        url: format!("http://{}.example.org/pub/dist/a%20file.iso", mirror.id.0).into_bytes(),
        tier: Tier::Country,
        country: CountryCode::parse(b"de"),
        is_fallback: false,
        distance: None,
        probability: 0.0,
        at: None,
        files: None,
    };
    let page = MirrorPage {
        subject: Subject::File(FileFacts {
            name: b"a file.iso",
            version: FileVersion {
                size: 1 << 30,
                mtime: 1_700_000_000,
            },
            digests: None,
            offers: Offers::default(),
        }),
        path: b"/dist/a file.iso",
        own_url: b"http://download.example.org/dist/a%20file.iso",
        client: PageClient::default(),
        mirrors: mirrors.iter().map(listed).collect(),
        others: Vec::new(),
        note: None,
    };
    bencher.bench_local(|| mirrorlist(black_box(&page), Frame::default()));
}

/// One file's row of the matrix, as each request reads it.
#[divan::bench]
fn matrix_row(bencher: Bencher<'_, '_>) {
    let mut matrix = Matrix::new(200);
    let files: RoaringBitmap = (0..1_000_000).collect();
    matrix.set_column(150, &files);
    let mut random = fastrand::Rng::with_seed(SEED);
    bencher.bench_local(|| {
        let file = FileId(random.u32(..1_000_000));
        [0, 1, 2, 3].map(|word| matrix.word(file, word))
    });
}

/// One mirror's column of a million files, as after each publication.
#[divan::bench]
fn matrix_column(bencher: Bencher<'_, '_>) {
    let mut matrix = Matrix::new(200);
    let all: RoaringBitmap = (0..1_000_000).collect();
    let even: RoaringBitmap = (0..1_000_000).step_by(2).collect();
    let mut turn = false;
    bencher.bench_local(|| {
        turn = !turn;
        matrix.set_column(150, if turn { &all } else { &even });
    });
}

/// A thousand lines of `rsync --list-only`.
#[divan::bench]
fn listing_rsync(bencher: Bencher<'_, '_>) {
    let line = b"-rw-r--r--   4,096,123 2026/11/22 17:04:51 dist/pool/main/h/name_1.0.deb";
    let mut name = Vec::new();
    bencher.bench_local(|| {
        for _ in 0..1000 {
            black_box(parse_line(black_box(line), &mut name));
        }
    });
}

/// A thousand lines of each kind of FTP listing.
#[divan::bench]
fn listing_ftp(bencher: Bencher<'_, '_>) {
    let unix = b"-rw-r--r--    1 1000     1000      4096123 Nov 22 17:04 name_1.0.deb";
    let facts = b"type=file;size=4096123;modify=20261122170451;UNIX.mode=0644; name_1.0.deb";
    let now = Timestamp(1_795_000_000);
    bencher.bench_local(|| {
        for _ in 0..1000 {
            black_box(parse_list(black_box(unix), None, now));
            black_box(parse_mlsd(black_box(facts)));
        }
    });
}

/// An index page of nginx with a thousand files.
#[divan::bench]
fn listing_index(bencher: Bencher<'_, '_>) {
    let mut page = String::from("<html><head><title>Index of /pub/</title></head><body>\n<pre>");
    for number in 0..1000 {
        let line = format!(
            "<a href=\"f{number}.deb\">f{number}.deb</a>     22-Nov-2026 17:04     4096123\n"
        );
        page.push_str(&line);
    }
    page.push_str("</pre></body></html>\n");
    let address = PageAddress::new("mirror.example.org", "/pub/");
    bencher.bench_local(|| {
        let mut entries = 0;
        let read = read_index(page.as_bytes(), IndexForm::Markup, &address, |_, _| {
            entries += 1
        });
        assert!(read.is_ok() && entries == 1000, "{entries} entries");
    });
}
