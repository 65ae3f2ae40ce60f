"""A real browser, for pages that people look at."""

import os
import shutil
import subprocess

import pytest

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium() -> str:
    """The path of Debian's browser, which is installed where that can be done."""
    if not shutil.which("chromium") and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (
            "update",
            "-o DPkg::Lock::Timeout=300 install -y --no-install-recommends chromium",
        ):
            subprocess.run(
                ["apt-get", "-qq", *command.split()],
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                check=False,
            )
    found = shutil.which("chromium")
    if not found:
        pytest.skip("there is no chromium, and it cannot be installed: apt-get install chromium")
    return found
