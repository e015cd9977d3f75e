"""The servers of the benchmark: web servers that answer and that fail, the router, and its peers."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import h2load
import processes
import wire

HOST = processes.HOST

PRIMARY_TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Say voice="alice">Thank you for calling.'
    '</Say><Gather numDigits="1" action="/menu"><Say>Press one for sales.</Say></Gather></Response>'
)
# Of another length, so that the bytes a client got say who answered.
FALLBACK_TWIML = PRIMARY_TWIML.replace("Thank you for calling.", "Please call again, later.")

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"

# The workloads, and the number that each is called by.
NUMBERS = {
    "primary answers": "+14155550101",
    "primary answers 500, fallback answers": "+14155550102",
    "primary refuses, fallback answers": "+14155550103",
}
SOURCES = {
    workload: "primary" if workload == "primary answers" else "fallback" for workload in NUMBERS
}
PATHS = dict(zip(NUMBERS, ("/answers", "/fails", "/refuses")))


def waiting_number(milliseconds: int) -> str:
    """The number whose primary answers after so long."""
    return f"+1415556{milliseconds:04}"


ROUTER, NGINX, GO = "router", "nginx", "Go"
REPORTING = "router that reports to a notifier"


@dataclasses.dataclass(frozen=True)
class Origins:
    """Ports of the web servers."""

    primary: int
    fails: int
    refuses: int
    fallback: int

    def of(self, workload: str) -> int:
        return dict(zip(NUMBERS, (self.primary, self.fails, self.refuses)))[workload]


@dataclasses.dataclass(frozen=True)
class Server:
    """One that is measured."""

    name: str
    process: subprocess.Popen
    port: int
    admin_port: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_microseconds(self) -> float:
        return processes.cpu_microseconds(self.pid)


def _write(path: pathlib.Path, text: str | bytes) -> pathlib.Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# Kept connections are kept: no number of requests ends one, as a limit would in the midst of a run.
_NGINX = """
daemon off;
{user}
worker_processes {workers};
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 16384; }}
http {{
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  tcp_nodelay on;
  {http}
}}
"""


def is_there(build: pathlib.Path, name: str) -> bool:
    """Of the servers all but the Go peer have to be: it is built where Go is."""
    if name != GO or (build / "bench" / "gopeer").exists():
        return True
    print("the Go peer is not built: left out", file=sys.stderr)
    return False


@contextlib.contextmanager
def nginx(folder: pathlib.Path, http: str, workers: str, port: int) -> Iterator[subprocess.Popen]:
    folder.mkdir()
    # As root, nginx gives its workers to nobody, who must be able to write here.
    user = "user root;" if os.geteuid() == 0 else ""
    conf = _NGINX.format(folder=folder, http=http, workers=workers, user=user)
    arguments = ["nginx", "-p", str(folder), "-c", str(_write(folder / "nginx.conf", conf))]
    arguments += ["-e", str(folder / "error.log")]
    # A killed one would leave its workers behind.
    how = {"death_signal": signal.SIGTERM}
    with processes.running(arguments, folder / "output.log", **how) as process:
        processes.await_that("nginx accepts", lambda: processes.accepts(port), process)
        yield process


@contextlib.contextmanager
def origins(folder: pathlib.Path) -> Iterator[Origins]:
    primary, fails, fallback = processes.free_ports(3)
    http = f"""
      access_log off;
      default_type text/xml;
      server {{ listen {HOST}:{primary} backlog=16384; return 200 '{PRIMARY_TWIML}'; }}
      server {{ listen {HOST}:{fails}; return 500 'Internal Server Error'; }}
      server {{ listen {HOST}:{fallback}; return 200 '{FALLBACK_TWIML}'; }}
    """
    with processes.closed_port() as refuses, nginx(folder, http, "1", fallback):
        yield Origins(primary, fails, refuses, fallback)


@contextlib.contextmanager
def slow_origin(build: pathlib.Path) -> Iterator[int]:
    """The port of a web server that answers a request for /N after N milliseconds."""
    process = processes.start(
        [str(build / "bin" / "slow_origin"), PRIMARY_TWIML], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield int(process.stdout.readline())
        finally:
            processes.stop(process)


@contextlib.contextmanager
def nginx_peer(folder: pathlib.Path, origins: Origins) -> Iterator[Server]:
    """Does with `proxy_pass` and `error_page` what nginx can do of the router's work. It logs a line
    for each call, as the router does, by the way that costs it least."""
    (port,) = processes.free_ports(1)
    upstreams = ""
    for name, to in dataclasses.asdict(origins).items():
        # The router tries once more where there is no connection, as Twilio does: so nginx does too.
        server = f"server {HOST}:{to} max_fails=0; " * (2 if name == "refuses" else 1)
        kept = "keepalive 1024; keepalive_requests 1000000000;"
        upstreams += f"upstream {name} {{ {server}{kept} }}\n"
    http = f"""
      access_log {folder}/access.log combined buffer=64k flush=1s;
      {upstreams}
      server {{
        listen {HOST}:{port} http2;
        http2_max_concurrent_streams 1000;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location /answers {{ proxy_pass http://primary; }}
        location /fails {{
          proxy_intercept_errors on;
          error_page 500 502 503 504 = @fallback;
          proxy_pass http://fails;
        }}
        location /refuses {{
          proxy_next_upstream error non_idempotent;
          proxy_intercept_errors on;
          error_page 500 502 503 504 = @fallback;
          proxy_pass http://refuses;
        }}
        location @fallback {{ proxy_pass http://fallback; }}
      }}
    """
    with nginx(folder, http, "auto", port) as process:
        yield Server(NGINX, process, port)


def router_config(
    folder: pathlib.Path, ports: list[int], numbers: dict[str, tuple[str, str]], more: str = ""
) -> str:
    """As an operator would write it: requests are signed, and calls are logged."""
    token = _write(folder / "auth-token", AUTH_TOKEN)
    lines = [
        f"grpc: {{listen: {HOST}:{ports[0]}}}",
        f"admin: {{listen: {HOST}:{ports[1]}}}",
        f"accounts: [{{sid: {wire.ACCOUNT_SID}, auth_token_file: {token}}}]",
        'egress: {allow: [127.0.0.0/8, "::1/128"]}',
        f"session_key_file: {_write(folder / 'session-key', '0123456789abcdef' * 4)}",
        "fetch: {max_in_flight: 18000}",
        more,
        "numbers:",
    ]
    for number, (url, fallback_url) in numbers.items():
        lines += [
            f'  - phone_number: "{number}"',
            f"    account_sid: {wire.ACCOUNT_SID}",
            f"    voice: {{url: {url}, fallback_url: {fallback_url}}}",
        ]
    return "\n".join(lines) + "\n"


def numbers_of(origins: Origins) -> dict[str, tuple[str, str]]:
    """What the numbers of the workloads are configured with."""
    fallback = f"http://{HOST}:{origins.fallback}/fallback"
    return {
        number: (f"http://{HOST}:{origins.of(workload)}/voice", fallback)
        for workload, number in NUMBERS.items()
    }


def waiting_numbers(port: int, delays_ms: tuple[int, ...]) -> dict[str, tuple[str, str]]:
    """The same for numbers of a slow origin."""
    urls = {delay: f"http://{HOST}:{port}/{delay}" for delay in delays_ms}
    return {waiting_number(delay): (url, url) for delay, url in urls.items()}


@contextlib.contextmanager
def router(
    build: pathlib.Path,
    folder: pathlib.Path,
    numbers: dict[str, tuple[str, str]],
    more: str = "",
    name: str = ROUTER,
) -> Iterator[Server]:
    folder.mkdir(parents=True)
    ports = processes.free_ports(2)
    config = _write(folder / "router.yaml", router_config(folder, ports, numbers, more))
    arguments = [str(build / "bin" / "understudy-router"), "--config", str(config)]
    with processes.running(arguments, folder / "log") as process:
        processes.await_that(
            "the router is ready",
            lambda: processes.get(ports[1], "/readyz") is not None,
            process,
        )
        yield Server(name, process, ports[0], ports[1])


@contextlib.contextmanager
def notifier(build: pathlib.Path, folder: pathlib.Path) -> Iterator[int]:
    """The port of a notifier that takes a router's reports; its mails go into a folder."""
    folder.mkdir(parents=True)
    grpc, http, admin = processes.free_ports(3)
    config = f"""
      grpc: {{listen: {HOST}:{grpc}}}
      http: {{listen: {HOST}:{http}}}
      admin: {{listen: {HOST}:{admin}}}
      store: {{sqlite: {folder}/notifier.db}}
      mail: {{from: bench@example.com, directory: {folder}/mail}}
      alerts: {{routes: [{{to: [ops@example.com]}}]}}
    """
    arguments = [str(build / "bin" / "understudy-notifier")]
    arguments += ["--config", str(_write(folder / "notifier.yaml", config))]
    with processes.running(arguments, folder / "log") as process:
        processes.await_that(
            "the notifier is ready", lambda: processes.get(admin, "/readyz") is not None, process
        )
        yield grpc


@contextlib.contextmanager
def reporting_router(
    build: pathlib.Path, folder: pathlib.Path, numbers: dict[str, tuple[str, str]]
) -> Iterator[Server]:
    """A router that reports failures: each is in a file before it is sent to a notifier."""
    with notifier(build, folder / "notifier") as port:
        more = f"notifier: {{target: {HOST}:{port}, outbox_dir: {folder}/outbox}}"
        with router(build, folder / "router", numbers, more, REPORTING) as server:
            yield server


@contextlib.contextmanager
def go_peer(
    build: pathlib.Path, folder: pathlib.Path, numbers: dict[str, tuple[str, str]]
) -> Iterator[Server]:
    """The service of tests/bench/gopeer, which speaks the router's gRPC."""
    folder.mkdir()
    grpc, admin = processes.free_ports(2)
    urls = {
        number: {"url": url, "fallback_url": fallback}
        for number, (url, fallback) in numbers.items()
    }
    arguments = [
        str(build / "bench" / "gopeer"),
        f"-listen={HOST}:{grpc}",
        f"-admin={HOST}:{admin}",
    ]
    arguments += [f"-numbers={_write(folder / 'numbers.json', json.dumps(urls))}"]
    arguments += [f"-auth-token={_write(folder / 'auth-token', AUTH_TOKEN)}"]
    with processes.running(arguments, folder / "log") as process:
        processes.await_that(
            "the Go peer is ready",
            lambda: processes.accepts(grpc) and processes.get(admin, "/metrics") is not None,
            process,
        )
        yield Server(GO, process, grpc, admin)


_RESOLUTIONS = re.compile(r"^understudy_resolutions_total\{(.*)\} (\S+)$", re.MULTILINE)
_IN_FLIGHT = re.compile(r"^understudy_in_flight (\d+)", re.MULTILINE)
_SENT = re.compile(r"^understudy_outbox_sent_total (\d+)", re.MULTILINE)
_LABELS = re.compile(r'(\w+)="(\w*)"')


def parse_resolutions(page: str) -> dict[str, int]:
    """Of a page of metrics: calls answered, by who answered."""
    counts: dict[str, int] = {}
    for labels, value in _RESOLUTIONS.findall(page):
        source = dict(_LABELS.findall(labels))["source"]
        counts[source] = counts.get(source, 0) + int(float(value))
    return counts


def resolutions(server: Server) -> dict[str, int]:
    page = processes.get(server.admin_port, "/metrics")
    if page is None:
        raise RuntimeError(f"{server.name} shows no metrics")
    return parse_resolutions(page)


def calls(server: Server, workload: str, folder: pathlib.Path, calls: int, **more) -> h2load.Load:
    """A load of calls to a server: gRPC, or to nginx the form over HTTP/2."""
    if server.name == NGINX:
        data = _write(folder / "form", wire.form())
        url = f"http://{HOST}:{server.port}{PATHS[workload]}"
        return h2load.Load(url, data, h2load.FORM_HEADERS, calls, **more)
    return numbered_calls(server, NUMBERS[workload], folder, calls, **more)


def numbered_calls(
    server: Server, number: str, folder: pathlib.Path, calls: int, **more
) -> h2load.Load:
    data = _write(folder / f"request{number}", wire.grpc_frame(wire.resolve_request(number)))
    url = f"http://{HOST}:{server.port}{h2load.RESOLVE_PATH}"
    return h2load.Load(url, data, h2load.GRPC_HEADERS, calls, **more)


def in_flight(server: Server) -> int:
    """Calls that a router is answering."""
    found = _IN_FLIGHT.search(processes.get(server.admin_port, "/metrics") or "")
    return int(found[1]) if found else 0


def reported(server: Server) -> int:
    """Events that the notifier has taken from a router."""
    found = _SENT.search(processes.get(server.admin_port, "/metrics") or "")
    return int(found[1]) if found else 0


def counted(server: Server, load: h2load.Load) -> tuple[h2load.Report, dict[str, int]]:
    """Makes calls by gRPC; how many of them each source answered, by the server's own count."""
    before = resolutions(server)
    report = h2load.run(load)
    grown = {name: count - before.get(name, 0) for name, count in resolutions(server).items()}
    return report, {name: count for name, count in grown.items() if count}


def answered(server: Server, load: h2load.Load, source: str) -> h2load.Report:
    """Makes the calls; every single one has to be answered by `source`."""
    if server.name == NGINX:
        report = h2load.run(load)
        twiml = PRIMARY_TWIML if source == "primary" else FALLBACK_TWIML
        if report.data_bytes != load.calls * len(twiml):
            raise h2load.NotAnswered(f"nginx: not every answer was the {source}'s document")
        return report
    report, sources = counted(server, load)
    if sources != {source: load.calls}:
        raise h2load.NotAnswered(f"{server.name} answered {load.calls} calls thus: {sources}")
    return report
