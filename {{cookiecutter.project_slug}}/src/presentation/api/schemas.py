"""What the bodies of requests and responses are made of."""

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# For fields of a PATCH: may be left out, which `model_dump(exclude_unset=True)` tells from null.
OMITTED: Any = Field(default_factory=lambda: None)

# PostgreSQL cannot hold U+0000; no other control character belongs in a name, either.
Line = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$", max_length=100),
]


class Body(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid")


class View(BaseModel):
    """What a client gets, read from an entity."""

    model_config = ConfigDict(from_attributes=True)


V = TypeVar("V", bound=View)


class PageView(View, Generic[V]):
    """Ask for the next page with `after` set to `next_after`; there is none if that is null."""

    items: list[V]
    next_after: UUID | None


class Problem(BaseModel):
    """`type` tells programs what is wrong; `errors` has a message for each field of the request."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    errors: dict[str, str] | None = None
