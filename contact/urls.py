from rest_framework.routers import SimpleRouter

from contact.views import ContactViewSet

router = SimpleRouter()
router.register("contacts", ContactViewSet)
urlpatterns = router.urls
