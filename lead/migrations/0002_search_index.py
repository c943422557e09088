from django.db import migrations

from crm.db.search import TrigramIndex


class Migration(migrations.Migration):
    dependencies = [("lead", "0001_initial")]
    operations = [TrigramIndex("lead_restaurant", "lead_search")]
