from rest_framework.routers import SimpleRouter

from call.views import CallPlanViewSet

router = SimpleRouter()
router.register("", CallPlanViewSet)
urlpatterns = router.urls
