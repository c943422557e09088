from rest_framework.routers import SimpleRouter

from track.views import InteractionViewSet

router = SimpleRouter()
router.register("interactions", InteractionViewSet)
urlpatterns = router.urls
