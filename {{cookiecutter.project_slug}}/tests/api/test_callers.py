"""Tokens of a provider that serves its keys over HTTP, as any OpenID Connect provider does."""

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from hmac import digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx2 import ASGITransport, AsyncClient, Response
from jwt.algorithms import get_default_algorithms
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span
from structlog.typing import EventDict

from infrastructure import tokens
from infrastructure.settings import Settings
from main import assemble
from make_token import bearer

pytestmark = pytest.mark.anyio

RSA = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, Any] = {
    "RS256": RSA,
    "PS256": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
SHARED = "a" * 43  # a key for HMAC, published by mistake
STRANGERS = rsa.generate_private_key(65537, 2048)


class Provider:
    """Publishes keys, each under the name of its algorithm, and counts who asks for them."""

    def __init__(self) -> None:
        self.keys = {name: (name, key) for name, key in KEYS.items()}
        self.asked: Counter[str] = Counter()
        self.traces: set[str | None] = set()
        self.issuer, self.called = "", ""
        self.may_answer = Event()
        self.may_answer.set()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked[self.path] += 1
                provider.traces |= {self.headers["traceparent"]}
                provider.may_answer.wait()
                body = json.dumps(provider.documents()[self.path]).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        port = int(self.issuer.rpartition(":")[2] or 0)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def documents(self) -> dict[str, Any]:
        keys = []
        for kid, (algorithm, key) in self.keys.items():
            jwk = get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True)
            keys.append(jwk | {"kid": kid, "alg": algorithm, "use": "sig"})
        keys.append({"kid": "shared", "kty": "oct", "alg": "HS256", "k": SHARED})
        about = {"issuer": self.called or self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        return {"/.well-known/openid-configuration": about, "/keys": {"keys": keys}}

    def sign(self, algorithm: str = "RS256", key: Any = None, kid: str = "", **claims: Any) -> str:
        usual = {"iss": self.issuer, "aud": "us", "sub": "ada", "exp": time.time() + 60}
        said = {name: value for name, value in (usual | claims).items() if value is not None}
        key = key or KEYS[algorithm]
        return jwt.encode(said, key, algorithm, headers={"kid": kid or algorithm})


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    provider = Provider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
async def visitor(settings: Settings, provider: Provider) -> AsyncIterator[AsyncClient]:
    """Shows no token by itself."""
    update = {"oidc_issuer": provider.issuer, "oidc_audience": "us"}
    service = assemble(settings.model_copy(update=update))
    async with (
        service.router.lifespan_context(service),
        AsyncClient(transport=ASGITransport(service), base_url="http://test") as client,
    ):
        yield client


async def show(client: AsyncClient, token: str) -> Response:
    return await client.get(
        "/users", headers={b"Authorization": f"Bearer {token}".encode("latin-1")}
    )


async def test_the_provider_is_told_which_trace_its_keys_are_for(
    visitor: AsyncClient, provider: Provider
) -> None:
    with use_span(NonRecordingSpan(SpanContext(trace_id=1, span_id=2, is_remote=False))):
        await show(visitor, provider.sign())

    assert provider.traces == {f"00-{1:032x}-{2:016x}-00"}


def assert_refused(response: Response, reason: str) -> None:
    challenge = f'Bearer realm="api", error="invalid_token", error_description="{reason}"'
    assert (response.status_code, response.headers["www-authenticate"]) == (401, challenge)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:problem:unauthenticated"
    assert response.json()["detail"] == f"{reason}."


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_token_of_the_provider_is_accepted(
    visitor: AsyncClient, provider: Provider, algorithm: str
) -> None:
    assert (await show(visitor, provider.sign(algorithm))).status_code == 200


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": time.time() - 60}, "The token has expired"),
        ({"aud": "others"}, "The token is for another audience"),
        ({"iss": "https://id.example.com"}, "The token is of another issuer"),
        ({"nbf": time.time() + 600}, "The token is not valid"),
        ({"exp": None}, "The token is not valid"),
        ({"aud": None}, "The token is not valid"),
        ({"iss": None}, "The token is not valid"),
        ({"sub": None}, "The token is not valid"),
        ({"key": STRANGERS}, "The token is not valid"),
        ({"kid": "nobody's"}, "The token is signed by an unknown key"),
        ({"kid": "ES256"}, "The token is not valid"),
    ],
)
async def test_a_token_that_is_not_for_us_is_refused_with_the_reason(
    visitor: AsyncClient, provider: Provider, claims: dict[str, Any], reason: str
) -> None:
    assert_refused(await show(visitor, provider.sign(**claims)), reason)


async def test_clocks_may_be_half_a_minute_off(visitor: AsyncClient, provider: Provider) -> None:
    late = provider.sign(exp=time.time() - 20)
    early = provider.sign(nbf=time.time() + 20, iat=time.time() + 20)

    assert [(await show(visitor, token)).status_code for token in (late, early)] == [200, 200]


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


async def test_a_token_that_was_forged_is_refused(visitor: AsyncClient, provider: Provider) -> None:
    header, payload, signature = provider.sign().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = encoded(json.dumps(claims | {"sub": "bob"}).encode())
    none = encoded(b'{"alg": "none", "kid": "RS256"}')
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def hmac(kid: str, key: bytes) -> str:
        signed = encoded(json.dumps({"alg": "HS256", "kid": kid}).encode()) + f".{payload}"
        return f"{signed}.{encoded(digest(key, signed.encode(), 'sha256'))}"

    for forged in (
        f"{header}.{other}.{signature}",
        f"{none}.{payload}.",
        f"{none}.{payload}.{signature}",
        hmac("RS256", public),
        f"{encoded(b'[' * 9999)}.{payload}.{signature}",
        f"{header}.{payload}",
        "\xe9",
        "nonsense",
    ):
        assert_refused(await show(visitor, forged), "The token is not valid")
    published = base64.urlsafe_b64decode(SHARED + "=")
    assert_refused(
        await show(visitor, hmac("shared", published)), "The token is signed by an unknown key"
    )


async def test_a_key_for_development_opens_nothing_where_there_is_an_issuer(
    visitor: AsyncClient,
) -> None:
    response = await visitor.get("/users", headers=bearer("ada", "admin"))

    assert_refused(response, "The token is signed by an unknown key")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic YTpi"}])
async def test_who_shows_no_token_is_asked_for_one_everywhere_but_at_the_probes(
    visitor: AsyncClient, header: dict[str, str]
) -> None:
    # Probes first: they hear within a second what the database says, or that it does not answer.
    probes = ("/healthz", "/readyz")
    for path in probes:
        assert (await visitor.get(path, headers=header)).status_code == 200
    document = (await visitor.get("/openapi.json")).json()
    asked = {
        (method, path): await visitor.request(
            method, path.format(user_id=0, team_id=0), headers=header
        )
        for path, operations in document["paths"].items()
        for method in operations
        if path not in probes
    }

    statuses = {key: response.status_code for key, response in asked.items()}
    assert len(statuses) >= 9
    assert {*statuses.values()} == {401}
    assert asked["get", "/users"].headers["www-authenticate"] == 'Bearer realm="api"'
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for method, path in statuses:
        assert {"401", "403"} <= document["paths"][path][method]["responses"].keys()
        assert document["paths"][path][method]["security"] == [{"bearer": []}]


async def test_who_owns_no_team_does_not_change_its_members(
    visitor: AsyncClient, provider: Provider
) -> None:
    def of(name: str, **scopes: Any) -> dict[str, str]:
        token = provider.sign(sub=f"{name}|at the provider", **scopes)
        return {"Authorization": f"Bearer {token}", "If-Match": "*"}

    ids = {}
    for name in ("ada", "bob"):
        body = {"username": name, "email": f"{name}@example.com"}
        ids[name] = (await visitor.post("/users", json=body, headers=of(name))).json()["id"]
    team = {"name": "Engines", "owner_id": ids["ada"]}
    made = await visitor.post("/teams", json=team, headers=of("ada"))
    seat, role = f"{made.headers['location']}/members/{ids['bob']}", {"role": "member"}

    refused = await visitor.put(seat, json=role, headers=of("bob"))

    assert (refused.status_code, refused.json()["type"]) == (403, "urn:problem:forbidden")
    assert refused.json()["detail"] == "Only an owner of the team changes its members."
    for headers in (
        of("ada"),
        of("carl", scope="openid admin"),
        of("carl", scp="admin"),
        of("carl", scp=["openid", "admin"]),
    ):
        assert (await visitor.put(seat, json=role, headers=headers)).status_code == 200


async def test_a_key_is_asked_for_once_and_a_new_one_is_found(
    visitor: AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = await asyncio.gather(*(show(visitor, provider.sign()) for _ in range(9)))
    assert {answer.status_code for answer in answers} == {200}
    assert provider.asked["/keys"] == 1

    provider.keys = {"new": ("RS256", STRANGERS)}
    for _ in range(20):  # whoever sends such tokens does not make us ask as often
        assert (await show(visitor, provider.sign(kid="new", key=STRANGERS))).status_code == 401
    assert provider.asked["/keys"] == 1
    later(monkeypatch, tokens.PAUSE)

    assert (await show(visitor, provider.sign(kid="new", key=STRANGERS))).status_code == 200
    assert provider.asked["/keys"] == 2
    assert_refused(await show(visitor, provider.sign()), "The token is signed by an unknown key")


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(tokens, "monotonic", lambda: time.monotonic() + seconds)


async def test_a_key_that_was_withdrawn_is_soon_refused(
    visitor: AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await show(visitor, provider.sign())).status_code == 200
    del provider.keys["RS256"]

    later(monkeypatch, tokens.LIFESPAN)

    assert_refused(await show(visitor, provider.sign()), "The token is signed by an unknown key")


async def test_who_waits_for_a_slow_provider_holds_up_nobody_else(
    visitor: AsyncClient, provider: Provider
) -> None:
    provider.may_answer.clear()
    waiting = asyncio.create_task(show(visitor, provider.sign()))
    while not provider.asked:
        await asyncio.sleep(0)
        assert (await visitor.get("/healthz")).status_code == 200

    assert not waiting.done()
    provider.may_answer.set()
    assert (await waiting).status_code == 200


async def test_without_keys_it_is_a_503_and_with_them_the_provider_may_be_away(
    visitor: AsyncClient,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    logs: list[EventDict],
) -> None:
    provider.stop()

    away = await show(visitor, provider.sign())

    assert (away.status_code, away.headers["retry-after"]) == (503, "1")
    assert away.headers["content-type"] == "application/problem+json"
    assert [log["event"] for log in logs] == [
        "keys of the identity provider cannot be read",
        "identity provider is not available",
        "request",
    ]
    assert "Connection refused" in logs[0]["cause"]
    assert (await visitor.get("/healthz")).status_code == 200
    provider.start()
    later(monkeypatch, tokens.PAUSE_WITHOUT_KEYS)
    assert (await show(visitor, provider.sign())).status_code == 200
    provider.stop()
    later(monkeypatch, tokens.LIFESPAN * 100)
    assert (await show(visitor, provider.sign())).status_code == 200


async def test_keys_of_somebody_else_are_not_taken(
    visitor: AsyncClient, provider: Provider, logs: list[EventDict]
) -> None:
    provider.called = "https://id.example.com"

    assert (await show(visitor, provider.sign())).status_code == 503
    assert provider.asked["/keys"] == 0
    assert logs[0]["its_name"] == provider.called
