"""A path without its trailing slash answers the same, in place: a redirected POST would arrive as an empty GET."""

from django.http import HttpResponseRedirect
from django.urls import is_valid_path


class AppendSlashMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        path = request.path_info
        if path == "/admin":  # links relatively: the browser has to know the slash
            return HttpResponseRedirect(request.get_full_path(force_append_slash=True))
        if not path.endswith("/") and lacks_slash(path):
            request.path_info += "/"
            request.path += "/"
        return self.get_response(request)


def lacks_slash(path: str) -> bool:
    """Whether only the path with a slash leads anywhere."""
    return not is_valid_path(path) and bool(is_valid_path(f"{path}/"))
