from rest_framework.routers import SimpleRouter

from backoffice.exchange.api import ImportViewSet

router = SimpleRouter()
router.register("imports", ImportViewSet)
urlpatterns = router.urls
