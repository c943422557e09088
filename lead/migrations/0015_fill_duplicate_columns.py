from django.db import migrations

from crm.db.backfill import FillDerivedColumns


class Migration(migrations.Migration):
    atomic = False  # each batch is committed: it may be interrupted and started again
    dependencies = [("lead", "0014_duplicates")]
    operations = [FillDerivedColumns("lead.restaurant")]
