from django.urls import path
from rest_framework.routers import SimpleRouter

from lead.duplicate_views import DuplicatesView
from lead.views import PipelineView, RestaurantViewSet

router = SimpleRouter()
router.register("restaurants", RestaurantViewSet)
urlpatterns = [
    *router.urls,
    path("duplicates/", DuplicatesView.as_view({"get": "list"}, detail=False), name="duplicates"),  # type: ignore[arg-type]
    path("pipeline/", PipelineView.as_view({"get": "list"}, detail=False), name="pipeline"),  # type: ignore[arg-type]
]
