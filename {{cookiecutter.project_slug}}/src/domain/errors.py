"""The ways in which the business says no. What HTTP makes of them is decided in presentation."""

from typing import ClassVar


class DomainError(Exception):
    """Refused by a rule: `code` names the rule for programs, `title` for people."""

    code: ClassVar[str]
    title: ClassVar[str]


class NotFound(DomainError):
    code = "not-found"
    title = "There is no such thing"


class Forbidden(DomainError):
    code = "forbidden"
    title = "The caller may not do this"


class StaleVersion(DomainError):
    code = "stale-version"
    title = "It was changed by somebody else since it was read"


class Conflict(DomainError):
    """The request is sound, but what is stored already speaks against it."""

    code = "conflict"
    title = "It does not fit with what is stored already"


class EmailTaken(Conflict):
    code = "email-taken"
    title = "The e-mail address belongs to another user"


class UsernameTaken(Conflict):
    code = "username-taken"
    title = "The username is taken"


class AlreadyRegistered(Conflict):
    code = "already-registered"
    title = "The caller is a user already"


class LastOwner(Conflict):
    code = "last-owner"
    title = "A team must keep an owner"
