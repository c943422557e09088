from django.core.management.base import BaseCommand

from call.digest import digests_at
from crm import dates


class Command(BaseCommand):
    help = "Mail every user whose local morning it is the calls of the day. Run it as often as you like, from cron."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="list who would be mailed, and send nothing")

    def handle(self, *args, dry_run: bool, **options):
        sent = failed = 0
        for digest in digests_at(dates.now()):
            if dry_run:
                self.stdout.write(f"{digest.user.get_username()}: {digest.mail().subject}")
                continue
            try:
                sent += digest.send()
            except Exception as error:  # an address that fails does not stop the other mails
                failed += 1
                self.stderr.write(f"{digest.user.get_username()}: not sent, {type(error).__name__}")
        if not dry_run:
            self.stdout.write(f"{sent} sent, {failed} failed.")
        if failed:
            raise SystemExit(1)
