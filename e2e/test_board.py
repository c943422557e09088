"""The board of the pipeline: a card moves by drag, by keyboard and by button, on a laptop and on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.support import PHONE


@pytest.fixture
def lead(create, numbers) -> str:
    """The name of a new lead, the only one of its city."""
    name = f"Board Bistro {next(numbers)}"
    create("/lead/restaurants/", name=name, city=city_of(name), potential_revenue="1500.00")
    return name


def city_of(name: str) -> str:
    return f"Boardville {name.split()[-1]}x"


@pytest.fixture
def board(page, lead) -> Page:
    """The board with `lead` alone."""
    page.goto(f"/admin/pipeline/?whose=all&city={city_of(lead)}")
    return page


def column(page: Page, name: str):
    return page.get_by_role("region", name=name)


def card(page: Page, name: str):
    return page.get_by_role("listitem").filter(has_text=name)


def link(page: Page, name: str):
    return card(page, name).get_by_role("link", name=name, exact=True)


def expect_in(page: Page, lead: str, status: str) -> None:
    """The card is there, and counted there."""
    expect(column(page, status).get_by_role("link", name=lead, exact=True)).to_be_visible()
    expect(column(page, status).locator(".count")).to_have_text("1")
    expect(column(page, status).locator(".sum")).to_have_text("1,500")


def moves(page: Page, lead: str) -> list[str]:
    """The history of its status, newest first, as the lead's page has it."""
    page.goto(card(page, lead).get_by_role("link", name=lead, exact=True).get_attribute("href"))
    return page.get_by_role("region", name="Status history").get_by_role("listitem").all_inner_texts()


def test_a_card_is_dragged_to_another_column(board, lead):
    card(board, lead).drag_to(column(board, "Contacted"))
    expect(board.locator("#said")).to_contain_text(f"{lead} was moved from “New” to “Contacted”.")
    expect_in(board, lead, "Contacted")
    expect(column(board, "New").locator(".count")).to_have_text("0")
    expect(link(board, lead)).to_be_focused()
    board.reload()
    expect_in(board, lead, "Contacted")


def test_a_card_is_dragged_to_lost_and_asks_for_the_reason(board, lead):
    card(board, lead).drag_to(column(board, "Lost"))
    dialog = board.get_by_role("dialog", name=f"Move {lead}")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    expect(column(board, "New").get_by_role("link", name=lead, exact=True)).to_be_attached()
    dialog.get_by_label("Reason").select_option("Price")
    dialog.get_by_label("Note").fill("No budget this year.")
    dialog.get_by_role("button", name="Move to Lost").click()
    expect_in(board, lead, "Lost")
    newest = moves(board, lead)[0]
    assert "New → Lost" in newest and "No budget this year." in newest


def test_lost_is_not_left_without_a_reason(board, lead):
    card(board, lead).get_by_role("link", name="Move").click()
    board.get_by_role("button", name="Move to Lost").click()
    assert board.get_by_label("Reason").evaluate("select => select.validity.valueMissing")
    board.keyboard.press("Escape")
    expect(board.get_by_role("dialog")).to_be_hidden()
    expect_in(board, lead, "New")


def test_a_card_is_moved_by_keyboard_alone(board, lead):
    link(board, lead).focus()
    board.keyboard.press("m")
    expect(board.get_by_role("dialog").get_by_role("button", name="Contacted")).to_be_focused()
    board.keyboard.press("Enter")
    expect_in(board, lead, "Contacted")
    expect(link(board, lead)).to_be_focused()
    board.keyboard.press("m")
    expect(board.get_by_role("dialog").get_by_role("button", name="New")).to_be_focused()
    board.keyboard.press("Escape")
    expect(link(board, lead)).to_be_focused()


def test_arrow_keys_go_from_card_to_card(page, create, numbers):
    city = f"Arrowtown {next(numbers)}x"
    rows = [
        create("/lead/restaurants/", name=f"{city} {number}", city=city, lead_status=status)["name"]
        for number, status in enumerate(["NEW", "NEW", "NEGOTIATING"])
    ]
    page.goto(f"/admin/pipeline/?whose=all&city={city}")
    link(page, rows[0]).focus()
    for key, expected in [("ArrowDown", 1), ("ArrowUp", 0), ("ArrowRight", 2), ("ArrowRight", 2), ("ArrowLeft", 0)]:
        page.keyboard.press(key)
        expect(link(page, rows[expected])).to_be_focused()


def test_a_move_by_button_is_undone(board, lead):
    card(board, lead).get_by_role("link", name="Move").click()
    board.get_by_role("dialog").get_by_role("button", name="Converted").click()
    expect_in(board, lead, "Converted")
    board.get_by_role("button", name="Undo").click()
    expect_in(board, lead, "New")
    expect(link(board, lead)).to_be_focused()
    assert [re.search(r"\w+ → \w+", move)[0] for move in moves(board, lead)] == ["Converted → New", "New → Converted"]


def test_a_button_pressed_twice_moves_once(board, lead):
    card(board, lead).get_by_role("link", name="Move").click()
    board.get_by_role("dialog").get_by_role("button", name="Contacted").evaluate("it => { it.click(); it.click() }")
    expect_in(board, lead, "Contacted")
    assert len(moves(board, lead)) == 1


def test_a_lost_answer_is_said_and_the_next_try_moves_once(board, lead):
    sent = []

    def lose(route):
        sent.append(route.fetch().status)
        route.abort()

    board.route("**/move/**", lose, times=1)
    card(board, lead).get_by_role("link", name="Move").click()
    board.get_by_role("dialog").get_by_role("button", name="Contacted").click()
    expect(board.get_by_role("alert")).to_contain_text("The server did not answer.")
    board.get_by_role("dialog").get_by_role("button", name="Contacted").click()
    expect_in(board, lead, "Contacted")
    assert sent == [200]
    assert len(moves(board, lead)) == 1


def test_what_a_colleague_has_moved_is_said_and_goes_there(board, lead, create):
    pk = card(board, lead).get_attribute("id").removeprefix("card-")
    create(f"/lead/restaurants/{pk}/change_status/", status="NEGOTIATING")
    card(board, lead).drag_to(column(board, "Contacted"))
    expect(board.locator("#said")).to_contain_text("Nothing was changed now.")
    expect_in(board, lead, "Negotiating")


def test_more_cards_come_by_a_click_and_are_not_repeated(page, create, numbers):
    city = f"Moretown {next(numbers)}x"
    for number in range(23):
        create("/lead/restaurants/", name=f"{city} {number}", city=city)
    page.goto(f"/admin/pipeline/?whose=all&city={city}")
    new = column(page, "New")
    expect(new.get_by_role("listitem")).to_have_count(20)
    new.get_by_role("link", name="Show more").click()
    expect(new.get_by_role("listitem")).to_have_count(23)
    expect(new.get_by_role("link", name="Show more")).to_be_hidden()
    expect(new.get_by_role("link", name=f"{city} 20", exact=True)).to_be_focused()
    names = new.locator(".name").all_inner_texts()
    assert names == [f"{city} {number}" for number in range(23)]


def test_without_a_script_a_card_moves_by_two_pages(page_of, lead):
    page = page_of("asha", java_script_enabled=False)
    page.goto(f"/admin/pipeline/?whose=all&city={city_of(lead)}")
    card(page, lead).get_by_role("link", name="Move").click()
    page.get_by_label("Reason").select_option("No Need")
    page.get_by_role("button", name="Move to Lost").click()
    expect(page.get_by_text(f"{lead} was moved from “New” to “Lost”.")).to_be_visible()
    expect_in(page, lead, "Lost")


def test_on_a_phone_one_column_is_picked_and_a_card_moves(page_of, lead):
    page = page_of("asha", viewport=PHONE, has_touch=True)
    page.goto(f"/admin/pipeline/?whose=all&city={city_of(lead)}")
    picker = page.get_by_role("navigation", name="Statuses")
    expect(column(page, "Lost")).to_be_visible()
    picker.get_by_role("link", name="New").tap()
    expect(column(page, "Lost")).to_be_hidden()
    card(page, lead).get_by_role("link", name="Move").tap()
    page.get_by_role("dialog").get_by_role("button", name="Negotiating").tap()
    expect_in(page, lead, "Negotiating")
    expect(link(page, lead)).to_be_focused()
    expect(column(page, "New")).to_be_hidden()
    expect(picker.get_by_role("link", name="Negotiating")).to_have_attribute("aria-current", "true")
    width, screen = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    assert width <= screen


def test_after_the_session_has_ended_a_move_leads_to_the_login(board, lead):
    board.context.clear_cookies(name="sessionid")
    card(board, lead).drag_to(column(board, "Contacted"))
    expect(board.get_by_label("Username")).to_be_visible()


def test_a_reader_moves_nothing(page_of, lead):
    page = page_of("reader")
    page.goto(f"/admin/pipeline/?whose=all&city={city_of(lead)}")
    expect(link(page, lead)).to_be_visible()
    expect(page.get_by_role("link", name="Move")).to_have_count(0)
    link(page, lead).focus()
    page.keyboard.press("m")
    expect(page.get_by_role("dialog")).to_have_count(0)
