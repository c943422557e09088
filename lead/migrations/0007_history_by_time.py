from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lead", "0006_lost_reason"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="ownerchange",
            index=models.Index(fields=["lead", "created_at", "id"], name="owner_change_by_lead_and_time"),
        ),
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(fields=["lead", "created_at", "id"], name="status_change_by_lead_and_time"),
        ),
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(fields=["created_at"], name="status_change_by_time"),
        ),
    ]
