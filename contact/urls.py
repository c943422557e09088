from django.urls import path
from rest_framework.routers import SimpleRouter

from contact import views

router = SimpleRouter()
router.register("contacts", views.ContactViewSet)

urlpatterns = [
    *router.urls,
    path(
        "cards/",
        views.AddressBookView.as_view({"post": "create", "delete": "destroy"}, detail=False),
        name="address-book",
    ),
    path(
        "cards/<str:secret>.vcf",
        views.AddressBookFileView.as_view({"get": "retrieve"}, detail=False),
        name="address-book-file",
    ),
]
