from django.db import migrations

from backoffice.accounts import roles


def grant_permissions(apps, schema_editor):
    roles.grant(apps, schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0003_access_roles"),
        ("track", "0009_external_id"),
        ("call", "0009_import_permission"),
    ]
    operations = [migrations.RunPython(grant_permissions, migrations.RunPython.noop)]
