"""Programs the benchmark starts: none outlives it, and what each of them costs is asked of the kernel."""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator

HOST = "127.0.0.1"
AWAIT_SECONDS_MAX = 30
AWAIT_LOOK_SECONDS = 0.01
STOP_SECONDS_MAX = 10
RUN_SECONDS_MAX = 300

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def start(
    arguments: list[str], death_signal: signal.Signals = signal.SIGKILL, **options
) -> subprocess.Popen:
    """Starts a program that gets `death_signal` when we are gone, however we went."""
    parent = os.getpid()

    def before_it_runs() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(127)

    return subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, preexec_fn=before_it_runs, **options
    )


def run(arguments: list[str]) -> tuple[int, str]:
    """Runs a program to its end: its exit status, and what it printed."""
    with start(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            output, _ = process.communicate(timeout=RUN_SECONDS_MAX)
        except BaseException:
            process.kill()
            raise
    return process.returncode, output


def run_well(arguments: list[str]) -> str:
    """What a program prints that has to end well."""
    status, output = run(arguments)
    if status != 0:
        raise RuntimeError(f"{arguments[0]} ended with {status}:\n{output}")
    return output


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running(arguments: list[str], log: pathlib.Path, **options) -> Iterator[subprocess.Popen]:
    """A program for as long as the block lasts; its output goes to the end of `log`."""
    with open(log, "ab") as output:
        process = start(arguments, stdout=output, stderr=output, **options)
    try:
        yield process
    finally:
        stop(process)


def await_that(what: str, condition: Callable[[], bool], process: subprocess.Popen) -> None:
    give_up_at = time.monotonic() + AWAIT_SECONDS_MAX
    while not condition():
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}, before: {what}")
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"not within {AWAIT_SECONDS_MAX} seconds: {what}")
        time.sleep(AWAIT_LOOK_SECONDS)


def accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except OSError:
        return False


def get(port: int, path: str) -> str | None:
    """The body of a page; None if there is none."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return None


def free_ports(count: int) -> list[int]:
    """Different ports on which nobody listens now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections: it is taken, and nobody listens."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield held.getsockname()[1]


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, children.split())]


def cpu_microseconds(pid: int) -> float:
    """What all threads of a process and of its children have run so far, ended threads too: the
    process clocks of clock_getcpuclockid(3), which the scheduler keeps to the nanosecond."""
    return sum(time.clock_gettime_ns((~each << 3) | 2) for each in family(pid)) / 1000


def status(pid: int) -> dict[str, int]:
    """The figures of /proc/PID/status, such as VmRSS and VmHWM in KiB, and Threads."""
    figures = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            figures[name] = int(words[0])
    return figures
