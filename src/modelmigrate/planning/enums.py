"""Enums that lose values or change their order, which ALTER TYPE cannot do."""

from modelmigrate.planning.context import PlanContext
from modelmigrate.planning.recreation import recreate, recreation_of, through_text
from modelmigrate.schema.diff import SchemaObject
from modelmigrate.sql.statements import split_parentheses


def recreate_enums(context: PlanContext) -> None:
    """Recreate the enums that lose values or change their order; their columns are converted."""
    for label, current in list(context.expected().items()):
        desired = context.desired.get(label)
        if desired and needs_recreation(current, desired):
            recreate(context, recreation_of(context, current), through_text)


def needs_recreation(current: SchemaObject, desired: SchemaObject) -> bool:
    """Whether it is an enum that ALTER TYPE ... ADD VALUE alone does not change into the desired one."""
    if current.kind != "TYPE" or desired.create_sql == current.create_sql:
        return False
    head, values, _ = split_parentheses(current.create_sql)
    if not head.endswith(" AS ENUM ("):
        return False
    _, desired_values, _ = split_parentheses(desired.create_sql)
    return [value for value in desired_values if value in values] != values
