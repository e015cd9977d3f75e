"""What surrounds the services of an image test: name server, web servers and mail server.

All of it in this process and its network namespace, which must be one of its own: addresses and
ports are taken as the configurations name them. Needs root.
"""
import http.server
import pathlib
import socket
import ssl
import struct
import subprocess
import threading
import time

import aiosmtpd.controller
import aiosmtpd.smtp

# Of the web servers: public, so that the router may dial it, and nobody's in this namespace.
WEB_ADDRESS = "11.0.0.1"
LOOPBACK = "127.0.0.1"
FALLBACK_DOCUMENT = b"<Response><Say>Hello from the fallback of the test.</Say></Response>"


def wait_for(condition, what, seconds):
    """The first true value of `condition`, asked again and again; an error after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def set_up_network():
    """Loopback up, with WEB_ADDRESS on it."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", WEB_ADDRESS + "/32", "dev", "lo"], check=True)


def in_background(serve):
    threading.Thread(target=serve, daemon=True).start()


class NameServer:
    """Answers for the names of `addresses` on port 53 of loopback; others do not exist."""

    def __init__(self, addresses):
        self._addresses = {name.lower().rstrip("."): address for name, address in addresses.items()}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, 53))
        in_background(self._serve)

    def _serve(self):
        while True:
            query, client = self._socket.recvfrom(4096)
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        question = query[12 : at + 5]
        address = self._addresses.get(".".join(labels))
        is_a = question[-4:-2] == b"\0\1"
        found = address is not None and is_a
        flags = 0x8180 if address is not None else 0x8183  # NXDOMAIN
        answer = query[:2] + struct.pack(">5H", flags, 1, 1 if found else 0, 0, 0) + question
        if found:
            answer += b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 60, 4) + socket.inet_aton(address)
        return answer


class Authority:
    """A certificate authority of the test: `certificate` is its own."""

    def __init__(self, folder):
        self._folder = pathlib.Path(folder)
        self.certificate = self._folder / "ca.crt"
        self._make("-subj", "/CN=Test authority", "-keyout", "ca.key", "-out", "ca.crt")

    def _make(self, *words):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", *words],
                       cwd=self._folder, check=True, capture_output=True)

    def server_context(self, name):
        """For a server called `name`."""
        if not (self._folder / f"{name}.pem").exists():
            self._make("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                       "-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.crt",
                       "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        return context


class WebServers:
    """Web servers for URLs: those of `failing` answer 500, those of `good` a TwiML document."""

    def __init__(self, failing, good, authority):
        self.requests = []
        replies = {(url.hostname, url.path): (500, b"Internal Server Error\n") for url in failing}
        replies |= {(url.hostname, url.path): (200, FALLBACK_DOCUMENT) for url in good}
        ports = {}
        for url in [*failing, *good]:
            is_tls = url.scheme == "https"
            port = url.port or (443 if is_tls else 80)
            ports.setdefault(port, {})[url.hostname] = is_tls
        for port, hosts in ports.items():
            server = http.server.ThreadingHTTPServer((WEB_ADDRESS, port), self._handler(replies))
            if any(hosts.values()):
                self._wrap(server, hosts, authority)
            in_background(server.serve_forever)

    @staticmethod
    def _wrap(server, hosts, authority):
        contexts = {host: authority.server_context(host) for host in hosts}
        first = next(iter(contexts.values()))

        def choose(connection, name, _):
            connection.context = contexts.get(name, first)

        first.sni_callback = choose
        server.socket = first.wrap_socket(server.socket, server_side=True)

    def _handler(self, replies):
        requests = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                host = self.headers["Host"].split(":")[0]
                path = self.path.split("?")[0]
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                requests.append(f"{host}{path}")
                status, body = replies.get((host, path), (404, b""))
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        return Handler


class MailServer:
    """Takes every mail; with a context by STARTTLS only, with a password after AUTH only."""

    def __init__(self, port, context=None, password=None):
        self.mails = []

        def authenticate(_server, _session, _envelope, _mechanism, given):
            return aiosmtpd.smtp.AuthResult(success=given.password.decode() == password)

        self._controller = aiosmtpd.controller.Controller(
            self, hostname=LOOPBACK, port=port, tls_context=context, require_starttls=bool(context),
            authenticator=authenticate if password else None, auth_required=bool(password))
        self._controller.start()

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append(envelope.content.decode())
        return "250 taken"
