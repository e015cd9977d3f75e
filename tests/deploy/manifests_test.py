"""Holds every values file of the chart and every overlay to Kubernetes' schemas, to our policy, and to
what the services say of the configurations."""

import functools
import ipaddress
import pathlib
import re
import subprocess
import tempfile
import unittest

import certificates
import kubernetes_validate
import policy
import rendered

# Neither is Kubernetes' own: policy.custom_objects_have_the_right_shape looks at them.
CUSTOM_KINDS = {"ServiceMonitor", "PrometheusRule"}

# The package reads its files again for each object; hundreds of objects are three minutes of that.
kubernetes_validate.utils.schema_contents = functools.lru_cache(maxsize=None)(
    kubernetes_validate.utils.schema_contents
)


def complaint_of_schema(found, version):
    """What the schema of that Kubernetes says against an object; empty if nothing."""
    try:
        kubernetes_validate.validate(found, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{rendered.title(found)}: {error.message} at {list(error.path)}"
    return ""


def lay_out(config_map, folder):
    """Puts a ConfigMap's files into `folder`, and beside them the secret files that they name. Returns
    the path of the configuration."""
    text_of = dict(config_map["data"])
    secrets = pathlib.Path(folder, "secrets")
    for name, text in text_of.items():
        for path in re.findall(r"/run/secrets/([\w./-]+)", text):
            file = secrets / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("0123456789abcdef" * 4, encoding="utf-8")
        text_of[name] = text.replace("/run/secrets", str(secrets))
        pathlib.Path(folder, name).write_text(text_of[name], encoding="utf-8")
    for file in secrets.glob("understudy-tls/tls.crt"):
        certificates.make(file.parent)
    (config,) = pathlib.Path(folder).glob("*.yaml")
    return config


def check_config(binary, config):
    """(exit status, what it says) of a service's --check-config."""
    done = subprocess.run(
        [rendered.BINARIES / binary, "--check-config", "--config", config],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout + done.stderr


class ManifestsTest(unittest.TestCase):
    maxDiff = None

    def test_there_is_something_to_check(self):
        names = set(rendered.variations())
        for name in (
            "minimal",
            "tls",
            "external-secrets",
            "no-persistence",
            "ingress",
            "monitoring",
        ):
            self.assertIn(f"ci/{name}-values.yaml", names)
        self.assertLess({"base", "overlays/single", "overlays/production"}, names)
        for name, objects in rendered.variations().items():
            kinds = {found["kind"] for found in objects}
            self.assertLess({"Deployment", "StatefulSet", "Service", "ConfigMap"}, kinds, name)

    def test_every_object_fits_the_schemas_of_the_three_newest_kubernetes(self):
        versions = rendered.newest_kubernetes()
        self.assertEqual(len(versions), 3)
        known = {}  # most objects are in several variations
        for name, objects in rendered.variations().items():
            for found in objects:
                if found["kind"] in CUSTOM_KINDS:
                    continue
                if repr(found) not in known:
                    known[repr(found)] = [
                        complaint_of_schema(found, version) for version in versions
                    ]
                self.assertEqual(known[repr(found)], [""] * 3, name)

    def test_the_schemas_are_strict(self):
        (good,) = [
            found for found in rendered.variations()["base"] if found["kind"] == "Deployment"
        ]
        version = rendered.newest_kubernetes()[0]
        self.assertEqual(complaint_of_schema(good, version), "")
        typo = {**good, "spec": {**good["spec"], "replica": 2}}
        self.assertIn("replica", complaint_of_schema(typo, version))

    def test_every_object_keeps_to_the_policy(self):
        for name, objects in rendered.variations().items():
            for check in policy.ALL:
                with self.subTest(variation=name, check=check.__name__):
                    self.assertEqual(check(objects), [])

    def test_no_two_objects_have_one_name(self):
        for name, objects in rendered.variations().items():
            titles = [(found["kind"], found["metadata"]["name"]) for found in objects]
            self.assertEqual(len(titles), len(set(titles)), name)

    def test_the_services_take_the_configurations(self):
        for name, objects in rendered.variations().items():
            for service in ("router", "notifier"):
                (config_map,) = [
                    found
                    for found in objects
                    if found["kind"] == "ConfigMap" and f"{service}.yaml" in found["data"]
                ]
                with self.subTest(
                    variation=name, service=service
                ), tempfile.TemporaryDirectory() as folder:
                    status, said = check_config(
                        f"understudy-{service}", lay_out(config_map, folder)
                    )
                    self.assertEqual(status, 0, said)

    def test_a_wrong_configuration_would_be_seen(self):
        config_map = {"data": {"router.yaml": "admin: {listne: 0.0.0.0:9090}\n"}}
        with tempfile.TemporaryDirectory() as folder:
            status, said = check_config("understudy-router", lay_out(config_map, folder))
        self.assertEqual(status, 2)
        self.assertIn("listne", said)

    def test_the_network_is_shut_where_the_router_is(self):
        """NetworkPolicies shut all that services/router/fetch/egress.cc shuts."""
        source = (rendered.ROOT / "services/router/fetch/egress.cc").read_text(encoding="utf-8")
        ranges = [
            (ipaddress.ip_network(cidr), kind)
            for cidr, kind in re.findall(r'\{"([0-9a-f.:]+/\d+)", AddressClass::k(\w+)\}', source)
        ]
        public = [network for network, kind in ranges if kind == "Public"]
        # Of IPv6 all that is not public.
        shut = [network for network, kind in ranges if kind != "Public" and network.prefixlen > 0]
        self.assertGreater(len(shut), 20)
        for name, objects in rendered.variations().items():
            for block in self.blocks_of_router(objects):
                opened = ipaddress.ip_network(block["cidr"])
                excepted = [ipaddress.ip_network(one) for one in block["except"]]
                self.assertTrue(opened.version == 4 or opened in public, f"{name}: {opened}")
                for network in shut:
                    if network.version != opened.version or not network.subnet_of(opened):
                        continue
                    self.assertTrue(
                        any(network.subnet_of(one) for one in excepted),
                        f"{name}: {network} is open",
                    )

    def blocks_of_router(self, objects):
        policies = [found for found in objects if found["kind"] == "NetworkPolicy"]
        if not policies:
            return []
        egress = rendered.named(policies, "NetworkPolicy", "understudy-router")["spec"]["egress"]
        blocks = [
            peer["ipBlock"] for rule in egress for peer in rule.get("to", []) if "ipBlock" in peer
        ]
        self.assertEqual(len(blocks), 2)
        return blocks

    def test_options_do_what_they_are_for(self):
        components = {path.name for path in (rendered.KUBERNETES / "components").iterdir()}
        used = set()
        for name in ("options", "proxied"):
            path = rendered.ROOT / "tests/deploy" / name / "kustomization.yaml"
            used.update(re.findall(r"components/([\w-]+)", path.read_text(encoding="utf-8")))
        self.assertEqual(used, components)
        objects = rendered.variations()["options"]
        autoscaler = rendered.named(objects, "HorizontalPodAutoscaler", "understudy-router")
        self.assertEqual(
            [metric["type"] for metric in autoscaler["spec"]["metrics"]], ["Resource", "Pods"]
        )
        # With TLS, as the chart has it.
        chart = rendered.variations()["ci/tls-values.yaml"]
        for kind, name in (("Deployment", "router"), ("StatefulSet", "notifier")):
            (mine,), (theirs,) = (
                rendered.pod_of(rendered.named(one, kind, f"understudy-{name}"))[1]["containers"]
                for one in (objects, chart)
            )
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                self.assertEqual(mine[probe], theirs[probe])
            mounts = [mount["mountPath"] for mount in mine["volumeMounts"]]
            self.assertIn("/run/secrets/understudy-tls", mounts)


if __name__ == "__main__":
    unittest.main()
