"""Compute the E.164 columns of all phone numbers again, after PHONE_REGION or the package phonenumbers has changed.

It works in small batches, so that it may run beside the server; stopped, it may be started again.
"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from contact.models import Contact
from crm.db.derived import derive_again
from crm.progress import Progress
from lead.models import Restaurant


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        for model in (Restaurant, Contact):
            name = model._meta.verbose_name_plural
            rows = model._default_manager.exclude(phone="")
            total = rows.count()
            with Progress(total, str(name), sys.stderr) as progress:
                changed = derive_again(rows, ["phone_e164", "phone_tail"], progress.advance)
            self.stdout.write(f"Changed {changed:,} of {total:,} {name}.")
