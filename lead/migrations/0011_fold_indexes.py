from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lead", "0010_fold_rows")]
    operations = [
        migrations.AddIndex("restaurant", models.Index(fields=["city_fold", "id"], name="lead_by_city")),
        migrations.AddIndex(
            "restaurant", models.Index(fields=["name_fold", "name", "id"], name="lead_in_order_of_name")
        ),
        migrations.AddIndex(
            "restaurant", models.Index(fields=["city_fold", "city", "id"], name="lead_in_order_of_city")
        ),
    ]
