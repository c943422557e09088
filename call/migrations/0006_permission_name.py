from django.db import migrations

FORMER, NAME = "Can see how planned calls were kept", "Can view adherence"


def rename(apps, schema_editor, old=FORMER, new=NAME):
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(codename="view_adherence", name=old).update(name=new)


def restore(apps, schema_editor):
    rename(apps, schema_editor, NAME, FORMER)


class Migration(migrations.Migration):
    dependencies = [("call", "0005_base_manager"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.AlterModelOptions(
            "CallPlan",
            {"base_manager_name": "objects", "ordering": ["id"], "permissions": [("view_adherence", NAME)]},
        ),
        migrations.RunPython(rename, restore),
    ]
