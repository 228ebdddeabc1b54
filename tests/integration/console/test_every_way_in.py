"""A field gives the same body from every kind of file, a Python call, an option or a default."""

import json
from dataclasses import asdict

import pytest
from sqlalchemy import select

from config.endpoints import Servers
from config.settings import Settings
from issuance.endpoint import Variant
from ledger.store.schema import jobs, lines
from producers import OrgDetails, Producer, Tender
from producers.fields.field import Place
from producers.fields.line import ALL, IDENTIFIERS

MOBILE, REWARD, ORG = "919800000001", 1001, 50_000
VALUES = {
    "reward_id": 1002,
    "reward_external_id": "SKU-9",
    "quantity": 2,
    "payment_config_id": 55,
    "redemption_value": 12.5,
    "points": 500,
    "org_id": 7,
    "custom_fields": {"tier": "gold"},
    "fulfillment_status": "SHIPPED",
    "reward_params": {"size": "L"},
    "event_log_id": "log-9",
    "notes": "thank you",
    "params": {"till": "17"},
    "group_primary_user_id": "381751178",
    "group_id": "124",
    "group_external_id": "family-7",
    "program_id": 626,
    "event_date_time": "2026-01-02T03:04:05Z",
    "transaction_number": "till-17-0001",
    "owner_type": "CAMPAIGNS",
    "owner_id": "abc7",
    "tender_total": 100,
    "tenders": (Tender("CARD", "visa-1", 7, 60), Tender("CASH", "till", 8, 40)),
    "org_details": (OrgDetails(ORG, "hello", {"till": "17"}, group_id="124"),),
    "data_scope": "OTHER",
}
"""One value for each field that a line may carry."""
WITH = {"owner_type": "owner_id", "owner_id": "owner_type"}
"""Fields that are given only together."""
BY_KEY = {each.key: each for each in ALL}
CASES = [
    pytest.param(key, variant, id=f"{key}-{variant}")
    for key in VALUES
    for variant in BY_KEY[key].field.places
    if BY_KEY[key].field.places[variant] is not Place.UNSENT
]


def cells(described, value):
    """Name a field's values as columns."""
    name = described.field.name
    if described.is_map:
        return {f"{name}.{key}": text for key, text in value.items()}
    if described.is_list:
        return {
            f"{name}.{place}.{column}": text
            for place, item in enumerate(value)
            for part in described.parts
            if getattr(item, part.key) not in (None, {})
            for column, text in cells(part, getattr(item, part.key)).items()
        }
    return {name: value}


def options(described, value):
    """Give a field as options of `issuance issue`."""
    name = f"--{described.key.removesuffix('s').replace('_', '-')}"
    if described.is_map:
        return [word for key, text in value.items() for word in (name, f"{key}={text}")]
    if described.is_list:
        return [
            word
            for item in value
            for pairs in [{k: v for p in described.parts for k, v in _part(p, item).items()}]
            for word in (name, ",".join(f"{key}={text}" for key, text in pairs.items()))
        ]
    return [f"--{described.key.replace('_', '-')}", value]


def _part(part, item):
    value = getattr(item, part.key)
    return {} if value in (None, {}) else cells(part, value)


def nest(given, variant):
    """Write fields as the API's body has them."""
    body = {"mobile": MOBILE, "rewards": [{}], "orgLevelDetails": [{}]}
    for key, value in given.items():
        field = BY_KEY[key].field
        place = field.places[variant]
        owner = {Place.REWARD: body["rewards"][0], Place.ORG: body["orgLevelDetails"][0]}.get(
            place, body
        )
        if key in ("reward_id", "org_details"):
            owner = body["rewards"][0] if key == "reward_id" else body
        *outer, inner = (field.path or field.name).split(".")
        for part in outer:
            owner = owner.setdefault(part, {})
        owner[inner] = _nested(BY_KEY[key], value)
    return {name: part for name, part in body.items() if part not in ([{}], {})}


def _nested(described, value):
    if not described.is_list:
        return value
    names = {part.key: part.field.name for part in described.parts}
    return [
        {names[key]: own for key, own in asdict(item).items() if own not in (None, {})}
        for item in value
    ]


def contents(ledger):
    """Read each job's reward, scope and body, without what its requestId decides."""
    query = (
        select(lines.c.reward_id, jobs.c.scope, jobs.c.body)
        .join(jobs, jobs.c.number == lines.c.job_number)
        .order_by(jobs.c.number)
    )
    with ledger.read() as connection:
        found = [(*named, json.loads(body)) for *named, body in connection.execute(query)]
    for *_, body in found:
        for part in (body, *body.get("rewards", ())):
            part.pop("requestId", None)
            part.pop("transactionNumber", None)
    return found


def test_every_optional_field_has_a_value_here():
    assert VALUES.keys() == {each.key for each in ALL} - {each.key for each in IDENTIFIERS}


@pytest.fixture
def at_endpoint(monkeypatch):
    def choose(variant):
        monkeypatch.setenv("ISSUANCE_API_VARIANT", variant)
        monkeypatch.setenv("ISSUANCE_API_DATA_SCOPE_ORG", str(ORG))

    return choose


@pytest.mark.parametrize(("key", "variant"), CASES)
def test_every_way_in_makes_the_same_body(run, ledger, tmp_path, at_endpoint, key, variant):  # noqa: PLR0917
    at_endpoint(variant)
    numbers = iter(range(1, 9))
    described = BY_KEY[key]
    given = {"reward_id": REWARD} if key != "reward_external_id" else {}
    given |= {name: VALUES[name] for name in (key, WITH.get(key)) if name}

    def fields():
        """The fields of one more request; a transactionNumber is given only once."""
        number = f"till-{next(numbers)}"
        return given | ({"transaction_number": number} if key == "transaction_number" else {})

    def table():
        named = [cells(BY_KEY[name], value) for name, value in fields().items()]
        return {"mobile": MOBILE} | {
            column: text for part in named for column, text in part.items()
        }

    def blast(name, text, *more):
        file = tmp_path / name
        file.write_text(text)
        done = run("blast", file, "--campaign", name, *more)
        assert done.exit_code == 0, done.output + file.with_suffix(".errors.csv").name

    def as_csv(row):
        return f"{','.join(row)}\n{','.join(map(str, row.values()))}\n"

    blast("table.csv", as_csv(table()))
    blast("flat.jsonl", json.dumps(table()))
    blast("nested.jsonl", json.dumps(nest(fields(), variant)))
    if key != "transaction_number":
        own = cells(described, VALUES[key])
        rest = {name: text for name, text in table().items() if name not in own}
        defaults = [word for name, text in own.items() for word in ("--set", f"{name}={text}")]
        blast("default.csv", as_csv(rest), *defaults)
    named = [word for name, value in fields().items() for word in options(BY_KEY[name], value)]
    assert run("issue", "--mobile", MOBILE, *named).exit_code == 0
    settings = Settings()
    with Producer(settings, Servers.of(settings)) as producer:
        producer.enqueue(mobile=MOBILE, **fields())
    found = contents(ledger)
    assert len(found) == (5 if key == "transaction_number" else 6)
    assert all(each == found[0] for each in found)
    reward_id, scope, body = found[0]
    if described.field.places[variant] is Place.PATH:
        assert reward_id == VALUES[key]
    elif described.field.places[variant] is Place.HEADER:
        assert scope == f"OTHER:{ORG}"
    elif key == "transaction_number":
        assert numbers_in(ledger) == [f"till-{number}" for number in range(1, 6)]
    else:
        assert _holds(body, described, variant)


def numbers_in(ledger):
    """Read the transactionNumbers in the ledger, which must be those in the bodies."""
    query = select(jobs.c.transaction_number, jobs.c.body).order_by(jobs.c.number)
    with ledger.read() as connection:
        found = connection.execute(query).all()
    assert [json.loads(body)["transactionNumber"] for _, body in found] == [
        number for number, _ in found
    ]
    return [number for number, _ in found]


def _holds(body, described, variant):
    """Whether the field is at its documented place."""
    place, value = described.field.places[variant], VALUES[described.key]
    if described.key == "org_details":
        return body["orgLevelDetails"] == _nested(described, value)
    part = {
        Place.TOP: body,
        Place.REWARD: body.get("rewards", [{}])[0],
        Place.ORG: body.get("orgLevelDetails", [{}])[0],
    }[place]
    snake = variant.endpoint.group_keys == "snake" and described.field.snake_path
    for key in (snake or described.field.path or described.field.name).split("."):
        part = part[key]
    return part == _nested(described, value)


@pytest.mark.parametrize("variant", Variant)
def test_the_customer_can_be_named_in_every_way_in(run, ledger, tmp_path, at_endpoint, variant):
    at_endpoint(variant)
    identifiers = {"mobile": MOBILE, "email": "ann@example.test", "external_id": "C-17"}
    settings = Settings()
    with Producer(settings, Servers.of(settings)) as producer:
        for key, value in identifiers.items():
            name = BY_KEY[key].field.name
            for file in (tmp_path / f"{key}.csv", tmp_path / f"{key}.jsonl"):
                is_csv = file.suffix == ".csv"
                row = {name: value, "rewardId": REWARD}
                file.write_text(
                    f"{name},rewardId\n{value},{REWARD}\n" if is_csv else json.dumps(row)
                )
                assert run("blast", file, "--campaign", file.name).exit_code == 0
            option = f"--{key.replace('_', '-')}"
            assert run("issue", option, value, "--reward-id", REWARD).exit_code == 0
            producer.enqueue(**{key: value}, reward_id=REWARD)
    found = contents(ledger)
    for value in identifiers.values():
        same = [each for each in found if value in each[-1].values()]
        assert len(same) == 4
        assert all(each == same[0] for each in same)
