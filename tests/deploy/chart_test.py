"""What is particular to the chart: what its values do, which mistakes it refuses, and that it and the
plain manifests are the same."""

import copy
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import policy
import rendered
import yaml

CI = rendered.CHART / "ci"
# What these values mean the services' own configuration says, or Kubernetes.
OTHERS_VALUES = (
    r" {6,}|    (accounts|numbers|mail|alerts|apology|requests|limits|grafana_dashboard):"
)


def rendered_with(values):
    """The chart with these values, a mapping."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values, file)
        file.flush()
        return rendered.chart(values=[file.name])


def nested(path, value):
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


class ChartTest(unittest.TestCase):
    maxDiff = None

    def test_helm_has_nothing_to_say(self):
        for values in [None, *sorted(CI.glob("*.yaml"))]:
            arguments = [] if values is None else ["--values", values]
            done = subprocess.run(
                [
                    rendered.TOOLS / "helm",
                    "lint",
                    "--strict",
                    rendered.CHART,
                    "--kube-version",
                    rendered.newest_kubernetes()[-1],
                    *arguments,
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_versions_are_those_of_the_services(self):
        chart = yaml.safe_load((rendered.CHART / "Chart.yaml").read_text(encoding="utf-8"))
        cmake = (rendered.ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        (version,) = re.findall(r"project\(understudy VERSION ([0-9.]+)", cmake)
        self.assertEqual((chart["version"], chart["appVersion"]), (version, version))
        for objects in (rendered.variations()["chart"], rendered.variations()["base"]):
            for found, _, container in policy.containers(objects):
                self.assertTrue(container["image"].endswith(f":{version}"), rendered.title(found))

    def test_every_value_has_a_sentence(self):
        lines = (rendered.CHART / "values.yaml").read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines):
            key = re.match(r" *(\w+):", line)
            if key is None or re.match(OTHERS_VALUES, line):
                continue
            self.assertRegex(lines[number - 1], r"^ *#", f"values.yaml:{number + 1}: {line}")

    def test_every_value_is_in_the_schema(self):
        def walk(values, schema, path):
            for key, value in values.items():
                properties = schema.get("properties", {})
                self.assertIn(key, properties, path)
                if isinstance(value, dict) and "properties" in properties[key]:
                    walk(value, properties[key], f"{path}.{key}")

        schema = json.loads((rendered.CHART / "values.schema.json").read_text(encoding="utf-8"))
        walk(
            yaml.safe_load((rendered.CHART / "values.yaml").read_text(encoding="utf-8")),
            schema,
            "values",
        )

    def test_mistakes_are_refused(self):
        mistakes = {
            "replicas": 3,
            "router.replica": 3,
            "router.replicas": 0,
            "router.bins.two words": "<Response/>",
            "router.config.grpc.listen": "0.0.0.0:1",
            "router.config.admin.listen": "0.0.0.0:1",
            "router.config.notifier.target": "dns:///elsewhere:50052",
            "router.config.bins.apology.document_file": "apology.xml",
            "router.config.fetch.conect_timeout": "5s",
            "router.config.fetch.connect_timeout": "5 seconds",
            "router.config.fetch.max_in_flight": 0,
            "router.config.egress.allow": ["10.0.0.0"],
            "router.config.session_key_file": "session-key",
            "router.config.accounts": [{"sid": "AC1"}],
            "router.config.numbers": [{"phone_number": "+14155550199"}],
            "router.config.http.listen": "0.0.0.0:1",
            "router.config.numbers_database": "/tmp/numbers.db",
            "router.numbersApi.enabled": "yes",
            "router.numbersApi.size": "big",
            "router.outboxBytes": 1,
            "router.secrets": [{"name": "a"}],
            "router.resources.limits.memroy": "1Gi",
            "router.resources.limits.memory": "1 GB",
            "router.autoscaling.enabled": "yes",
            "notifier.replicas": 2,
            "notifier.config.store.sqlite": "/tmp/notifier.db",
            "notifier.config.mail.directory": "/tmp",
            "notifier.config.mail.smtp.url": "http://mail.example.com",
            "notifier.config.http.public_url": "https://alerts.example.com/understudy",
            "notifier.config.alerts.routes": [],
            "notifier.config.alerts.heartbeat": "daily",
            "notifier.persistence.size": "big",
            "notifier.ingress.host": "https://alerts.example.com",
            "notifier.ingress.paths": ["fallback"],
            "image.tag": "latest",
            "image.pullPolicy": "Sometimes",
            "tls.enabled": True,
            "networkPolicy.mailPorts": [0],
            "networkPolicy.monitoringNamespaces": ["Monitoring"],
            "monitoring.interval": "often",
        }
        for path, value in mistakes.items():
            with self.subTest(path):
                with self.assertRaises(rendered.RenderError) as caught:
                    rendered_with(nested(path, value))
                self.assertIn(
                    "values don't meet the specifications of the schema", str(caught.exception)
                )

    def test_mistakes_that_no_schema_sees_are_refused(self):
        mistakes = {
            "router.secrets names no Secret": nested(
                "router.config.session_key_file", "/run/secrets/understudy/session-key"
            ),
            "notifier.secrets names no Secret": nested(
                "notifier.config.accounts",
                [{"sid": "AC" + "0" * 32, "auth_token_file": "/run/secrets/understudy/token"}],
            ),
            "minReplicas is more than maxReplicas": nested(
                "router.autoscaling", {"enabled": True, "minReplicas": 11}
            ),
        }
        for said, values in mistakes.items():
            with self.assertRaisesRegex(rendered.RenderError, said):
                rendered_with(values)

    def test_the_reference_configurations_are_no_mistakes(self):
        """All of deploy/config but what the chart knows better; also what is commented out."""
        for service, owned in (
            ("router", ["grpc.listen", "grpc.tls", "http", "admin", "bins", "notifier", "numbers_database"]),
            (
                "notifier",
                ["grpc", "http.listen", "http.tls", "admin", "store.sqlite", "mail.directory"],
            ),
        ):
            text = (rendered.ROOT / f"deploy/config/{service}.yaml").read_text(encoding="utf-8")
            # A commented key is "# key: value" at the place where it would be.
            text = re.sub(r"(?m)^( *)# ((?:  )*(?:- )?\w+:( .*)?)$", r"\1\2", text)
            config = yaml.safe_load(text)
            for path in owned:
                *parents, last = path.split(".")
                place = config
                for key in parents:
                    place = place.get(key, {})
                place.pop(last, None)
            config = {key: value for key, value in config.items() if value != {}}
            with self.subTest(service):
                self.assertIn("accounts", config)
                self.assertIn("auth_token_file", config["accounts"][0])
                rendered_with({service: {"config": config, "secrets": ["some"]}})

    def test_a_change_of_the_configuration_rolls_the_pods_it_is_for(self):
        def checksums(objects):
            return [
                rendered.pod_of(rendered.named(objects, kind, f"understudy-{name}"))[0][
                    "annotations"
                ]["checksum/config"]
                for kind, name in (("Deployment", "router"), ("StatefulSet", "notifier"))
            ]

        before = checksums(rendered.variations()["chart"])
        router = checksums(rendered_with({"router": {"bins": {"apology": "<Response/>"}}}))
        notifier = checksums(rendered_with(nested("notifier.config.store.retention", "7d")))
        self.assertNotEqual(router[0], before[0])
        self.assertEqual(router[1], before[1])
        self.assertEqual(notifier[0], before[0])
        self.assertNotEqual(notifier[1], before[1])

    def test_tls_is_mounted_and_configured(self):
        objects = rendered.variations()["ci/tls-values.yaml"]
        folder = "/run/secrets/understudy-tls"
        server = {
            "certificate_file": f"{folder}/tls.crt",
            "key_file": f"{folder}/tls.key",
            "client_ca_file": f"{folder}/ca.crt",
        }
        client = {
            "ca_file": f"{folder}/ca.crt",
            "certificate_file": f"{folder}/tls.crt",
            "key_file": f"{folder}/tls.key",
        }
        router, notifier = (
            yaml.safe_load(
                rendered.named(objects, "ConfigMap", f"understudy-{name}")["data"][f"{name}.yaml"]
            )
            for name in ("router", "notifier")
        )
        self.assertEqual(router["grpc"]["tls"], server)
        self.assertEqual(router["notifier"]["tls"], client)
        self.assertEqual(notifier["grpc"]["tls"], server)
        self.assertEqual(
            notifier["http"]["tls"], {key: server[key] for key in ("certificate_file", "key_file")}
        )
        for kind, name, secret in (
            ("Deployment", "router", "understudy-router-tls"),
            ("StatefulSet", "notifier", "understudy-notifier-tls"),
            ("Pod", "test", "understudy-client-tls"),
        ):
            _, spec = rendered.pod_of(rendered.named(objects, kind, f"understudy-{name}"))
            volumes = {volume["name"]: volume for volume in spec["volumes"]}
            self.assertEqual(volumes["tls"]["secret"]["secretName"], secret)
            self.assertIn(
                folder, [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]]
            )

        tls = yaml.safe_load((CI / "tls-values.yaml").read_text(encoding="utf-8"))
        tls["tls"].update({"mutual": False, "http": False})
        objects = rendered_with(tls)
        router = yaml.safe_load(
            rendered.named(objects, "ConfigMap", "understudy-router")["data"]["router.yaml"]
        )
        self.assertNotIn("client_ca_file", router["grpc"]["tls"])
        self.assertEqual(router["notifier"]["tls"], {"ca_file": f"{folder}/ca.crt"})

    def test_the_numbers_api_has_a_port_a_file_and_one_node(self):
        objects = rendered.variations()["ci/numbers-values.yaml"]
        config = yaml.safe_load(
            rendered.named(objects, "ConfigMap", "understudy-router")["data"]["router.yaml"]
        )
        self.assertEqual(config["http"]["listen"], "0.0.0.0:8080")
        self.assertEqual(set(config["http"]["tls"]), {"certificate_file", "key_file"})
        _, spec = rendered.pod_of(rendered.named(objects, "Deployment", "understudy-router"))
        (mount,) = [
            mount
            for mount in spec["containers"][0]["volumeMounts"]
            if config["numbers_database"].startswith(mount["mountPath"] + "/")
        ]
        (volume,) = [found for found in spec["volumes"] if found["name"] == mount["name"]]
        claim = rendered.named(
            objects, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
        )
        self.assertEqual(claim["spec"]["accessModes"], ["ReadWriteOnce"])
        self.assertEqual(claim["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")
        (together,) = spec["affinity"]["podAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        self.assertEqual(together["topologyKey"], "kubernetes.io/hostname")
        self.assertEqual(
            together["labelSelector"]["matchLabels"]["app.kubernetes.io/component"], "router"
        )
        # A budget would keep that node from ever being drained.
        self.assertNotIn("PodDisruptionBudget", {found["kind"] for found in objects})

    def test_the_network_is_opened_with_the_routers_own_rule(self):
        objects = rendered_with(nested("router.config.egress.allow", ["10.20.0.0/16"]))
        rules = rendered.named(objects, "NetworkPolicy", "understudy-router")["spec"]["egress"]
        blocks = [peer.get("ipBlock", {}).get("cidr") for peer in rules[0]["to"]]
        self.assertIn("10.20.0.0/16", blocks)

    def test_what_is_off_is_not_there(self):
        kinds = {found["kind"] for found in rendered.variations()["chart"]}
        for kind in (
            "Ingress",
            "HorizontalPodAutoscaler",
            "ServiceMonitor",
            "PrometheusRule",
            "Secret",
        ):
            self.assertNotIn(kind, kinds)
        single = rendered.variations()["ci/no-persistence-values.yaml"]
        kinds = {found["kind"] for found in single}
        self.assertFalse(kinds & {"PodDisruptionBudget", "NetworkPolicy"})
        self.assertNotIn(
            "volumeClaimTemplates",
            rendered.named(single, "StatefulSet", "understudy-notifier")["spec"],
        )

    def test_notes_warn_of_what_is_missing(self):
        said = rendered.notes([CI / "minimal-values.yaml"])
        for key in ("mail.smtp", "session_key_file", "notifier.config.accounts"):
            self.assertRegex(said, f"WARNING: \\S*{key} is")
        self.assertIn('understudy-client: "true"', said)
        self.assertIn("dns:///understudy-router:50051", said)
        self.assertNotIn("WARNING", rendered.notes([CI / "external-secrets-values.yaml"]))
        self.assertIn("lost with the pod", rendered.notes([CI / "no-persistence-values.yaml"]))
        self.assertIn(
            "Fallback URL for numbers at Twilio: https://alerts.example.com/fallback",
            rendered.notes([CI / "ingress-values.yaml"]),
        )
        self.assertNotIn("plain text", rendered.notes([CI / "tls-values.yaml"]))

    def test_rules_and_dashboard_are_those_of_deploy(self):
        objects = rendered.variations()["ci/monitoring-values.yaml"]
        by_kind = {found["kind"]: found for found in objects}
        monitors = [found for found in objects if found["kind"] == "ServiceMonitor"]
        self.assertEqual(
            {found["metadata"]["labels"]["release"] for found in monitors}, {"prometheus"}
        )
        jobs = {
            rule["replacement"]
            for found in monitors
            for endpoint in found["spec"]["endpoints"]
            for rule in endpoint["relabelings"]
        }
        self.assertEqual(jobs, {"understudy-router", "understudy-notifier"})
        rules = rendered.ROOT / "deploy/prometheus/rules.yaml"
        if rules.exists():
            self.assertEqual(
                by_kind["PrometheusRule"]["spec"], yaml.safe_load(rules.read_text(encoding="utf-8"))
            )
        dashboard = rendered.ROOT / "deploy/grafana/understudy.json"
        if dashboard.exists():
            found = rendered.named(objects, "ConfigMap", "understudy-dashboard")
            self.assertEqual(found["metadata"]["labels"]["grafana_dashboard"], "1")
            self.assertEqual(
                json.loads(found["data"]["understudy.json"]),
                json.loads(dashboard.read_text(encoding="utf-8")),
            )

    def test_the_chart_and_the_manifests_are_the_same(self):
        """The default values against the base, object by object, but for what only the chart has:
        labels of Helm, its test, what is configured."""
        chart = {
            rendered.title(found): without_release(found)
            for found in rendered.variations()["chart"]
            if "helm.sh/hook" not in found["metadata"].get("annotations", {})
            and found["kind"] != "ConfigMap"
        }
        base = {
            rendered.title(found): without_release(found)
            for found in rendered.variations()["base"]
            if found["kind"] not in ("ConfigMap", "Namespace")
        }
        self.assertEqual(set(chart), set(base))
        for name, found in chart.items():
            self.assertEqual(found, base[name], name)


def without_release(found):
    """An object without what says which release of which chart it is of."""
    found = copy.deepcopy(found)
    found["metadata"].pop("namespace", None)

    def strip(value):
        if isinstance(value, list):
            for one in value:
                strip(one)
        if not isinstance(value, dict):
            return
        for key in (
            "helm.sh/chart",
            "app.kubernetes.io/instance",
            "app.kubernetes.io/version",
            "app.kubernetes.io/managed-by",
            "checksum/config",
            "imagePullPolicy",
        ):
            value.pop(key, None)
        if "configMap" in value:  # kustomize's end in a checksum
            value["configMap"]["name"] = re.sub(r"-[a-z0-9]{10}$", "", value["configMap"]["name"])
        for one in value.values():
            strip(one)
        if value.get("annotations") == {}:
            del value["annotations"]

    strip(found)
    return found


if __name__ == "__main__":
    unittest.main()
