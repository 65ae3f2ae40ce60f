"""Show the main job on a real service: bake, first migration, serve, change a model, migrate.

Run by `make demo`. The service stays in a scratch folder, to play with.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SLUG = "team-directory"
Body = dict[str, str] | None
PRIVATE_UV = ROOT / ".uv" / "bin"
GO_ON = """\
  make          # lists what there is to do
  make seed     # a few more users, and teams
  make run      # http://127.0.0.1:8000/docs
  make check    # everything that CI checks"""
NEW_FIELD = "    bio: Mapped[str | None] = mapped_column(Text, nullable=True)\n"


def main() -> None:
    # This runs below `make demo`, and is not a part of it.
    for name in ("MAKEFLAGS", "MAKELEVEL"):
        os.environ.pop(name, None)
    # A fresh machine may not know yet who commits.
    for role in ("AUTHOR", "COMMITTER"):
        if subprocess.run(("git", "var", f"GIT_{role}_IDENT"), capture_output=True).returncode:
            os.environ[f"GIT_{role}_NAME"] = "Ada Lovelace"
            os.environ[f"GIT_{role}_EMAIL"] = "ada@example.com"
    scratch = Path(tempfile.mkdtemp(prefix="demo-"))
    # An unprivileged database server has to reach the folder when root runs the demo.
    scratch.chmod(0o755)
    say("Bake a service with the default answers")
    show(scratch, "cookiecutter", str(ROOT), "--no-input")
    service = scratch / SLUG
    say("Its first migration was derived from the models by Atlas")
    show(service, "git", "log", "--oneline", "--stat", "--", "migrations")
    [first] = (service / "migrations").glob("*.sql")
    print(first.read_text(encoding="utf-8"))
    say("Apply it, and serve")
    show(service, "make", "migrate")
    with serving(service) as port:
        walk(service, port)
    say("Change a model: one line in src/domain/models/user.py")
    add_field(service)
    show(service, "git", "diff", "--unified=0", "src")
    show(service, "make", "migrate-create", "m=add user bio")
    show(service, "make", "migrate")
    show(service, "make", "migrate-status")
    show(service, "make", "db-stop")
    say("Go on")
    print(f"  cd {service}")
    if PRIVATE_UV.is_dir():
        print(f"  export PATH={PRIVATE_UV}:$PATH    # the uv that this demo installed")
    print(GO_ON)


def say(what: str) -> None:
    print(f"\n\033[1m== {what}\033[0m" if sys.stdout.isatty() else f"\n== {what}", flush=True)


def show(folder: Path, *command: str) -> None:
    print(f"$ {shlex.join(command)}", flush=True)
    if code := subprocess.run(command, cwd=folder, check=False).returncode:
        sys.exit(f"the demo stops here: exit code {code}. What was made is in {folder}")


@contextmanager
def serving(service: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    print(f"$ make run port={port} &", flush=True)
    log = (service.parent / "server.log").open("w")
    server = subprocess.Popen(
        ("make", "run", f"port={port}"), cwd=service, stdout=log, stderr=log, start_new_session=True
    )
    try:
        wait_until_ready(port, server)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
        log.close()


def wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        if server.poll() is not None:
            break
        try:
            if send(port, "GET", "/readyz")[0] == HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("the service did not get ready: see server.log beside it")


def walk(service: Path, port: int) -> None:
    """Use the API as clients would, each with a token of their own."""
    ask(port, "GET", "/readyz")
    ask(port, "GET", "/users")
    print("$ make token sub=ada; make token sub=bob", flush=True)
    ada, bob = token(service, "ada"), token(service, "bob")
    user = ask(port, "POST", "/users", {"username": "ada", "email": "ada@example.com"}, ada)
    path = f"/users/{user['id']}"
    ask(port, "POST", "/users", {"username": "bob", "email": "ADA@example.com"}, bob)
    ask(port, "PATCH", path, {"email": "countess@example.com"}, bob, seen="1")
    ask(port, "PATCH", path, {"email": "countess@example.com"}, ada, seen="1")
    ask(port, "PATCH", path, {"email": "too-late@example.com"}, ada, seen="1")
    ask(port, "GET", "/users?limit=5", whose=ada)


def token(service: Path, name: str) -> str:
    made = subprocess.run(
        ("make", "token", f"sub={name}"), cwd=service, stdout=subprocess.PIPE, text=True, check=True
    )
    return made.stdout.strip()


def ask(
    port: int, method: str, path: str, body: Body = None, whose: str = "", seen: str = ""
) -> dict[str, str]:
    """Send a request, and show it with its answer. A change names the version that was seen."""
    headers = {"If-Match": f'"{seen}"'} if seen else {}
    secret = {"Authorization": f"Bearer {whose}"} if whose else {}
    status, text = send(port, method, path, body, headers | secret)
    shown = [method, path, *(f"{key}: {value}" for key, value in headers.items())]
    print(
        "  ".join([*shown, json.dumps(body)] if body else shown), f"  -> {status} {text}", sep="\n"
    )
    answer: dict[str, str] = json.loads(text)
    return answer


def send(
    port: int, method: str, path: str, body: Body = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    given = {"Content-Type": "application/json"} | (headers or {})
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, json.dumps(body) if body else None, given)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def add_field(service: Path) -> None:
    """Edit the model as a developer would: one attribute."""
    model = service / "src" / "domain" / "models" / "user.py"
    text = model.read_text(encoding="utf-8")
    text = text.replace("    email: Mapped", NEW_FIELD + "    email: Mapped", 1)
    model.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
