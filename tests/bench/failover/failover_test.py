"""The benchmark's own arithmetic, and that it sends and reads what it thinks it does."""

import contextlib
import io
import json
import math
import pathlib
import shutil
import subprocess
import unittest
from unittest import mock

import calls
import capture
import figures
import growth
import h2load
import others
import processes
import servers
import start
import wire

PROTOS = pathlib.Path(__file__).parents[3] / "protos"

H2LOAD_SAYS = """starting benchmark...
spawning thread #0: 10 total client(s). 3000 total requests
Application protocol: h2c
progress: 100% done

finished in 128.87ms, 23279.93 req/s, 7.00MB/s
requests: 3000 total, 3000 started, 3000 done, 2999 succeeded, 1 failed, 0 errored, 0 timeout
status codes: 2999 2xx, 0 3xx, 0 4xx, 1 5xx
traffic: 902.21KB (923862) total, 9.17KB (9392) headers (space savings 97.46%), 799.80KB (819000) data
                     min         max         mean         sd        +/- sd
time for request:      353us     15.58ms      4.13ms      1.27ms    79.13%
time for connect:       69us      1.12ms       466us       342us    50.00%
time to 1st byte:     3.65ms      9.54ms      6.85ms      2.16ms    60.00%
req/s           :    2329.12     2378.93     2346.28       13.15    80.00%
"""


class WireTest(unittest.TestCase):
    def test_the_request_is_what_the_proto_says(self):
        frame = wire.grpc_frame(wire.resolve_request("+14155550101"))
        self.assertEqual(frame[:5], b"\0" + (len(frame) - 5).to_bytes(4, "big"))
        command = ["protoc", f"-I{PROTOS}", "understudy/router/v1/router_service.proto"]
        command += ["--decode=understudy.router.v1.ResolveTwiMLRequest"]
        decoded = subprocess.run(command, input=frame[5:], capture_output=True, check=True)
        expected = f'account_sid: "{wire.ACCOUNT_SID}"\nkind: KIND_VOICE\n'
        expected += 'phone_number: "+14155550101"\n'
        for name, value in wire.PARAMETERS.items():
            expected += f'parameters {{\n  key: "{name}"\n  value: "{value}"\n}}\n'
        self.assertEqual(decoded.stdout.decode(), expected)

    def test_the_form_has_the_same_parameters(self):
        self.assertEqual(len(wire.PARAMETERS), 10)
        pairs = wire.form().decode().split("&")
        self.assertEqual(pairs[0], f"AccountSid={wire.ACCOUNT_SID}")
        self.assertEqual(pairs[-1], "To=%2B14155550199")
        self.assertEqual(len(pairs), 10)

    def test_varints(self):
        for value, encoded in ((0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")):
            self.assertEqual(wire.varint(value), encoded)


class H2loadTest(unittest.TestCase):
    def test_what_it_says_is_read(self):
        self.assertEqual(
            h2load.parse(H2LOAD_SAYS), h2load.Report(3000, 2999, 2999, 819000, 0.12887)
        )

    def test_something_else_is_no_report(self):
        for line in ("requests: ", "status codes: ", "traffic: ", "finished in "):
            with self.assertRaises(ValueError):
                h2load.parse(H2LOAD_SAYS.replace(line, "something else "))

    def test_latencies(self):
        self.assertEqual(h2load.latencies_ms("1\t200\t1500\n2\t200\t250\n"), [1.5, 0.25])
        with self.assertRaises(ValueError):
            h2load.latencies_ms("1\t200\t1500\n2\t-1\t250\n")

    def test_arguments(self):
        load = h2load.Load("http://h/", pathlib.Path("d"), ("a: b",), 7, 2, 3)
        plain = ["h2load", "-n7", "-c2", "-m3", "-dd", "-H", "a: b", "http://h/"]
        self.assertEqual(h2load.arguments(load), plain)


class FiguresTest(unittest.TestCase):
    def row(self, median, goal=None):
        return figures.Row("s", "w", figures.Spread.of([median]), "µs", goal)

    def test_spread(self):
        spread = figures.Spread.of([3.0, 1.0, 10.0])
        self.assertEqual(spread, figures.Spread(median=3.0, least=1.0, most=10.0, rounds=3))

    def test_quantile(self):
        hundred = [float(n) for n in range(100, 0, -1)]
        self.assertEqual(figures.quantile(hundred, 0.99), 100)
        self.assertEqual(figures.quantile(hundred, 0.5), 51)
        self.assertEqual(figures.quantile([7.0], 0.99), 7)

    def test_a_goal_is_the_most_that_is_good(self):
        self.assertIs(self.row(45.0, 45.0).met, True)
        self.assertIs(self.row(math.nextafter(45.0, 46), 45.0).met, False)
        self.assertIsNone(self.row(45.0).met)

    def test_or_the_least(self):
        spread = figures.Spread.of([10.0])
        self.assertIs(figures.Row("s", "w", spread, "", 10.0, goal_is_least=True).met, True)
        self.assertIs(figures.Row("s", "w", spread, "", 10.5, goal_is_least=True).met, False)

    def test_the_table(self):
        rows = [
            figures.Row("First", "a", figures.Spread.of([1.0, 2.0, 4.5]), "µs", 1.5),
            figures.Row("First", "b / c", figures.Spread.of([1234.5]), ""),
            figures.Row("Second", "d", figures.Spread.of([12.34]), "ms", 100.0),
        ]
        self.assertEqual(
            figures.markdown(rows),
            "| First | Median | Least to most | Goal         |         |\n"
            "|-------|--------|---------------|--------------|---------|\n"
            "| a     | 2 µs   | 1 to 4.50     | at most 1.50 | NOT MET |\n"
            "| b / c | 1,234  |               |              |         |\n"
            "\n"
            "| Second | Median  | Least to most | Goal        |     |\n"
            "|--------|---------|---------------|-------------|-----|\n"
            "| d      | 12.3 ms |               | at most 100 | met |\n",
        )

    def test_tables_replace_those_of_a_page(self):
        begin, end = figures.PAGE_BEGIN, figures.PAGE_END
        page = figures.on_page(f"a\n{begin}old\n{end}b\n", "new\n")
        self.assertEqual(page, f"a\n{begin}\nnew\n\n{end}b\n")
        self.assertEqual(figures.on_page(page, "new\n"), page)
        for marks in ("", begin, end, end + begin):
            with self.assertRaises(ValueError):
                figures.on_page(f"a\n{marks}", "new\n")
        # The documentation has such a place.
        figures.on_page((PROTOS.parent / "docs" / "performance.md").read_text(), "")

    def test_the_json_says_what_is_met(self):
        told = json.loads(figures.as_json([self.row(2.0, 1.0)], quick=True))
        self.assertEqual(told["quick"], True)
        self.assertEqual(told["rows"][0]["met"], False)
        self.assertEqual(told["rows"][0]["value"]["median"], 2.0)


class ServersTest(unittest.TestCase):
    def test_counts_are_read_from_the_metrics(self):
        page = (
            "# TYPE understudy_resolutions_total counter\n"
            'understudy_resolutions_total{kind="voice",source="primary"} 12\n'
            'understudy_resolutions_total{kind="messaging",source="primary"} 3\n'
            'understudy_resolutions_total{source="fallback",kind="voice"} 1e+06\n'
            "understudy_resolution_duration_seconds_sum{} 5\n"
        )
        self.assertEqual(servers.parse_resolutions(page), {"primary": 15, "fallback": 1_000_000})

    def test_the_documents_are_told_apart_by_their_length(self):
        self.assertNotEqual(len(servers.PRIMARY_TWIML), len(servers.FALLBACK_TWIML))
        self.assertTrue(servers.PRIMARY_TWIML.isascii() and "'" not in servers.PRIMARY_TWIML)

    def test_numbers_of_waiting_calls(self):
        self.assertEqual(servers.waiting_number(20), "+14155560020")
        self.assertEqual(len(servers.waiting_number(2000)), len("+14155550100"))
        self.assertEqual(list(map(growth.delay_ms, growth.IN_FLIGHT)), [20, 200, 2000])


class CaptureTest(unittest.TestCase):
    def frame(self, source, target, flags, payload):
        tcp = source.to_bytes(2, "big") + target.to_bytes(2, "big") + bytes(8)
        tcp += bytes([5 << 4, flags]) + bytes(6) + payload
        size = (20 + len(tcp)).to_bytes(2, "big")
        ip = b"\x45\0" + size + bytes(5) + b"\x06" + bytes(10)
        return bytes(12) + b"\x08\x00" + ip + tcp

    def test_segments(self):
        segment = capture.parse(self.frame(8080, 9090, 0x14, b"") + b"padding", 5)
        self.assertEqual(segment, capture.Segment(5, 8080, 9090, True, 0))
        segment = capture.parse(self.frame(1, 2, 0x18, b"POST"), 6)
        self.assertEqual(segment, capture.Segment(6, 1, 2, False, 4))
        self.assertIsNone(capture.parse(bytes(60), 7))

    def test_from_refusal_to_request(self):
        refuses, fallback, client = 80, 81, 5000
        segments = [
            capture.Segment(0, client, fallback, False, 9),  # before any refusal
            capture.Segment(1_000_000, refuses, client, True, 0),
            capture.Segment(1_040_000, refuses, client, True, 0),  # the retry
            capture.Segment(1_050_000, client, fallback, False, 0),  # an acknowledgement
            capture.Segment(1_100_000, client, fallback, False, 9),
            capture.Segment(1_200_000, client, fallback, False, 9),  # more of it
            capture.Segment(2_000_000, refuses, client, True, 0),
            capture.Segment(2_300_000, client, fallback, False, 9),
        ]
        self.assertEqual(capture.refused_to_request_ms(segments, refuses, fallback), [0.1, 0.3])


class ProcessesTest(unittest.TestCase):
    def test_the_clock_of_a_process_counts_its_children(self):
        shell = shutil.which("sh")
        spin = "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"
        busy = processes.start(
            [shell, "-c", f"sh -c '{spin}; echo; exec sleep 60' & wait"], stdout=-1
        )
        with busy:
            busy.stdout.readline()
            self.assertEqual(len(processes.family(busy.pid)), 2)
            self.assertGreater(processes.cpu_microseconds(busy.pid), 1000)
            for pid in reversed(processes.family(busy.pid)):
                subprocess.run(["kill", str(pid)], check=True)

    def test_free_ports_differ_and_a_closed_one_refuses(self):
        self.assertEqual(len(set(processes.free_ports(3))), 3)
        with processes.closed_port() as port:
            self.assertFalse(processes.accepts(port))

    def test_a_program_that_fails(self):
        self.assertEqual(processes.run(["sh", "-c", "echo no; exit 3"]), (3, "no\n"))
        with self.assertRaisesRegex(RuntimeError, "ended with 3"):
            processes.run_well(["sh", "-c", "exit 3"])


class CallsTest(unittest.TestCase):
    def measured(self, name, stumbles):
        """What is measured of a server that stumbles so many times."""
        told = [h2load.NotAnswered("no")] * stumbles + [45.0]
        server = servers.Server(name, process=None, port=1)
        with mock.patch.object(calls, "_microseconds", side_effect=told):
            with contextlib.redirect_stderr(io.StringIO()):
                return calls._patiently(server, calls.ANSWERS, pathlib.Path(), 1)

    def test_a_peer_may_stumble(self):
        self.assertEqual(self.measured(servers.GO, 2), 45.0)
        with self.assertRaises(h2load.NotAnswered):
            self.measured(servers.NGINX, 3)

    def test_the_router_may_not(self):
        self.assertEqual(self.measured(servers.ROUTER, 0), 45.0)
        for name in (servers.ROUTER, servers.REPORTING):
            with self.assertRaises(h2load.NotAnswered):
                self.measured(name, 1)

    def test_ratios_are_those_of_a_round(self):
        costs = {(calls.ANSWERS, servers.ROUTER): [60.0, 40.0, 50.0]}
        costs[calls.ANSWERS, servers.NGINX] = [20.0, 10.0, 25.0]
        router, nginx, ratio = calls._rows(calls.ANSWERS, costs)
        self.assertEqual((router.value.median, nginx.value.median), (50.0, 20.0))
        self.assertEqual((ratio.value.median, ratio.value.least, ratio.value.most), (3.0, 2.0, 4.0))
        self.assertIs(ratio.met, True)
        self.assertIs(router.met, False)


class RowsTest(unittest.TestCase):
    def test_only_documents_without_mistakes_are_held_to_expat(self):
        ratio = {"median": 1.2, "low": 1.1, "high": 1.3}
        document = {"document": "call", "judge_to_expat": ratio}
        measured = {
            "rounds": 31,
            "documents": [{**document, "warnings": 0}, {**document, "warnings": 3}],
        }
        (row,) = others.twiml_rows(measured)
        self.assertEqual(row.what, "call: judge / expat")
        self.assertEqual(row.goal, 1.5)

    def test_each_view_of_the_page_has_a_row(self):
        view = {"view": "groups", "p50_ms": 1.0, "p99_ms": 2.0, "longest_ms": 200.5}
        (row,) = others.page_rows({"events": 1_000_000, "views": [view]})
        self.assertEqual(row.section, "The operator's page, 1,000,000 events")
        self.assertIs(row.met, False)

    def test_numbers_of_the_start(self):
        self.assertEqual(len(set(start.numbers())), 1000)


if __name__ == "__main__":
    unittest.main()
