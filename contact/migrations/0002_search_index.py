from django.db import migrations

from crm.db.search import TrigramIndex


class Migration(migrations.Migration):
    dependencies = [("contact", "0001_initial")]
    operations = [TrigramIndex("contact_contact", "contact_search")]
