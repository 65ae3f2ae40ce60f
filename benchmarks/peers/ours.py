"""The service, with tokens or without."""

import os
from uuid import uuid4

from fastapi import FastAPI

from application.ports import Caller
from main import create_app
from presentation.api.dependencies import who_calls


async def anybody() -> Caller:
    return Caller(str(uuid4()))


def create() -> FastAPI:
    app = create_app()
    if os.environ["TOKENS"] == "no":
        app.dependency_overrides[who_calls] = anybody
    return app


app = create()
