//! Address families: nobody is sent where he cannot go.

use std::process::Command;

use crate::probe_site::{AT_ONCE, add, fill, is_alive, pass, records, site};
use crate::site::{TestSite, program_path};
use crate::webserver::{Manner, WebServer};

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
