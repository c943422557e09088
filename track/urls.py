from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from track.views import AccountViewSet, InteractionViewSet, PerformanceView

router = SimpleRouter()
router.register("interactions", InteractionViewSet)
one = {"get": "retrieve", "put": "update", "patch": "partial_update"}
urlpatterns = [
    *router.urls,
    path("performance/", PerformanceView.as_view({"get": "list"}, detail=False), name="performance"),
    path("accounts/", AccountViewSet.as_view({"get": "list"}, detail=False)),
    re_path("^accounts/(?P<pk>[0-9]{1,18})/$", AccountViewSet.as_view(one, detail=True)),  # type: ignore[arg-type]
]
