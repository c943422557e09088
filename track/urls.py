from django.urls import path
from rest_framework.routers import SimpleRouter

from track.views import InteractionViewSet, PerformanceView

router = SimpleRouter()
router.register("interactions", InteractionViewSet)
urlpatterns = [
    *router.urls,
    path("performance/", PerformanceView.as_view({"get": "list"}, detail=False), name="performance"),
]
