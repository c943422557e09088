from django.db import migrations

from crm.db.search import TrigramIndex


class Migration(migrations.Migration):
    dependencies = [("track", "0006_fold_rows")]
    operations = [TrigramIndex("track_interaction", "interaction_search")]
