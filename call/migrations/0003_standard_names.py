from django.db import migrations, models

FREQUENCIES = ["DAILY", "WEEKLY", "BIWEEKLY", "MONTHLY"]


def frequency_known(initial: str) -> models.CheckConstraint:
    condition = models.Q(("frequency__in", FREQUENCIES), (f"{initial}__in", FREQUENCIES))
    return models.CheckConstraint(condition=condition, name="call_frequency_known")


class Migration(migrations.Migration):
    dependencies = [
        ("call", "0002_adherence_permission"),
    ]

    operations = [
        migrations.RemoveConstraint("callplan", "call_frequency_known"),
        migrations.RemoveIndex("callevent", "call_event_by_planned"),
        migrations.RenameField("callplan", "settled_at", "overridden_at"),
        migrations.RenameField("callplan", "counts_from", "anchor"),
        migrations.RenameField("callplan", "first_frequency", "initial_frequency"),
        migrations.RenameField("callplan", "first_given", "initial_override"),
        migrations.RenameField("callevent", "planned", "planned_for"),
        migrations.RenameField("callevent", "due", "new_due"),
        migrations.RenameField("callevent", "last_called", "new_last_called"),
        migrations.RenameField("callevent", "own", "recorded_on_plan"),
        migrations.AddConstraint("callplan", frequency_known("initial_frequency")),
        migrations.AddIndex("callevent", models.Index(fields=["planned_for"], name="call_event_by_planned_for")),
    ]
