"""Runs images as containers with crun, as strictly as production does: a user that is nobody, a
read-only root, no capabilities. The network is that of the caller. Needs root."""
import json
import os
import pathlib
import subprocess

USER = 65532
STATE_FOLDER = "/var/lib/understudy"


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def check_equal(actual, expected, what):
    check(actual == expected, f"{what}: {actual!r}, not {expected!r}")


class Images:
    """The images of a folder that build_images.sh made."""

    def __init__(self, folder):
        self._buildah_program = str(pathlib.Path(folder) / "buildah")
        self._mounts = {}

    def _buildah(self, *words):
        run = subprocess.run([self._buildah_program, *words], stdout=subprocess.PIPE, check=True)
        return run.stdout.decode().strip()

    def config(self, name):
        """As Docker keeps it: User, Env, Entrypoint, Cmd, Healthcheck, Labels, StopSignal ..."""
        image = json.loads(self._buildah("inspect", "--type", "image", f"localhost/{name}"))
        return image["Docker"]["config"]

    def mount(self, name):
        """The folder that is the image's root, until close()."""
        if name not in self._mounts:
            container = self._buildah("from", "--pull-never", f"localhost/{name}")
            self._mounts[name] = (container, pathlib.Path(self._buildah("mount", container)))
        return self._mounts[name][1]

    def close(self):
        for container, _ in self._mounts.values():
            self._buildah("umount", container)
            self._buildah("rm", container)
        self._mounts = {}


def namespaces():
    return [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]


class Container:
    """One running container. `binds` are (file or folder, where it is seen), read-only but for the
    state folder."""

    def __init__(self, images, image, folder, binds=(), command=None):
        config = images.config(image)
        self.name = f"{image}-{os.getpid()}"
        self._folder = pathlib.Path(folder) / self.name
        self._folder.mkdir(parents=True)
        self._crun_words = ["crun", "--root", str(pathlib.Path(folder) / "crun"),
                            "--cgroup-manager", "disabled"]
        words = [*config["Entrypoint"], *(config.get("Cmd") or [] if command is None else command)]
        user, group = (int(part) for part in config["User"].split(":"))
        nothing = {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted")}
        mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
                  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                   "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}]
        mounts += [{"destination": place, "type": "bind", "source": str(source),
                    "options": ["rbind", "rw" if place == STATE_FOLDER else "ro"]}
                   for source, place in binds]
        (self._folder / "config.json").write_text(json.dumps({
            "ociVersion": "1.0.0",
            "root": {"path": str(images.mount(image)), "readonly": True},
            "process": {"user": {"uid": user, "gid": group}, "args": words, "env": config["Env"],
                        "cwd": "/", "noNewPrivileges": True, "capabilities": nothing},
            "mounts": mounts,
            "linux": {"namespaces": namespaces()},
        }))
        self.log_file = self._folder / "log"
        with open(self.log_file, "wb") as log, open(self._folder / "out", "wb") as out:
            self._process = subprocess.Popen(
                [*self._crun_words, "run", "--bundle", str(self._folder), self.name],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def log(self):
        return self.log_file.read_text()

    def output(self):
        return (self._folder / "out").read_text()

    def is_running(self):
        return self._process.poll() is None

    def execute(self, *words):
        """Runs `words` inside, as the same user."""
        return subprocess.run(
            [*self._crun_words, "exec", "--user", f"{USER}:{USER}", self.name, *words],
            capture_output=True, text=True, check=False)

    def signal(self, name):
        subprocess.run([*self._crun_words, "kill", self.name, name], check=True)

    def wait(self, seconds):
        """The exit status."""
        return self._process.wait(timeout=seconds)

    def end(self):
        """At once, if it still runs."""
        if self.is_running():
            self.signal("KILL")
            self._process.wait()
