//! FTP servers with directories and lines that cannot be read.

use heliostat::domain::mirror::MirrorId;

use crate::stand_in::http_site::{FILES, site_and_tree};
use crate::stand_in::odd_ftp::{Listing, OddFtp, list};
use crate::stand_in::scan_site::{add_mirror, current, set};
use crate::stand_in::site::{TestSite, failure};

fn healthy(directory: &str) -> Listing {
    Listing::Whole(match directory {
        "/" => list(&[("dir/", 0), ("other/", 0), ("a", 1), ("b", 1)]),
        "/dir" => list(&[("c", 5), ("d", 5)]),
        "/other" => list(&[("e", 7), ("f", 7)]),
        _ => String::new(),
    })
}

/// Answers SIZE and MDTM about the files of the site.
fn sizes(line: &str) -> Option<String> {
    let (command, path) = line.split_once(' ')?;
    let path = path.trim_start_matches('/');
    match command {
        "SIZE" if FILES.contains(&path) => Some(format!("213 {}", path.len())),
        "MDTM" if FILES.contains(&path) => Some("213 20010909014640".to_owned()),
        "SIZE" => Some("550 No such file or directory".to_owned()),
        _ => None,
    }
}

fn add(site: &TestSite, ftp: &OddFtp) -> MirrorId {
    add_mirror(site, "m", "", |mirror| mirror.ftp_url = ftp.url())
}

fn set_ftp(site: &TestSite, ftp: &OddFtp) {
    site.run_ok(
        "heliostat",
        &["edit", "m", "--set", &format!("baseurlftp={}", ftp.url())],
    );
}

#[test]
fn below_a_top_that_cannot_be_listed_all_is_found() {
    let (site, _tree) = site_and_tree("");
    for (name, top) in [
        ("refused", "550 Permission denied"),
        (
            "failed",
            "226 Transfer done (but failed to open directory).",
        ),
    ] {
        let ftp = OddFtp::start(
            move |line, _| sizes(line),
            move |_, directory| match directory {
                "/" if top.starts_with("550") => Listing::Refused(top),
                "/" => Listing::Ended(String::new(), top),
                other => healthy(other),
            },
        );
        let id = add_mirror(&site, name, "", |mirror| mirror.ftp_url = ftp.url());
        let output = site.run("heliostat-scan", &[name]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(current(&site, id), set(&FILES), "{name}");
    }
}

#[test]
fn a_scan_of_a_directory_begins_there() {
    let (site, _tree) = site_and_tree("");
    let ftp = OddFtp::start(
        |line, _| match line {
            "CWD /" => Some("550 Permission denied".to_owned()),
            line => sizes(line),
        },
        |_, directory| healthy(directory),
    );
    let id = add(&site, &ftp);
    site.run_ok("heliostat-scan", &["-d", "dir", "m"]);
    assert_eq!(current(&site, id), set(&["dir/c", "dir/d"]));
}

#[test]
fn a_linked_directory_that_is_gone_is_believed_when_a_file_in_it_is_gone() {
    let (site, _tree) = site_and_tree("[site.test.scan]\nvanished_share_max = 0.5");
    let ftp = OddFtp::start(|line, _| sizes(line), |_, directory| healthy(directory));
    let id = add(&site, &ftp);
    site.run_ok("heliostat-scan", &["m"]);
    let ftp = OddFtp::start(
        |line, _| match line {
            "CWD /dir" => Some("550 Failed to change directory: No such file.".to_owned()),
            line if line.starts_with("SIZE /dir/") => Some("550 No such file.".to_owned()),
            line => sizes(line),
        },
        |_, directory| healthy(directory),
    );
    set_ftp(&site, &ftp);
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["a", "b", "other/e", "other/f"]));
}

#[test]
fn one_line_that_cannot_be_read_costs_what_it_is_about() {
    let (site, _tree) = site_and_tree("");
    let ftp = OddFtp::start(|line, _| sizes(line), |_, directory| healthy(directory));
    let id = add(&site, &ftp);
    site.run_ok("heliostat-scan", &["m"]);
    for (odd, is_partial, left) in [
        // They are read.
        (
            "-rw-r--r--+1464 0 0 5 Sep 09  2001 c\r\n",
            false,
            &FILES[..],
        ),
        ("09-09-01  01:46AM    5 c\r\n", false, &FILES[..]),
        ("-rw-r--r-- 1 0 0 5 9. sept. 2001 c\r\n", false, &FILES[..]),
        // About a file of ours: it stays, and so does the rest of the directory.
        ("-rw-r--r-- 1 0 0 many Sep 09  2001 c\r\n", true, &FILES[..]),
        ("?--------- ? ? ? ? ? c\r\n", true, &FILES[..]),
        // About nobody knows what: all that is not listed stays.
        ("-rw-r--r-- 1 0 0 many\r\n", true, &FILES[..]),
        // No entry at all: what is not listed is gone.
        (
            "Welcome to dir\r\n",
            false,
            &["a", "b", "dir/d", "other/e", "other/f"],
        ),
    ] {
        let text = odd.to_owned() + &list(&[("d", 5)]);
        let ftp = OddFtp::start(
            |line, _| sizes(line),
            move |_, directory| match directory {
                "/dir" => Listing::Whole(text.clone()),
                other => healthy(other),
            },
        );
        set_ftp(&site, &ftp);
        let output = site.run("heliostat-scan", &["m"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = if is_partial { 3 } else { 0 };
        assert_eq!(output.status.code(), Some(expected), "{odd}: {said}");
        assert_eq!(current(&site, id), set(left), "{odd}: {said}");
    }
}

#[test]
fn a_listing_of_another_form_is_no_empty_directory() {
    let (site, _tree) = site_and_tree("");
    let ftp = OddFtp::start(
        |line, _| match line {
            line if line.starts_with("SIZE") => Some("502 no".to_owned()),
            _ => None,
        },
        |_, _| Listing::Whole("+i83.48,m825718503,r,s280,\ta\r\n".to_owned()),
    );
    add(&site, &ftp);
    let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains("its listing has a form that is not known"),
        "{error}"
    );
}
