"""The recorded site, served by our programs: tree, database, responder, Apache."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import wire
from judge import FIXTURES

REPOSITORY = Path(__file__).parents[2]
MODULES = Path("/usr/lib/apache2/modules")
START_S = 30
LOADED = "mpm_event authz_core authz_host alias asis autoindex dir env headers mime proxy"
LOADED += " proxy_fcgi setenvif socache_shmcb ssl xsendfile"

# The recorded configuration beside its vhosts.
SERVER = """
ServerRoot {root}
ServerName mb.example.org
PidFile {root}/httpd.pid
DefaultRuntimeDir {root}
ErrorLog {root}/error.log
LogLevel warn
ServerTokens Prod
TypesConfig /etc/mime.types
AddType text/html .html
AddType text/xml .xml
AddType image/png .png
AddType application/x-iso9660-image .iso
{user}
SetEnvIf Remote_Addr "^(.+)$" GEOIP_ADDR=$1
{place}
SetEnvIf X-Test-No-Addr "1" !GEOIP_ADDR
<Directory />
  Require all denied
  Options None
  AllowOverride None
</Directory>
<Directory {root}>
  Options FollowSymLinks
</Directory>
"""

# What Apache answers without us.
ALONE = """
Listen 127.0.0.1:{port}
<VirtualHost *:{port}>
  ServerName mb.example.org
  DocumentRoot {root}/tree
  <Directory {root}/tree>
    Require all granted
    Options +Indexes +FollowSymLinks
  </Directory>
</VirtualHost>
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(what, is_so, process):
    end = time.monotonic() + START_S
    while not is_so():
        if process.poll() is not None:
            raise SystemExit(f"{what}: it ended with {process.returncode}")
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {START_S} s")
        time.sleep(0.02)


class Site:
    """A folder with everything; `stop` ends what was started."""

    def __init__(self, folder, oracle, entries, programs):
        self.root = Path(folder)
        self.oracle = Path(oracle)
        self.entries = entries
        self.programs = Path(programs)
        self.processes = []
        self.ports = {}

    def prepare(self):
        """Tree, configuration and database."""
        self.root.chmod(0o755)
        for entry in self.entries:
            self.add(entry)
        (self.root / "treelink").symlink_to("tree")
        (self.root / "outside").mkdir()
        sparse(self.root / "outside" / "out.bin", 50_000, 1_400_000_000)
        sparse(self.root / "o", 50_000, 1_400_000_000)
        text = (FIXTURES / "heliostat.toml").read_text().replace("@ROOT@", str(self.root))
        (self.root / "heliostat.toml").write_text(text)
        dump = self.oracle / "mirrorbrain-dump.sql.xz"
        self.run("heliostat", "-b", "main", "import", "mirrorbrain", str(dump))

    def add(self, entry):
        path = os.path.join(os.fsencode(self.root), b"tree", entry.path)
        if entry.kind == "d":
            os.makedirs(path, exist_ok=True)
        elif entry.kind == "l":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(entry.target.replace(b"@ROOT@", os.fsencode(self.root)), path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            sparse(path, entry.size, entry.mtime)

    def environment(self):
        config = str(self.root / "heliostat.toml")
        return os.environ | {"HELIOSTAT_CONFIG": config, "RUST_LOG": "warn"}

    def run(self, program, *arguments):
        command = [str(self.programs / program), *arguments]
        subprocess.run(command, env=self.environment(), check=True, stdout=subprocess.DEVNULL)

    def start_responder(self):
        command = [str(self.programs / "heliostat-fcgi")]
        process = subprocess.Popen(command, env=self.environment(), stdin=subprocess.DEVNULL)
        self.processes.append(process)
        wait_for("heliostat-fcgi", self.answers, process)

    def answers(self):
        """The socket is there before the database is read, so only an answer says that it is."""
        try:
            with self.connect() as connection:
                wire.fastcgi(connection, {"REQUEST_METHOD": b"OPTIONS"})
        except OSError:
            return False
        return True

    def connect(self):
        return wire.connect_fastcgi(self.root / "fcgi.sock")

    def start_apache(self):
        """The shipped vhost three times, with what the recorded server had beside it."""
        self.ports = {vhost: free_port() for vhost in ("main", "tls", "link", "alone")}
        shutil.copytree(REPOSITORY / "apache-conf", self.root / "share")
        self.make_certificate()
        config = self.root / "httpd.conf"
        config.write_text(self.apache_config())
        command = ["/usr/sbin/apache2", "-f", str(config), "-DFOREGROUND"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        wait_for("apache2", lambda: self.listens("main"), process)

    def listens(self, vhost):
        try:
            socket.create_connection(("127.0.0.1", self.ports[vhost])).close()
        except OSError:
            return False
        return True

    def make_certificate(self):
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2".split()
        command += ["-subj", "/CN=mb.example.org"]
        files = ["-keyout", str(self.root / "key.pem"), "-out", str(self.root / "cert.pem")]
        subprocess.run(command + files, check=True, stderr=subprocess.DEVNULL)

    def apache_config(self):
        lines = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED.split()]
        place = [f'SetEnvIf {header} "^(.+)$" {name}=$1' for header, name in wire.PLACE.items()]
        # Apache's processes do not run as root.
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        text = SERVER.format(root=self.root, user=user, place="\n".join(place))
        vhosts = [self.vhost(name, self.ports[name]) for name in ("main", "tls", "link")]
        alone = ALONE.format(root=self.root, port=self.ports["alone"])
        return "\n".join([*lines, text, *vhosts, alone])

    def vhost(self, name, port):
        shipped = (REPOSITORY / "apache-conf" / "mod_proxy_fcgi.conf").read_text()
        more = [f"SetEnv HELIOSTAT_SITE {name}"]
        if name == "tls":
            more.append("SSLEngine on")
            more.append(f"SSLCertificateFile {self.root}/cert.pem")
            more.append(f"SSLCertificateKeyFile {self.root}/key.pem")
        facts = {
            "TREE": self.root / ("treelink" if name == "link" else "tree"),
            "SOCKET": self.root / "fcgi.sock",
            "SHARE": self.root / "share",
            "LOG": self.root / "access.log",
            "HOST": wire.SERVER_NAMES[name].decode(),
            "ADDRESS": f"*:{port}",
        }
        if name == "link":
            facts["LISTS"] = '"mirrorlist|release|repo|arch"'
        defined = "".join(f"Define HELIOSTAT_{key} {value}\n" for key, value in facts.items())
        server_name = "    ServerName ${HELIOSTAT_HOST}\n"
        assert server_name in shipped, "the shipped vhost has no ServerName"
        shipped = shipped.replace(server_name, server_name + "\n".join(more) + "\n")
        return f"Listen 127.0.0.1:{port}\nListen [::1]:{port}\n{defined}{shipped}"

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
        self.processes = []


def sparse(path, size, mtime):
    with open(path, "wb") as file:
        file.truncate(size)
    os.utime(path, (mtime, mtime))
