"""A path without its trailing slash answers the same, in place: a redirected POST would arrive as an empty GET."""

from django.urls import is_valid_path


class SlashMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        path = request.path_info
        # The admin's pages link relatively, so it redirects by itself.
        if not path.endswith("/") and not path.startswith("/admin") and not is_valid_path(path):
            if is_valid_path(f"{path}/"):
                request.path_info = f"{path}/"
                request.path = f"{request.path}/"
        return self.get_response(request)
