from django.contrib import admin
from django.urls import include, path

from crm.api import pages, views

urlpatterns = [
    path("", pages.home, name="home"),
    path("lead/", include("lead.urls")),
    path("contact/", include("contact.urls")),
    path("track/", include("track.urls")),
    path("call/", include("call.urls")),
    path("api/token/", views.SignInView.as_view(), name="token"),
    path("api/token/refresh/", views.RefreshTokenView.as_view(), name="token-refresh"),
    path("api/token/verify/", views.VerifyTokenView.as_view(), name="token-verify"),
    path("api/token/logout/", views.SignOutView.as_view(), name="token-logout"),
    path("api/me/", views.MeView.as_view({"get": "retrieve"}, detail=True), name="me"),
    path("api/users/", views.UserViewSet.as_view({"get": "list"}, detail=False), name="users"),
    path("api/", include("lead.team_urls")),
    path("api/", include("call.api_urls")),
    path("api/schema/", pages.schema, name="schema"),
    path("api/docs/", pages.docs, name="docs"),
    path("api/redoc/", pages.redoc, name="redoc"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("admin/", admin.site.urls),
]

handler400 = "crm.api.exceptions.bad_request"
handler403 = "crm.api.exceptions.permission_denied"
handler404 = "crm.api.exceptions.not_found"
handler500 = "crm.api.exceptions.server_error"
