"""Who owned a lead at an instant, against an oracle that writes every hour's owner down."""

from datetime import UTC, datetime, timedelta
from random import Random

import time_machine
from django.contrib.auth import get_user_model

from lead.models import OwnerChange, Restaurant
from lead.owners import Owner, Owners

START = datetime(2025, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = 24 * 4


def test_the_owner_of_every_hour_is_the_one_that_was_written_down(db):
    random = Random(17)
    users = {name: get_user_model().objects.create_user(name) for name in "abcdef"}
    names = {user.pk: name for name, user in users.items()}
    diary: dict[tuple[int, int], str | None] = {}  # by lead and hour, also of users who are deleted later
    with time_machine.travel(START - HOUR, tick=False) as clock:
        leads = [
            Restaurant.objects.create(name="A", assigned_to=random.choice([None, *users.values()])) for _ in range(12)
        ]
        owners = {lead.pk: names.get(lead.assigned_to_id) for lead in leads}
        for hour in range(HOURS):
            clock.move_to(START + hour * HOUR)
            for _ in range(random.choice([0, 0, 1, 2])):  # at the same instant, too
                match random.randrange(8):
                    case 0 if len(users) > 2:
                        name = random.choice(list(users))
                        users.pop(name).delete()
                        owners = {lead: None if owner == name else owner for lead, owner in owners.items()}
                    case 1 | 2:
                        name, to = random.sample(list(users), 2)
                        moved = Restaurant.objects.hand_over(users[name].pk, users[to].pk)
                        owners |= dict.fromkeys(moved, to)
                    case _:
                        lead, to = random.choice(leads[2:]), random.choice([None, *users])  # two are never changed
                        Restaurant.objects.get(pk=lead.pk).edit(assigned_to=users.get(to))
                        owners[lead.pk] = to
            diary |= {(lead, hour): owner for lead, owner in owners.items()}
    found = Owners.of(owners)

    def name_at(lead: int, moment: datetime) -> str | None:
        owner = found.at(lead, moment)
        assert owner == Owner(users[owner.name].pk) if owner.name in users else True  # a name is of a deleted user
        return (names[owner.id] if owner.id else owner.name) or None

    shown = {(lead, hour): name_at(lead, START + hour * HOUR) for lead, hour in diary}
    assert shown == diary
    late = HOUR - timedelta.resolution
    assert {(lead, hour): name_at(lead, START + hour * HOUR + late) for lead, hour in diary} == diary
    assert OwnerChange.objects.count() > 30


def test_an_unknown_lead_has_no_owner(db):
    assert Owners.of([1]).at(1, START) == Owner()


def test_the_owners_cost_three_queries_however_many_leads(user, django_assert_num_queries):
    leads = [Restaurant.objects.create(name="A", assigned_to=user).pk for _ in range(30)]
    for some in (leads[:3], leads):
        with django_assert_num_queries(3):
            Owners.of(some)
