"""The agenda by mail: to whom, when, what, and only once."""

import smtplib

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import IntegrityError, transaction

from call.digest import digests_at
from call.models import CallPlan, SentDigest, WorkProfile
from contact.models import Contact
from crm import dates
from lead.models import Restaurant
from track.models import Interaction


@pytest.fixture
def user(user):
    user.email, user.first_name = "kam@example.com", "Kamala"
    user.save()
    return user


@pytest.fixture
def due(now, lead, contact):
    return CallPlan.objects.create(
        lead=lead, frequency="DAILY", next_call_date="2026-01-19T10:00:00Z", notes="Ask for the chef."
    )


@pytest.fixture
def run(now, capsys):
    """Run the command at an instant; what it says and the mails that it sent."""

    def command(at="2026-01-19T07:00:00Z", **options) -> tuple[str, list]:
        now.move_to(at)
        mail.outbox = []
        call_command("call_digest", **options)
        return capsys.readouterr().out.strip(), mail.outbox

    return command


def test_the_agenda_is_mailed_as_text_and_html(due, lead, run):
    overdue = CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date="2026-01-16T10:00:00Z")
    said, (sent,) = run()
    assert said == "1 sent, 0 failed."
    assert (sent.to, sent.subject) == (["kam@example.com"], "2 calls for Monday, 19 January 2026")
    ((html, kind),) = sent.alternatives
    assert kind == "text/html"
    for body in (sent.body, html):
        for text in (
            "Good morning, Kamala.",
            "Overdue (1)",
            "Today (1)",
            "Bistro Anna",
            "Asha Rao, Manager, 123-456-7890",
            "3 days overdue: due on 2026-01-16, never called.",
            "Due today: daily calls, never called.",
            "Ask for the chef.",
        ):
            assert text in body
    assert overdue.notes == ""


def test_only_html_is_escaped(due, lead, run):
    lead.edit(name="Fish & <b>Chips</b>")
    _, (sent,) = run()
    assert "- Fish & <b>Chips</b>, Pune" in sent.body
    assert "Fish &amp; &lt;b&gt;Chips&lt;/b&gt;" in sent.alternatives[0][0]


def test_one_call_is_written_in_the_singular(due, run):
    assert run()[1][0].subject == "1 call for Monday, 19 January 2026"


@pytest.mark.parametrize(
    ("at", "is_sent"),
    [
        ("2026-01-19T00:29:59Z", False),
        ("2026-01-19T00:30:00Z", True),  # 6:00 in Kolkata
        ("2026-01-19T06:29:59Z", True),
        ("2026-01-19T06:30:00Z", False),  # noon
        ("2026-01-19T18:00:00Z", False),
    ],
)
def test_it_comes_in_the_users_own_morning(user, due, run, at, is_sent):
    WorkProfile.objects.create(user=user, time_zone="Asia/Kolkata")
    assert len(run(at)[1]) == is_sent


def test_the_day_is_the_users_own(user, due, run):
    WorkProfile.objects.create(user=user, time_zone="Pacific/Kiritimati")
    _, (sent,) = run("2026-01-19T17:00:00Z")
    assert sent.subject == "1 call for Tuesday, 20 January 2026"


def test_it_comes_once_a_day_however_often_it_is_run(due, run):
    counts = [len(run(at)[1]) for at in ("2026-01-19T07:00:00Z", "2026-01-19T07:00:00Z", "2026-01-19T11:59:59Z")]
    assert counts == [1, 0, 0]
    assert len(run("2026-01-20T07:00:00Z")[1]) == 1


def test_of_two_processes_that_race_one_sends(due, run):
    with time_machine.travel("2026-01-19T07:00:00Z", tick=False):
        first, second = (next(digests_at(dates.now())) for _ in range(2))
        assert (first.send(), second.send()) == (True, False)
    assert len(mail.outbox) == 1


def test_the_database_holds_one_claim_a_day(user):
    SentDigest.objects.create(user=user, day="2026-01-19")
    with pytest.raises(IntegrityError), transaction.atomic():
        SentDigest.objects.create(user=user, day="2026-01-19")
    SentDigest.objects.create(user=user, day="2026-01-20")


def test_a_dry_run_lists_who_would_be_mailed_and_sends_nothing(due, run):
    assert run(dry_run=True) == ("kam: 1 call for Monday, 19 January 2026", [])
    assert len(run()[1]) == 1


@pytest.mark.parametrize(
    "profile",
    [
        {"working_days": [2, 3, 4, 5]},
        {"leave": [{"from": "2026-01-19", "to": "2026-01-19"}]},
        {"country": "US"},  # the third Monday of January
    ],
)
def test_on_a_day_off_there_is_none(user, due, run, profile):
    WorkProfile.objects.create(user=user, **profile)
    CallPlan.objects.update(next_call_date="2026-01-19T10:00:00Z")
    assert run()[1] == []


@pytest.mark.parametrize("why", ["nothing due", "no address", "inactive", "paused", "lost", "another's"])
def test_a_user_without_calls_or_address_gets_no_mail(user, lead, due, run, why):
    match why:
        case "nothing due":
            due.edit(next_call_date=dates.now().replace(day=20))
        case "no address":
            type(user).objects.update(email="")
        case "inactive":
            type(user).objects.update(is_active=False)
        case "paused":
            due.pause()
        case "lost":
            lead.change_status("LOST")
        case "another's":
            lead.edit(assigned_to=None)
    assert run()[1] == []
    assert not SentDigest.objects.exists()


@pytest.mark.parametrize(("accounts", "subject"), [(1, "1 account at risk on "), (2, "2 accounts at risk on ")])
def test_accounts_at_risk_are_mailed_on_a_day_without_calls_too(now, user, run, accounts, subject):
    leads = [Restaurant.objects.create(name=f"Silent {n}", assigned_to=user) for n in range(accounts)]
    for lead in leads:
        for day in ("2025-10-01", "2025-10-11", "2025-10-21", "2025-10-31"):
            Interaction.log(lead=lead, interaction_type="ORDER", date=f"{day}T12:00:00Z")
        CallPlan.objects.create(lead=lead, frequency="MONTHLY", next_call_date="2026-02-19T10:00:00Z")
    _, (sent,) = run()
    assert sent.subject == f"{subject}Monday, 19 January 2026"
    assert f"At risk ({accounts})" in sent.body
    assert "Orders about every 10 days, at longest 10; last order 80 days ago." in sent.body
    assert run()[1] == []


class Broken(EmailBackend):
    """Refuses the addresses at this host."""

    error: Exception = smtplib.SMTPServerDisconnected("gone")

    def send_messages(self, messages):
        if any(message.to[0].endswith("@broken.example") for message in messages):
            raise self.error
        return super().send_messages(messages)


@pytest.mark.parametrize("error", [smtplib.SMTPException("no"), ConnectionRefusedError(), ValueError("header")])
def test_a_failed_mail_is_tried_again_and_does_not_stop_the_others(
    user, due, run, settings, monkeypatch, capsys, django_user_model, error
):
    settings.EMAIL_BACKEND = "call.tests.test_digest.Broken"
    monkeypatch.setattr(Broken, "error", error)
    type(user).objects.update(email="kam@broken.example")
    ben = django_user_model.objects.create_user("ben", email="ben@example.com")
    lead = Restaurant.objects.create(name="Cafe Blau", assigned_to=ben)
    Contact.objects.create(restaurant=lead, name="Ben Iyer")
    CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date="2026-01-19T10:00:00Z")

    with pytest.raises(SystemExit):
        run()
    assert [sent.to for sent in mail.outbox] == [["ben@example.com"]]
    printed = capsys.readouterr()
    assert printed.out.strip() == "1 sent, 1 failed."
    assert printed.err.strip() == f"kam: not sent, {type(error).__name__}"

    type(user).objects.filter(username="kam").update(email="kam@example.com")
    assert [sent.to for sent in run()[1]] == [["kam@example.com"]]
