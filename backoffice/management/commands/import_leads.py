"""Import leads from a CSV file or an XLSX workbook: `import_file` with `--kind leads`."""

from backoffice.management.commands import import_file


class Command(import_file.Command):
    help = __doc__
    kind = "leads"
