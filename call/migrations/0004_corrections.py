from django.db import migrations, models
from django.db.models import F, Q

KINDS = ["CALLED", "ATTEMPTED", "RESCHEDULED", "SNOOZED", "SKIPPED", "PAUSED", "RESUMED", "FREQUENCY_CHANGED"]
FREQUENCIES = ["DAILY", "WEEKLY", "BIWEEKLY", "MONTHLY"]
OUTCOMES = ["REACHED", "NO_ANSWER", "LEFT_MESSAGE", "WRONG_NUMBER", "CALL_BACK"]


def event_known(kinds: list[str]) -> models.CheckConstraint:
    condition = models.Q(("frequency__in", ["", *FREQUENCIES]), ("kind__in", kinds), ("outcome__in", ["", *OUTCOMES]))
    return models.CheckConstraint(condition=condition, name="call_event_known")


def empty_computed_dates(apps, schema_editor):
    """`new_due` repeated the planned date in lines whose user set none; without them it says what `stands` said."""
    events = apps.get_model("call", "CallEvent").objects.using(schema_editor.connection.alias)
    sets_date = Q(kind__in=["SNOOZED", "RESCHEDULED"]) | Q(kind="FREQUENCY_CHANGED", stands=True)
    events.exclude(sets_date).update(new_due=None)


def fill_computed_dates(apps, schema_editor):
    """What was withdrawn used to be deleted."""
    events = apps.get_model("call", "CallEvent").objects.using(schema_editor.connection.alias)
    events.filter(Q(withdrawn=True) | Q(kind="CORRECTED")).delete()
    events.filter(kind="FREQUENCY_CHANGED", new_due__isnull=False).update(stands=True)
    events.filter(new_due=None).update(new_due=F("planned_for"))


class Migration(migrations.Migration):
    dependencies = [
        ("call", "0003_standard_names"),
    ]

    operations = [
        migrations.RemoveConstraint("callevent", "call_event_known"),
        migrations.AddField("callevent", "withdrawn", models.BooleanField(default=False)),
        migrations.AlterField("callevent", "new_due", models.DateTimeField(null=True)),
        migrations.AlterField("callevent", "recorded_on_plan", models.BooleanField(default=False)),
        migrations.AlterField(
            "callevent",
            "kind",
            models.CharField(
                max_length=20, choices=[(kind, kind.replace("_", " ").title()) for kind in [*KINDS, "CORRECTED"]]
            ),
        ),
        migrations.RunPython(empty_computed_dates, fill_computed_dates),
        migrations.RemoveField("callevent", "stands"),
        migrations.AddConstraint("callevent", event_known([*KINDS, "CORRECTED"])),
    ]
