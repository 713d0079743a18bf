"""A small provider of OpenID Connect for the tests: whoever comes is who the test says."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request, Response

CLIENT, CLIENT_SECRET = "corridors-test", "the provider's secret of this client"
EDITOR: dict[str, Any] = {
    "sub": "u-1",
    "name": "Ann Editor",
    "email": "ann@ministry.example",
    "email_verified": True,
}
READER: dict[str, Any] = {
    "sub": "u-2",
    "name": "Rolf Reader",
    "email": "rolf@ministry.example",
    "email_verified": True,
}


@dataclass
class Provider:
    """A running provider.

    Attributes
    ----------
    address
        Where it is.
    person
        Claims about whoever signs in next.
    token
        Claims of the next identity token that are other than they should be.
    forged
        Whether the next one is signed with a key that is not the provider's.
    codes
        The nonce of each sign-in under way.
    """

    address: str
    person: dict[str, Any] = field(default_factory=lambda: dict(EDITOR))
    token: dict[str, Any] = field(default_factory=dict)
    forged: bool = False
    codes: dict[str, str] = field(default_factory=dict)

    def secrets(self, app: str, more: str = "", **other: str) -> str:
        """Return the secrets of an app at an address, some keys other, or left out when empty."""
        auth = {
            "redirect_uri": f"{app}/oauth2callback",
            "cookie_secret": secrets.token_hex(32),
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
            "server_metadata_url": f"{self.address}/.well-known/openid-configuration",
            **other,
        }
        lines = [f'{key} = "{value}"' for key, value in auth.items() if value]
        return "\n".join(["[auth]", *lines, "", more, ""])


@contextmanager
def providing(server: HTTPServer) -> Iterator[Provider]:
    """Let a server be a provider until the end."""
    jose = pytest.importorskip("joserfc", reason="Authlib is not installed: corridors[team]")
    from joserfc import jwk, jwt
    from werkzeug import Response

    assert jose
    key = jwk.RSAKey.generate_key(2048, {"kid": "of-the-tests", "use": "sig"})
    other = jwk.RSAKey.generate_key(2048, {"kid": "of-the-tests", "use": "sig"})
    provider = Provider(server.url_for("").rstrip("/"))

    def authorize(request: Request) -> Response:
        code = secrets.token_urlsafe(16)
        provider.codes[code] = request.args["nonce"]
        back = urlencode({"code": code, "state": request.args["state"]})
        return Response(status=302, headers={"Location": f"{request.args['redirect_uri']}?{back}"})

    def exchange(request: Request) -> Response:
        now = int(time.time())
        claims = {
            "iss": provider.address,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": provider.codes.pop(request.form["code"]),
            **provider.person,
            **provider.token,
        }
        header = {"alg": "RS256", "kid": "of-the-tests"}
        signed = jwt.encode(header, claims, other if provider.forged else key)
        return _json({"access_token": "x", "token_type": "Bearer", "id_token": signed})

    def _json(told: dict[str, Any]) -> Response:
        import json

        return Response(json.dumps(told), content_type="application/json")

    discovery = {
        "issuer": provider.address,
        "authorization_endpoint": f"{provider.address}/authorize",
        "token_endpoint": f"{provider.address}/token",
        "jwks_uri": f"{provider.address}/keys",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
    }
    server.expect_request("/.well-known/openid-configuration").respond_with_json(discovery)
    server.expect_request("/keys").respond_with_json({"keys": [key.as_dict(private=False)]})
    server.expect_request("/authorize").respond_with_handler(authorize)
    server.expect_request("/token", method="POST").respond_with_handler(exchange)
    yield provider
    server.clear()
