from django.db import migrations

import crm.db.folding


class Migration(migrations.Migration):
    dependencies = [
        ("lead", "0008_phone_numbers"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="restaurant",
            name="lead_by_city",
        ),
        migrations.AddField(
            model_name="restaurant",
            name="city_fold",
            field=crm.db.folding.FoldedField(
                db_default="", default="", editable=False, max_length=254, sources=["city"]
            ),
        ),
        migrations.AddField(
            model_name="restaurant",
            name="cuisine_type_fold",
            field=crm.db.folding.FoldedField(
                db_default="", default="", editable=False, max_length=254, sources=["cuisine_type"]
            ),
        ),
        migrations.AddField(
            model_name="restaurant",
            name="name_fold",
            field=crm.db.folding.FoldedField(
                db_default="", default="", editable=False, max_length=254, sources=["name"]
            ),
        ),
        migrations.AddField(
            model_name="restaurant",
            name="restaurant_type_fold",
            field=crm.db.folding.FoldedField(
                db_default="", default="", editable=False, max_length=254, sources=["restaurant_type"]
            ),
        ),
        migrations.AddField(
            model_name="restaurant",
            name="state_fold",
            field=crm.db.folding.FoldedField(
                db_default="", default="", editable=False, max_length=254, sources=["state"]
            ),
        ),
        migrations.AlterField(
            model_name="restaurant",
            name="city",
            field=crm.db.folding.ByteOrderedCharField(blank=True, max_length=254),
        ),
        migrations.AlterField(
            model_name="restaurant",
            name="name",
            field=crm.db.folding.ByteOrderedCharField(max_length=254),
        ),
    ]
