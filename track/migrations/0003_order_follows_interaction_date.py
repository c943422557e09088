from django.db import migrations, models
from django.db.models import F

from crm import dates


def mark_orders_without_a_date_of_their_own(apps, schema_editor):
    """An order date that was left out was stored as the interaction's date."""
    orders = apps.get_model("track", "OrderDetails").objects.using(schema_editor.connection.alias)
    orders.filter(order_date=F("interaction__date")).update(follows_interaction_date=True)


def flag_interactions_with_order_details(apps, schema_editor):
    """The flag could be taken back beside details, which counted as revenue all the same."""
    interactions = apps.get_model("track", "Interaction").objects.using(schema_editor.connection.alias)
    interactions.filter(order_placed=False, order__isnull=False).update(order_placed=True, updated_at=dates.now())


class Migration(migrations.Migration):
    dependencies = [
        ("track", "0002_base_manager"),
    ]

    operations = [
        migrations.AddField(
            "orderdetails", "follows_interaction_date", models.BooleanField(default=False, editable=False)
        ),
        migrations.RunPython(mark_orders_without_a_date_of_their_own, migrations.RunPython.noop),
        migrations.RunPython(flag_interactions_with_order_details, migrations.RunPython.noop),
    ]
