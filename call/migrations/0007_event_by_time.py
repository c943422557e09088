from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("call", "0006_permission_name"),
        ("track", "0004_interaction_by_kind"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callevent",
            index=models.Index(
                condition=models.Q(("interaction", None)),
                fields=["plan", "happened_at", "id"],
                name="call_event_by_plan_and_time",
            ),
        ),
    ]
