from rest_framework.routers import SimpleRouter

from lead.views import RestaurantViewSet

router = SimpleRouter()
router.register("restaurants", RestaurantViewSet)
urlpatterns = router.urls
