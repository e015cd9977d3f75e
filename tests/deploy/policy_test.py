"""Each check of policy.py complains about what it is there for: an installation without a fault passes
all of them, and one with a fault fails the check that the fault is meant for."""

import copy
import unittest

import policy
import rendered


def change(path, value):
    """A fault: sets what is at `path`, or removes it if the value is None. The path begins with the
    kind and name of an object; "*" is the first element of a list."""

    def apply(objects):
        kind, name, *keys = path
        place = rendered.named(objects, kind, name)
        for key in keys[:-1]:
            place = place[0 if key == "*" else key]
        last = 0 if keys[-1] == "*" else keys[-1]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return apply


def add(found):
    return lambda objects: objects.append(found)


def remove(kind, name):
    return lambda objects: objects.remove(rendered.named(objects, kind, name))


def both(first, second):
    def apply(objects):
        first(objects)
        second(objects)

    return apply


ROUTER = ("Deployment", "understudy-router", "spec")
NOTIFIER = ("StatefulSet", "understudy-notifier", "spec")
POD = (*ROUTER, "template", "spec")
CONTAINER = (*POD, "containers", "*")
SECURITY = (*CONTAINER, "securityContext")
PROXY_POD = ("Deployment", "understudy-proxy", "spec", "template")
PROXY_CONTAINER = (*PROXY_POD, "spec", "containers", "*")
ROUTER_POLICY = ("NetworkPolicy", "understudy-router", "spec")
MONITOR = ("ServiceMonitor", "understudy-router")
INGRESS_PORT = (
    "Ingress",
    "understudy-notifier",
    "spec",
    "rules",
    "*",
    "http",
    "paths",
    "*",
    "backend",
    "service",
    "port",
    "name",
)


def config_line(line):
    return change(("ConfigMap", "understudy-router", "data", "router.yaml"), line)


FAULTS = [
    (policy.pods_run_as_nobody, change((*POD, "securityContext", "runAsUser"), 0)),
    (policy.pods_run_as_nobody, change((*POD, "securityContext", "runAsUser"), None)),
    (policy.pods_run_as_nobody, change((*POD, "securityContext", "runAsGroup"), 0)),
    (policy.pods_run_as_nobody, change((*POD, "securityContext", "runAsNonRoot"), False)),
    (policy.pods_run_as_nobody, change((*POD, "securityContext", "seccompProfile"), None)),
    (policy.pods_run_as_nobody, change((*POD, "hostNetwork"), True)),
    (
        policy.pods_run_as_nobody,
        change((*POD, "volumes", "*"), {"name": "config", "hostPath": {"path": "/etc"}}),
    ),
    (policy.containers_are_confined, change((*SECURITY, "allowPrivilegeEscalation"), None)),
    (policy.containers_are_confined, change((*SECURITY, "readOnlyRootFilesystem"), False)),
    (policy.containers_are_confined, change((*SECURITY, "capabilities"), {"drop": ["NET_RAW"]})),
    (policy.containers_are_confined, change((*SECURITY, "capabilities", "add"), ["NET_ADMIN"])),
    (policy.containers_are_confined, change((*SECURITY, "privileged"), True)),
    (policy.containers_are_confined, change((*SECURITY, "runAsUser"), 0)),
    (
        policy.containers_have_requests_and_limits,
        change((*CONTAINER, "resources", "limits", "memory"), None),
    ),
    (
        policy.containers_have_requests_and_limits,
        change((*CONTAINER, "resources", "requests"), None),
    ),
    (policy.services_are_probed, change((*CONTAINER, "readinessProbe"), None)),
    (policy.services_are_probed, change((*CONTAINER, "livenessProbe"), None)),
    (
        policy.services_are_probed,
        change((*PROXY_CONTAINER, "livenessProbe", "tcpSocket", "port"), "http"),
    ),
    (policy.services_are_probed, change((*CONTAINER, "startupProbe", "grpc", "port"), 50052)),
    (
        policy.services_are_probed,
        change((*CONTAINER, "startupProbe"), {"exec": {"command": ["true"]}}),
    ),
    (
        policy.services_are_probed,
        change(
            (*CONTAINER, "volumeMounts", "*"),
            {"name": "tls", "mountPath": "/run/secrets/understudy-tls"},
        ),
    ),
    (
        policy.services_are_probed,
        change(
            (*NOTIFIER, "template", "spec", "containers", "*", "livenessProbe"),
            {"grpc": {"port": 50052}},
        ),
    ),
    (policy.pods_have_no_token, change((*POD, "automountServiceAccountToken"), None)),
    (
        policy.pods_have_no_token,
        change(("ServiceAccount", "understudy-router", "automountServiceAccountToken"), True),
    ),
    (policy.pods_have_no_token, change((*POD, "serviceAccountName"), "default")),
    (policy.images_are_pinned, change((*CONTAINER, "image"), "understudy-router")),
    (policy.images_are_pinned, change((*CONTAINER, "image"), "understudy-router:latest")),
    (
        policy.images_are_pinned,
        change((*CONTAINER, "image"), "registry.example.com:5000/understudy-router"),
    ),
    (policy.config_maps_hold_no_secret, config_line("password: hunter2")),
    (policy.config_maps_hold_no_secret, config_line("accounts:\n- auth_token: x")),
    (policy.config_maps_hold_no_secret, config_line("url: https://me:hunter2@example.com/")),
    (policy.config_maps_hold_no_secret, config_line("x: 0123456789abcdef0123456789abcdef")),
    (policy.config_maps_hold_no_secret, config_line("x: |\n -----BEGIN EC PRIVATE KEY-----")),
    (
        policy.config_maps_hold_no_secret,
        change((*CONTAINER, "env"), [{"name": "AUTH_TOKEN", "value": "x"}]),
    ),
    (
        policy.config_maps_hold_no_secret,
        add({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "made"}}),
    ),
    (
        policy.secrets_are_where_the_configuration_says,
        config_line("session_key_file: /run/secrets/understudy/session-key"),
    ),
    (
        policy.secrets_are_where_the_configuration_says,
        change((*CONTAINER, "volumeMounts", "*", "subPath"), "x"),
    ),
    (
        policy.secrets_are_where_the_configuration_says,
        change((*POD, "volumes", "*", "configMap", "name"), "x"),
    ),
    (
        policy.services_find_pods,
        change(
            ("Service", "understudy-router", "spec", "selector", "app.kubernetes.io/component"), "x"
        ),
    ),
    (
        policy.services_find_pods,
        change(
            ("Service", "understudy-router", "spec", "selector"),
            {"app.kubernetes.io/name": "understudy"},
        ),
    ),
    (
        policy.services_find_pods,
        change(("Service", "understudy-router", "spec", "ports", "*", "targetPort"), "x"),
    ),
    (
        policy.services_find_pods,
        change(("Service", "understudy-router", "spec", "ports", "*", "port"), 1),
    ),
    (policy.services_find_pods, change((*NOTIFIER, "serviceName"), "understudy-notifier-http")),
    (policy.services_find_pods, remove("Service", "understudy-notifier")),
    (policy.services_find_pods, change(INGRESS_PORT, "grpc")),
    (policy.services_find_pods, change((*MONITOR, "spec", "endpoints", "*", "port"), "metrics")),
    (
        policy.services_find_pods,
        change((*MONITOR, "spec", "selector", "matchLabels", "app.kubernetes.io/component"), "x"),
    ),
    (
        policy.selectors_match_their_own_pods,
        change((*ROUTER, "selector", "matchLabels", "app.kubernetes.io/component"), "x"),
    ),
    (
        policy.budgets_and_autoscalers_have_a_target,
        change(
            ("PodDisruptionBudget", "understudy-router", "spec", "selector", "matchLabels"),
            {"app": "x"},
        ),
    ),
    (
        policy.budgets_and_autoscalers_have_a_target,
        change(
            ("HorizontalPodAutoscaler", "understudy-router", "spec", "scaleTargetRef", "name"), "x"
        ),
    ),
    (policy.budgets_and_autoscalers_have_a_target, change((*ROUTER, "replicas"), 2)),
    (policy.rolling_loses_no_call, change((*CONTAINER, "lifecycle"), None)),
    (policy.rolling_loses_no_call, change((*PROXY_CONTAINER, "lifecycle"), None)),
    (
        policy.rolling_loses_no_call,
        change(
            (*PROXY_CONTAINER, "lifecycle", "preStop", "exec", "command"), ["sh", "-c", "sleep 1;"]
        ),
    ),
    (
        policy.network_is_closed,
        change((*PROXY_POD, "metadata", "labels", "understudy-client"), None),
    ),
    (
        policy.network_is_closed,
        change(("NetworkPolicy", "understudy-proxy", "spec", "policyTypes"), ["Ingress"]),
    ),
    (policy.rolling_loses_no_call, change((*POD, "terminationGracePeriodSeconds"), 33)),
    (
        policy.rolling_loses_no_call,
        change((*NOTIFIER, "template", "spec", "terminationGracePeriodSeconds"), 8),
    ),
    (
        policy.rolling_loses_no_call,
        change((*ROUTER, "strategy", "rollingUpdate", "maxUnavailable"), 1),
    ),
    (policy.rolling_loses_no_call, change((*POD, "topologySpreadConstraints"), None)),
    (
        policy.network_is_closed,
        both(
            remove("NetworkPolicy", "understudy"),
            change((*ROUTER_POLICY, "policyTypes"), ["Ingress"]),
        ),
    ),
    (
        policy.network_is_closed,
        change(
            ("NetworkPolicy", "understudy-router", "spec", "podSelector"),
            {"matchLabels": {"app": "x"}},
        ),
    ),
    (policy.network_is_closed, change((*ROUTER_POLICY, "ingress", "*", "from"), None)),
    (policy.network_is_closed, change((*ROUTER_POLICY, "ingress", "*", "from"), [{}])),
    (
        policy.network_is_closed,
        change((*ROUTER_POLICY, "ingress", "*", "from"), [{"namespaceSelector": {}}]),
    ),
    (
        policy.network_is_closed,
        change(
            (*ROUTER_POLICY, "ingress", "*", "from", "*", "podSelector"),
            {"matchLabels": {"app": "x"}},
        ),
    ),
    (
        policy.network_is_closed,
        change((*ROUTER_POLICY, "ingress", "*", "ports", "*", "port"), "http"),
    ),
    (policy.network_is_closed, change((*ROUTER_POLICY, "ingress", "*", "ports"), None)),
    (policy.network_is_closed, change((*ROUTER_POLICY, "egress", "*", "ports"), None)),
    (policy.network_is_closed, change((*ROUTER_POLICY, "egress", 1, "ports", "*", "port"), 50051)),
    (
        policy.network_is_closed,
        change(
            (*ROUTER_POLICY, "egress", 1, "to", "*", "podSelector"), {"matchLabels": {"app": "x"}}
        ),
    ),
    (
        policy.namespaces_are_restricted,
        change(
            ("Namespace", "understudy", "metadata", "labels", "pod-security.kubernetes.io/enforce"),
            "baseline",
        ),
    ),
    (
        policy.custom_objects_have_the_right_shape,
        change((*MONITOR, "spec", "endpoints", "*", "prot"), "admin"),
    ),
    (
        policy.custom_objects_have_the_right_shape,
        change((*MONITOR, "apiVersion"), "monitoring.coreos.com/v2"),
    ),
    (policy.custom_objects_have_the_right_shape, change((*MONITOR, "spec", "selector"), None)),
    (
        policy.custom_objects_have_the_right_shape,
        change(
            ("PrometheusRule", "sound", "spec", "groups", "*", "rules", "*", "expression"), "up"
        ),
    ),
    (
        policy.custom_objects_have_the_right_shape,
        change(("PrometheusRule", "sound", "spec", "groups", "*", "rules", "*", "record"), "up"),
    ),
    (
        policy.custom_objects_have_the_right_shape,
        change(("PrometheusRule", "sound", "spec", "groups"), []),
    ),
]


class PolicyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ci = rendered.CHART / "ci"
        namespace = rendered.named(rendered.variations()["base"], "Namespace", "understudy")
        rules = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "sound"},
            "spec": {"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "up == 0"}]}]},
        }
        cls.sound = rendered.chart(
            values=[ci / "monitoring-values.yaml", ci / "ingress-values.yaml"]
        )
        cls.sound += [namespace, rules]
        cls.sound += [
            found
            for found in rendered.variations()["proxied"]
            if found["metadata"]["name"].startswith("understudy-proxy")
        ]

    def test_what_is_sound_passes(self):
        for check in policy.ALL:
            with self.subTest(check=check.__name__):
                self.assertEqual(check(self.sound), [])

    def test_each_fault_is_seen(self):
        for number, (check, break_it) in enumerate(FAULTS):
            objects = copy.deepcopy(self.sound)
            break_it(objects)
            with self.subTest(number=number, check=check.__name__):
                self.assertNotEqual(check(objects), [])

    def test_each_check_has_a_fault(self):
        self.assertEqual({check for check, _ in FAULTS}, set(policy.ALL))


if __name__ == "__main__":
    unittest.main()
