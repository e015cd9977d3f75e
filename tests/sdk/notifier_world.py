"""A notifier that has been told of many errors."""

import base64
import datetime
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import threading

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT = "AC" + "0" * 31 + "2"
OTHER_TOKEN = "fedcba9876543210fedcba9876543210"
BATCH = 500
WAIT_SECONDS = 60

CONFIG = f"""
grpc: {{listen: "127.0.0.1:0"}}
http: {{listen: "127.0.0.1:0"}}
admin: {{listen: "127.0.0.1:0"}}
store: {{sqlite: notifier.db}}
accounts:
  - {{sid: {ACCOUNT}, auth_token_file: token}}
  - {{sid: {OTHER_ACCOUNT}, auth_token_file: other-token}}
mail: {{from: Understudy <understudy@example.com>, directory: mail}}
alerts: {{heartbeat: 0, routes: [{{to: [ops@example.com]}}]}}
log: {{level: info}}
"""


class World:
    def __init__(self, binaries):
        self._folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self._folder.name)
        (folder / "token").write_text(TOKEN, encoding="utf-8")
        (folder / "other-token").write_text(OTHER_TOKEN, encoding="utf-8")
        (folder / "notifier.yaml").write_text(CONFIG, encoding="utf-8")
        self._log = open(folder / "log", "w+", encoding="utf-8")
        self._notifier = subprocess.Popen(
            [pathlib.Path(binaries) / "understudy-notifier", "--config", folder / "notifier.yaml"],
            stderr=self._log,
        )
        try:
            self._port = self._serving(folder / "log")["http_port"]
        except BaseException:
            self.close()
            raise
        self.base_url = f"http://127.0.0.1:{self._port}"

    def _serving(self, log):
        """The line of the log that names the ports."""
        waited = threading.Event()
        for _ in range(WAIT_SECONDS * 20):
            for line in log.read_text(encoding="utf-8").splitlines():
                if '"message":"serving"' in line:
                    return json.loads(line)
            if self._notifier.poll() is not None:
                break
            waited.wait(0.05)
        raise AssertionError("the notifier does not start: " + log.read_text(encoding="utf-8"))

    def close(self):
        self._notifier.terminate()
        try:
            self._notifier.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._notifier.kill()
            self._notifier.wait()
            raise
        finally:
            self._log.close()
            self._folder.cleanup()

    def report(self, events, account=ACCOUNT, token=TOKEN):
        """Hands over `events`, the oldest first."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        credentials = base64.b64encode(f"{account}:{token}".encode()).decode()
        for i in range(0, len(events), BATCH):
            connection.request(
                "POST",
                "/v1/events",
                json.dumps({"events": events[i : i + BATCH]}),
                {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status != 200 or body["rejected"]:
                raise AssertionError(f"{answer.status}: {body}")
        connection.close()

    def environment(self, packages, more):
        """What alerts.js is told."""
        return {
            **os.environ,
            "NODE_PATH": str(packages),
            "UNDERSTUDY_API": self.base_url,
            "UNDERSTUDY_ACCOUNT": ACCOUNT,
            "UNDERSTUDY_TOKEN": TOKEN,
            "UNDERSTUDY_OTHER_ACCOUNT": OTHER_ACCOUNT,
            "UNDERSTUDY_OTHER_TOKEN": OTHER_TOKEN,
            **more,
        }


def event(number, occurred_at, account=ACCOUNT):
    """The `number`th; each fifth is a warning."""
    is_warning = number % 5 == 0
    return {
        "event_id": f"{account}-{number}",
        "occurred_at": occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "account_sid": account,
        "kind": "KIND_VOICE",
        "phone_number": "+14155550199",
        "resource_sid": f"CA{number:032x}",
        "level": "LEVEL_WARNING" if is_warning else "LEVEL_ERROR",
        "error_code": 12200 if is_warning else 11200,
        "error_url": f"https://www.example.com/voice?n={number}",
        "http_status": 502,
        "detail": "the server said 502",
        "request_method": "METHOD_POST",
        "parameters": {"From": "+14155550100", "Digits": "1234"},
        "response_headers": {"Server": "nginx"},
        "response_excerpt": "bad gateway",
    }


def events(count, newest_at):
    """`count` of them, a second apart."""
    step = datetime.timedelta(seconds=1)
    return [event(i, newest_at - step * (count - 1 - i)) for i in range(count)]
