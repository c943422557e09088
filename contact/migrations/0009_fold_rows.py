from django.db import migrations

from crm.db.backfill import FillDerivedColumns


class Migration(migrations.Migration):
    atomic = False  # each batch is committed: it may be interrupted and started again
    dependencies = [("contact", "0008_folded_columns")]
    operations = [FillDerivedColumns("contact.contact")]
