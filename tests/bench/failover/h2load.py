"""h2load, the client: how it is started, and what it says."""

import dataclasses
import pathlib
import re

import processes

RESOLVE_PATH = "/understudy.router.v1.RouterService/ResolveTwiML"
GRPC_HEADERS = ("content-type: application/grpc", "te: trailers", "grpc-timeout: 15S")
FORM_HEADERS = ("content-type: application/x-www-form-urlencoded; charset=UTF-8",)

_REQUESTS = re.compile(
    r"^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, "
    r"(\d+) errored, (\d+) timeout$",
    re.MULTILINE,
)
_STATUSES = re.compile(r"^status codes: (\d+) 2xx, ", re.MULTILINE)
_DATA = re.compile(r"^traffic: .*, \S+ \((\d+)\) data$", re.MULTILINE)
_FINISHED = re.compile(r"^finished in ([\d.]+)(us|ms|s|m|h), ", re.MULTILINE)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


class NotAnswered(RuntimeError):
    """Calls were answered by somebody else than they should be, or by nobody."""


@dataclasses.dataclass(frozen=True)
class Load:
    """Calls to make, `clients` connections with up to `streams` at once on each. With `rate`, calls
    a second on each connection; without, each answer lets the next call begin."""

    url: str
    data: pathlib.Path
    headers: tuple[str, ...]
    calls: int
    clients: int = 10
    streams: int = 10
    rate: int = 0
    log: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True)
class Report:
    total: int
    succeeded: int
    with_2xx: int
    data_bytes: int
    seconds: float


def arguments(load: Load) -> list[str]:
    words = ["h2load", f"-n{load.calls}", f"-c{load.clients}", f"-m{load.streams}"]
    words += [f"-d{load.data}"]
    for header in load.headers:
        words += ["-H", header]
    if load.rate:
        words += [f"--rps={load.rate}"]
    if load.log is not None:
        words += [f"--log-file={load.log}"]
    return [*words, load.url]


def parse(output: str) -> Report:
    requests = _REQUESTS.search(output)
    statuses = _STATUSES.search(output)
    data = _DATA.search(output)
    finished = _FINISHED.search(output)
    if not (requests and statuses and data and finished):
        raise ValueError(f"h2load said something else than expected:\n{output}")
    return Report(
        total=int(requests[1]),
        succeeded=int(requests[4]),
        with_2xx=int(statuses[1]),
        data_bytes=int(data[1]),
        seconds=float(finished[1]) * _SECONDS[finished[2]],
    )


def latencies_ms(log: str) -> list[float]:
    """Of each call in a log file of h2load; a failed one has none, which is an error here."""
    latencies = []
    for line in log.splitlines():
        _, status, microseconds = line.split("\t")[:3]
        if status != "200":
            raise ValueError(f"a call ended with status {status}")
        latencies.append(int(microseconds) / 1000)
    return latencies


def run(load: Load) -> Report:
    """Makes the calls. All of them have to be answered with 200; what gRPC says is in trailers
    that h2load does not look at, so its callers ask the servers what they counted."""
    if load.log is not None:
        load.log.unlink(missing_ok=True)
    output = processes.run_well(arguments(load))
    report = parse(output)
    if report.with_2xx != load.calls or report.succeeded != load.calls:
        raise NotAnswered(f"not every call to {load.url} was answered:\n{output}")
    return report
