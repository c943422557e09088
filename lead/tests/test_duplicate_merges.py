"""What was said about two leads when one of them is merged into a third, or into the other; and taken out again."""

import pytest

from contact.models import Contact, NotDuplicateContact
from lead.models import NotDuplicate, Restaurant
from lead.tests.test_merging import everything


@pytest.fixture
def leads(db):
    """Four of one name, oldest first."""
    return [Restaurant.objects.create(name="Bistro Anna", city="Pune") for _ in range(4)]


def said() -> set[tuple[int, int]]:
    return set(NotDuplicate.objects.values_list("first", "second"))


def test_the_survivor_takes_the_place_of_the_merged_lead(leads, user):
    first, second, third, last = leads
    for other in (first, third):
        second.say_not_duplicate(other.pk, by=user)
    journal = last.merge(second.pk)
    assert said() == {(first.pk, last.pk), (third.pk, last.pk)}
    assert {pair.created_by for pair in NotDuplicate.objects.all()} == {user}
    assert journal.moved == {}  # the other leads of the pairs may be hidden


def test_what_was_said_of_both_is_there_once_and_of_one_another_gone(leads):
    first, second, third, last = leads
    for one, other in [(first, second), (first, third), (second, third), (second, last)]:
        one.say_not_duplicate(other.pk)
    first.merge(second.pk)
    assert said() == {(first.pk, third.pk), (first.pk, last.pk)}


@pytest.mark.parametrize("survivor", [0, 1, 2, 3])
@pytest.mark.parametrize("dropped", [0, 1, 2, 3])
def test_a_merge_taken_back_leaves_what_was_said_as_it_was(survivor, dropped, leads, user):
    for place, one in enumerate(leads):
        for other in leads[place + 1 :]:
            one.say_not_duplicate(other.pk, by=user)
    before = everything()
    if survivor == dropped:
        assert len(before["lead.NotDuplicate"]) == 6
        return
    leads[survivor].merge(leads[dropped].pk)
    assert len(said()) == 3
    leads[survivor].unmerge(leads[dropped].pk)
    assert everything() == before


def test_merges_are_taken_apart_although_the_other_lead_is_gone(leads):
    first, second, third, _ = leads
    second.say_not_duplicate(third.pk)
    first.merge(second.pk)
    third.delete()
    first.unmerge(second.pk)
    assert (said(), Restaurant.objects.filter(pk=second.pk).exists()) == (set(), True)


def test_merges_are_taken_apart_in_either_order(leads):
    first, second, third, last = leads
    second.say_not_duplicate(third.pk)
    first.merge(second.pk)
    last.merge(third.pk)
    assert said() == {(first.pk, last.pk)}
    first.unmerge(second.pk)
    last.unmerge(third.pk)
    assert Restaurant.objects.filter(pk__in=[second.pk, third.pk]).count() == 2


def test_many_pairs_move_in_a_fixed_number_of_queries(leads, django_assert_max_num_queries):
    first, second, *_ = leads
    others = Restaurant.objects.bulk_create(Restaurant(name=f"Bistro {number}") for number in range(200))
    NotDuplicate.objects.bulk_create(NotDuplicate(first=second, second=other) for other in others)
    with django_assert_max_num_queries(70):
        first.merge(second.pk)
    assert len(said()) == 200


def test_contacts_that_become_one_keep_what_was_said_of_them(leads):
    ours, theirs = leads[:2]
    asha, ben = (Contact.objects.create(restaurant=ours, name=name) for name in ("Asha Rao", "Asha Rau"))
    same, cem = (Contact.objects.create(restaurant=theirs, name=name) for name in ("Asha Rao", "Asha Roa"))
    same.say_not_duplicate(cem.pk)
    asha.say_not_duplicate(ben.pk)
    before = everything()
    ours.merge(theirs.pk)
    pairs = set(NotDuplicateContact.objects.values_list("first", "second"))
    assert pairs == {(asha.pk, ben.pk), (asha.pk, cem.pk)}
    ours.unmerge(theirs.pk)
    assert everything() == before
