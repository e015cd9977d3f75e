"""What `helm test` runs in a cluster, run here: the script of the pod that the chart makes, against the
services with the configurations that the chart makes, on loopback."""

import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import rendered


class Service:
    """A service that runs until it is closed, with its ports."""

    def __init__(self, name, objects, folder, replacements):
        self.folder = pathlib.Path(folder, name)
        self.folder.mkdir()
        data = rendered.named(objects, "ConfigMap", f"understudy-{name}")["data"]
        for file, text in data.items():
            text = re.sub(r"0\.0\.0\.0:\d+", "127.0.0.1:0", text)
            text = text.replace("/var/lib/understudy", str(self.folder))
            for old, new in replacements.items():
                assert old in text or not file.endswith(".yaml"), old
                text = text.replace(old, new)
            (self.folder / file).write_text(text, encoding="utf-8")
        self.process = subprocess.Popen(
            [
                "timeout",
                "--kill-after=5",
                "120",
                rendered.BINARIES / f"understudy-{name}",
                "--config",
                self.folder / f"{name}.yaml",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.ports = self._wait_until_it_serves()

    def _wait_until_it_serves(self):
        for line in self.process.stderr:
            said = json.loads(line)
            if said["message"] == "serving":
                return said
        raise AssertionError(f"{self.folder.name} does not start: see {self.folder}")

    def close(self):
        self.process.terminate()
        self.process.communicate(timeout=60)


class HelmTestTest(unittest.TestCase):
    def run_test(self, values=(), router=None, tells_notifier=True):
        """The exit status of the pod's script, and what it printed."""
        objects = rendered.chart(*values)
        (container,) = rendered.named(objects, "Pod", "understudy-test")["spec"]["containers"]
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
            notifier = running.enter_context(
                contextlib.closing(Service("notifier", objects, folder, {}))
            )
            told = notifier.ports["grpc_port"] if tells_notifier else 1
            replacements = {
                "dns:///understudy-notifier:50052": f"dns:///127.0.0.1:{told}",
                **(router or {}),
            }
            router = running.enter_context(
                contextlib.closing(Service("router", objects, folder, replacements))
            )
            environment = {variable["name"]: variable["value"] for variable in container["env"]}
            environment |= {
                "PATH": f"{rendered.BINARIES}:/usr/bin:/bin",
                "ROUTER": f"dns:///127.0.0.1:{router.ports['grpc_port']}",
                "NOTIFIER_HOST": "127.0.0.1",
                "NOTIFIER_ADMIN_PORT": str(notifier.ports["admin_port"]),
                "PRIMARY": f"http://127.0.0.1:{notifier.ports['http_port']}/helm-test",
            }
            if not tells_notifier:
                environment["WAIT_SECONDS"] = "2"
            done = subprocess.run(
                [*container["command"], *container["args"]],
                env=environment,
                timeout=90,
                capture_output=True,
                text=True,
                check=False,
            )
        return done.returncode, done.stdout + done.stderr

    def test_finds_the_event_of_a_call_to_the_inside(self):
        status, said = self.run_test()
        self.assertEqual(status, 0, said)
        self.assertIn("failure has arrived at the notifier (0 -> 1 events)", said)
        self.assertIn("11205", said)

    def test_finds_it_too_where_the_inside_may_be_called(self):
        status, said = self.run_test(["--set", "router.config.egress.allow={127.0.0.0/8}"])
        self.assertEqual(status, 0, said)
        self.assertIn("11200", said)

    def test_finds_it_too_where_there_is_no_bin(self):
        status, said = self.run_test(["--set", "router.bins.apology=null"])
        self.assertEqual(status, 0, said)

    def test_says_that_nothing_arrives(self):
        status, said = self.run_test(tells_notifier=False)
        self.assertEqual(status, 1, said)
        self.assertIn("No event has arrived at the notifier for 2 seconds.", said)


if __name__ == "__main__":
    unittest.main()
