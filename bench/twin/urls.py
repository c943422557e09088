from rest_framework.routers import DefaultRouter

from twin.views import CallPlanViewSet, InteractionViewSet

router = DefaultRouter()
router.register("track/interactions", InteractionViewSet)
router.register("call", CallPlanViewSet)
urlpatterns = router.urls
