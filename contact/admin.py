from django.contrib import admin

from contact.models import Contact
from crm.admin import STAMPS, StampedAdmin


@admin.register(Contact)
class ContactAdmin(StampedAdmin):
    list_display = ["name", "role", "restaurant", "phone", "email"]
    list_select_related = ["restaurant"]
    search_fields = ["search"]
    autocomplete_fields = ["restaurant"]
    fields = ["restaurant", "name", "role", "email", "phone", "address", *STAMPS]
