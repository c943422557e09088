from django.db import migrations

import crm.db.search


class Migration(migrations.Migration):
    dependencies = [
        ("track", "0003_order_follows_interaction_date"),
    ]

    operations = [
        migrations.AddField(
            model_name="interaction",
            name="search",
            field=crm.db.search.SearchField(default="", editable=False, phones=[], sources=["details"]),
        ),
    ]
