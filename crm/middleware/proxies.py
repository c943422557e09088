"""The client's address behind proxies: only the headers of TRUSTED_PROXIES are believed.

`X-Forwarded-For` is read from the right: the first address that is no trusted proxy is the client (RFC 7239, section
5.2, says why the left end proves nothing). From any other address the forwarding headers are dropped.
"""

from functools import lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.core.signals import setting_changed

FORWARDING_HEADERS = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_FORWARDED",
)


class TrustedProxyMiddleware:
    """Puts the client's address into REMOTE_ADDR, the one place where the rest of the code looks."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        meta = request.META
        if is_trusted(meta.get("REMOTE_ADDR", "")):
            for address in reversed(meta.get("HTTP_X_FORWARDED_FOR", "").split(",")):
                if not is_address(address.strip()):
                    break
                meta["REMOTE_ADDR"] = address.strip()
                if not is_trusted(address.strip()):
                    break
        else:
            for header in FORWARDING_HEADERS:
                meta.pop(header, None)
        return self.get_response(request)


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def is_trusted(address: str) -> bool:
    """Whether `address` is one of TRUSTED_PROXIES."""
    return is_address(address) and any(ip_address(address) in ip_network(net) for net in settings.TRUSTED_PROXIES)


setting_changed.connect(
    lambda setting, **kwargs: is_trusted.cache_clear() if setting == "TRUSTED_PROXIES" else None, weak=False
)
