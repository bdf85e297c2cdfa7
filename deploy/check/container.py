"""The image's two scripts at work, without a container, and compose.yaml against what it mounts."""

import http.server
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import threading
import tomllib

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[1]
LINKS = """[[person]]
id = "chen"
name = "陈雨"
scopes = ["read"]
token_sha256 = "00"
[[mqtt]]
client_id = "@NODE@"
"""
ROLES = {"intake", "rules", "dispatch", "console"}
faults = []


def expect(holds, what):
    if not holds:
        faults.append(what)


def entrypoint(shared, node):
    """Runs the entrypoint with a sanfang that tells its arguments; gives what it said and the file."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in ("bin", "run", "secrets"):
            (folder / name).mkdir()
        program = folder / "bin/sanfang"
        program.write_text('#!/bin/sh\necho "$@"\n')
        program.chmod(0o755)
        (folder / "secrets/links.toml").write_text(LINKS)
        (folder / "secrets/mail").write_text("word")
        environment = {
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "SANFANG_SHARED": str(shared),
            "SANFANG_SECRETS": str(folder / "secrets"),
            "SANFANG_RUN": str(folder / "run"),
            "SANFANG_NODE": node,
        }
        command = [DEPLOY / "container/entrypoint.sh", "serve", "--roles", "rules"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True)
        made = folder / "run/sanfang.toml"
        if made.exists():
            expect(stat.S_IMODE(made.stat().st_mode) == 0o600, f"{shared}: others can read what is put together")
            expect((folder / "run/secrets/mail").read_text() == "word", f"{shared}: secrets/ is not beside it")
        return ran, made.read_text() if made.exists() else None, str(made)


def check_entrypoint():
    for shared in (DEPLOY / "compose/sanfang.toml", DEPLOY / "kubernetes/sanfang.toml"):
        ran, text, made = entrypoint(shared, "rules-0")
        expect(ran.returncode == 0, f"{shared}: {ran.stderr}")
        expect(ran.stdout.strip() == f"serve --roles rules --config {made}", f"{shared}: sanfang {ran.stdout}")
        text = text or ""
        config = tomllib.loads(text)
        expect(config.get("node") == "rules-0", f"{shared}: node is {config.get('node')}")
        expect(config.get("person", [{}])[0].get("name") == "陈雨", f"{shared}: links.toml is not in it")
        said = [line for line in text.splitlines() if not line.startswith("#")]
        expect("@NODE@" not in "\n".join(said), f"{shared}: a name was not put in")
        expect({"brokers", "prefix", "replication", "min_insync_replicas", "security"} <= config["kafka"].keys(), f"{shared}: [kafka] is short")
        expect(config["kafka"]["min_insync_replicas"] < config["kafka"]["replication"], f"{shared}: no broker may be away")
    for node in ('a"b', "a/b", "a b"):
        ran, text, _ = entrypoint(DEPLOY / "compose/sanfang.toml", node)
        expect(ran.returncode == 2 and text is None, f"the name {node} is taken")
    ran, _, _ = entrypoint(DEPLOY / "nowhere.toml", "a")
    expect(ran.returncode == 2 and "nowhere.toml" in ran.stderr, "a missing file is not told")


def check_health():
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response({"/healthz": 200, "/readyz": 503}.get(self.path, 404))
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def healthy(**environment):
        command = [DEPLOY / "container/healthy.sh"]
        return subprocess.run(command, env=os.environ | environment, capture_output=True).returncode == 0

    port = str(server.server_address[1])
    expect(healthy(HEALTH_PORT=port), "what is healthy is called ill")
    expect(not healthy(HEALTH_PORT=port, HEALTH_PATH="/readyz"), "503 is called healthy")
    server.shutdown()
    server.server_close()
    expect(not healthy(HEALTH_PORT=port), "nobody is called healthy")


def check_compose():
    """What a schema cannot see: files that are there, processes that Prometheus asks, limits for all."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    by_role = {role: set() for role in ROLES}
    for name, service in compose["services"].items():
        command = service.get("command") or []
        if "--roles" in command:
            by_role[command[command.index("--roles") + 1]].add(f"{name}:8080")
            expect(service["environment"]["SANFANG_NODE"] == name, f"{name}: its node has another name")
            expect("directory:/var/lib/sanfang" in service["volumes"], f"{name}: its recipients' directory is not the one of all")
        expect("memory" in service["deploy"]["resources"]["limits"], f"{name}: no limit of memory")
        has_check = name == "topics" or "healthcheck" in service or service["image"].startswith("sanfang:")
        expect(has_check, f"{name}: nobody asks whether it is well")
        for volume in service.get("volumes", []):
            if isinstance(volume, str) and volume.startswith("./"):
                expect((DEPLOY / volume.split(":")[0]).exists(), f"{name}: {volume} is not there")
        # A secret is a file: nothing that looks like one stands in the environment.
        for key in service.get("environment", {}):
            is_secret = any(word in key.upper() for word in ("PASSWORD", "SECRET", "TOKEN"))
            expect(not is_secret or key.endswith("__FILE"), f"{name}: {key} holds a secret")
    targets = yaml.safe_load((DEPLOY / "compose/targets.yml").read_text())
    asked = {entry["labels"]["role"]: set(entry["targets"]) for entry in targets}
    expect(asked == by_role, f"Prometheus asks {asked}, compose.yaml runs {by_role}")
    expect(all(len(processes) == 2 for processes in by_role.values()), f"two of each: {by_role}")


check_entrypoint()
check_health()
check_compose()
print("\n".join(faults) or "well")
sys.exit(1 if faults else 0)
