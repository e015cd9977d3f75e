"""What the chart and the manifests make: the objects that a cluster would be given."""

import functools
import pathlib
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "tools"
CHART = ROOT / "helm" / "understudy"
KUBERNETES = ROOT / "deploy" / "kubernetes"
# Of the binaries whose configuration is checked.
BINARIES = ROOT / "build" / "dev" / "bin"

NAMESPACE = "understudy"


class RenderError(Exception):
    pass


def _run(*command):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RenderError(done.stderr.strip())
    return done.stdout


def _objects(text):
    return [found for found in yaml.safe_load_all(text) if found is not None]


def chart(*arguments, values=(), folder=CHART):
    """The chart's objects, with values files and further arguments of helm."""
    files = [word for path in values for word in ("--values", path)]
    return _objects(
        _run(
            TOOLS / "helm",
            "template",
            "understudy",
            folder,
            "--namespace",
            NAMESPACE,
            "--kube-version",
            newest_kubernetes()[-1],
            *files,
            *arguments,
        )
    )


def notes(values):
    """What helm says after an installation. Without a cluster it does not say it, so a copy of the
    chart says it in an object."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder, CHART.name)
        shutil.copytree(CHART, copy)
        (copy / "templates" / "notes.yaml").write_text(
            "{kind: Notes, metadata: {name: notes}, "
            'text: {{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}}',
            encoding="utf-8",
        )
        return named(chart(values=values, folder=copy), "Notes", "notes")["text"]


def kustomization(path):
    return _objects(_run(TOOLS / "kustomize", "build", path))


def newest_kubernetes():
    """The three newest minors that there are schemas of, oldest first: "1.35.0" and so on."""
    import kubernetes_validate

    return kubernetes_validate.utils.all_versions()[-3:]


@functools.lru_cache(maxsize=None)
def variations():
    """Everything that is shipped, rendered, by name: each file of ci/, each overlay, and overlays
    with options. Not to be changed."""
    found = {"chart": chart()}
    for path in sorted((CHART / "ci").glob("*.yaml")):
        found[f"ci/{path.name}"] = chart(values=[path])
    for path in [KUBERNETES / "base", *sorted((KUBERNETES / "overlays").iterdir())]:
        found[str(path.relative_to(KUBERNETES))] = kustomization(path)
    for name in ("options", "proxied"):
        found[name] = kustomization(ROOT / "tests" / "deploy" / name)
    return found


def pod_of(found):
    """The pod that an object makes: (metadata, spec), or None."""
    if found["kind"] == "Pod":
        return found["metadata"], found["spec"]
    template = found.get("spec", {}).get("template")
    return (template["metadata"], template["spec"]) if template else None


def named(objects, kind, name):
    """The one object of that kind and name; a KeyError says which there are."""
    there = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    return there[kind, name]


def title(found):
    return f'{found["kind"]} {found["metadata"]["name"]}'
