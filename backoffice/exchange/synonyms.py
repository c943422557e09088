"""What other people's files call our columns: normalized names (`tables.normal`), by column."""


def inverted(names: dict[str, str]) -> dict[str, str]:
    return {synonym: column for column, synonyms in names.items() for synonym in synonyms.split()}


PERSON = {
    "phone": "phone_number phone_no telephone telephone_number tel mobile mobile_number contact_number telefon telefono"
    " numer_telefonu телефон",
    "email": "e_mail email_address e_mail_address mail courriel correo adres_e_mail",
    "address": "street street_address address_1 address_line_1 full_address adresse strasse direccion adres"
    " ulica rue адрес",
}
LEAD_ID = (
    "customer_id customer_number customer_no customerid account_id account_number client_id debtor kundennummer"
    " kunden_nr kundennr numero_client nr_klienta lead_number"
)

LEADS = inverted(
    {
        **PERSON,
        "name": "restaurant_name business_name dba company company_name companyname customer_name account_name title"
        " restaurant store_name trading_name firma firmenname nom nom_du_restaurant raison_sociale nombre nazwa"
        " nazwa_restauracji название ресторан наименование",
        "city": "town boro borough location_city ort stadt ville ciudad miasto город",
        "state": "region province county state_province bundesland provincia wojewodztwo область регион",
        "pincode": "zip zipcode zip_code postal_code postalcode postcode post_code plz postleitzahl code_postal"
        " codigo_postal kod_pocztowy индекс",
        "contact_person": "contact contact_name contactname person owner_name manager ansprechpartner interlocuteur",
        "cuisine_type": "cuisine cuisine_description cuisines food_type kuche type_de_cuisine kuchnia кухня",
        "restaurant_type": "type category categories business_type kategorie categorie kategoria тип",
        "notes": "note comment comments remarks description bemerkung notizen remarques uwagi примечание",
        "potential_revenue": "revenue expected_revenue annual_revenue umsatz chiffre_d_affaires",
        "lead_status": "status stage",
        "assigned_to": "owner account_owner sales_rep salesperson account_manager",
        "external_id": LEAD_ID + " camis business_id yelp_id record_id",
    }
)
CONTACTS = inverted(
    {
        **PERSON,
        "name": "contact contact_name contactname full_name person ansprechpartner nom nombre nazwisko имя",
        "role": "title job_title contact_title contacttitle position funktion fonction stanowisko должность",
        "lead_external_id": LEAD_ID,
        "restaurant": "lead lead_id restaurant_id",
        "external_id": "contact_id contact_number person_id",
    }
)
INTERACTIONS = inverted(
    {
        "lead_external_id": LEAD_ID,
        "lead": "lead_id restaurant restaurant_id",
        "contact": "contact_id",
        "interaction_type": "type activity activity_type kind",
        "details": "detail note notes comment comments description subject text",
        "date": "datetime date_time when happened_at activity_date start datum",
        "external_id": "interaction_id activity_id call_id",
    }
)
ORDERS = inverted(
    {
        "lead_external_id": LEAD_ID,
        "lead": "lead_id restaurant restaurant_id",
        "contact": "contact_id",
        "order_date": "date orderdate ordered_at ordered_on bestelldatum datum date_de_commande",
        "product_details": "product products product_name item items lines description artikel",
        "quantity": "qty units amount_ordered menge anzahl quantite",
        "total_price": "total amount price order_total total_amount value betrag summe gesamt montant",
        "external_id": "order_id orderid order_number order_no invoice_number bestellnummer auftragsnummer",
    }
)
PLANS = inverted(
    {
        "lead_external_id": LEAD_ID,
        "lead": "lead_id restaurant restaurant_id",
        "frequency": "cadence interval rhythm",
        "next_call_date": "next_call next_call_at due due_date",
        "notes": "note comment comments",
    }
)
