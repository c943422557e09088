from django.urls import path
from rest_framework.routers import SimpleRouter

from call import views

router = SimpleRouter()
router.register("", views.CallPlanViewSet)

profile = {"get": "retrieve", "put": "update", "patch": "partial_update"}
urlpatterns = [
    *router.urls,  # first: they are requested most
    path("me/", views.WorkProfileView.as_view(profile, detail=True), name="work-profile"),  # type: ignore[arg-type]
    path("agenda/", views.AgendaView.as_view({"get": "retrieve"}, detail=False), name="agenda"),
    path("adherence/", views.AdherenceView.as_view({"get": "list"}, detail=False), name="adherence"),
    path("feed/", views.FeedView.as_view({"post": "create", "delete": "destroy"}, detail=False), name="feed"),
    path(
        "feed/<str:secret>.ics", views.CalendarFeedView.as_view({"get": "retrieve"}, detail=False), name="calendar-feed"
    ),
]
