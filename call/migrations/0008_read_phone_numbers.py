"""Fill the columns of phone numbers in existing rows, by the countries of the owners' work profiles.

In this app because it knows these. Batches are committed one by one; started again, the migration goes on.
"""

import sys

from django.conf import settings
from django.db import migrations
from django.db.models import OuterRef, QuerySet, Subquery

from crm.db.phones import read
from crm.progress import Progress

BATCH = 2_000  # rows in memory, and in a transaction


def fill(apps, schema_editor) -> None:
    alias = schema_editor.connection.alias
    profiles = apps.get_model("call", "WorkProfile").objects.using(alias)
    for app, name, owner in (("lead", "Restaurant", "assigned_to"), ("contact", "Contact", "restaurant__assigned_to")):
        model = apps.get_model(app, name)
        country = Subquery(profiles.filter(user=OuterRef(owner)).values("country")[:1])
        rows = model.objects.using(alias).exclude(phone="").filter(phone_e164="", phone_tail="").order_by("pk")
        with Progress(rows.count(), f"phone numbers of {name.lower()}s", sys.stderr) as progress:
            last = 0
            while batch := list(rows.filter(pk__gt=last).values_list("pk", "phone", country)[:BATCH]):
                changed = []
                for pk, phone, region in batch:
                    number = read(phone, region or settings.PHONE_REGION)
                    columns = {"phone_e164": number.e164, "phone_tail": read(phone).tail}
                    if any(columns.values()):
                        changed.append(model(pk=pk, **columns))
                QuerySet(model, using=alias).bulk_update(changed, ["phone_e164", "phone_tail"])
                last = batch[-1][0]
                progress.advance(len(batch))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("call", "0007_event_by_time"),
        ("contact", "0006_phone_numbers"),
        ("lead", "0008_phone_numbers"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
