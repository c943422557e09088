"""Tokens (SimpleJWT) whose user and session are looked at on every request, in one query.

A session starts at sign-in, or with `SessionToken.for_user`; its refresh token and all access tokens made
from it carry its name, `sid`. Revoking it revokes them all, as do a new password and deactivating the user.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.expressions import Combinable
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from crm.api.permissions import READ_ONLY_GROUP
from crm.fast.compiled import CompiledQuery
from crm.models import RevokedToken

SESSION_CLAIM = "sid"
# What apps want to know of every request's user, without a query of their own: name → expression.
user_annotations: dict[str, Combinable] = {}

User = get_user_model()
MAX_USER_ID = 2**31 - 1  # auth.User has a 32-bit key


class SessionToken(RefreshToken):
    """A refresh token that names its session; SimpleJWT copies the claim to the access tokens made from it."""

    def set_jti(self) -> None:
        super().set_jti()
        self.payload.setdefault(SESSION_CLAIM, uuid4().hex)  # rotation ends a jti, and the session goes on


def session_id(token: Token) -> str:
    """The name of the token's session. A token that names none is one by itself."""
    return str(token.get(SESSION_CLAIM) or f"alone:{token.get(api_settings.JTI_CLAIM)}")


@partial(CompiledQuery, placeholders={"user": MAX_USER_ID, "session": "the session", "token": "the token"})
def users(user: int, session: str, token: str) -> QuerySet:
    """The active user, whether the session or the token has ended, and what else every request wants to know."""
    return User.objects.filter(pk=user, is_active=True).annotate(
        is_revoked=Exists(RevokedToken.objects.filter(name__in=[session, token])),
        read_only=Exists(Group.objects.filter(name=READ_ONLY_GROUP, user=OuterRef("pk"))),
        **user_annotations,
    )


def get_active_user(token: Token):
    """The active user of a token whose session still runs, in one query. Raises AuthenticationFailed (401)."""
    user_id = str(token.get(api_settings.USER_ID_CLAIM))
    if not (user_id.isascii() and user_id.isdigit() and len(user_id) <= 10 and int(user_id) <= MAX_USER_ID):
        raise AuthenticationFailed("The token names no user.")
    found = users(user=int(user_id), session=session_id(token), token=str(token.get(api_settings.JTI_CLAIM)))
    if not found:
        raise AuthenticationFailed("The user of this token is no longer active.")
    user = found[0]
    if user.is_revoked:
        raise AuthenticationFailed("The session of this token has ended.")
    # Tokens that SimpleJWT makes carry the digest; others with our signature are as good as their key.
    if token.get(api_settings.REVOKE_TOKEN_CLAIM, digest := get_md5_hash_password(user.password)) != digest:
        raise AuthenticationFailed("The password has changed since this token was made.")
    return user


class TokenAuthentication(JWTAuthentication):
    def get_user(self, validated_token: Token):
        return get_active_user(validated_token)


def decode(token_class: type[Token], raw: str) -> Token:
    """The decoded token. Raises AuthenticationFailed (401)."""
    try:
        return token_class(raw)  # type: ignore[arg-type]
    except TokenError as error:
        raise AuthenticationFailed("The token is invalid or has expired.") from error


class SignInSerializer(TokenObtainPairSerializer):
    """Answers `access` and `refresh`, and starts a session."""

    token_class = SessionToken
    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].trim_whitespace = False  # type: ignore[attr-defined]

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        tokens = super().validate(attrs)
        return {"access": tokens["access"], "refresh": tokens["refresh"]}


class RefreshSerializer(serializers.Serializer):
    """A refresh token for a new access token; under ROTATE_REFRESH_TOKENS also for its successor, once."""

    refresh = serializers.CharField(write_only=True)
    access = serializers.CharField(read_only=True)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        refresh = decode(RefreshToken, attrs["refresh"])
        get_active_user(refresh)
        refresh[SESSION_CLAIM] = session_id(refresh)
        answer = {"access": str(refresh.access_token)}  # type: ignore[attr-defined]
        if api_settings.ROTATE_REFRESH_TOKENS:
            if not RevokedToken.revoke(refresh[api_settings.JTI_CLAIM], _expiry(refresh)):
                raise AuthenticationFailed("The refresh token has been used.")
            refresh.set_jti()
            refresh.set_exp()
            answer["refresh"] = str(refresh)
        return answer


class LogoutSerializer(serializers.Serializer):
    """Ends the session of a refresh token. One that has ended already stays so."""

    refresh = serializers.CharField(write_only=True)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        refresh = decode(RefreshToken, attrs["refresh"])
        with transaction.atomic():
            RevokedToken.revoke(session_id(refresh), _expiry(refresh))
        return {}


class VerifySerializer(serializers.Serializer):
    """200 for an access or refresh token that would be taken, else 401."""

    token = serializers.CharField(write_only=True)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        try:
            token: Token = AccessToken(attrs["token"])  # type: ignore[arg-type]
        except TokenError:
            token = decode(RefreshToken, attrs["token"])
        get_active_user(token)
        return {}


def _expiry(refresh: Token) -> datetime:
    """When the last token of the session will have expired: successors live as long as the refresh token, at most."""
    return datetime.fromtimestamp(refresh["exp"], UTC) + api_settings.REFRESH_TOKEN_LIFETIME
