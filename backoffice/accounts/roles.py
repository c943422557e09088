"""Who may do what in the back office: the groups, each with its permissions. To whose leads: lead.models.access.

A role alone gives no access: that takes an account with "staff status". Through the API every active user edits
everything, except members of `Read only`. A change of ROLES takes a migration that calls `grant` again.
"""

from typing import Any

from django.apps import apps as all_apps
from django.contrib.auth.management import create_permissions

from crm.api.permissions import READ_ONLY_GROUP


def may(verbs: str, *models: str) -> set[str]:
    """Django's permissions: may("view", "lead.restaurant") is {"lead.view_restaurant"}."""
    return {model.replace(".", f".{verb}_") for verb in verbs.split() for model in models}


RECORDS = ["lead.restaurant", "contact.contact", "track.interaction", "track.orderdetails", "call.callplan"]
HISTORIES = ["lead.statuschange", "lead.ownerchange", "call.callevent"]

VIEW = may("view", *RECORDS, *HISTORIES, "call.workprofile")
EDIT = VIEW | may("add change", *RECORDS) | may("delete", "track.interaction", "call.callplan")
HAND_OVER = {"lead.hand_over_restaurant"}
EXPORT = {"lead.export_restaurant", "contact.export_contact"}
IMPORT = may("import", "lead.restaurant", "contact.contact", "track.interaction", "call.callplan")
VIEW_ALL = {"lead.view_all"}  # for ACCESS other than "all"
MANAGE = {"call.view_adherence", "auth.view_user"} | may("view", "lead.team")
TEAMS = may("view add change delete", "lead.team")

KAM = "KAM"
ROLES = {
    KAM: EDIT,
    "Manager": EDIT | may("delete", *RECORDS) | HAND_OVER | EXPORT | VIEW_ALL | MANAGE,
    "Back office": EDIT | HAND_OVER | EXPORT | IMPORT | VIEW_ALL | TEAMS,
    READ_ONLY_GROUP: VIEW,
}


def grant(apps: Any, alias: str) -> None:
    """Create the groups and add the permissions of ROLES; others that were added to them by hand stay.

    For migrations: `apps` is the state, `alias` the database. Django makes permissions only after the last migration.
    """
    for label in sorted({permission.partition(".")[0] for granted in ROLES.values() for permission in granted}):
        create_permissions(all_apps.get_app_config(label), verbosity=0, using=alias, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    ids = {
        f"{app}.{codename}": pk
        for app, codename, pk in permissions.values_list("content_type__app_label", "codename", "pk")
    }
    for name, granted in ROLES.items():
        group, _ = apps.get_model("auth", "Group").objects.using(alias).get_or_create(name=name)
        group.permissions.add(*[ids[permission] for permission in granted if permission in ids])
