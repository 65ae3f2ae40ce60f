"""The documentation of the schema, written or compared with what is there."""

from pathlib import Path

from modelmigrate import project
from modelmigrate.atlas.directory import by_create, read_migrations
from modelmigrate.errors import Exit, MigrateError
from modelmigrate.inspect.folder import left_over, write_files
from modelmigrate.inspect.site.anomalies import find_anomalies
from modelmigrate.inspect.site.comments import coverage, first_of, require_comments
from modelmigrate.inspect.site.contents import read_contents
from modelmigrate.inspect.site.engine import require_engine
from modelmigrate.inspect.site.pages import GENERATED_BY, site_files
from modelmigrate.inspect.site.timeline import find_since
from modelmigrate.terminal import progress


def document_schema(since: str | None, comments: int | None, *, check: bool) -> str:
    """Write the site; or, to `check`, say whether the one that is there is up to date. The page of changes
    begins after the version `since`, by default before the newest create. So many percent of tables and
    columns have to have `comments`.

    Raises:
        MigrateError: the site is stale (exit code 2); comments are missing (exit code 3); or the
            migrations cannot be applied, or the models not be loaded.
    """
    require_engine()
    migrations = read_migrations()
    count = (
        find_since(migrations, since) if since else len(migrations) - len(by_create(migrations)[-1])
    )
    contents = read_contents(migrations)
    progress("making the pages")
    files = site_files(contents, count)
    folder = project.site_dir()
    if check:
        require_fresh(folder, files, since)
        said = f"{project.relative(folder)} is up to date"
    else:
        written = write_files(folder, files, GENERATED_BY, "docs")
        place = project.relative(folder)
        said = f"{len(written)} files written to {place}: open {place}/index.html"
    require_comments(contents, comments, written=not check)
    found, covered = len(find_anomalies(contents)), coverage(contents).percent
    return f"{said}\nanomalies: {found}; tables and columns with a comment: {covered} %"


def require_fresh(folder: Path, files: dict[str, str], since: str | None) -> None:
    """Raise MigrateError (exit code 2) where the folder has other files than these."""
    stale = [
        name
        for name, text in files.items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != text.encode()
    ]
    stale += [
        path.relative_to(folder).as_posix() for path in left_over(folder, files, GENERATED_BY)
    ]
    if stale:
        raise MigrateError(
            f"{project.relative(folder)} is not what the migrations and models say. Nothing was changed."
            f" {len(stale)} files differ:\n{first_of(stale)}\nWrite it again:"
            f" {project.command('docs', since=since)}",
            Exit.DRIFT,
        )
