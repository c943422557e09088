"""What is always true of a lead is so in the database too."""

import pytest
from django.db import IntegrityError

from lead.models import Restaurant, StatusChange


@pytest.mark.parametrize("bad", [{"name": ""}, {"lead_status": "NOPE"}, {"potential_revenue": -1}, {"name": None}])
def test_a_lead_that_cannot_be_is_refused(lead, bad):
    with pytest.raises(IntegrityError):
        Restaurant.objects.filter(pk=lead.pk).update(**bad)


@pytest.mark.parametrize("move", [("NEW", "NEW"), ("NOPE", "NEW"), ("NEW", "NOPE")])
def test_a_move_that_is_none_is_refused(lead, move):
    with pytest.raises(IntegrityError):
        StatusChange.objects.create(lead=lead, old_status=move[0], new_status=move[1])
