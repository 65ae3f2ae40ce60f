"""`make token`: prints a token for the service on this machine, signed with the key in `.env`."""

import os
import sys
import time

import jwt

LIFETIME = 12 * 60 * 60


def sign(subject: str, scope: str = "") -> str:
    claims = {"sub": subject, "scope": scope, "exp": int(time.time()) + LIFETIME}
    return jwt.encode(claims, os.environ["DEVELOPMENT_KEY"], "HS256")


def bearer(subject: str, scope: str = "") -> dict[str, str]:
    """The header that a client sends."""
    return {"Authorization": f"Bearer {sign(subject, scope)}"}


if __name__ == "__main__":
    if os.environ.get("OIDC_ISSUER"):
        sys.exit("error: OIDC_ISSUER is set: the service takes its tokens alone. Get one there.")
    if not os.environ.get("DEVELOPMENT_KEY"):
        sys.exit("error: no DEVELOPMENT_KEY is set: add one of 32 characters or more to .env")
    print(sign(*sys.argv[1:]))
