"""The versions of the service that a drill deploys: copies of the project whose models differ."""

import asyncio
import shutil
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from modelmigrate import project
from modelmigrate.delivery.drill.traffic import ask
from modelmigrate.errors import MigrateError
from modelmigrate.isolation import for_client_of, isolated
from modelmigrate.terminal import indent

# Appended to the module of the models: a few of them have one more attribute, in a column of this name.
BEGIN = "\n\ndef _as_in_the_drill() -> None:"
MODELS = (
    BEGIN
    + """
    from sqlalchemy import Text
    from sqlalchemy.orm import mapped_column

    mappers = sorted({base}.registry.mappers, key=lambda each: each.class_.__name__)
    for mapper in [each for each in mappers if not each.inherits][:5]:
        mapper.class_.in_the_drill = mapped_column("{column}", Text)


_as_in_the_drill()
"""
)
SERVE = "-m uvicorn main:create_app --factory --host 127.0.0.1 --no-access-log --port"
PATIENCE = 30  # seconds, for a machine that is busy


@dataclass
class Version:
    """A version of the service: its files, what it is told by its environment, and its process."""

    name: str
    folder: Path
    settings: dict[str, str]
    port: int = 0
    process: Process | None = None

    def copy(self, name: str, column: str) -> "Version":
        """Another version beside this one, whose models have that column instead."""
        folder = self.folder.with_name(name)
        shutil.copytree(self.folder, folder)
        module, _, base = project.settings().models.partition(":")
        path = folder / project.settings().source / module.replace(".", "/")
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        text = file.read_text(encoding="utf-8").partition(BEGIN)[0]
        file.write_text(text + MODELS.format(base=base, column=column), encoding="utf-8")
        return Version(name, folder, self.settings)

    async def start(self) -> None:
        """Start it, and wait until it answers; it need not be ready.

        Raises:
            MigrateError: it does not; the end of its log.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with (self.folder / "log").open("ab") as log:
            self.process = await self._run(*SERVE.split(), str(self.port), stdout=log)
        for _ in range(PATIENCE * 20):
            if (await ask(self.port, "/healthz")).status == 200:
                return
            if self.process.returncode is not None:
                break
            await asyncio.sleep(0.05)
        lines = (self.folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        raise MigrateError(f"the {self.name} version does not start:\n{indent(lines[-10:])}")

    async def stop(self) -> None:
        """End it, once its requests are answered."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            finally:
                if self.process.returncode is None:
                    self.process.kill()

    async def output(self, *arguments: str) -> str:
        """What Python prints, told to run something of the project; nothing where it fails."""
        process = await self._run(*arguments, stdout=PIPE)
        out, _ = await process.communicate()
        return "" if process.returncode else out.decode().strip()

    async def _run(self, *arguments: str, stdout: int | IO[bytes]) -> Process:
        source = str(self.folder / project.settings().source)
        places = {"PYTHONPATH": source, "MIGRATIONS_DIR": str(self.folder / "migrations")}
        url = self.settings["DATABASE_URL"]
        return await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=self.folder, start_new_session=True, stdin=DEVNULL,
            env=for_client_of(url, **self.settings, **places),
            stdout=stdout, stderr=DEVNULL if stdout == PIPE else STDOUT,
        )  # fmt: skip

    async def command(self, *words: str, code: int = 0) -> str:
        """What a command of ours says; `--env drill` is the database of the drill.

        Raises:
            MigrateError: it does not end with this exit code.
        """
        servers = str(project.servers_dir().parent)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "modelmigrate", "--project", str(self.folder), *words,
            cwd=self.folder, start_new_session=True, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
            env=isolated(MODELMIGRATE_SERVERS=servers, DRILL_DATABASE_URL=self.settings["DATABASE_URL"]),
        )  # fmt: skip
        try:
            out, _ = await process.communicate()
        except asyncio.CancelledError:
            process.send_signal(signal.SIGINT)
            await process.wait()
            raise
        said = out.decode(errors="replace").strip()
        if process.returncode != code:
            call = f"modelmigrate {' '.join(words)}"
            raise MigrateError(
                f"`{call}` of the {self.name} version ended with {process.returncode} instead of {code}:\n"
                f"{indent(said.splitlines())}"
            )
        return said
