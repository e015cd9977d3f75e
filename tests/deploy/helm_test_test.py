"""What `helm test` runs in a cluster, run here: the script of the pod that the chart makes, against the
services with the configurations that the chart makes, on loopback."""

import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import certificates
import rendered


class Service:
    """A service that runs until it is closed, with its ports. `places` are texts of its configuration
    and what stands for them here."""

    def __init__(self, name, objects, folder, places):
        self.folder = pathlib.Path(folder, name)
        self.folder.mkdir()
        data = rendered.named(objects, "ConfigMap", f"understudy-{name}")["data"]
        for file, text in data.items():
            text = re.sub(r"0\.0\.0\.0:\d+", "127.0.0.1:0", text)
            for old, new in {"/var/lib/understudy": self.folder, **places}.items():
                text = text.replace(old, str(new))
            (self.folder / file).write_text(text, encoding="utf-8")
        command = [
            rendered.BINARIES / f"understudy-{name}",
            "--config",
            self.folder / f"{name}.yaml",
        ]
        self.process = subprocess.Popen(
            ["timeout", "--kill-after=5", "120", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.ports = self._wait_until_it_serves()

    def _wait_until_it_serves(self):
        said = b""
        for line in self.process.stderr:
            said += line
            if b'"message":"serving"' in line:
                return json.loads(line)
        self.close()
        raise AssertionError(f"{self.folder.name} does not start: {said.decode()}")

    def close(self):
        self.process.terminate()
        self.process.communicate(timeout=60)


class HelmTestTest(unittest.TestCase):
    def run_test(self, *arguments, tells_notifier=True, shows_certificate=True):
        """The exit status of the pod's script, and what it printed; `arguments` are helm's."""
        objects = rendered.chart(*arguments)
        (container,) = rendered.named(objects, "Pod", "understudy-test")["spec"]["containers"]
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:

            def start(name, places):
                return running.enter_context(
                    contextlib.closing(Service(name, objects, folder, places))
                )

            tls = pathlib.Path(folder, "tls")
            tls.mkdir()
            certificates.make(tls)
            places = {"/run/secrets/understudy-tls": tls}
            notifier = start("notifier", places)
            told = notifier.ports["grpc_port"] if tells_notifier else 1
            places["dns:///understudy-notifier:50052"] = f"dns:///127.0.0.1:{told}"
            router = start("router", places)
            environment = {
                variable["name"]: variable["value"].replace("/run/secrets/understudy-tls", str(tls))
                for variable in container["env"]
            }
            environment |= {
                "PATH": f"{rendered.BINARIES}:/usr/bin:/bin",
                "ROUTER": f"dns:///127.0.0.1:{router.ports['grpc_port']}",
                "NOTIFIER_HOST": "127.0.0.1",
                "NOTIFIER_ADMIN_PORT": str(notifier.ports["admin_port"]),
                "PRIMARY": f"http://127.0.0.1:{notifier.ports['http_port']}/helm-test",
            }
            if not shows_certificate:
                environment["TLS_OPTIONS"] = f"--tls-ca {tls}/ca.crt"
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
        status, said = self.run_test("--set", "router.config.egress.allow={127.0.0.0/8}")
        self.assertEqual(status, 0, said)
        self.assertIn("11200", said)

    def test_finds_it_too_where_there_is_no_bin(self):
        status, said = self.run_test("--set", "router.bins.apology=null")
        self.assertEqual(status, 0, said)

    def test_finds_it_too_over_mutual_tls(self):
        values = ["--values", rendered.CHART / "ci" / "tls-values.yaml"]
        status, said = self.run_test(*values)
        self.assertEqual(status, 0, said)
        # Who shows no certificate is not answered.
        status, said = self.run_test(*values, shows_certificate=False)
        self.assertEqual(status, 1, said)
        self.assertIn("understudy resolve ended with status 1", said)

    def test_says_that_nothing_arrives(self):
        status, said = self.run_test(tells_notifier=False)
        self.assertEqual(status, 1, said)
        self.assertIn("No event has arrived at the notifier for 2 seconds.", said)


if __name__ == "__main__":
    unittest.main()
