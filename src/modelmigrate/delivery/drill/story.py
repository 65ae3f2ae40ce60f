"""What happens in the drill: a release that fails and is taken back, and one that succeeds."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from psycopg.sql import SQL, Identifier

from modelmigrate.delivery.drill.traffic import Proxy, ask
from modelmigrate.delivery.drill.versions import PATIENCE, Version
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.postgres.connection import connect

Tell = Callable[[str], None]
IN_DRILL = ("--env", "drill")
DRILLED = """
    SELECT table_schema, table_name FROM information_schema.columns
    WHERE column_name = 'drill_after' ORDER BY 1, 2"""


@dataclass
class Drill:
    """What each step needs."""

    proxy: Proxy
    tell: Tell
    url: str
    token: str = ""
    paths: list[str] = field(default_factory=list)

    async def smoke(self, version: Version) -> str:
        """Which request fails; empty where none does."""
        for path in self.paths:
            if (status := (await ask(version.port, path, self.token)).status) >= 400 or not status:
                return f"GET {path} is answered {status}"
        return ""

    def hand_over(self, to: Version, fallback: Version | None) -> None:
        """Send requests to another version from now on."""
        self.proxy.active, self.proxy.fallback = to, fallback


async def release_that_fails(drill: Drill, old: Version, wrong: Version) -> None:
    """Expand, hand over, fail, go back; the schema goes back when nothing is lost by that."""
    tell = drill.tell
    expand = wrong.command("apply", *IN_DRILL, "--phase", "expand", "--yes")
    await asyncio.gather(expand, wrong.start())
    tell("expanded: the old version runs on the new schema")
    await require_ready(wrong, "")
    drill.hand_over(wrong, old)
    tell("handed over to a version that is wrong: what it fails at, the old one answers")
    await asyncio.sleep(1)
    if not (reason := await drill.smoke(wrong)):
        raise MigrateError(
            "the version that asks for a column which does not exist passed the smoke test: no GET without"
            " parameters reads a table of the models. Add one to the service."
        )
    drill.hand_over(old, None)
    tell(f"the smoke test failed: {reason}. Handed back to the old version")
    await drill.proxy.drained(wrong)
    await wrong.stop()
    down = ("down", *IN_DRILL, "--to", newest_known(old), "--yes")
    if set_values(drill.url, "written by the version that failed"):
        refusal = await wrong.command(*down, code=Exit.REFUSED)
        tell(f"the schema stays, since values would be lost: {lost_values(refusal)}")
        set_values(drill.url, None)
    await wrong.command(*down)
    tell("the schema goes back, proven to lose nothing")


async def release_that_succeeds(drill: Drill, old: Version, new: Version) -> None:
    """The same until the smoke test, which passes; then contract, once the old version is gone."""
    tell = drill.tell
    await new.start()
    await require_ready(new, "needs")
    tell("the new version waits: it is not ready before its migration")
    await new.command("apply", *IN_DRILL, "--phase", "expand", "--yes")
    await require_ready(new, "")
    drill.hand_over(new, old)
    tell("expanded, and handed over to the new version")
    if reason := await drill.smoke(new):
        raise MigrateError(f"the new version fails in the smoke test: {reason}")
    drill.proxy.fallback = None
    await drill.proxy.drained(old)
    await new.command("gate", *IN_DRILL, "--phase", "contract", code=Exit.REFUSED)
    tell("the smoke test passed. The gate refuses to contract: the old version is connected")
    await old.stop()
    await new.command("apply", *IN_DRILL, "--phase", "contract", "--yes")
    tell("the old version is gone, and the schema contracted")
    await old.start()
    await require_ready(old, "contract")
    await old.stop()
    tell("the old version, started again, refuses to be ready")


async def require_ready(version: Version, reason: str) -> None:
    """Wait until a version is ready; or, with a reason, until it is not, and says that. It is asked several
    times, as probes do, since the service remembers its answer for a second.

    Raises:
        MigrateError: it is not, in all that time.
    """
    for _ in range(PATIENCE * 5):
        answer = await ask(version.port, "/readyz")
        if answer.status == (503 if reason else 200) and reason in answer.body:
            return
        await asyncio.sleep(0.2)
    state = "ready" if answer.status == 200 else f"not ready: {answer.body or answer.status}"
    raise MigrateError(f"the {version.name} version is {state}")


async def paths_of(version: Version, token: str) -> list[str]:
    """What can be asked of the service without knowing it: each GET without parameters that succeeds."""
    document = json.loads((await ask(version.port, "/openapi.json")).body or "{}")
    known = [
        path for path, of in document.get("paths", {}).items() if "get" in of and "{" not in path
    ]
    return [path for path in known if (await ask(version.port, path, token)).status == 200]


def newest_known(version: Version) -> str:
    """The version of its newest migration."""
    return max(file.name[:14] for file in (version.folder / "migrations").glob("*.sql"))


def set_values(url: str, value: str | None) -> int:
    """Write a value into the new columns; how many rows have it."""
    with closing(connect(url)) as connection:
        tables = connection.execute(DRILLED).fetchall()
        update = SQL("UPDATE {} SET drill_after = %s")
        return sum(
            connection.execute(update.format(Identifier(*names)), [value]).rowcount
            for names in tables
        )


def lost_values(refusal: str) -> str:
    """What a refused rollback says of them."""
    begin = "rows that lose "
    lost = [line.removeprefix(begin) for line in refusal.splitlines() if line.startswith(begin)]
    return ", ".join(each for each in lost if not each.endswith(": 0"))
