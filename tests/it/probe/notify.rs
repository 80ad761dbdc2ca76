//! People are told of each change once: by mail through a sendmail, by a webhook.

use crate::stand_in::probe_site::{AT_ONCE, add, fill, pass, site};
use crate::stand_in::site::TestSite;
use crate::stand_in::webserver::{Manner, WebServer};

/// A sendmail that keeps what it gets, a file a mail; or fails.
fn sendmail(site: &TestSite, script: &str) -> String {
    let path = site.script("sendmail", script);
    std::fs::create_dir_all(site.path("mails")).expect("a folder");
    path.to_string_lossy().into_owned()
}

fn keeping(site: &TestSite) -> String {
    let folder = site.path("mails").to_string_lossy().into_owned();
    format!("n=$(ls {folder} | wc -l); {{ echo \"$@\"; cat; }} > {folder}/$n")
}

/// The mails so far; the first line of each are the arguments.
fn mails(site: &TestSite) -> Vec<String> {
    let folder = std::fs::read_dir(site.path("mails")).expect("the folder");
    let mut paths: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let read = |path| std::fs::read_to_string(path).expect("a mail");
    paths.into_iter().map(read).collect()
}

fn configure(site: &TestSite, more: &str) {
    let file = site.config();
    let text = std::fs::read_to_string(&file).expect("the configuration");
    std::fs::write(&file, text + more + "\n").expect("the configuration");
}

/// Every way of telling.
fn configure_all(site: &TestSite, program: &str, hook: &str) {
    configure(
        site,
        &format!(
            "sendmail = \"{program}\"\nmail_to = [\"admin@site.test\"]\n\
             mail_from = \"heliostat@site.test\"\nmail_mirror_admins = true\n\
             webhook = \"{hook}hook?token=s3cr3t\""
        ),
    );
}

#[test]
fn each_change_is_told_once_to_everybody() {
    let hook = WebServer::start("127.0.0.1", Manner::Serves);
    let site = site(AT_ONCE);
    let program = sendmail(&site, &keeping(&site));
    configure_all(&site, &program, &hook.url(""));
    let web = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&web);
    let other = WebServer::start("127.0.0.1", Manner::Serves);
    fill(&other);
    add(&site, "m1", &web.url(""), |m| {
        m.admin_email = "ops@mirror.test".into()
    });
    add(&site, "m2", &web.url(""), |m| {
        m.admin_email = "-bad <x>".into()
    });
    add(&site, "m3", &other.url(""), |_| {});
    pass(&site, &[]);
    assert!(
        mails(&site).is_empty() && hook.requests().is_empty(),
        "nothing changed"
    );
    web.behave(Manner::Status(500));
    for _ in 0..3 {
        pass(&site, &[]);
    }
    let told = mails(&site);
    assert_eq!(
        told.len(),
        2,
        "one to the admin, one to the mirror's: {told:?}"
    );
    assert!(
        told[0].starts_with("-i -f heliostat@site.test -- admin@site.test\n"),
        "{told:?}"
    );
    assert!(told[0].contains("Subject: [heliostat test] m1 is down, m2 is down\n"));
    assert!(
        told[0].contains("m1: is down: http IPv4: it answers 500 for /"),
        "{}",
        told[0]
    );
    assert!(
        told[0].contains("  to see it: curl -4 -sS -L -I 'http://"),
        "{}",
        told[0]
    );
    assert!(
        told[1].starts_with("-i -f heliostat@site.test -- ops@mirror.test\n"),
        "{told:?}"
    );
    assert!(
        !told[1].contains("m2"),
        "an admin hears of his mirror only: {}",
        told[1]
    );
    let posts = hook.requests();
    assert_eq!(posts.len(), 1);
    let news: serde_json::Value = serde_json::from_str(&posts[0].body).expect("JSON");
    assert_eq!(news["text"], "[heliostat test] m1 is down, m2 is down");
    assert_eq!(news["changes"][0]["state"], "down");
    web.behave(Manner::Serves);
    pass(&site, &[]);
    assert_eq!(mails(&site).len(), 4, "and that it is up again");
    // To and fro within a day: silence.
    web.behave(Manner::Status(500));
    pass(&site, &[]);
    assert_eq!(mails(&site).len(), 4);
}

#[test]
fn people_hear_that_this_host_is_cut_off_and_that_it_is_over() {
    let hook = WebServer::start("127.0.0.1", Manner::Serves);
    let site = site(AT_ONCE);
    let program = sendmail(&site, &keeping(&site));
    configure_all(&site, &program, &hook.url(""));
    let webs: Vec<WebServer> = (0..3)
        .map(|_| WebServer::start("127.0.0.1", Manner::Hangs))
        .collect();
    for (at, web) in webs.iter().enumerate() {
        fill(web);
        add(&site, &format!("m{at}"), &web.url(""), |m| {
            m.admin_email = "ops@mirror.test".into()
        });
    }
    pass(&site, &[]);
    pass(&site, &[]);
    let told = mails(&site);
    assert_eq!(told.len(), 1, "once, and no admin of a mirror: {told:?}");
    assert!(
        told[0].contains("Subject: [heliostat test] cut off IPv4: looks so\n"),
        "{told:?}"
    );
    assert!(
        told[0].contains("this host looks cut off, so nothing is turned off"),
        "{told:?}"
    );
    webs.iter().for_each(|web| web.behave(Manner::Serves));
    pass(&site, &[]);
    pass(&site, &[]);
    let told = mails(&site);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[1].contains("Subject: [heliostat test] cut off IPv4: is over\n"),
        "{told:?}"
    );
    let posts = hook.requests();
    assert_eq!(posts.len(), 2);
    let news: serde_json::Value = serde_json::from_str(&posts[0].body).expect("JSON");
    assert_eq!(news["changes"][0]["about"], "cut off IPv4");
    assert_eq!(news["changes"][0]["mirror"], serde_json::Value::Null);
    assert_eq!(news["changes"][0]["state"], "down");
}

#[test]
fn who_could_not_be_told_is_told_later() {
    let site = site(AT_ONCE);
    let program = sendmail(&site, "exit 75");
    configure(
        &site,
        &format!("sendmail = \"{program}\"\nmail_to = [\"admin@site.test\"]"),
    );
    let web = WebServer::start("127.0.0.1", Manner::Status(500));
    add(&site, "m", &web.url(""), |_| {});
    let (code, said) = pass(&site, &[]);
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("sendmail did not accept a mail (exit status: 75)"),
        "{said}"
    );
    sendmail(&site, &keeping(&site));
    assert_eq!(pass(&site, &[]).0, 0);
    assert_eq!(mails(&site).len(), 1);
    pass(&site, &[]);
    assert_eq!(mails(&site).len(), 1);
}

#[test]
fn a_webhook_that_fails_keeps_its_secret() {
    let hook = WebServer::start("127.0.0.1", Manner::Status(403));
    let site = site(AT_ONCE);
    configure(
        &site,
        &format!("webhook = \"{}hook?token=s3cr3t\"", hook.url("")),
    );
    let web = WebServer::start("127.0.0.1", Manner::Status(500));
    add(&site, "m", &web.url(""), |_| {});
    let (code, said) = pass(&site, &["-vv"]);
    assert_eq!(code, 3);
    assert!(
        said.contains("the webhook did not accept the notice (it answers 403)"),
        "{said}"
    );
    hook.behave(Manner::Closes);
    let said = pass(&site, &["-vv"]).1 + &said;
    assert!(
        said.contains("webhook") && !said.contains("s3cr3t"),
        "{said}"
    );
}
