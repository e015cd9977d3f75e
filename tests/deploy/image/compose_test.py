#!/usr/bin/python3
"""Holds deploy/compose.yaml to the Compose specification and our rules, and what it mounts to the
programs that read it; image_run_test.py runs both services with their part:

  unshare --net compose_test.py
"""
import pathlib
import subprocess
import tempfile

import yaml

from container import check

DEPLOY_FOLDER = pathlib.Path(__file__).resolve().parents[3] / "deploy"


def run(*words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    check(done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}")
    return done.stdout


def services():
    """By name, as Compose understands them."""
    text = (DEPLOY_FOLDER / "compose.yaml").read_text()
    # Debian's docker-compose knows the specification but for the project's name.
    lines = [line for line in text.splitlines() if not line.startswith("name: ")]
    check(len(lines) == len(text.splitlines()) - 1, "compose.yaml has one name")
    understood = run("docker-compose", "-f", "-", "config", cwd=DEPLOY_FOLDER,
                     input="\n".join(lines))
    return yaml.safe_load(understood)["services"]


def mounts(service):
    """(where it is here, where it is seen, how) of the files and folders."""
    for volume in service.get("volumes", []):
        source, target, mode = volume.rsplit(":", 2)
        if source.startswith("/"):
            yield pathlib.Path(source), target, mode


def check_hardened(name, service):
    check(service.get("read_only") is True, f"{name} can write to its root")
    check(service.get("cap_drop") == ["ALL"], f"{name} keeps capabilities")
    check(service.get("security_opt") == ["no-new-privileges:true"], f"{name} may gain privileges")
    check(int(service["user"].split(":")[0]) > 0, f"{name} is root")
    check(not service.get("privileged") and not service.get("cap_add"), f"{name} is privileged")
    check("healthcheck" in service or "profiles" in service, f"{name} has no health check")
    check(":" in service["image"] or "build" in service, f"{name} has no version")
    for port in service.get("ports", []):
        check(str(port).startswith("127.0.0.1:"), f"{name} publishes {port} beyond loopback")
    for source, _, mode in mounts(service):
        check(source.exists(), f"{name}: there is no {source}")
        check(mode == "ro", f"{name} can write to {source}")


def check_web_servers(all_services):
    """nginx takes their configurations."""
    for name in ("primary", "fallback"):
        server = next(source for source, _, _ in mounts(all_services[name]))
        with tempfile.NamedTemporaryFile("w") as whole:
            whole.write(f"pid /dev/null; events {{}} http {{ include {server}; }}\n")
            whole.flush()
            run("/usr/sbin/nginx", "-t", "-c", whole.name)  # takes the ports for a moment


def check_prometheus(service):
    """Prometheus takes its configuration and the rules it names."""
    for source, _, _ in mounts(service):
        if source.name == "prometheus.yaml":
            run("promtool", "check", "config", str(source))


def main():
    all_services = services()
    for name, service in all_services.items():
        check_hardened(name, service)
    check_web_servers(all_services)
    check_prometheus(all_services["prometheus"])
    print(f"{len(all_services)} services are as they should be")


if __name__ == "__main__":
    main()
