from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lead", "0015_fill_duplicate_columns")]
    operations = [
        migrations.AddIndex("restaurant", models.Index(fields=["email_fold", "id"], name="lead_by_email")),
        migrations.AddIndex(
            "restaurant", models.Index(fields=["name_key", "city_fold", "id"], name="lead_by_name_key")
        ),
    ]
