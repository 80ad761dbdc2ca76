//! An installation without a fault, and what is planted into it.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::{mirror, open_writer};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use serde_json::Value;

use crate::stand_in::mmdb::{Item, Side, file_built};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, program_path};

/// Stands in for the services' user: each system has it.
pub const SERVICE: &str = "nobody";

/// The web server's.
pub const WEB: &str = "www-data";

/// A site where all is well.
pub struct Clinic {
    pub site: TestSite,
    pub responder: Option<Responder>,
}

/// Hides a systemd of this machine, which knows nothing of the site.
const WITHOUT_SYSTEMD: &str = "[ ! -d /run/systemd/system ] || \
    mount -t tmpfs none /run/systemd; exec \"$@\"";

/// The line that `doctor` prints where no systemd runs.
const NO_UNITS: &str = "not checked: units: systemd does not run here";

pub fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs() as i64
}

pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
}

/// A GeoIP file that places all of IPv4 in one country.
pub fn geoip_file(built_s: i64) -> Vec<u8> {
    let code = || Item::Map(vec![("iso_code", Item::Text("DE"))]);
    let record = Item::Map(vec![("country", code())]);
    let nodes = [[Side::Data(0), Side::Data(0)]];
    file_built(built_s as u32, 4, &nodes, &record.encode())
}

impl Clinic {
    /// With a running responder.
    pub fn new() -> Clinic {
        let mut clinic = Clinic::without_responder();
        clinic.responder = Some(Responder::start(&clinic.site));
        clinic
    }

    /// Without one: it is said to be away.
    pub fn without_responder() -> Clinic {
        assert!(
            rustix::process::geteuid().is_root(),
            "only root can look with the rights of others: run this test as root"
        );
        let site = TestSite::with_config("geoip = [\"place.mmdb\"]");
        let clinic = Clinic {
            site,
            responder: None,
        };
        let site = &clinic.site;
        let folder = site.path("");
        set_mode(&folder, 0o755);
        chown(&folder, Some(65534), Some(65534)).expect("an owner");
        std::fs::write(site.path("place.mmdb"), geoip_file(now_s())).expect("a file");
        site.write("dir/known.iso", &[7; 5000], 1_500_000_000);
        site.run_ok("heliostat-index", &["-q", "--no-hashes"]);
        let url = "https://m.example.org/";
        site.run_ok("heliostat", &["new", "fine", "-H", url, "-c", "de"]);
        clinic.publish("fine", now_s());
        super::apache::set_up(&clinic.site);
        clinic
    }

    /// Enables a mirror that has the only file since then.
    pub fn publish(&self, name: &str, at: i64) -> MirrorId {
        let mut writer = open_writer(&self.site.database()).expect("open");
        let mut record = mirror::find(&writer, name).expect("it was made");
        (record.enabled, record.alive) = (true, true);
        let content = Content {
            current: [1].into_iter().collect(),
            ..Content::default()
        };
        let origin = ContentOrigin {
            at: Timestamp(at),
            by: "http".into(),
            unknown_files: 0,
        };
        let stored = writer.transaction(|transaction| {
            mirror::update(transaction, &record)?;
            content::publish(transaction, record.id, &content, &origin)
        });
        stored.expect("published");
        record.id
    }

    pub fn call(&self, more: &[&str]) -> Output {
        self.call_as(&["--service-user", SERVICE, "--web-user", WEB], more)
    }

    /// A call with other users.
    pub fn call_as(&self, users: &[&str], more: &[&str]) -> Output {
        let mut command = self.command(&["unshare", "--mount"]);
        command
            .args(users)
            .args(more)
            .output()
            .expect("unshare starts")
    }

    /// The doctor of this site by another program, without users.
    pub fn command(&self, by: &[&str]) -> Command {
        let mut command = Command::new(by[0]);
        command
            .args(&by[1..])
            .args(["sh", "-c", WITHOUT_SYSTEMD, "sh"]);
        command.arg(program_path("heliostat")).arg("doctor");
        command.arg("--apachectl").arg("/usr/sbin/apache2");
        command.arg("--apache-config").arg(self.path("httpd.conf"));
        command.arg("--nginx-config").arg(self.path("nginx.conf"));
        command
            .env("HELIOSTAT_CONFIG", self.site.config())
            .env("NO_COLOR", "1");
        command
    }

    /// The lines that `doctor` prints, without the one about systemd.
    pub fn told(&self, more: &[&str]) -> String {
        let output = self.call(more);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().filter(|line| *line != NO_UNITS);
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// The findings, and the exit code.
    pub fn findings(&self) -> (Vec<Value>, Option<i32>) {
        let output = self.call(&["--json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "", "nothing else is said");
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let unchecked = value["not_checked"].as_array().expect("a list");
        let refused = unchecked
            .iter()
            .find(|one| one["for_want_of_permission"] == true);
        assert_eq!(refused, None, "root may look at everything");
        let found = value["findings"].as_array().expect("a list").clone();
        (found, output.status.code())
    }

    /// The names of what is found, without repetition.
    pub fn ids(&self) -> Vec<String> {
        let (found, _) = self.findings();
        let mut ids: Vec<String> = found.iter().map(id).collect();
        ids.dedup();
        ids
    }

    /// Runs a fix as a person does who copies it.
    pub fn apply(&self, fix: &str) {
        let programs = Path::new(program_path("heliostat")).parent();
        let programs = programs.expect("a folder").display();
        let output = Command::new("bash")
            .args(["-c", fix])
            .env("PATH", format!("{programs}:/usr/sbin:/usr/bin:/sbin:/bin"))
            .output()
            .expect("bash starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{fix}: {said}");
    }

    /// Sees exactly that, mends it by what is printed, and sees silence.
    #[track_caller]
    pub fn sees_and_mends(&self, id: &str, part: &str) {
        let fixes = self.sees(id, part);
        for fix in fixes {
            self.apply(&fix);
        }
        let (found, code) = self.findings();
        assert_eq!((found, code), (vec![], Some(0)), "{id}: after its fix");
    }

    /// Mends the first finding, looks again, and so on; returns what was seen first each time.
    pub fn mend_in_turn(&self) -> Vec<String> {
        let mut seen = Vec::new();
        for _ in 0..6 {
            let (found, _) = self.findings();
            let Some(first) = found.first() else {
                return seen;
            };
            seen.push(id(first));
            self.apply(first["fix"].as_str().expect("text"));
        }
        panic!("no end: {seen:?} {:#?}", self.findings().0);
    }

    /// Sees exactly that; returns the fixes.
    #[track_caller]
    pub fn sees(&self, wanted: &str, part: &str) -> Vec<String> {
        let (found, code) = self.findings();
        let ids: Vec<String> = found.iter().map(id).collect();
        assert!(
            !ids.is_empty() && ids.iter().all(|id| id == wanted),
            "{wanted}: {found:#?}"
        );
        let is_note = found.iter().all(|one| one["severity"] == "note");
        assert_eq!(code, Some(if is_note { 0 } else { 3 }), "{wanted}");
        let text = format!("{found:?}");
        assert!(text.contains(part), "{wanted}: {part} is not in {text}");
        let fixes = found.iter().map(|one| one["fix"].as_str().expect("text"));
        let fixes: Vec<String> = fixes.map(str::to_owned).collect();
        assert!(fixes.iter().all(|fix| !fix.is_empty()), "{wanted}");
        fixes
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.site.path(name)
    }
}

fn id(finding: &Value) -> String {
    finding["id"].as_str().expect("text").to_owned()
}

#[test]
fn it_is_quiet_when_all_is_well() {
    let clinic = Clinic::new();
    assert_eq!(clinic.told(&[]), "");
    assert_eq!(clinic.call(&[]).status.code(), Some(0));
    let told = clinic.told(&["-v", "--as", "daemon"]);
    for area in [
        "users",
        "configuration",
        "tree of test",
        "database of test",
        "socket",
    ] {
        let begin = format!("checked: {area}: ");
        let lines = told
            .lines()
            .filter(|line| line.starts_with(&begin) && line.ends_with(": ok"));
        assert_eq!(lines.count(), 1, "{area}: {told}");
    }
    assert!(
        told.contains("2 directories, 1 files, as nobody, www-data, daemon"),
        "{told}"
    );
}

#[test]
fn what_another_user_could_see_is_not_called_fine() {
    let clinic = Clinic::new();
    let as_service = "setpriv --reuid nobody --regid 65534 --clear-groups";
    let mut command = clinic.command(&as_service.split(' ').collect::<Vec<_>>());
    let output = command.args(["--service-user", SERVICE]).output();
    let output = output.expect("setpriv starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "not checked: users: what www-data may read: ";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_missing_user_and_a_missing_responder_are_named() {
    let clinic = Clinic::without_responder();
    clinic.sees("responder-away", "fcgi.sock");
    let _responder = Responder::start(&clinic.site);
    assert_eq!(clinic.ids(), [""; 0]);
    let output = clinic.call(&["--service-user", "no-such-user"]);
    assert_eq!(output.status.code(), Some(2), "given twice");
    let output = clinic.call_as(&["--service-user", "no-such-user"], &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.starts_with("error: there is no user no-such-user [user-missing]"),
        "{said}"
    );
    assert!(said.contains("\n  fix: useradd --system "), "{said}");
}

#[test]
fn a_site_is_named_where_there_are_several() {
    let clinic = Clinic::new();
    let mut config = std::fs::read_to_string(clinic.site.config()).expect("it is there");
    config += "[site.other]\ntree = \"nowhere\"\ndatabase = \"other.sqlite\"\n";
    std::fs::write(clinic.site.config(), config).expect("written");
    let said = clinic.told(&[]);
    assert!(
        said.contains("[tree-missing]") && said.contains("(site other)"),
        "{said}"
    );
    assert!(said.contains("not checked: mirrors of other: "), "{said}");
    let only = clinic.site.config();
    let only = only.to_str().expect("text");
    let mut command = Command::new(program_path("heliostat"));
    command.args(["--config", only, "-b", "test", "doctor", "--json"]);
    let output = command.output().expect("it starts");
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(!value.to_string().contains("\"other\""), "{value:#}");
}

/// The words behind `Finding::error(` and the like.
fn ids_of(source: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for call in ["Finding::error(", "Finding::warning(", "Finding::note("] {
        for (_, rest) in source
            .match_indices(call)
            .map(|(at, _)| source[at..].split_at(call.len()))
        {
            if let Some(text) = rest.trim_start().strip_prefix('"') {
                ids.extend(text.split('"').next().map(str::to_owned));
            }
        }
    }
    ids
}

#[test]
fn every_finding_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/troubleshooting.md")).expect("a page");
    let mut ids = Vec::new();
    let mut rooms = vec![root.join("src/admin/doctor")];
    while let Some(room) = rooms.pop() {
        for entry in std::fs::read_dir(room).expect("a room").flatten() {
            match entry.path() {
                path if path.is_dir() => rooms.push(path),
                path => ids.extend(ids_of(&std::fs::read_to_string(path).expect("a file"))),
            }
        }
    }
    assert!(ids.len() > 25, "{ids:?}");
    ids.retain(|id| !page.contains(&format!("`{id}`")));
    assert_eq!(ids, [""; 0], "not in docs/troubleshooting.md");
}
