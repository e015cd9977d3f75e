"""A router with a numbers database, and the web servers that its numbers name."""

import base64
import concurrent.futures
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import urllib.parse

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "0123456789abcdef0123456789abcdef"
# Its numbers are made by make_many.
BULK_ACCOUNT = "AC" + "0" * 31 + "2"
BULK_TOKEN = "fedcba9876543210fedcba9876543210"
CONFIGURED_NUMBER = "+14155550199"
WAIT_SECONDS = 60

CONFIG = """
grpc: {{listen: "127.0.0.1:0"}}
http: {{listen: "127.0.0.1:0"}}
admin: {{listen: "127.0.0.1:0"}}
accounts:
  - {{sid: {account}, auth_token_file: token}}
  - {{sid: {bulk_account}, auth_token_file: bulk-token}}
numbers:
  - phone_number: "{configured}"
    account_sid: {account}
    voice: {{url: "http://127.0.0.1:{port}/configured"}}
numbers_database: numbers.db
egress: {{allow: [127.0.0.0/8]}}
log: {{level: info}}
"""


class WebServer(http.server.BaseHTTPRequestHandler):
    """Answers with a document that says which path was asked, and how; /broken with 500."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = urllib.parse.urlsplit(self.path).path
        text = f"{self.command} {path}"
        body = f"<Response><!-- {text} --></Response>".encode()
        self.send_response(500 if path == "/broken" else 200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class World:
    def __init__(self, binaries):
        self._binaries = pathlib.Path(binaries)
        self._folder = tempfile.TemporaryDirectory()
        self._web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), WebServer)
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        folder = pathlib.Path(self._folder.name)
        (folder / "token").write_text(TOKEN, encoding="utf-8")
        (folder / "bulk-token").write_text(BULK_TOKEN, encoding="utf-8")
        (folder / "router.yaml").write_text(
            CONFIG.format(
                account=ACCOUNT,
                bulk_account=BULK_ACCOUNT,
                configured=CONFIGURED_NUMBER,
                port=self._web.server_port,
            ),
            encoding="utf-8",
        )
        self._log = open(folder / "log", "w+", encoding="utf-8")
        self._router = subprocess.Popen(
            [self._binaries / "understudy-router", "--config", folder / "router.yaml"],
            stderr=self._log,
        )
        try:
            serving = self._serving(folder / "log")
        except BaseException:
            self.close()
            raise
        self.grpc = f"127.0.0.1:{serving['grpc_port']}"
        self.http_port = serving["http_port"]
        self.base_url = f"http://127.0.0.1:{self.http_port}"
        self.web = f"http://127.0.0.1:{self._web.server_port}"

    def _serving(self, log):
        """The line of the log that names the ports."""
        waited = threading.Event()
        for _ in range(WAIT_SECONDS * 20):
            for line in log.read_text(encoding="utf-8").splitlines():
                if '"message":"serving"' in line:
                    return json.loads(line)
            if self._router.poll() is not None:
                break
            waited.wait(0.05)
        raise AssertionError("the router does not start: " + log.read_text(encoding="utf-8"))

    def close(self):
        self._router.terminate()
        try:
            self._router.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._router.kill()
            self._router.wait()
            raise
        finally:
            self._web.shutdown()
            self._web.server_close()
            self._log.close()
            self._folder.cleanup()

    def resolve(self, number, kind="voice"):
        """What a call to `number` is answered, over gRPC: who answered, and the document's text."""
        done = subprocess.run(
            [
                self._binaries / "understudy",
                "resolve",
                "--router",
                self.grpc,
                "--number",
                number,
                "--kind",
                kind,
                "--json",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.stdout:
            return done.stderr
        answer = json.loads(done.stdout)
        text = answer["twiml"].partition("<!-- ")[2].partition(" -->")[0]
        return f"{answer['source']} {text}".strip()

    def make_many(self, count):
        """Numbers of BULK_ACCOUNT, made by eight clients at once; which they are."""
        numbers = [f"+1415{5000000 + i}" for i in range(count)]

        def make(numbers):
            connection = http.client.HTTPConnection("127.0.0.1", self.http_port)
            credentials = base64.b64encode(f"{BULK_ACCOUNT}:{BULK_TOKEN}".encode()).decode()
            for number in numbers:
                connection.request(
                    "POST",
                    f"/2010-04-01/Accounts/{BULK_ACCOUNT}/IncomingPhoneNumbers.json",
                    urllib.parse.urlencode({"PhoneNumber": number}),
                    {
                        "Authorization": f"Basic {credentials}",
                        "Content-Type": "application/x-www-form-urlencoded",
                    },
                )
                answer = connection.getresponse()
                answer.read()
                if answer.status == 201:
                    continue
                raise AssertionError(f"{number}: {answer.status}")
            connection.close()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(make, [numbers[i::8] for i in range(8)]))
        return numbers

    def environment(self, packages):
        """What numbers.js is told."""
        return {
            **os.environ,
            "NODE_PATH": str(packages),
            "UNDERSTUDY_BINARY": str(self._binaries / "understudy"),
            "UNDERSTUDY_API": self.base_url,
            "UNDERSTUDY_ROUTER": self.grpc,
            "UNDERSTUDY_WEB": self.web,
            "UNDERSTUDY_ACCOUNT": ACCOUNT,
            "UNDERSTUDY_TOKEN": TOKEN,
            "UNDERSTUDY_BULK_ACCOUNT": BULK_ACCOUNT,
            "UNDERSTUDY_BULK_TOKEN": BULK_TOKEN,
            "UNDERSTUDY_CONFIGURED_NUMBER": CONFIGURED_NUMBER,
        }
