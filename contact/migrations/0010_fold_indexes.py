from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contact", "0009_fold_rows")]
    operations = [
        migrations.AddIndex(
            "contact", models.Index(fields=["name_fold", "name", "id"], name="contact_in_order_of_name")
        ),
        migrations.AddIndex(
            "contact", models.Index(fields=["role_fold", "role", "id"], name="contact_in_order_of_role")
        ),
    ]
