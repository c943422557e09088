from django.db import migrations

from backoffice.accounts import roles


def make_groups(apps, schema_editor):
    roles.grant(apps, schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("lead", "0003_owner_change"),
        ("contact", "0003_exchange_permissions"),
        ("track", "0001_initial"),
        ("call", "0002_adherence_permission"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
