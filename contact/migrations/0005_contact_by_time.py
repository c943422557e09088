from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contact", "0004_base_manager"),
        ("lead", "0007_history_by_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["restaurant", "created_at", "id"], name="contact_by_restaurant_and_time"),
        ),
    ]
