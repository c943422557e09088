from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.utils.translation import gettext_lazy


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = gettext_lazy("Back office")
    default = True

    def ready(self) -> None:
        from backoffice.labels import translate_labels

        translate_labels()


class BackOfficeAdminConfig(admin.AdminConfig):
    """Django's admin, with our site as the default one."""

    default = False  # "backoffice" in INSTALLED_APPS is the other config of this module
    default_site = "backoffice.site.BackOfficeSite"
