"""The board, the page of a move, and the move. Forms work without a script; with it no page is loaded."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.accounts.user_field import zone_of_viewer
from backoffice.admin.own_first import Opening
from backoffice.models import WholeList
from backoffice.pipeline.board import Board
from backoffice.pipeline.filters import ALL, BOARD, MINE, BoardFilters, has_board
from backoffice.pipeline.moves import Move, MoveInput, Result, target
from crm.api.keyset import InvalidCursor
from lead.models import LeadStatus, Restaurant

REASONS = MoveInput.base_fields["reason"].choices  # type: ignore[attr-defined]
FRAGMENT = "fetch"  # X-Requested-With: the script asks for a part of the page


def pipeline(request: HttpRequest, site: Any) -> HttpResponse:
    if not has_board(request.user):
        raise PermissionDenied
    board = board_of(request)
    if request.method == "POST":
        return choose(request, board)
    try:
        return more(request, board) if is_fragment(request) else page(request, board, site)
    except InvalidCursor:
        raise Http404 from None


def board_of(request: HttpRequest) -> Board:
    opening = Opening.of(request, BOARD)
    first = MINE if opening.has_own and not opening.whole else ALL
    filters = BoardFilters(request.GET, user=request.user, first=first)
    return Board(filters, zone_of_viewer(request))


def choose(request: HttpRequest, board: Board) -> HttpResponse:
    """Store with which leads the board opens, and open it."""
    WholeList.choose(request.user, BOARD, whole=request.POST.get("whose") == ALL)
    return redirect(f"{reverse('admin:pipeline')}{board.filters.query_of_city}")


def page(request: HttpRequest, board: Board, site: Any) -> HttpResponse:
    columns = board.columns(request.GET.get("column", ""), request.GET.get("cursor", ""))
    context = {
        **site.each_context(request),
        **context_of(request, board),
        "title": _("Pipeline"),
        "columns": columns,
        "continued": request.GET.get("column", "") if request.GET.get("cursor") else "",
        "targets": [target(status) for status in LeadStatus.values if status != LeadStatus.LOST],
        "reasons": REASONS,
    }
    return TemplateResponse(request, "backoffice/pipeline/page.html", context).render()


def more(request: HttpRequest, board: Board) -> HttpResponse:
    """Further cards of a column."""
    status = request.GET.get("column", "")
    if status not in LeadStatus.values:
        raise Http404
    column = board.column(status, request.GET.get("cursor", ""))
    return HttpResponse(part("more", request, board, column=column))


def move(request: HttpRequest, site: Any, pk: int) -> HttpResponse:
    """The page with the statuses to choose from; its form, and the one of the board, post to it."""
    if not MoveInput.is_permitted(request.user):
        raise PermissionDenied
    board = board_of(request)
    try:
        return moved(request, board, pk) if request.method == "POST" else form_page(request, board, site, pk)
    except Restaurant.DoesNotExist:
        raise Http404 from None


def form_page(request: HttpRequest, board: Board, site: Any, pk: int) -> HttpResponse:
    card = board.card(pk)
    form = MoveInput(obj=card.lead, user=request.user)
    title = _("Move %(lead)s") % {"lead": card.lead}
    context = {
        **site.each_context(request),
        **context_of(request, board),
        "title": title,
        "card": card,
        "targets": form.targets,
        "reasons": REASONS if form.takes_reason else [],
    }
    return TemplateResponse(request, "backoffice/pipeline/move.html", context).render()


def moved(request: HttpRequest, board: Board, pk: int) -> HttpResponse:
    """What a script puts on the board; without a script, the board again, with a message."""
    results: list[Result] = []

    def render(result: Result) -> HttpResponse:
        results.append(result)
        card, heads = (board.card(result.lead), board.heads()) if result.lead else (None, [])
        html = part("moved", request, board, result=result, card=card, columns=heads)
        return HttpResponse(html, status=result.status)

    response = Move(request.user, pk, request.POST).answer(render)
    if is_fragment(request):
        return response
    repeated = Result(_("This move was made before. Nothing was changed a second time."))
    result = results[0] if results else repeated
    messages.add_message(request, messages.SUCCESS if result.status == 200 else messages.WARNING, result.message)
    return redirect(f"{reverse('admin:pipeline')}{board.filters.query}#card-{pk}")


def part(name: str, request: HttpRequest, board: Board, **context: Any) -> str:
    """For the script, which adds the token: it may have changed by the time that a stored answer is sent again."""
    return render_to_string(f"backoffice/pipeline/{name}.html", {**context_of(request, board), **context})


def context_of(request: HttpRequest, board: Board) -> dict[str, Any]:
    return {
        "filters": board.filters,
        "query": board.filters.query,
        "may_move": MoveInput.is_permitted(request.user),
    }


def is_fragment(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == FRAGMENT
