from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contact", "0005_contact_by_time"),
        ("lead", "0007_history_by_time"),
        ("track", "0003_order_follows_interaction_date"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="interaction",
            index=models.Index(fields=["lead", "order_placed", "date", "id"], name="interaction_by_lead_and_kind"),
        ),
    ]
