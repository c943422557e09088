from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lead", "0005_teams"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="statuschange",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("PRICE", "Price"),
                    ("COMPETITOR", "Competitor"),
                    ("CLOSED_DOWN", "Closed Down"),
                    ("NO_NEED", "No Need"),
                    ("NO_ANSWER", "No Answer"),
                    ("OTHER", "Other"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="statuschange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reason", ""),
                    models.Q(
                        ("new_status", "LOST"),
                        ("reason__in", ["PRICE", "COMPETITOR", "CLOSED_DOWN", "NO_NEED", "NO_ANSWER", "OTHER"]),
                    ),
                    _connector="OR",
                ),
                name="status_change_reason_of_lost",
            ),
        ),
    ]
