"""Routes under `/api/` that span the apps."""

from django.urls import path

from call import views

urlpatterns = [path("lookup/", views.LookupView.as_view({"get": "list"}, detail=False), name="lookup")]
