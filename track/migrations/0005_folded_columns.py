from django.db import migrations

import crm.db.search


class Migration(migrations.Migration):
    dependencies = [
        ("track", "0004_interaction_by_kind"),
    ]

    operations = [
        migrations.AddField(
            model_name="interaction",
            name="search",
            field=crm.db.search.SearchField(db_default="", default="", editable=False, phones=[], sources=["details"]),
        ),
    ]
