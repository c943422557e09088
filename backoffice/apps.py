from django.apps import AppConfig
from django.contrib.admin import apps as admin


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Back office"
    default = True


class BackOfficeAdminConfig(admin.AdminConfig):
    """Django's admin, with our site as the one that everything is registered on."""

    default = False  # of the two in this module, `backoffice` means the other
    default_site = "backoffice.site.BackOfficeSite"
