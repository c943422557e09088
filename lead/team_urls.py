from rest_framework.routers import SimpleRouter

from lead.views import TeamViewSet

router = SimpleRouter()
router.register("teams", TeamViewSet)
urlpatterns = router.urls
