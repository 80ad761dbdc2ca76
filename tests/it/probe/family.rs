//! Address families: nobody is sent where he cannot go.

use std::process::Command;

use crate::stand_in::probe_site::{AT_ONCE, add, fill, is_alive, pass, records, site};
use crate::stand_in::site::{TestSite, program_path};
use crate::stand_in::webserver::{Manner, WebServer};

/// Mirrors that `explain` names for a client, and the reasons of the others.
fn explained(site: &TestSite, ip: &str) -> (Vec<String>, Vec<String>) {
    let arguments = ["explain", "/z.zip", "--ip", ip, "--json"];
    let value: serde_json::Value =
        serde_json::from_str(&site.run_ok("heliostat", &arguments)).expect("JSON");
    let names = |list: &serde_json::Value, key: &str| -> Vec<String> {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let name = |item: &serde_json::Value| {
            let mirror = item["mirror"].as_str().unwrap_or_default();
            format!("{mirror} {}", item[key].as_str().unwrap_or_default())
        };
        let mut names: Vec<String> = list.iter().map(name).collect();
        names.sort();
        names
    };
    let chosen = names(&value["candidates"], "none").into_iter();
    let chosen = chosen.map(|name| name.trim().to_owned()).collect();
    (chosen, names(&value["excluded"], "reason"))
}

#[test]
fn clients_are_sent_to_mirrors_of_their_family() {
    let site = site(AT_ONCE);
    let (four, six) = (
        WebServer::start("127.0.0.1", Manner::Serves),
        WebServer::start("::1", Manner::Serves),
    );
    fill(&four);
    fill(&six);
    add(&site, "four", &four.url(""), |_| {});
    add(&site, "six", &six.url(""), |_| {});
    pass(&site, &[]);
    assert_eq!(records(&site, "six")[0].family.number(), 6);
    let none = "";
    assert_eq!(
        explained(&site, "192.0.2.1"),
        (vec!["four".into()], vec![format!("six ipv6-only{none}")])
    );
    assert_eq!(
        explained(&site, "2001:db8::1"),
        (vec!["six".into()], vec!["four ipv4-only".into()])
    );
}

/// Hosts of the network below: what they are called, and what really listens there.
const HOSTS: &str = "\
127.0.0.1 localhost
198.51.100.4 four.test
2001:db8:1::6 six.test
198.51.100.10 dual.test
2001:db8:1::10 dual.test
198.51.100.20 half.test
2001:db8:1::dead half.test
";

/// Runs in network and mount namespaces of its own. Three hosts at one switch: the redirector with
/// both families, a client with IPv4 alone, one with IPv6 alone; the mirrors are the switch's
/// addresses, all but half.test's IPv6 one.
const NETWORK: &str = r#"
set -e
mkdir -p /run/netns
mount -t tmpfs none /run/netns
mount --bind "$FOLDER/hosts" /etc/hosts
ip link set lo up
ip netns add switch
ip netns exec switch ip link set lo up
ip netns exec switch ip link add br0 type bridge
ip netns exec switch ip link set br0 up
for address in 4 10 20; do
    ip netns exec switch ip address add 198.51.100.$address/24 dev br0
done
for address in 6 10; do
    ip netns exec switch ip address add 2001:db8:1::$address/64 dev br0 nodad
done
join() {
    ip netns add "$1"
    ip netns exec "$1" ip link set lo up
    ip link add "port-$1" type veth peer name eth0 netns "$1"
    ip link set "port-$1" netns switch
    ip netns exec switch ip link set "port-$1" master br0 up
    ip netns exec "$1" ip link set eth0 up
    shift_name=$1; shift
    for address; do
        ip netns exec "$shift_name" ip address add "$address" dev eth0 nodad
    done
}
join redirector 198.51.100.100/24 2001:db8:1::100/64
join client4 198.51.100.104/24
ip netns exec client4 sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=1
join client6 2001:db8:1::106/64
ip netns exec switch python3 -m http.server 80 --bind :: --directory "$FOLDER/tree" \
    >"$FOLDER/web.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
for try in $(seq 100); do
    ip netns exec redirector curl -sf -o "$FOLDER/out" http://dual.test/z.zip && break
    sleep 0.1
done
ip netns exec redirector "$PROBE" -v
sent() {
    ip netns exec redirector "$HELIOSTAT" explain /z.zip --ip "$2" --json >"$FOLDER/$1.json"
    for mirror in $(cat "$FOLDER/mirrors"); do
        if ip netns exec "$1" curl -sf -m 2 -o "$FOLDER/out" "http://$mirror.test/z.zip"; then
            echo "$1 reaches $mirror"
        fi
    done
}
sent client4 198.51.100.104
sent client6 2001:db8:1::106
"#;

#[test]
fn in_namespaces_every_client_reaches_the_mirror_it_is_sent_to() {
    let site = site(AT_ONCE);
    let mirrors = ["four", "six", "dual", "half"];
    for mirror in mirrors {
        add(&site, mirror, &format!("http://{mirror}.test/"), |_| {});
    }
    std::fs::write(site.path("hosts"), HOSTS).expect("a file");
    std::fs::write(site.path("mirrors"), mirrors.join(" ")).expect("a file");
    let mut command = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let output = command
        .args(["--mount", "--net", "sh", "-c", NETWORK])
        .env("FOLDER", site.path(""))
        .env("HELIOSTAT_CONFIG", site.config())
        .env("PROBE", program_path("heliostat-probe"))
        .env("HELIOSTAT", program_path("heliostat"))
        .output()
        .expect("unshare is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{errors}");
    assert!(
        mirrors.iter().all(|mirror| is_alive(&site, mirror)),
        "{said}{errors}"
    );
    // Clients with both hang on its dead IPv6 address: it comes last for everybody.
    let json = std::fs::read_to_string(site.path("client4.json")).expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let last = value["candidates"].as_array().and_then(|list| list.last());
    let last = last.expect("candidates");
    assert_eq!(
        (&last["mirror"], &last["later"]),
        (&"half".into(), &"dead-ipv6".into())
    );
    for (client, expected) in [
        ("client4", ["dual", "four", "half"].as_slice()),
        ("client6", ["dual", "six"].as_slice()),
    ] {
        let reaches = |mirror: &&str| said.contains(&format!("{client} reaches {mirror}\n"));
        let reached: Vec<&str> = mirrors.iter().copied().filter(reaches).collect();
        let json = std::fs::read_to_string(site.path(&format!("{client}.json"))).expect("JSON");
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let list = value["candidates"].as_array().expect("candidates");
        let mut sent: Vec<&str> = list.iter().filter_map(|c| c["mirror"].as_str()).collect();
        sent.sort_unstable();
        assert_eq!(sent, expected, "{client}: {said}{errors}");
        assert!(
            sent.iter().all(|mirror| reached.contains(mirror)),
            "{client}: {said}{errors}"
        );
    }
}

/// Answers every question of a resolver with: there is no such name.
const NO_SUCH_NAME: &str = "\
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 53))
open(os.environ['FOLDER'] + '/bound', 'w').close()
while True:
    question, who = s.recvfrom(512)
    s.sendto(question[:2] + b'\\x81\\x83' + question[4:6] + bytes(6) + question[12:], who)
";

/// Runs in namespaces of its own: three mirrors behind a link that goes down, then names without a
/// resolver, then a resolver that knows no such name.
const CUT_OFF: &str = r#"
set -e
mkdir -p /run/netns
mount -t tmpfs none /run/netns
mount --bind "$FOLDER/hosts" /etc/hosts
mount --bind "$FOLDER/resolv.conf" /etc/resolv.conf
mount --bind "$FOLDER/nsswitch.conf" /etc/nsswitch.conf
ip link set lo up
ip netns add mirrors
ip link add eth0 type veth peer name eth0 netns mirrors
ip address add 198.51.100.1/24 dev eth0
ip -6 address add 2001:db8:1::1/64 dev eth0 nodad
ip link set eth0 up
for address in 198.51.100.11 198.51.100.12 198.51.100.13; do
    ip netns exec mirrors ip address add $address/24 dev eth0
done
for address in 2001:db8:1::11 2001:db8:1::12 2001:db8:1::13; do
    ip netns exec mirrors ip address add $address/64 dev eth0 nodad
done
ip netns exec mirrors ip link set eth0 up
ip netns exec mirrors ip link set lo up
ip netns exec mirrors python3 -m http.server 80 --bind :: --directory "$FOLDER/tree" \
    >"$FOLDER/web.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
for try in $(seq 100); do
    curl -sf -o "$FOLDER/out" http://m3.test/z.zip && break
    sleep 0.1
done
probe() {
    code=0
    "$PROBE" >"$FOLDER/said" 2>&1 || code=$?
    echo "$1: $code $(grep -c 'cut off' "$FOLDER/said") $("$HELIOSTAT" status --json |
        tr -d ' \n' | grep -o '"cut_off":.[^]]*.' | grep -o '"family":.' | tr '\n' ' ')"
}
probe fine
ip link set eth0 down
probe link-down
probe link-still-down
ip link set eth0 up
ip -6 address add 2001:db8:1::1/64 dev eth0 nodad 2>/dev/null || true
for try in $(seq 100); do
    curl -6 -sf -o "$FOLDER/out" http://m3.test/z.zip && break
    sleep 0.1
done
probe up-again
ip -6 address del 2001:db8:1::1/64 dev eth0
ip -6 address flush dev eth0
probe no-ipv6
ip -6 address add 2001:db8:1::1/64 dev eth0 nodad
probe both-again
echo "127.0.0.1 localhost" >"$FOLDER/hosts"
probe no-resolver
python3 -c "$NO_SUCH_NAME" &
resolver=$!
trap 'kill $server $resolver' EXIT
for try in $(seq 100); do
    test -e "$FOLDER/bound" && break
    sleep 0.1
done
probe no-such-name
"#;

#[test]
fn in_namespaces_only_silence_means_that_this_host_is_cut_off() {
    let site = site(AT_ONCE);
    let mirrors = ["m1", "m2", "m3"];
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    for (at, mirror) in mirrors.iter().enumerate() {
        add(&site, mirror, &format!("http://{mirror}.test/"), |_| {});
        let number = at + 11;
        hosts +=
            &format!("198.51.100.{number} {mirror}.test\n2001:db8:1::{number} {mirror}.test\n");
    }
    std::fs::write(site.path("hosts"), hosts).expect("a file");
    std::fs::write(site.path("nsswitch.conf"), "hosts: files dns\n").expect("a file");
    let resolver = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
    std::fs::write(site.path("resolv.conf"), resolver).expect("a file");
    let mut command = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let output = command
        .args(["--mount", "--net", "sh", "-c", CUT_OFF])
        .env("FOLDER", site.path(""))
        .env("NO_SUCH_NAME", NO_SUCH_NAME)
        .env("HELIOSTAT_CONFIG", site.config())
        .env("PROBE", program_path("heliostat-probe"))
        .env("HELIOSTAT", program_path("heliostat"))
        .output()
        .expect("unshare is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{errors}");
    let both = "\"family\":4 \"family\":6 ";
    let lines: Vec<&str> = said.lines().collect();
    let expected = [
        "fine: 0 0 ".to_owned(),
        format!("link-down: 3 1 {both}"),
        // The news is told once.
        format!("link-still-down: 3 0 {both}"),
        "up-again: 0 0 ".to_owned(),
        "no-ipv6: 3 1 \"family\":6 ".to_owned(),
        "both-again: 0 0 ".to_owned(),
        format!("no-resolver: 3 1 {both}"),
        "no-such-name: 0 0 ".to_owned(),
    ];
    assert_eq!(lines, expected, "{errors}");
    assert!(
        mirrors.iter().all(|mirror| !is_alive(&site, mirror)),
        "{said}"
    );
}
