"""The board's page, in a real browser: what people see, hear and do there."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.workshop.server import Board, board_of, event

MARKUP = "<img src=x onerror=document.title='run'>"
NAMES = ["Ada Lovelace", f'"{MARKUP}"', "שרה כהן", *(f"Person {n}" for n in range(97))]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with board_of(tmp_path_factory.mktemp("page") / "room", NAMES) as board:
        yield board


@pytest.fixture
def page(browser: Browser, board: Board) -> Iterator[Page]:
    """The instructor's; whatever goes wrong in its scripts fails the test."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.goto(f"http://127.0.0.1:{board.port}/#{board.room.instructor_token}")
    expect(page.get_by_role("status")).to_have_text("Live. You are the instructor.")
    yield page
    context.close()
    assert problems == []


def test_names_and_messages_are_text_and_the_token_is_out_of_sight(
    page: Page, board: Board
) -> None:
    markup = next(each.id for each in board.plan if each.name == MARKUP)
    failed = [event("failed", n, said=f"<b>{MARKUP}</b>") for n in range(3)]
    board.report(markup, event("started", 60), *failed)
    helped = page.locator("#help li", has_text=MARKUP)
    expect(helped).to_contain_text("exercise 1, stuck for 0 min, no hint")
    expect(helped).to_contain_text(f"<b>{MARKUP}</b>")
    assert page.locator("main img, main b").count() == 0
    assert page.title() == "Workshop"
    assert board.room.instructor_token not in page.url + page.content()


def test_it_changes_by_itself_and_says_so_to_screen_readers(page: Page, board: Board) -> None:
    expect(page.get_by_role("row", name="Ada Lovelace")).to_contain_text("not begun")
    board.report("ada-lovelace", event("started", 60 * 20), event("hint"))
    expect(page.get_by_role("row", name="Ada Lovelace")).to_contain_text("! stuck, 5 min, 1 hint")
    expect(page.locator("[aria-live=polite]")).to_have_text("Needs help: Ada Lovelace")
    board.report("ada-lovelace", event("passed"))
    expect(page.get_by_role("row", name="Ada Lovelace")).to_contain_text("✓ done, 20 min, 1 hint")
    expect(page.get_by_role("progressbar", name="Exercise 1: done")).to_have_attribute("value", "1")


def test_what_has_not_changed_is_left_alone(page: Page, board: Board) -> None:
    expect(page.get_by_role("row", name="Person 9").last).to_be_visible()
    page.evaluate("document.querySelectorAll('tr').forEach((row) => { row.seen = true; })")
    board.report("person-9", event("started", exercise=6), event("passed", exercise=6))
    expect(page.get_by_role("progressbar", name="Exercise 6: done")).to_have_attribute("value", "1")
    rows = "[...document.querySelectorAll('tr')].filter((row) => !row.seen).map((row) => row.innerText)"
    changed = page.evaluate(rows)
    assert any(row.startswith("Person 9\t") for row in changed)
    assert len(changed) < 10  # those whose minutes went by


def test_it_is_a_table_with_names_for_rows_and_columns(page: Page) -> None:
    assert page.get_by_role("rowheader").count() == len(NAMES)
    assert page.get_by_role("columnheader").all_inner_texts()[:2] == ["Name", "1. Add a column"]
    for role in ("banner", "main", "heading", "status"):
        expect(page.get_by_role(role).first).to_be_visible()


def test_a_solution_is_released_by_the_keyboard_alone(page: Page, board: Board) -> None:
    button = page.get_by_role("button", name="Release the solution of exercise 3")
    for _ in range(10):
        page.keyboard.press("Tab")
        if button.evaluate("each => each === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("exercise 3, Make a destructive change safe")
    expect(page.get_by_role("button", name="Not yet")).to_be_focused()
    page.keyboard.press("Escape")
    assert board.ask("GET", "/solutions/3", token=board.room.room_token).status == 403
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#exercise-3")).to_contain_text("The solution is released.")
    assert board.ask("GET", "/solutions/3", token=board.room.room_token).status == 200
    expect(button).to_be_hidden()


def test_the_projector_shows_no_button_and_a_stranger_nothing(
    browser: Browser, board: Board
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{board.port}/")
    field = page.get_by_label("Token of the room")
    expect(field).to_be_focused()
    assert page.get_by_text("Person 1").count() == 0
    field.fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the token of this room.")
    field.fill(board.room.room_token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Live.")
    assert page.get_by_role("button").count() == 0
    context.close()


CONTRAST = """
() => {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (element) => {
    const own = getComputedStyle(element).backgroundColor;
    return own === "rgba(0, 0, 0, 0)" && element.parentElement ? paper(element.parentElement) : own;
  };
  const worst = {};
  for (const element of document.querySelectorAll("h1, h2, p, td, th, strong")) {
    if (!element.textContent.trim() || !element.getClientRects().length) continue;
    const [low, high] = [light(getComputedStyle(element).color), light(paper(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const kind = `${element.tagName} ${element.className}`;
    worst[kind] = Math.min(worst[kind] ?? 99, ratio);
  }
  return worst;
}
"""


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_can_be_read_from_the_back_row_in_any_light(
    page: Page, board: Board, scheme: Literal["light", "dark"]
) -> None:
    board.report("person-1", event("started", 60 * 60), event("passed", exercise=2))
    page.emulate_media(color_scheme=scheme)
    expect(page.get_by_role("row", name="Person 1").first).to_contain_text("min")
    for kind, ratio in page.evaluate(CONTRAST).items():
        assert ratio >= 4.5, kind
    size = "parseFloat(getComputedStyle(document.querySelector('td')).fontSize)"
    assert page.evaluate(size) >= 24  # of 1080 lines: a projector's
    background = page.locator("body").evaluate("each => getComputedStyle(each).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_nothing_is_loaded_from_elsewhere(browser: Browser, board: Board) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"http://127.0.0.1:{board.port}/#{board.room.room_token}")
    expect(page.get_by_role("status")).to_have_text("Live.")
    assert len(asked) >= 4
    own = (f"http://127.0.0.1:{board.port}/", "data:")
    assert [url for url in asked if not url.startswith(own)] == []
    context.close()


def test_after_a_restart_of_the_board_the_page_finds_it_again(page: Page, board: Board) -> None:
    board.stop()
    expect(page.get_by_role("status")).to_contain_text("No connection")
    board.start()
    expect(page.get_by_role("status")).to_have_text("Live. You are the instructor.", timeout=15_000)
    board.report("person-2", event("passed"))
    expect(page.get_by_role("row", name="Person 2").first).to_contain_text("✓ done")
