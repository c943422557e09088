"""Tokens (SimpleJWT) whose user and session are looked at on every request, in one query.

A session starts when somebody signs in; its refresh token and all access tokens made from it carry its name, `sid`. Ending
it, changing the password, deactivating or deleting the user ends them all at once. Tokens made by `for_user` have no `sid`;
their session is named by user and time of issue, which access tokens take over from their refresh token.
"""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Exists, OuterRef
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from crm.models import EndedToken
from crm.permissions import READ_ONLY_GROUP

SESSION_CLAIM = "sid"
MAX_USER_ID = 2**31 - 1  # auth.User has a 32-bit key


def session_of(token: Token) -> str:
    return token.get(SESSION_CLAIM) or f"{token.get(api_settings.USER_ID_CLAIM)}@{token.get('iat')}"


def user_of(token: Token):
    """The active user of a token whose session still runs, in one query. Raises AuthenticationFailed (401)."""
    user_id = str(token.get(api_settings.USER_ID_CLAIM))
    if not (user_id.isascii() and user_id.isdigit() and int(user_id) <= MAX_USER_ID):
        raise AuthenticationFailed("The token names no user.")
    names = [session_of(token), token.get(api_settings.JTI_CLAIM)]
    user = (
        get_user_model()
        .objects.filter(pk=int(user_id), is_active=True)
        .annotate(
            has_ended=Exists(EndedToken.objects.filter(name__in=names)),
            read_only=Exists(Group.objects.filter(name=READ_ONLY_GROUP, user=OuterRef("pk"))),
        )
        .first()
    )
    if user is None:
        raise AuthenticationFailed("The user of this token is no longer active.")
    if user.has_ended:
        raise AuthenticationFailed("The session of this token has ended.")
    # Tokens that SimpleJWT makes carry the digest; others with our signature are as good as their key.
    if token.get(api_settings.REVOKE_TOKEN_CLAIM, digest := get_md5_hash_password(user.password)) != digest:
        raise AuthenticationFailed("The password has changed since this token was made.")
    return user


class TokenAuthentication(JWTAuthentication):
    def get_user(self, validated_token: Token):
        return user_of(validated_token)


def read(token_class: type[Token], raw: str) -> Token:
    """The token, verified. Raises AuthenticationFailed (401)."""
    try:
        return token_class(raw)  # type: ignore[arg-type]
    except TokenError as error:
        raise AuthenticationFailed("The token is invalid or has expired.") from error


class SignInSerializer(TokenObtainPairSerializer):
    """Answers `access` and `refresh`, and starts a session."""

    @classmethod
    def get_token(cls, user) -> Token:
        token = super().get_token(user)
        token[SESSION_CLAIM] = token[api_settings.JTI_CLAIM]
        return token

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        tokens = super().validate(attrs)
        return {"access": tokens["access"], "refresh": tokens["refresh"]}


class RefreshSerializer(serializers.Serializer):
    """A refresh token for a new access token; under ROTATE_REFRESH_TOKENS also for its successor, once."""

    refresh = serializers.CharField(write_only=True)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        refresh = read(RefreshToken, attrs["refresh"])
        user_of(refresh)
        answer = {"access": str(refresh.access_token)}
        if api_settings.ROTATE_REFRESH_TOKENS:
            refresh[SESSION_CLAIM] = session_of(refresh)
            answer["access"] = str(refresh.access_token)
            if not EndedToken.end(refresh[api_settings.JTI_CLAIM], _expiry(refresh)):
                raise AuthenticationFailed("The refresh token has been used.")
            refresh.set_jti()
            refresh.set_exp()
            answer["refresh"] = str(refresh)
        return answer


class LogoutSerializer(serializers.Serializer):
    """Ends the session of a refresh token. One that has ended already stays so."""

    refresh = serializers.CharField(write_only=True)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        refresh = read(RefreshToken, attrs["refresh"])
        with transaction.atomic():
            EndedToken.end(session_of(refresh), _expiry(refresh))
        return {}


class VerifySerializer(serializers.Serializer):
    """200 for an access or refresh token that would be taken, else 401."""

    token = serializers.CharField(write_only=True)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        try:
            token: Token = AccessToken(attrs["token"])  # type: ignore[arg-type]
        except TokenError:
            token = read(RefreshToken, attrs["token"])
        user_of(token)
        return {}


def _expiry(refresh: Token) -> datetime:
    """When the last token of the session will have expired: successors live as long as the refresh token, at most."""
    return datetime.fromtimestamp(refresh["exp"], UTC) + api_settings.REFRESH_TOKEN_LIFETIME
