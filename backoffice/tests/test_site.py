"""The site: its name, navigation, styles and pages without a model."""

import re

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.staticfiles import finders
from django.urls import reverse

from backoffice.models import SavedList
from backoffice.site import BackOfficeSite
from call.models import WorkProfile

PAGES = [
    "/admin/",
    "/admin/lead/",
    "/admin/recent/",
    "/admin/pipeline/",
    "/admin/adherence/",
    "/admin/lead/restaurant/",
]


def sidebar(page: str) -> list[tuple[str, list[str]]]:
    """The groups, and the lists in each."""
    nav = re.search('<nav class="sticky" id="nav-sidebar".*?</nav>', page, re.DOTALL)
    assert nav
    groups = re.split("<caption>", nav[0])[1:]
    return [
        (
            re.search('class="section"[^>]*>([^<]*)<', group)[1],
            re.findall(r'<th scope="row">\s*<a [^>]*>([^<]*)</a>', group),
        )
        for group in groups
    ]


def test_the_admin_site_is_the_back_office():
    assert isinstance(admin.site._wrapped, BackOfficeSite) or admin.site.__class__ is BackOfficeSite
    assert admin.site.name == "admin"


def test_the_navigation_has_the_lists_in_order(admin_client, admin_user):
    SavedList.objects.create(owner=admin_user, name="Due today", model="call.callplan", query="due=today")
    groups = dict(sidebar(admin_client.get("/admin/").text))
    assert groups["Saved lists"] == ["Due today", "All saved lists"]
    assert groups["Work"] == ["Leads", "Contacts", "Interactions", "Orders", "Call plans", "Pipeline", "Adherence"]
    assert groups["History"] == ["Status changes", "Owner changes", "Imports", "My recent actions"]
    assert groups["People"] == ["Users", "Teams", "Groups", "Work profiles", "My work profile"]


def test_every_list_is_in_the_navigation_once(admin_client):
    shown = [name for _, names in sidebar(admin_client.get("/admin/").text) for name in names]
    assert (
        len(shown)
        == len(set(shown))
        == len(admin.site._registry)
        + len(["My day", "Overview", "Pipeline", "Adherence", "My recent actions", "My work profile"])
    )


def test_the_navigation_hides_lists_without_view_permission(client, db):
    reader = get_user_model().objects.create_user("asha", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_restaurant"))
    client.force_login(reader)
    page = client.get("/admin/").text
    assert sidebar(page) == [
        ("Saved lists", ["All saved lists"]),
        ("Work", ["Leads", "Pipeline"]),
        ("History", ["My recent actions"]),
        ("People", ["My work profile"]),
    ]
    assert "Adherence" not in page


def test_the_open_list_is_marked_in_the_navigation(admin_client):
    page = admin_client.get(reverse("admin:call_callplan_changelist")).text
    assert re.findall('<a href="([^"]*)" aria-current="page"', page) == ["/admin/call/callplan/"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_links_our_styles_after_djangos_from_this_host(path, admin_client):
    page = admin_client.get(path).text
    styles = re.findall('<link rel="stylesheet" href="([^"]*)"', page)
    assert styles.index("/static/backoffice/backoffice.css") > styles.index("/static/admin/css/responsive.css")
    for url in re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]*)"', page):
        assert url == "/admin/jsi18n/" or finders.find(url.removeprefix("/static/")), url


@pytest.mark.parametrize("path", PAGES)
def test_a_page_title_ends_with_the_site_title(path, admin_client):
    page = admin_client.get(path).text
    title = re.search("<title>(.*?)</title>", page, re.DOTALL)[1]
    assert title.strip().endswith("| KAM CRM")
    assert len(re.findall("<h1", page)) == 1


@pytest.mark.parametrize("page", ["add/", "{}/change/"])
def test_the_breadcrumbs_of_a_lead_link_to_the_list(page, admin_client, lead):
    answer = admin_client.get(f"/admin/lead/restaurant/{page.format(lead.pk)}").text
    crumbs = re.search('<div class="breadcrumbs">.*?</div>', answer, re.DOTALL)[0]
    assert re.findall('href="(.*?)"', crumbs) == ["/admin/", "/admin/lead/restaurant/"]


def test_the_recent_page_lists_the_users_actions(admin_client):
    admin_client.post("/admin/auth/group/add/", {"name": "Night shift"})
    page = admin_client.get("/admin/recent/").text
    assert "Night shift" in page


def test_recent_actions_and_row_history_use_the_viewers_zone(admin_client, admin_user, lead):
    WorkProfile.objects.create(user=admin_user, time_zone="Asia/Kolkata")
    with time_machine.travel("2024-12-28T20:15:00Z", tick=False):
        LogEntry.objects.log_actions(admin_user.pk, [lead], CHANGE, "Called.")
        assert "29 Dec 2024 01:45" in admin_client.get("/admin/recent/").text
        assert "Dec. 29, 2024, 1:45 a.m." in admin_client.get(f"/admin/lead/restaurant/{lead.pk}/history/").text


@pytest.mark.parametrize("path", ["/admin/", "/admin/recent/", "/admin/adherence/"])
def test_an_anonymous_user_is_redirected_to_the_login(path, client, db):
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={path}")
