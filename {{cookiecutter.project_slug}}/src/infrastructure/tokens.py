"""Who calls, by bearer tokens: those of an OpenID Connect provider, or a developer's own."""

import asyncio
from math import inf
from time import monotonic
from typing import Any, ClassVar

import jwt
import structlog
from jwt import PyJWK, PyJWKClient, PyJWKSet, PyJWTError
from jwt.types import Options
from opentelemetry import propagate

from application.ports import Caller, Unauthenticated, Unavailable

SKEW = 30  # how far the clocks of others may be off; all times are seconds
LIFESPAN = 300  # of keys, while the provider can be asked whether they still hold
PAUSE, PAUSE_WITHOUT_KEYS = 30, 1  # between questions to the provider, whatever tokens come
TIMEOUT = 3
# Of public keys alone: what checks a token must not be able to make one.
ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
REQUIRED: Options = {"require": ["exp", "sub"]}
INVALID = "The token is not valid"
REASONS: dict[type[PyJWTError], str] = {
    jwt.ExpiredSignatureError: "The token has expired",
    jwt.InvalidAudienceError: "The token is for another audience",
    jwt.InvalidIssuerError: "The token is of another issuer",
}

log = structlog.stdlib.get_logger()


class KeysUnavailable(Unavailable):
    what: ClassVar = "identity provider"


class Provider:
    """Checks tokens with the keys that the issuer publishes, which are kept while it is away."""

    _fetching: asyncio.Task[None]

    def __init__(self, issuer: str, audience: str) -> None:
        self._expected = {"issuer": issuer, "audience": audience}
        self._keys: dict[str | None, PyJWK] = {}
        self._old_at = self._next_fetch = -inf

    async def identify(self, token: str) -> Caller:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except PyJWTError:
            raise Unauthenticated(INVALID) from None
        now = monotonic()
        if kid not in self._keys or now >= self._old_at:
            if now >= self._next_fetch:
                self._next_fetch = inf  # all others wait for this one
                self._fetching = asyncio.create_task(asyncio.to_thread(self._fetch))
            await asyncio.wait([self._fetching])
        if not self._keys:
            raise KeysUnavailable("there are no keys to check tokens with")
        if kid not in self._keys:
            raise Unauthenticated("The token is signed by an unknown key")
        key = self._keys[kid]
        return _read(token, key, algorithms=[key.algorithm_name], **self._expected)

    def _fetch(self) -> None:
        """In a thread: the library waits for answers there."""
        issuer = self._expected["issuer"]
        try:
            about = _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if about["issuer"] != issuer:
                log.error("the identity provider is not OIDC_ISSUER", its_name=about["issuer"])
                return
            keys = PyJWKSet.from_dict(_get(about["jwks_uri"])).keys
            self._keys = {each.key_id: each for each in keys if each.algorithm_name in ALGORITHMS}
            self._old_at = monotonic() + LIFESPAN
        except (PyJWTError, OSError, ValueError, LookupError) as error:
            log.warning("keys of the identity provider cannot be read", cause=str(error))
        finally:
            self._next_fetch = monotonic() + (PAUSE if self._keys else PAUSE_WITHOUT_KEYS)


async def identify_developer(key: str, token: str) -> Caller:
    """`make token` has signed it with the same key."""
    return _read(token, key, algorithms=["HS256"])


def _get(url: str) -> dict[str, Any]:
    headers: dict[str, str] = {}
    propagate.inject(headers)  # the trace that the provider's own belong to
    client = PyJWKClient(url, cache_jwk_set=False, headers=headers, timeout=TIMEOUT)
    document: dict[str, Any] = client.fetch_data()
    return document


def _read(token: str, key: PyJWK | str, **expected: Any) -> Caller:
    try:
        claims = jwt.decode(token, key, leeway=SKEW, options=REQUIRED, **expected)
    except PyJWTError as error:
        reasons = (reason for kind, reason in REASONS.items() if isinstance(error, kind))
        raise Unauthenticated(next(reasons, INVALID)) from None
    scopes = claims.get("scope") or claims.get("scp") or ()
    return Caller(claims["sub"], frozenset(scopes.split() if isinstance(scopes, str) else scopes))
