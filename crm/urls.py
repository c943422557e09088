from django.contrib import admin
from django.urls import include, path
from rest_framework_simplejwt.views import (
    TokenBlacklistView,
    TokenObtainPairView,
    TokenRefreshView,
    TokenVerifyView,
)

from crm import views

urlpatterns = [
    path("lead/", include("lead.urls")),
    path("contact/", include("contact.urls")),
    path("track/", include("track.urls")),
    path("call/", include("call.urls")),
    path("api/token/", TokenObtainPairView.as_view(), name="token"),
    path("api/token/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
    path("api/token/verify/", TokenVerifyView.as_view(), name="token-verify"),
    path("api/token/logout/", TokenBlacklistView.as_view(), name="token-logout"),
    path("api/me/", views.MeView.as_view({"get": "retrieve"}, detail=True), name="me"),
    path("api/users/", views.UserViewSet.as_view({"get": "list"}, detail=False), name="users"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("admin/", admin.site.urls),
]

handler400 = "crm.errors.bad_request"
handler403 = "crm.errors.permission_denied"
handler404 = "crm.errors.not_found"
handler500 = "crm.errors.server_error"
