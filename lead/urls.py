from django.urls import path
from rest_framework.routers import SimpleRouter

from lead.views import PipelineView, RestaurantViewSet

router = SimpleRouter()
router.register("restaurants", RestaurantViewSet)
urlpatterns = [
    *router.urls,
    path("pipeline/", PipelineView.as_view({"get": "list"}, detail=False), name="pipeline"),  # type: ignore[arg-type]
]
