//! Programs that people download with: aria2, zsync, wget2, curl, coreutils.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::stage::{MTIME, Stage, tool};

/// Large enough for several pieces at two mirrors.
const SIZE: usize = 6 * 1024 * 1024;
const HASHES: &str = "[site.test.hashes]\nzsync = true\n";
/// Nobody answers there.
const TRACKER: &str = "[site.test.rules]\ntrackers = [\"http://127.0.0.1:9/announce\"]\n";

/// A file on two mirrors of one country.
fn stage(more: &str) -> (Stage, Vec<u8>) {
    let mut stage = Stage::new(&format!("{more}{HASHES}"));
    let content = stage.file("dir/a b.iso", SIZE);
    stage.mirror("germany", ["de", "eu"]);
    stage.mirror("berlin", ["de", "eu"]);
    stage.play();
    stage.until_redirected("/dir/a%20b.iso");
    (stage, content)
}

fn folder(stage: &Stage) -> PathBuf {
    let folder = stage.site.path("downloads");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn url(stage: &Stage, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", stage.apache().port)
}

/// Downloads with aria2, with options that its users give.
fn aria2(stage: &Stage, options: &[&str], path: &str) -> (bool, String) {
    let url = url(stage, path);
    let arguments: Vec<&str> = options.iter().copied().chain([url.as_str()]).collect();
    tool(&folder(stage), "aria2c", &arguments)
}

/// Several connections for one file, from parts of 1 MiB on. All mirrors here are one server to
/// aria2, which goes by the name of the host.
const IN_PARTS: [&str; 3] = ["-x4", "-s4", "-k1M"];

/// Bytes of the file that a mirror has sent.
fn bytes_of(stage: &Stage, mirror: &str) -> u64 {
    stage
        .asked_of(mirror)
        .iter()
        .map(|(_, bytes, _)| bytes)
        .sum()
}

/// Downloads until both mirrors must have been used.
const ATTEMPTS_MAX: usize = 5;

#[test]
fn aria2_loads_from_two_mirrors_at_once_and_verifies() {
    let (stage, content) = stage("");
    for path in [
        "/dir/a%20b.iso.meta4",
        "/dir/a%20b.iso?meta4",
        "/dir/a%20b.iso",
    ] {
        let before = ["germany", "berlin"].map(|name| bytes_of(&stage, name));
        let are_used = || {
            let mut mirrors = ["germany", "berlin"].iter().zip(before);
            mirrors.all(|(name, before)| bytes_of(&stage, name) > before)
        };
        // A mirror on this host may have sent all of it before aria2 asks the other.
        for attempt in 1.. {
            let (ended, said) = aria2(&stage, &IN_PARTS, path);
            assert!(ended, "{path}: {said}");
            let file = folder(&stage).join("a b.iso");
            assert!(std::fs::read(&file).expect("the file") == content, "{path}");
            std::fs::remove_file(file).expect("our own file");
            if are_used() {
                break;
            }
            assert!(
                attempt < ATTEMPTS_MAX,
                "{path}: both mirrors are used: {said}"
            );
        }
    }
}

/// With a tracker: what names a torrent is followed, and aria2 goes on seeding it.
#[test]
fn aria2_ends_with_the_file_however_it_is_asked() {
    let (stage, content) = stage(TRACKER);
    let torrent = stage.get("/dir/a%20b.iso.torrent").send();
    assert_eq!(torrent.status, 200, "there is one: {torrent:?}");
    let sum = stage.get("/dir/a%20b.iso.sha256?only_hash").send().body;
    let checksum = format!(
        "--checksum=sha-256={}",
        String::from_utf8_lossy(&sum).trim()
    );
    let name = "a b.iso";
    for (options, path, name) in [
        (&[][..], "/dir/a%20b.iso", name),
        (&[], "/dir/a%20b.iso.meta4", name),
        (&[], "/dir/a%20b.iso?meta4", name),
        (&[], "/dir/a%20b.iso.metalink", name),
        (&[checksum.as_str()], "/dir/a%20b.iso", name),
        (&["-o", "other.iso"], "/dir/a%20b.iso", "other.iso"),
        (&["-x16", "-s16"], "/dir/a%20b.iso", name),
    ] {
        let (ended, said) = aria2(&stage, options, path);
        assert!(ended, "{options:?} {path}: {said}");
        let file = folder(&stage).join(name);
        let found = std::fs::read(&file).unwrap_or_else(|error| panic!("{error}: {said}"));
        assert!(found == content, "{options:?} {path}: {said}");
        std::fs::remove_dir_all(folder(&stage)).expect("our own folder");
    }
}

/// A client that wants metalinks beside anything, as libzypp asks.
#[test]
fn libzypp_gets_the_metalink_and_everybody_else_the_file() {
    let (stage, content) = stage(TRACKER);
    let accept = "Accept: */*, application/metalink+xml, application/metalink4+xml";
    let ask = |agent: &str| {
        let request = stage.get("/dir/a%20b.iso").field(accept);
        request.argument("-A").argument(agent).send()
    };
    let answer = ask("ZYpp 17.31.20 (curl 8.0.1) openSUSE-Leap-15.5-x86_64");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(
        answer.text("content-type"),
        "application/metalink4+xml; charset=UTF-8"
    );
    assert!(!text.contains("torrent"), "{text}");
    let urls: Vec<&str> = text
        .split("<url ")
        .skip(1)
        .filter_map(|element| element.split(['>', '<']).nth(1))
        .collect();
    assert_eq!(urls.len(), 2, "{text}");
    for url in urls {
        assert!(
            crate::stage::Request::url(url).send().body == content,
            "{url}"
        );
    }
    assert_eq!(ask("curl/8.5.0").status, 302);
}

#[test]
fn aria2_finds_a_mirror_with_other_bytes() {
    let (stage, content) = stage("");
    // The same size and time, so that no scan can see it.
    let copy = stage.mirror_named("berlin").folder.join("dir/a b.iso");
    let mut other = content.clone();
    other.iter_mut().for_each(|byte| *byte ^= 1);
    std::fs::write(&copy, other).expect("a file of the mirror");
    crate::stage::site::set_mtime(&copy, MTIME);
    let (_, said) = aria2(&stage, &IN_PARTS, "/dir/a%20b.iso.meta4");
    let file = folder(&stage).join("a b.iso");
    let found = std::fs::read(file).unwrap_or_default();
    let control = folder(&stage).join("a b.iso.aria2").exists();
    assert!(
        found == content || control,
        "never taken for the file: {said}"
    );
}

/// A server that has a file, sends no more than some of it, and is gone then.
struct Dying {
    port: u16,
    sent: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl Dying {
    fn start(content: Vec<u8>, bytes_max: u64) -> Dying {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sent = Arc::new(AtomicU64::new(0));
        let is_over = Arc::new(AtomicBool::new(false));
        let (counter, over) = (Arc::clone(&sent), Arc::clone(&is_over));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) || counter.load(Ordering::SeqCst) >= bytes_max {
                    break;
                }
                let _ = Dying::serve(stream, &content, &counter, bytes_max);
            }
        });
        Dying {
            port,
            sent,
            is_over,
        }
    }

    /// Sends from the start of the range on, until so much was sent in all.
    fn serve(
        mut stream: TcpStream,
        content: &[u8],
        sent: &AtomicU64,
        bytes_max: u64,
    ) -> std::io::Result<()> {
        let mut request = [0; 4096];
        let length = stream.read(&mut request)?;
        let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
        let range = request.split("range: bytes=").nth(1);
        let start = range.and_then(|range| range.split('-').next()?.parse::<usize>().ok());
        let start = start.unwrap_or(0).min(content.len());
        write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\n\
             Content-Range: bytes {start}-{}/{}\r\n\r\n",
            content.len() - start,
            content.len() - 1,
            content.len()
        )?;
        for chunk in content[start..].chunks(16 * 1024) {
            if sent.load(Ordering::SeqCst) >= bytes_max {
                break;
            }
            stream.write_all(chunk)?;
            sent.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        }
        Ok(())
    }
}

impl Drop for Dying {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a client.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

#[test]
fn aria2_survives_a_mirror_that_dies_in_the_middle() {
    let (stage, content) = stage("");
    let dying = Dying::start(content.clone(), 300_000);
    stage.twin(
        "germany",
        "dying",
        &format!("http://127.0.0.1:{}/", dying.port),
    );
    stage.site.run_ok("heliostat", &["disable", "berlin"]);
    crate::stage::site::eventually("the metalink names both", || {
        let text = stage
            .get("/dir/a%20b.iso.meta4")
            .from("192.0.2.1")
            .send()
            .body;
        let text = String::from_utf8_lossy(&text).into_owned();
        text.contains(&format!(":{}/", dying.port)) && text.matches("<url ").count() == 2
    });
    let (ended, said) = aria2(&stage, &IN_PARTS, "/dir/a%20b.iso.meta4");
    assert!(ended, "{said}");
    let file = folder(&stage).join("a b.iso");
    assert!(std::fs::read(file).expect("the file") == content);
    let sent = dying.sent.load(Ordering::SeqCst);
    assert!(sent >= 300_000, "it had begun: {sent} bytes");
}

#[test]
fn zsync_loads_the_difference_only() {
    let (stage, content) = stage("");
    let folder = folder(&stage);
    let mut old = content.clone();
    // A part changed, a part inserted.
    old[1_000_000..1_020_000].fill(7);
    old.splice(3_000_000..3_000_000, [9; 1_234]);
    std::fs::write(folder.join("old.iso"), old).expect("a file");
    let url = url(&stage, "/dir/a%20b.iso.zsync");
    let arguments = ["-i", "old.iso", "-o", "new.iso", &url];
    let (ended, said) = tool(&folder, "zsync", &arguments);
    assert!(ended, "{said}");
    assert!(
        std::fs::read(folder.join("new.iso")).expect("the file") == content,
        "{said}"
    );
    let loaded = bytes_of(&stage, "germany") + bytes_of(&stage, "berlin");
    assert!(
        (20_000..200_000).contains(&loaded),
        "{loaded} bytes: {said}"
    );
}

#[test]
fn wget2_and_curl_follow_what_a_redirect_says() {
    let (stage, content) = stage(TRACKER);
    let folder = folder(&stage);
    let url = url(&stage, "/dir/a%20b.iso");
    for options in ["-sSL", "-sSL --compressed"] {
        let mut arguments: Vec<&str> = options.split(' ').collect();
        arguments.extend(["-o", "curl.iso", &url]);
        let (ended, said) = tool(&folder, "curl", &arguments);
        assert!(ended, "{options}: {said}");
        assert!(std::fs::read(folder.join("curl.iso")).expect("the file") == content);
    }
    // Under the name that its user gave, though it leaves the port out of Host.
    for options in ["", "--chunk-size=1M"] {
        let mut arguments: Vec<&str> = options.split_whitespace().collect();
        arguments.extend(["-O", "wget.iso", &url]);
        let (ended, said) = tool(&folder, "wget2", &arguments);
        assert!(ended, "{options}: {said}");
        let file = std::fs::read(folder.join("wget.iso")).expect("the name that was asked for");
        assert!(file == content, "{options}: {said}");
        std::fs::remove_file(folder.join("wget.iso")).expect("the file");
    }
    // By the metalink that was asked for, in chunks from both.
    let metalink = format!("{url}.meta4");
    let (ended, said) = tool(&folder, "wget2", &["--chunk-size=1M", &metalink]);
    assert!(ended, "{said}");
    assert!(said.contains("Checksum OK"), "{said}");
    let file = std::fs::read(folder.join("a b.iso")).expect("the name that the metalink says");
    assert!(file == content, "{said}");
}

#[test]
fn sums_are_read_by_coreutils() {
    let (stage, content) = stage("");
    let folder = folder(&stage);
    std::fs::write(folder.join("a b.iso"), &content).expect("a file");
    for (suffix, program) in [
        ("md5", "md5sum"),
        ("sha1", "sha1sum"),
        ("sha256", "sha256sum"),
        ("sha512", "sha512sum"),
    ] {
        let answer = stage.get(format!("/dir/a%20b.iso.{suffix}")).send();
        assert_eq!(answer.status, 200, "{suffix}");
        std::fs::write(folder.join("sums"), &answer.body).expect("a file");
        let (ended, said) = tool(&folder, program, &["-c", "sums"]);
        assert!(ended && said.contains("OK"), "{program}: {said}");
    }
}
