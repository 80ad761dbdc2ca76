//! Answers that are made to harm: whatever a server sends, a scan takes little memory, comes to an
//! end and publishes nothing of it.

use std::io::Write;
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::stand_in::http_site::{FILES, add, healthy, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, Reply};
use crate::stand_in::scan_site::{current, published, set};
use crate::stand_in::site::{TestSite, program_path};
use crate::stand_in::webd::{Kind, Web};

/// Memory that a scan may take, in KiB: a hundredth of what it is sent, and room for the tests'
/// build.
const RESIDENT_KIB_MAX: u64 = 200 * 1024;

/// Runs a program and says at last what it had in memory at most. A process that Rust starts
/// counts what the tests themselves have in memory; what Python has is little.
const MEASURE: &str = "import resource, subprocess, sys\n\
     code = subprocess.call(sys.argv[1:])\n\
     print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
     sys.exit(code)";

/// A scan of all mirrors, and its largest resident set in KiB.
fn measure(site: &TestSite) -> (Output, u64) {
    let output = Command::new("python3")
        .args(["-c", MEASURE, program_path("heliostat-scan"), "--all", "-v"])
        .env("HELIOSTAT_CONFIG", site.config())
        .env("NO_COLOR", "1")
        .output()
        .expect("python3 is installed by scripts/test");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let peak = said.lines().find_map(|line| line.strip_prefix("peak "));
    let peak = peak.and_then(|number| number.parse().ok());
    (output, peak.expect("it is measured"))
}

/// A page of a hundred megabytes, packed by gzip into less than a thousandth.
fn bomb() -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    let part = "<a>".repeat((1 << 20) / 3);
    for _ in 0..100 {
        packer.write_all(part.as_bytes()).expect("memory");
    }
    packer.finish().expect("memory")
}

type Answer = Box<dyn Fn() -> Reply + Send + Sync>;

fn answers() -> Vec<(&'static str, Answer)> {
    let bomb = bomb();
    vec![
        ("links", Box::new(|| Reply::Endless("<a>"))),
        (
            "entries",
            Box::new(|| Reply::Endless("<a href=\"c\">c</a> 1\n")),
        ),
        ("tables", Box::new(|| Reply::Endless("<table><tr><td>"))),
        ("bomb", Box::new(move || Reply::Packed(bomb.clone()))),
    ]
}

#[test]
fn endless_pages_take_little_memory_and_publish_nothing() {
    let (site, _tree) = site_and_tree("");
    let mut mirrors = Vec::new();
    for (name, answer) in answers() {
        let web = OddWeb::start(move |_| answer());
        let id = add(&site, name, &web.url());
        mirrors.push((name, id, web));
    }
    let (output, peak_kib) = measure(&site);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    eprintln!("peak {peak_kib} KiB");
    assert!(peak_kib < RESIDENT_KIB_MAX, "{peak_kib} KiB\n{said}");
    for (name, id, _web) in mirrors {
        let expected = format!("{name}: the listing of one directory has more than 67108864 bytes");
        assert!(said.contains(&expected), "{said}\nwanted {expected}");
        assert!(published(&site, id).is_none(), "{name}");
    }
}

#[test]
fn an_endless_page_below_costs_its_directory_only() {
    let (site, tree) = site_and_tree("");
    let good = Web::start(Kind::Nginx, &tree, "UTC", "");
    let id = add(&site, "m", &good.url());
    site.run_ok("heliostat-scan", &["m"]);
    let web = OddWeb::start(|asked| match asked.path.as_str() {
        "/pub/dir/" => Reply::Endless("<a href=\"c\">c</a> 1\n"),
        path => healthy(path),
    });
    crate::stand_in::http_site::set_url(&site, &web.url());
    let (output, peak_kib) = measure(&site);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("'dir': the listing of one directory has more than"),
        "{said}"
    );
    assert!(peak_kib < RESIDENT_KIB_MAX, "{peak_kib} KiB\n{said}");
    assert_eq!(current(&site, id), set(&FILES));
}
