"""The paths of the API document and their methods."""

import pytest

DOCUMENTED = {
    "/lead/restaurants": "GET, POST",
    "/lead/restaurants/1": "GET, PUT, DELETE",
    "/lead/restaurants/1/change_status": "POST",
    "/lead/restaurants/1/status_history": "GET",
    "/api/token": "POST",
    "/api/token/refresh": "POST",
    "/contact/contacts": "GET, POST",
    "/contact/contacts/1": "GET, PUT, DELETE",
    "/track/interactions": "GET, POST",
    "/track/interactions/1": "GET, PATCH, DELETE",
    "/track/interactions/orders": "GET",
    "/track/interactions/1/order_details": "GET",
    "/call": "GET, POST",
    "/call/today": "GET",
    "/call/1": "GET, PATCH, DELETE",
    "/call/1/record_call": "POST",
    "/call/1/set_frequency": "PATCH",
}


@pytest.mark.parametrize("slash", ["/", ""], ids=["with its slash", "without its slash"])
@pytest.mark.parametrize("path", DOCUMENTED)
def test_each_documented_path_takes_its_methods_with_and_without_the_slash(api, path, slash):
    answer = api.options(path + slash)

    assert answer.status_code == 200
    assert set(DOCUMENTED[path].split(", ")) <= set(answer["Allow"].split(", "))
