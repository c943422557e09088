from django.db import migrations

import crm.db.folding


class Migration(migrations.Migration):
    dependencies = [
        ("contact", "0007_address_book"),
    ]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="email_fold",
            field=crm.db.folding.FoldedField(
                db_default="", default="", editable=False, max_length=254, sources=["email"]
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="name_fold",
            field=crm.db.folding.FoldedField(
                db_default="", default="", editable=False, max_length=254, sources=["name"]
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="role_fold",
            field=crm.db.folding.FoldedField(
                db_default="", default="", editable=False, max_length=254, sources=["role"]
            ),
        ),
        migrations.AlterField(
            model_name="contact",
            name="name",
            field=crm.db.folding.ByteOrderedCharField(max_length=254),
        ),
        migrations.AlterField(
            model_name="contact",
            name="role",
            field=crm.db.folding.ByteOrderedCharField(blank=True, max_length=254),
        ),
    ]
