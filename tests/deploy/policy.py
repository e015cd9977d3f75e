"""What every object that we ship has to keep to. Each function takes the objects of one installation
and returns complaints; policy_test.py has faults that each of them has to see."""

import re

from rendered import pod_of, title

CLIENT_LABEL = {"understudy-client": "true"}
# Keys whose values would be secrets, where they stand for themselves and do not name a file.
_SECRET_KEY = re.compile(
    r"(?im)^[\s-]*(\w*(?:password|passwd|token|secret|session_key|api_?key|private_?key)\w*)\s*:\s*\S"
)
_SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|://[^/\s:@]+:[^/\s@]+@|\b[0-9a-f]{32,}\b"
)


def _pods(objects):
    for found in objects:
        pod = pod_of(found)
        if pod is not None:
            yield found, *pod


def containers(objects):
    for found, _, spec in _pods(objects):
        for container in spec.get("initContainers", []) + spec["containers"]:
            yield found, spec, container


def _runs_once(found):
    return found["kind"] in ("Pod", "Job")


def _is_proxy(found):
    return found["metadata"]["labels"].get("app.kubernetes.io/component") == "proxy"


def _selects(selector, labels):
    if selector is None:
        return False
    for one in selector.get("matchExpressions", []):
        raise ValueError(f"no matchExpressions here: {one}")
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def _ports(spec):
    return {
        port["name"]: port["containerPort"]
        for container in spec["containers"]
        for port in container.get("ports", [])
    }


def pods_run_as_nobody(objects):
    complaints = []
    for found, _, spec in _pods(objects):
        context = spec.get("securityContext", {})
        for key in ("runAsUser", "runAsGroup", "fsGroup"):
            if not isinstance(context.get(key), int) or context[key] < 1:
                complaints.append(f"{title(found)}: {key} is not a number above 0")
        if context.get("runAsNonRoot") is not True:
            complaints.append(f"{title(found)}: runAsNonRoot is not true")
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            complaints.append(f"{title(found)}: seccompProfile is not RuntimeDefault")
        for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
            if spec.get(key):
                complaints.append(f"{title(found)}: has {key}")
        for volume in spec.get("volumes", []):
            if "hostPath" in volume:
                complaints.append(f"{title(found)}: mounts {volume['hostPath']} of the node")
    return complaints


def containers_are_confined(objects):
    complaints = []
    for found, _, container in containers(objects):
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False:
            complaints.append(f"{title(found)}: allowPrivilegeEscalation is not false")
        if context.get("readOnlyRootFilesystem") is not True:
            complaints.append(f"{title(found)}: readOnlyRootFilesystem is not true")
        if context.get("capabilities") != {"drop": ["ALL"]}:
            complaints.append(f"{title(found)}: capabilities are not all dropped")
        for key in ("privileged", "runAsUser", "runAsNonRoot", "seccompProfile", "procMount"):
            if key in context:
                complaints.append(f"{title(found)}: a container overrides {key}")
    return complaints


def containers_have_requests_and_limits(objects):
    return [
        f"{title(found)}: no {kind} of {name}"
        for found, _, container in containers(objects)
        for kind in ("requests", "limits")
        for name in ("cpu", "memory")
        if name not in container.get("resources", {}).get(kind, {})
    ]


def services_are_probed(objects):
    """Each probe asks a port that the container has, the proxy's by a connection alone: its gRPC is the
    router's. A kubelet speaks no TLS over gRPC."""
    complaints = []
    for found, spec, container in containers(objects):
        if _runs_once(found):
            continue
        has_tls = any(
            mount["mountPath"] == "/run/secrets/understudy-tls"
            for mount in container.get("volumeMounts", [])
        )
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.get(kind)
            if probe is None:
                complaints.append(f"{title(found)}: no {kind}")
                continue
            ways = ("tcpSocket",) if _is_proxy(found) else ("grpc", "httpGet")
            asked = [probe[way] for way in ways if way in probe]
            if len(asked) != 1:
                complaints.append(f"{title(found)}: {kind} is none of {', '.join(ways)}")
                continue
            port = asked[0]["port"]
            ports = _ports(spec)
            if port not in ports and port not in ports.values():
                complaints.append(f"{title(found)}: {kind} asks port {port}, which is not there")
            if "grpc" in probe and has_tls:
                complaints.append(f"{title(found)}: {kind} is gRPC without TLS")
        # Not ready while the disk takes nothing: a restart would not help.
        if found["kind"] == "StatefulSet":
            for kind in ("startupProbe", "livenessProbe"):
                if container.get(kind, {}).get("httpGet", {}).get("path") != "/healthz":
                    complaints.append(f"{title(found)}: {kind} asks more than whether it lives")
    return complaints


def pods_have_no_token(objects):
    complaints = []
    accounts = {
        found["metadata"]["name"]: found for found in objects if found["kind"] == "ServiceAccount"
    }
    for found in accounts.values():
        if found.get("automountServiceAccountToken") is not False:
            complaints.append(f"{title(found)}: automountServiceAccountToken is not false")
    for found, _, spec in _pods(objects):
        if spec.get("automountServiceAccountToken") is not False:
            complaints.append(f"{title(found)}: automountServiceAccountToken is not false")
        if not _runs_once(found) and spec.get("serviceAccountName") not in accounts:
            complaints.append(f"{title(found)}: has no service account of its own")
    return complaints


def images_are_pinned(objects):
    complaints = []
    for found, _, container in containers(objects):
        name, _, tag = container["image"].rpartition(":")
        if not name or "/" in tag or tag in ("", "latest"):
            complaints.append(f"{title(found)}: image {container['image']} has no tag of a version")
    return complaints


def config_maps_hold_no_secret(objects):
    """Nor are there Secrets: they are made by others, and named."""
    complaints = []
    for found in objects:
        if found["kind"] == "Secret":
            complaints.append(f"{title(found)}: secrets are not ours to make")
        if found["kind"] != "ConfigMap" or found["metadata"]["name"].endswith("-dashboard"):
            continue
        for key, text in {**found.get("data", {}), **found.get("binaryData", {})}.items():
            for match in _SECRET_KEY.finditer(text):
                if not match.group(1).endswith("_file"):
                    complaints.append(f"{title(found)}: {key} has {match.group(1)}")
            without_sids = re.sub(r"\bAC[0-9a-f]{32}\b", "", text)
            if _SECRET_TEXT.search(without_sids):
                complaints.append(f"{title(found)}: {key} has what looks like a secret")
    for found, _, container in containers(objects):
        for variable in container.get("env", []):
            if _SECRET_KEY.search(f"{variable['name']}: {variable.get('value', 'x')}"):
                complaints.append(f"{title(found)}: environment variable {variable['name']}")
    return complaints


def secrets_are_where_the_configuration_says(objects):
    """Files that a configuration names below /run/secrets are in a folder that is mounted."""
    complaints = []
    maps = {found["metadata"]["name"]: found for found in objects if found["kind"] == "ConfigMap"}
    for found, _, spec in _pods(objects):
        if _runs_once(found):
            continue
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        mounts = {
            mount["mountPath"]: mount
            for container in spec["containers"]
            for mount in container["volumeMounts"]
        }
        if any("subPath" in mount for mount in mounts.values()):
            complaints.append(f"{title(found)}: a subPath never changes while the pod runs")
        config = volumes["config"]["configMap"]["name"]
        if config not in maps:
            complaints.append(f"{title(found)}: there is no ConfigMap {config}")
            continue
        for text in maps[config]["data"].values():
            for folder in re.findall(r"(/run/secrets/[\w-]+)/", text):
                if folder not in mounts:
                    complaints.append(f"{title(found)}: {folder} is not mounted")
    return complaints


def services_find_pods(objects):
    complaints = []
    for found in objects:
        if found["kind"] != "Service":
            continue
        selector = {"matchLabels": found["spec"]["selector"]}
        chosen = [
            (other, spec)
            for other, metadata, spec in _pods(objects)
            if _selects(selector, metadata.get("labels", {}))
        ]
        if len(chosen) != 1:
            complaints.append(f"{title(found)}: selects {len(chosen)} kinds of pods")
            continue
        ports = _ports(chosen[0][1])
        for port in found["spec"]["ports"]:
            if ports.get(port["targetPort"]) != port["port"]:
                complaints.append(f"{title(found)}: port {port['port']} leads to no such port")
    services = {found["metadata"]["name"]: found for found in objects if found["kind"] == "Service"}
    for found in objects:
        if found["kind"] == "StatefulSet":
            governing = services.get(found["spec"]["serviceName"])
            if governing is None or governing["spec"].get("clusterIP") != "None":
                complaints.append(f"{title(found)}: its Service is not there or not headless")
        if found["kind"] == "Ingress":
            for rule in found["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    backend = path["backend"]["service"]
                    there = services.get(backend["name"], {"spec": {"ports": []}})["spec"]["ports"]
                    if backend["port"]["name"] not in [port["name"] for port in there]:
                        complaints.append(f"{title(found)}: {path['path']} leads to no Service")
        if found["kind"] == "ServiceMonitor":
            chosen = [
                service
                for service in services.values()
                if _selects(found["spec"]["selector"], service["metadata"]["labels"])
            ]
            for endpoint in found["spec"]["endpoints"]:
                there = [port["name"] for service in chosen for port in service["spec"]["ports"]]
                if there.count(endpoint["port"]) != 1:
                    complaints.append(
                        f"{title(found)}: port {endpoint['port']} is not of one Service"
                    )
    return complaints


def selectors_match_their_own_pods(objects):
    return [
        f"{title(found)}: does not select its own pods"
        for found, metadata, _ in _pods(objects)
        if not _runs_once(found) and not _selects(found["spec"]["selector"], metadata["labels"])
    ]


def budgets_and_autoscalers_have_a_target(objects):
    complaints = []
    for found in objects:
        if found["kind"] == "PodDisruptionBudget":
            chosen = [
                other
                for other, metadata, _ in _pods(objects)
                if _selects(found["spec"]["selector"], metadata.get("labels", {}))
            ]
            if len(chosen) != 1:
                complaints.append(f"{title(found)}: selects {len(chosen)} kinds of pods")
        if found["kind"] == "HorizontalPodAutoscaler":
            target = found["spec"]["scaleTargetRef"]
            chosen = [
                other
                for other in objects
                if (other["kind"], other["metadata"]["name"], other["apiVersion"])
                == (target["kind"], target["name"], target["apiVersion"])
            ]
            if len(chosen) != 1:
                complaints.append(f"{title(found)}: there is no {target['kind']} {target['name']}")
            elif "replicas" in chosen[0]["spec"]:
                complaints.append(
                    f"{title(found)}: {title(chosen[0])} says itself how many there are"
                )
    return complaints


def _seconds_before_stop(container):
    hook = container.get("lifecycle", {}).get("preStop", {})
    if "exec" in hook:
        slept = re.match(r"sleep (\d+);", hook["exec"]["command"][-1])
        return int(slept[1]) if slept else 0
    return hook.get("sleep", {}).get("seconds", 0)


def rolling_loses_no_call(objects):
    """A pod that goes waits until clients know, and has time to finish: the router needs 24 seconds
    at most, the notifier 8."""
    complaints = []
    for found, _, spec in _pods(objects):
        if _runs_once(found):
            continue
        needed = {"Deployment": 24, "StatefulSet": 8}[found["kind"]]
        for container in spec["containers"]:
            wait = _seconds_before_stop(container)
            if spec["terminationGracePeriodSeconds"] < wait + needed + 5:
                complaints.append(f"{title(found)}: is killed before it has finished")
            # With one replica there is nobody to go to meanwhile.
            if found["kind"] == "Deployment" and wait < 5 and found["spec"].get("replicas") != 1:
                complaints.append(f"{title(found)}: stops while clients still come")
        if found["kind"] == "Deployment":
            if found["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
                complaints.append(f"{title(found)}: maxUnavailable is not 0")
            if not spec.get("topologySpreadConstraints"):
                complaints.append(f"{title(found)}: may be on one node alone")
    return complaints


def network_is_closed(objects):
    """Where there are NetworkPolicies: every pod of a service is closed both ways, and what is opened
    is a port of the pods it is opened for. The router's gRPC port takes labelled pods alone; the proxy
    takes everybody, and is one of those."""
    policies = [found for found in objects if found["kind"] == "NetworkPolicy"]
    if not policies:
        return []
    complaints = []
    pods = [
        (found, metadata, spec) for found, metadata, spec in _pods(objects) if not _runs_once(found)
    ]
    for policy in policies:
        selector = policy["spec"]["podSelector"]
        chosen = [spec for _, metadata, spec in pods if _selects(selector, metadata["labels"])]
        if not chosen:
            complaints.append(f"{title(policy)}: selects no pod")
        names = {name for spec in chosen for name in _ports(spec)}
        for rule in policy["spec"].get("ingress", []):
            if _is_proxy(policy):
                continue
            if not rule.get("from") or {} in rule["from"]:
                complaints.append(f"{title(policy)}: lets everybody in")
            for port in rule.get("ports") or [{"port": "any"}]:
                if port["port"] not in names:
                    complaints.append(f"{title(policy)}: port {port['port']} is none of its pods'")
                if port["port"] == "grpc" and any(
                    "podSelector" not in peer for peer in rule.get("from", [])
                ):
                    complaints.append(
                        f"{title(policy)}: the gRPC port is open to more than known pods"
                    )
        for rule in policy["spec"].get("egress", []):
            if not rule.get("ports"):
                complaints.append(f"{title(policy)}: lets out to any port")
            peers = [peer["podSelector"] for peer in rule.get("to", []) if "podSelector" in peer]
            for peer in peers:
                there = [spec for _, metadata, spec in pods if _selects(peer, metadata["labels"])]
                if not there:
                    complaints.append(f"{title(policy)}: lets out to pods that are not there")
                for port in rule.get("ports", []):
                    if any(port["port"] not in _ports(spec).values() for spec in there):
                        complaints.append(f"{title(policy)}: lets out to no port {port['port']}")
    for found, metadata, _ in pods:
        mine = [
            policy
            for policy in policies
            if _selects(policy["spec"]["podSelector"], metadata["labels"])
        ]
        for kind in ("Ingress", "Egress"):
            if not any(kind in policy["spec"]["policyTypes"] for policy in mine):
                complaints.append(f"{title(found)}: no NetworkPolicy closes {kind}")
        if _is_proxy(found):
            if not CLIENT_LABEL.items() <= metadata["labels"].items():
                complaints.append(f"{title(found)}: is no client of the router")
        elif found["kind"] == "Deployment":
            callers = [
                peer.get("podSelector")
                for policy in mine
                for rule in policy["spec"].get("ingress", [])
                if {"port": "grpc", "protocol": "TCP"} in rule.get("ports", [])
                for peer in rule.get("from", [])
            ]
            if callers != [{"matchLabels": CLIENT_LABEL}]:
                complaints.append(
                    f"{title(found)}: the gRPC port is not for pods with {CLIENT_LABEL}"
                )
    return complaints


def namespaces_are_restricted(objects):
    return [
        f"{title(found)}: pod security is not restricted"
        for found in objects
        if found["kind"] == "Namespace"
        if found["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce")
        != "restricted"
    ]


def custom_objects_have_the_right_shape(objects):
    """Those of Prometheus' operator, of which Kubernetes has no schemas: the fields that we use."""
    complaints = []
    for found in objects:
        spec = found.get("spec", {})
        if found["kind"] == "ServiceMonitor":
            good = (
                found["apiVersion"] == "monitoring.coreos.com/v1"
                and set(spec) == {"selector", "endpoints"}
                and all(
                    set(endpoint) == {"port", "path", "interval", "relabelings"}
                    and all(
                        set(rule) == {"targetLabel", "replacement"}
                        for rule in endpoint["relabelings"]
                    )
                    for endpoint in spec["endpoints"]
                )
            )
        elif found["kind"] == "PrometheusRule":
            good = (
                found["apiVersion"] == "monitoring.coreos.com/v1"
                and set(spec) == {"groups"}
                and spec["groups"]
                and all(_is_rule_group(group) for group in spec["groups"])
            )
        else:
            continue
        if not good:
            complaints.append(
                f"{title(found)}: has a field that its kind does not have, or lacks one"
            )
    return complaints


def _is_rule_group(group):
    if not set(group) <= {"name", "interval", "rules", "limit", "labels"} or not group.get("rules"):
        return False
    return all(
        ("alert" in rule) != ("record" in rule)
        and isinstance(rule.get("expr"), (str, int))
        and set(rule)
        <= {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
        for rule in group["rules"]
    )


ALL = [
    pods_run_as_nobody,
    containers_are_confined,
    containers_have_requests_and_limits,
    services_are_probed,
    pods_have_no_token,
    images_are_pinned,
    config_maps_hold_no_secret,
    secrets_are_where_the_configuration_says,
    services_find_pods,
    selectors_match_their_own_pods,
    budgets_and_autoscalers_have_a_target,
    rolling_loses_no_call,
    network_is_closed,
    namespaces_are_restricted,
    custom_objects_have_the_right_shape,
]
