#!/usr/bin/python3
"""What the images do with a configuration:

  unshare --net image_run_test.py IMAGES CONFIGURATION

IMAGES is a folder of build_images.sh; CONFIGURATION one with router.yaml, notifier.yaml and the
files they name, such as compose's, or a file of Kubernetes manifests that has them in ConfigMaps,
such as `helm template` prints. The first number with a voice fallback, or a handler if there is
none, is called while its primary fails; the configuration decides where everything is, and this
test puts web servers, a name server, a mail server and secrets there. Needs root.
"""
import email
import json
import os
import pathlib
import secrets
import sys
import tempfile
from urllib.parse import urlsplit

import yaml

import image_world
from container import STATE_FOLDER, USER, Container, Images, check, check_equal

SERVICES = {"router": "understudy-router", "notifier": "understudy-notifier"}
CONFIGURATION_FOLDER = "/etc/understudy"
SECRETS_FOLDER = "/run/secrets/understudy"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

# Called where the configuration has no number.
HANDLER = {"url": "https://www.example.com/voice",
           "fallback_url": "https://fallback.example.com/voice"}

START_SECONDS = 60
MAIL_SECONDS = 60  # group_wait, 10 s by default, and some
# What compose.yaml gives each to stop; by the manual they need 31 and 8 at most.
GRACE_SECONDS = {"router": 35, "notifier": 12}


def files_of(source):
    """(name, text) of the files of a configuration."""
    if source.is_dir():
        for file in source.iterdir():
            yield file.name, file.read_text()
        return
    for manifest in yaml.safe_load_all(source.read_text()):
        if manifest and manifest["kind"] == "ConfigMap":
            yield from manifest["data"].items()


class Configuration:
    """Copies of both files with what they name, and where they say things are."""

    def __init__(self, source, folder):
        self.folder = folder / "configuration"
        self.folder.mkdir()
        for name, text in files_of(pathlib.Path(source)):
            (self.folder / name).write_text(text)
        self.router = yaml.safe_load((self.folder / "router.yaml").read_text())
        self.notifier = yaml.safe_load((self.folder / "notifier.yaml").read_text())
        number = next((number for number in self.router["numbers"]
                       if "fallback_url" in number.get("voice", {})), None)
        handler = number["voice"] if number else HANDLER
        self.primary = urlsplit(handler["url"])
        self.fallback = urlsplit(handler["fallback_url"])
        # Of `understudy resolve`.
        self.target = (["--number", number["phone_number"]] if number else
                       ["--url", handler["url"], "--fallback-url", handler["fallback_url"]])
        self.smtp = self.notifier["mail"].get("smtp")

    def port(self, service, door):
        text = (self.router if service == "router" else self.notifier)[door]["listen"]
        return int(text.rsplit(":", 1)[1])

    def notifier_host(self):
        return self.router["notifier"]["target"].split("/")[-1].rsplit(":", 1)[0]

    def names(self):
        """Of every host there must be."""
        web = {url.hostname for url in (self.primary, self.fallback) if url.scheme != "bin"}
        names = {name: image_world.WEB_ADDRESS for name in web}
        names[self.notifier_host()] = image_world.LOOPBACK
        if self.smtp:
            names[urlsplit(self.smtp["url"]).hostname] = image_world.LOOPBACK
        return names

    def make_secrets(self, folder):
        """A file for each that the configuration takes from the folder of secrets."""
        folder.mkdir()

        def walk(value, key=""):
            if isinstance(value, dict):
                for name, part in value.items():
                    walk(part, name)
            elif isinstance(value, list):
                for part in value:
                    walk(part)
            elif key.endswith("_file") and str(value).startswith(SECRETS_FOLDER + "/"):
                file = folder / value.removeprefix(SECRETS_FOLDER + "/")
                file.write_text(secrets.token_hex(32))

        walk([self.router, self.notifier])


def start_mail_server(configuration, authority, secrets_folder):
    smtp = configuration.smtp
    if not smtp:
        return None
    url = urlsplit(smtp["url"])
    is_plain = smtp.get("starttls") == "off"
    password_file = smtp.get("password_file")
    password = None
    if password_file:
        password = (secrets_folder / pathlib.Path(password_file).name).read_text()
    return image_world.MailServer(url.port or 25, None if is_plain else
                                  authority.server_context(url.hostname), password)


def mails(server, state):
    """The texts of all that have gone out: to the server, or into files of the notifier's."""
    sources = (server.mails if server else
               [path.read_text() for path in state["notifier"].rglob("*.eml")])
    for source in sources:
        parts = email.message_from_string(source).walk()
        yield "\n".join(part.get_payload(decode=True).decode() for part in parts
                        if not part.is_multipart())


def check_writable(service, running):
    """The state folder is the only place where it can write."""
    found = running.execute("/usr/bin/find", "/", "-writable", "!", "-type", "l",
                            "!", "-path", "/proc/*", "!", "-path", "/dev/*",
                            "!", "-path", STATE_FOLDER, "!", "-path", STATE_FOLDER + "/*")
    check_equal(found.stdout, "", f"{service}: writable places")
    refused = running.execute("/usr/bin/touch", "/usr/bin/new")
    check("Read-only file system" in refused.stderr, f"{service}: {refused.stderr}")
    check_equal(running.execute("/usr/bin/touch", STATE_FOLDER + "/new").returncode, 0,
                f"{service}: writing to its state")
    running.execute("/usr/bin/rm", STATE_FOLDER + "/new")


def check_health(images, service, running, seconds):
    """The image's own health check says that it is ready; without a service it does not."""
    words = images.config(SERVICES[service])["Healthcheck"]["Test"][1:]

    def is_ready():
        check(running.is_running(), f"{service} ended:\n{running.log()}")
        return running.execute(*words).returncode == 0

    image_world.wait_for(is_ready, f"{service} is healthy", seconds)


class World:
    def __init__(self, images, source, folder):
        self.images = images
        self.folder = folder
        self.configuration = Configuration(source, folder)
        secrets_folder = folder / "secrets"
        self.configuration.make_secrets(secrets_folder)
        image_world.set_up_network()
        authority = image_world.Authority(folder)
        image_world.NameServer(self.configuration.names())
        fallback = self.configuration.fallback
        self.web = image_world.WebServers(
            [self.configuration.primary], [fallback] if fallback.scheme != "bin" else [], authority)
        self.mail_server = start_mail_server(self.configuration, authority, secrets_folder)
        (folder / "resolv.conf").write_text(f"nameserver {image_world.LOOPBACK}\n")
        self.binds = [(self.configuration.folder, CONFIGURATION_FOLDER),
                      (secrets_folder, SECRETS_FOLDER),
                      (folder / "resolv.conf", "/etc/resolv.conf"),
                      (authority.certificate, AUTHORITIES)]
        self.state = {}
        self.running = {}

    def start(self, service):
        state = self.folder / f"{service}-state"
        state.mkdir()
        os.chown(state, USER, USER)
        self.state[service] = state
        self.running[service] = Container(self.images, SERVICES[service], self.folder,
                                          [*self.binds, (state, STATE_FOLDER)])

    def resolve(self):
        """What the router answers to a call, asked by the third image."""
        router = f"127.0.0.1:{self.configuration.port('router', 'grpc')}"
        asking = Container(
            self.images, "understudy", self.folder, self.binds,
            command=["resolve", "--json", "--router", router, *self.configuration.target])
        try:
            return asking.wait(START_SECONDS), json.loads(asking.output() or "{}"), asking.log()
        finally:
            asking.end()

    def end(self):
        for running in self.running.values():
            running.end()


def check_run(world):
    configuration = world.configuration
    # Neither answers before it runs: health checks can say no.
    world.start("notifier")
    check_equal(world.running["notifier"].execute(
        "/usr/bin/understudy", "health",
        f"127.0.0.1:{configuration.port('router', 'admin')}").returncode, 1,
        "the health of a router that does not run")
    world.start("router")
    for service, running in world.running.items():
        check_health(world.images, service, running, START_SECONDS)
        check_writable(service, running)

    status, answer, log = world.resolve()
    check_equal(status, 3, f"a call whose primary fails: {answer} {log}")
    check_equal(answer["source"], "SOURCE_FALLBACK", "who answered")
    if configuration.fallback.scheme != "bin":
        check_equal(answer["twiml"].encode(), image_world.FALLBACK_DOCUMENT, "the document")
    host = configuration.primary.hostname
    check(any(request.startswith(host) for request in world.web.requests), "no primary was asked")

    def told():
        return [mail for mail in mails(world.mail_server, world.state) if host in mail]

    mail = image_world.wait_for(told, f"a mail about {host}", MAIL_SECONDS)[0]
    check("11200" in mail, f"the mail does not name the code:\n{mail}")

    for service in ("router", "notifier"):
        running = world.running[service]
        running.signal("TERM")
        check_equal(running.wait(GRACE_SECONDS[service]), 0, f"{service}: exit status")
        check("stopped" in running.log(), f"{service} does not say that it stopped")
    for service, file in (("router", configuration.router["notifier"]["outbox_dir"]),
                          ("notifier", configuration.notifier["store"]["sqlite"])):
        check(file.startswith(STATE_FOLDER + "/"), f"{service} keeps {file}")
        check((world.state[service] / file.removeprefix(STATE_FOLDER + "/")).exists(),
              f"{service} has not made {file}")


def main():
    images = Images(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        world = None
        try:
            world = World(images, sys.argv[2], folder)
            check_run(world)
        except BaseException:
            for service, running in world.running.items() if world else ():
                print(f"--- {service}\n{running.log()}", file=sys.stderr)
            raise
        finally:
            if world:
                world.end()
            images.close()
    print(f"{sys.argv[2]}: a call was answered by its fallback, and a mail about it arrived")


if __name__ == "__main__":
    main()
