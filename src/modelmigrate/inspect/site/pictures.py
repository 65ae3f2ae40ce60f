"""The diagrams of the site, in which each table is a link."""

from typing import Any

from modelmigrate.inspect.groups import MANY_TABLES, as_tables, group_tables
from modelmigrate.inspect.model import Box, Table
from modelmigrate.inspect.pages import boxes_of
from modelmigrate.inspect.read import neighbours_of, shown_name
from modelmigrate.inspect.site import links
from modelmigrate.inspect.site.contents import Contents
from modelmigrate.inspect.svg import Link, draw_inline


def neighbourhood(contents: Contents, table: Table, to_page: Link) -> dict[str, Any]:
    """The picture of a table, with as many of its neighbours as can be looked at."""
    near = neighbours_of(contents.objects.connected[table.name], table.name)
    shown = {table.name, *[each.name for each in near if each.name != table.name][:MANY_TABLES]}
    drawn = [
        each._replace(references=tuple(r for r in each.references if r.table in shown))
        for each in near
        if each.name in shown
    ]
    boxes = boxes_of(drawn, table.name, many=1)
    svg = draw_inline(boxes, f"{table.name} and its neighbours", to_page)
    return {"diagram": svg, "left_out": len(near) - len(drawn)}


def links_of(contents: Contents, root: str) -> Link:
    """The pages of tables, seen from a page that is so deep in the site."""
    pages = {
        shown_name(each.name): root + links.relation_page(each.name)
        for each in contents.objects.base_tables
    }
    return lambda table: pages.get(table, "")


def diagrams(contents: Contents) -> dict[str, Any]:
    """The whole schema in a picture; or, if it has many tables, in one of groups and one of each group."""
    to_page = links_of(contents, "")
    if len(contents.objects.tables) <= MANY_TABLES:
        return {
            "whole": draw_inline(boxes_of(contents.objects.tables), "All tables", to_page),
            "groups": [],
        }
    groups = group_tables(contents.objects.tables)
    anchors = {group.title: f"#{links.anchor('group', group.title)}" for group in groups}
    whole = draw_inline(
        [Box(each, [*each.columns], "") for each in as_tables(groups)],
        "All groups",
        anchors.__getitem__,
    )
    pictures = [(g, draw_inline(boxes_of(g.drawn), g.title, to_page)) for g in groups]
    return {"whole": whole, "groups": pictures}
