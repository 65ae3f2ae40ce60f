"""The schema. Every module in here is imported, so that a new model needs no list to be edited."""

import pkgutil
from importlib import import_module

from domain.models.base import Base, BaseEntity, SoftDeletable
from domain.models.team import Membership, Role, Team
from domain.models.user import User

__all__ = ["Base", "BaseEntity", "Membership", "Role", "SoftDeletable", "Team", "User"]

for _module in pkgutil.walk_packages(__path__, prefix=f"{__name__}."):
    import_module(_module.name)
