"""The wire: FastCGI to the responder, HTTP to Apache."""

import re
import socket
import ssl
import struct

from sample import Response, parse_response
from targets import target_of

TIMEOUT_S = 30

# SetEnvIf of the recorded configuration: header of the request → parameter.
PLACE = {
    "X-Test-IP": "GEOIP_ADDR",
    "X-Test-Country": "GEOIP_COUNTRY_CODE",
    "X-Test-Continent": "GEOIP_CONTINENT_CODE",
    "X-Test-Lat": "GEOIP_LATITUDE",
    "X-Test-Lng": "GEOIP_LONGITUDE",
    "X-Test-ASN": "ASN",
    "X-Test-PFX": "PFX",
}
SERVER_NAMES = {"main": b"mb.example.org", "tls": b"mb.example.org", "link": b"link.example.org"}


def parameters(request, vhost, entries, address=b"127.0.0.1"):
    """What mod_proxy_fcgi sends for a request of a client, as a dict of bytes.

    `entries` is the tree by path, since Apache cuts a path at the first name that is no directory.
    """
    path = target_of(request).path
    name, info = split_path(path, entries)
    host = request.header("Host")
    bare, _, port = (host or SERVER_NAMES[vhost]).rpartition(b":")
    if not bare or not port.isdigit():
        bare, port = host or SERVER_NAMES[vhost], b"443" if vhost == "tls" else b"80"
    result = {
        "HELIOSTAT_SITE": vhost.encode(),
        "REQUEST_METHOD": request.method.encode(),
        "REQUEST_SCHEME": b"https" if vhost == "tls" else b"http",
        "SERVER_PROTOCOL": request.version.encode(),
        "REQUEST_URI": request.target,
        "QUERY_STRING": request.target.partition(b"?")[2],
        "SCRIPT_NAME": name,
        "SERVER_NAME": bare.lower(),
        "SERVER_PORT": port,
        "REMOTE_ADDR": address,
        "GEOIP_ADDR": address,
    }
    if info:
        result["PATH_INFO"] = info
    if vhost == "tls":
        result["HTTPS"] = b"on"
    for header, value in request.headers:
        result["HTTP_" + header.upper().replace("-", "_")] = value
        if header in PLACE and value:
            result[PLACE[header]] = value
    if request.header("X-Test-No-Addr"):
        del result["GEOIP_ADDR"]
    for header in ("X-Test-No-Addr", *PLACE):
        result.pop("HTTP_" + header.upper().replace("-", "_"), None)
    return result


def case_parameters(case, entries):
    address = b"::1" if case.over_ipv6 else b"127.0.0.1"
    return parameters(case.request, case.vhost, entries, address)


def split_path(path, entries):
    """SCRIPT_NAME and PATH_INFO."""
    names = path[1:].split(b"/")
    for count in range(1, len(names)):
        entry = entries.get(b"/".join(names[:count]))
        if entry is None or entry.kind == "f":
            return b"/" + b"/".join(names[:count]), b"/" + b"/".join(names[count:])
        if entry.kind == "l":
            break
    return path, b""


def fastcgi(connection, request):
    """One request with parameters `request` on a kept connection; the answer."""
    body = b"".join(
        length(len(name)) + length(len(value)) + name.encode() + value
        for name, value in request.items()
    )
    begin = struct.pack(">HB5x", 1, 1)
    connection.sendall(record(1, begin) + record(4, body) + record(4, b"") + record(5, b""))
    output = b""
    while True:
        kind, content = read_record(connection)
        if kind == 6:
            output += content
        elif kind == 3:
            return cgi_response(output)


def length(count):
    return bytes([count]) if count < 128 else struct.pack(">I", count | 0x8000_0000)


def record(kind, content):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def read_record(connection):
    _, kind, _, count, padding = struct.unpack(">BBHHBx", read_exactly(connection, 8))
    content = read_exactly(connection, count + padding)
    return kind, content[:count]


def read_exactly(connection, count):
    content = b""
    while len(content) < count:
        part = connection.recv(count - len(content))
        if not part:
            raise ConnectionError("the responder closed the connection")
        content += part
    return content


def cgi_response(output):
    head, _, body = output.replace(b"\r\n", b"\n", output.count(b"\r\n")).partition(b"\n\n")
    headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in head.split(b"\n")]
    headers = [(name.decode(), value) for name, value in headers]
    response = Response(200, headers, body)
    status = response.header("Status")
    if status is not None:
        response.status = int(status.split(b" ")[0])
    return response


def connect_fastcgi(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(TIMEOUT_S)
    connection.connect(str(path))
    return connection


def http(port, request, tls, over_ipv6=False):
    """Sends a request as it was recorded; reads until the server closes."""
    lines = [f"{request.method} ".encode() + request.target + f" {request.version}".encode()]
    lines += [name.encode() + b": " + value for name, value in request.headers]
    if request.header("Connection") is None:
        lines.append(b"Connection: close")
    address = "::1" if over_ipv6 else "127.0.0.1"
    with socket.create_connection((address, port), TIMEOUT_S) as connection:
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = context.wrap_socket(connection)
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    response = parse_response(answer)
    if response.header("Transfer-Encoding") == b"chunked":
        response.body = without_chunks(response.body)
    separate = [one for field in response.headers for one in fields(field)]
    response.joined = len(separate) > len(response.headers)
    response.headers = separate
    return response


def without_chunks(body):
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        size = int(size.split(b";")[0], 16)
        content += body[:size]
        body = body[size + 2 :]
    return content


def fields(field):
    """Apache joins the fields of one name that come over FastCGI: Link and Digest are lists."""
    name, value = field
    if name not in ("Link", "Digest"):
        return [field]
    joint = rb", (?=<)" if name == "Link" else rb", (?=[A-Z0-9-]+=)"
    return [(name, one) for one in re.split(joint, value)]
