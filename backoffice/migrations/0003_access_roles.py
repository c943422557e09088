from django.db import migrations

from backoffice.accounts import roles


def grant(apps, schema_editor):
    roles.grant(apps, schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0002_upload"),
        ("lead", "0005_teams"),
    ]
    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
