"""Permissions in the back office: every table and action, as a user of each role, on the pages themselves."""

import re

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import reverse

from backoffice.accounts.roles import ROLES, grant
from call.models import WorkProfile
from crm.tests import PASSWORD
from crm.tests.support import form_of, signed_in
from lead.models import Restaurant, Team

ROLE_NAMES = ["KAM", "Manager", "Back office", "Read only"]

# The columns are ROLE_NAMES'. See, add, change, delete, on the pages; what has no page to add a row is added elsewhere.
# Of users all see the page with the name.
PAGES = """
lead.restaurant     sac   sacd  sac   s
contact.contact     sac   sacd  sac   s
track.interaction   sacd  sacd  sacd  s
track.orderdetails  sc    scd   sc    s
call.callplan       sacd  sacd  sacd  s
call.workprofile    s     s     s     s
lead.statuschange   s     s     s     s
lead.ownerchange    s     s     s     s
lead.team           -     s     sacd  -
auth.user           n     s     n     n
auth.group          -     -     -     -
"""
VERBS = """
lead.hand_over_restaurant  no   yes  yes  no
lead.export_restaurant     no   yes  yes  no
lead.import_restaurant     no   no   yes  no
contact.export_contact     no   yes  yes  no
contact.import_contact     no   no   yes  no
track.import_interaction   no   no   yes  no
call.import_callplan       no   no   yes  no
call.view_adherence        no   yes  no   no
lead.view_all              no   yes  yes  no
"""


def cells(table: str) -> list:
    """Each row's name with each role and its cell."""
    rows = [line.split() for line in table.strip().splitlines()]
    return [
        pytest.param(name, role, value, id=f"{name} {role}")
        for name, *values in rows
        for role, value in zip(ROLE_NAMES, values, strict=True)
    ]


@pytest.fixture(autouse=True)
def roles(db):
    """As the migration leaves them; a test of another kind may have emptied the tables."""
    grant(apps, "default")


@pytest.fixture
def staff():
    """Creates staff users of a role."""

    def make(role: str, **fields):
        fields = {"username": role, "is_staff": True, **fields}
        user = get_user_model().objects.create_user(password=PASSWORD, **fields)
        user.groups.add(Group.objects.get(name=role))
        return user

    return make


@pytest.fixture
def client_of(staff):
    def make(role: str) -> Client:
        client = Client()
        client.force_login(staff(role))
        return client

    return make


@pytest.fixture
def rows(user, lead, contact, interaction, plan):
    """A row of every table, by its label."""
    interaction.write_order(product_details="50 units", quantity=50, total_price=500)
    lead.change_status("CONTACTED", by=user)
    other = get_user_model().objects.create_user("asha")
    lead.edit(assigned_to=other, by=user)
    rows = [lead, contact, interaction, interaction.order, plan, WorkProfile.objects.create(user=user)]
    rows += [lead.status_changes.get(), lead.owner_changes.get(), other, Group.objects.create(name="Others")]
    rows.append(Team.establish(name="North"))
    return {row._meta.label_lower: row for row in rows}


def path_of(row, page: str) -> str:
    args = [row.pk] if page in ("change", "delete") else []
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize(("label", "role", "may"), cells(PAGES))
def test_each_role_gets_the_pages_of_the_table_and_may_send_their_forms(label, role, may, rows, client_of):
    client, row = client_of(role), rows[label]

    def opens(page: str) -> bool:
        status = client.get(path_of(row, page)).status_code
        assert status in (200, 302, 403)  # 302: a team that one may not see
        return status == 200

    def takes(page: str, form: dict) -> bool:
        """Whether a form is taken, be it with mistakes; what it does is undone."""
        with transaction.atomic():
            status = client.post(path_of(row, page), form).status_code
            transaction.set_rollback(True)
        assert status in (200, 302, 403)
        return status != 403

    form = form_of(client.get(path_of(row, "change")), f"{row._meta.model_name}_form")
    assert {
        "list": opens("changelist"),
        "page": opens("change"),
        "form to add": opens("add"),
        "question to delete": opens("delete"),
        "added": takes("add", {}),
        "changed": takes("change", form),
        "deleted": takes("delete", {"post": "yes"}),
    } == {
        "list": "s" in may,
        "page": bool(set("sn") & set(may)),
        "form to add": "a" in may,
        "question to delete": "d" in may,
        "added": "a" in may,
        "changed": "c" in may,
        "deleted": "d" in may,
    }


@pytest.mark.parametrize(("label", "role", "may"), cells(PAGES))
def test_what_a_role_may_not_do_is_not_shown(label, role, may, rows, client_of):
    client, row = client_of(role), rows[label]
    start = client.get(reverse("admin:overview")).content.decode()
    add, delete = path_of(row, "add"), path_of(row, "delete")
    assert (path_of(row, "changelist") in start) == ("s" in may)
    if "s" in may:
        listed = client.get(path_of(row, "changelist")).content.decode()
        page = client.get(path_of(row, "change")).content.decode()
        assert (add in listed) == ("a" in may)
        assert ("delete_selected" in listed) <= ("d" in may)
        assert (delete in page) == ("d" in may)
        assert ('name="_save"' in page) == ("c" in may)


@pytest.mark.parametrize("label", [cell.values[0] for cell in cells(PAGES) if cell.values[1:] == ("Read only", "s")])
def test_a_role_that_may_only_view_gets_no_inputs(label, rows, client_of):
    row = rows[label]
    page = client_of("Read only").get(path_of(row, "change")).content.decode().partition('<main id="content-start"')[2]
    assert page
    controls = re.findall(r"<(?:input|select|textarea)\b[^>]*\bname=[^>]*>", page)
    assert [control for control in controls if 'type="hidden"' not in control] == []


@pytest.mark.parametrize(("permission", "role", "may"), cells(VERBS))
def test_each_role_has_the_verbs_of_the_table(permission, role, may, staff):
    assert staff(role).has_perm(permission) == (may == "yes")


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_each_role_sees_the_histories(role, staff):
    for permission in ("lead.view_statuschange", "lead.view_ownerchange", "call.view_callevent"):
        assert staff(role, username=permission).has_perm(permission)


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_alone_opens_no_page(role, staff, client):
    client.force_login(staff(role, is_staff=False))
    assert client.get(reverse("admin:lead_restaurant_changelist"))["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_through_the_api_only_read_only_may_not_write(role, staff, lead):
    api = signed_in(staff(role))
    expected = 403 if role == "Read only" else 200
    assert api.get("/lead/restaurants/").status_code == 200
    assert api.patch(f"/lead/restaurants/{lead.pk}/", {"city": "Pune"}).status_code == expected


# --- The owner of a lead --------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "may"), [("KAM", False), ("Manager", True), ("Back office", True)])
def test_a_leads_owner_is_editable_with_the_hand_over_permission(role, may, client_of, lead, user):
    client, path = client_of(role), path_of(lead, "change")
    other = get_user_model().objects.create_user("asha")
    form = form_of(client.get(path), "restaurant_form")
    assert ("assigned_to" in form) == may
    assert client.post(path, {**form, "assigned_to": other.pk}).status_code == 302
    lead.refresh_from_db()
    assert lead.assigned_to == (other if may else user)
    assert lead.owner_changes.count() == may


@pytest.mark.parametrize("role", ["KAM", "Manager", "Back office"])
def test_an_owner_is_chosen_by_name(role, client_of, user):
    query = {"app_label": "lead", "model_name": "restaurant", "field_name": "assigned_to", "term": "kam"}
    answer = client_of(role).get(reverse("admin:autocomplete"), query)
    assert {"id": str(user.pk), "text": "kam"} in answer.json()["results"]


# --- The groups -----------------------------------------------------------------------------------


def granted(group: Group) -> set[str]:
    rows = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def test_the_groups_have_the_permissions_of_the_roles():
    assert {group.name: granted(group) for group in Group.objects.all()} == ROLES


def table_of(heading: str) -> list[list[str]]:
    """The rows of the table under a heading of docs/access.md."""
    text = (settings.BASE_DIR / "docs" / "access.md").read_text()
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows]


def test_the_table_of_roles_in_the_docs_is_complete():
    (_, _, *roles), _, *rows = table_of("Roles: what one may do")
    documented: dict[str, set[str]] = {role: set() for role in roles}
    for _, permissions, *cells in rows:
        for role, cell in zip(roles, cells, strict=True):
            assert cell in ("yes", "")
            documented[role] |= set(permissions.replace("`", "").split()) if cell else set()
    assert documented == ROLES


def test_the_table_of_access_in_the_docs_is_what_the_policy_says(settings):
    users = {
        name: get_user_model().objects.create_user(name)
        for name in ("self", "below", "mate", "beside", "other", "lone")
    }
    pk = {name: user.pk for name, user in users.items()}
    top = Team.establish(name="Top", managers=[pk["self"]])
    Team.establish(name="Below", parent=top, members=[pk["below"]])
    Team.establish(name="Mates", members=[pk["self"], pk["mate"], pk["lone"]], managers=[pk["beside"]])
    owners = [("self", "self"), ("below", "self"), ("mate", "self"), (None, "self"), (None, "lone"), ("other", "self")]
    (_, *modes), _, *rows = table_of("ACCESS: to what")
    assert len(rows) == len(owners)
    for (owner, viewer), (name, *cells) in zip(owners, rows, strict=True):
        lead = Restaurant.objects.create(name="Bistro", assigned_to=users.get(owner))
        for mode, cell in zip(modes, cells, strict=True):
            settings.ACCESS = mode.strip("`")
            seen = Restaurant.objects.visible_to(users[viewer]).filter(pk=lead.pk).exists()
            assert seen == (cell == "yes"), (name, mode)


def test_the_groups_are_created_before_permissions_exist():
    Group.objects.all().delete()
    Permission.objects.all().delete()
    ContentType.objects.all().delete()
    ContentType.objects.clear_cache()
    grant(apps, "default")
    assert {group.name: granted(group) for group in Group.objects.all()} == ROLES


def test_an_existing_group_retains_members_and_other_permissions(reader):
    group = reader.groups.get()
    group.permissions.set(Permission.objects.filter(codename="view_logentry"))
    grant(apps, "default")
    grant(apps, "default")
    assert granted(group) == ROLES["Read only"] | {"admin.view_logentry"}
    assert reader.groups.get() == group
