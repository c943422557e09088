"""A path without its trailing slash answers the same, in place: a redirected POST would arrive as an empty GET."""

from django.urls import is_valid_path


class SlashMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not request.path_info.endswith("/") and lacks_slash(request.path_info):
            request.path_info += "/"
            request.path += "/"
        return self.get_response(request)


def lacks_slash(path: str) -> bool:
    """Whether only the path with a slash leads anywhere. The admin links relatively, so it redirects by itself."""
    return not path.startswith("/admin") and not is_valid_path(path) and bool(is_valid_path(f"{path}/"))
