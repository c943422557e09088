"""Generates a Python client from docs/openapi.yaml with a public generator and sends the main requests with it once.

BASE_URL is a running server on which `demo` may sign in.
"""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

BASE_URL = os.environ["BASE_URL"]
DESCRIPTION = Path(__file__).parents[1] / "docs" / "openapi.yaml"
PACKAGE = "crm_client"


def generate(folder: Path) -> None:
    config = folder / "config.yaml"
    config.write_text("post_hooks: []\n")  # the code is not formatted
    generator = Path(sys.executable).with_name("openapi-python-client")
    command = [generator, "generate", "--path", DESCRIPTION, "--output-path", folder / PACKAGE, "--meta", "none"]
    subprocess.run([*command, "--config", config, "--fail-on-warning"], check=True)


def drive() -> int:
    """Token, lead, contact, plan, a recorded call, an order, the plans due today; and a write under an old tag."""
    package = import_module(PACKAGE)
    models = import_module(f"{PACKAGE}.models")
    calls = 0

    def call(path: str, expected: int, client, *args, **kwargs):
        nonlocal calls
        calls += 1
        operation = import_module(f"{PACKAGE}.api.{path}")
        response = operation.sync_detailed(*args, client=client, **kwargs)
        assert response.status_code == expected, (path, response)
        return response

    anonymous = package.Client(BASE_URL, raise_on_unexpected_status=True)
    credentials = models.SignInRequest(username="demo", password="demo")
    tokens = call("authentication.sign_in", 200, anonymous, body=credentials).parsed
    me = package.AuthenticatedClient(BASE_URL, token=tokens.access, raise_on_unexpected_status=True)

    new = models.RestaurantRequest(name="Bistro Anna", city="Pune", potential_revenue=5000.5)
    lead = call("leads.lead_create", 201, me, body=new, idempotency_key="bistro-anna").parsed
    again = call("leads.lead_create", 201, me, body=new, idempotency_key="bistro-anna")
    assert again.parsed.id == lead.id and again.headers["Idempotency-Replayed"] == "true"
    assert lead.lead_status == models.LeadStatus.NEW and lead.potential_revenue == 5000.5
    body = models.ContactRequest(restaurant=lead.id, name="Asha Rao", phone="123-456-7890")
    contact = call("contacts.contact_create", 201, me, body=body).parsed

    body = models.CallPlanRequest(lead=lead.id, frequency=models.Frequency.DAILY)
    plan = call("calls.call_plan_create", 201, me, body=body).parsed
    now = lead.created_at  # by the server's clock
    body = models.RecordCallRequest(last_called=now, contact=contact.id, outcome=models.Outcome.REACHED)
    called = call("calls.call_plan_record_call", 200, me, plan.id, body=body)
    assert called.parsed.last_called == now
    body = models.PatchedCallPlanRequest(notes="Prefers mornings.")
    call("calls.call_plan_partial_update", 412, me, plan.id, body=body, if_match='"older"')
    call("calls.call_plan_partial_update", 200, me, plan.id, body=body, if_match=called.headers["ETag"])

    order = models.OrderDetailsRequest(product_details="50 units of Product A", quantity=50, total_price=500.0)
    kind = models.InteractionType.ORDER
    body = models.InteractionRequest(lead=lead.id, contact=contact.id, interaction_type=kind, order=order)
    interaction = call("tracking.interaction_create", 201, me, body=body).parsed
    assert interaction.order_placed
    details = call("tracking.interaction_order_details", 200, me, interaction.id).parsed
    assert details.total_price == 500.0 and details.order_date == interaction.date
    latest = models.InteractionListOrderingItem("-date")
    found = call("tracking.interaction_list", 200, me, lead=lead.id, date_after=now.date(), ordering=[latest]).parsed
    assert [row.id for row in found][0] == interaction.id

    body = models.PatchedCallPlanRequest(next_call_date=now)
    call("calls.call_plan_partial_update", 200, me, plan.id, body=body)
    today = call("calls.call_plan_today", 200, me).parsed
    assert plan.id in [row.id for row in today]
    agenda = call("calls.agenda_retrieve", 200, me, days=0).parsed
    assert plan.id in [entry.plan.id for entry in agenda.today]

    refused = call("leads.lead_create", 400, me, body=models.RestaurantRequest(name="")).parsed
    assert refused.additional_properties == {"name": ["This field may not be blank."]}
    call("leads.lead_destroy", 204, me, lead.id)
    call("leads.lead_retrieve", 404, me, lead.id)
    return calls


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        generate(Path(folder))
        sys.path.insert(0, folder)
        print(f"The generated client made {drive()} calls as described.")
