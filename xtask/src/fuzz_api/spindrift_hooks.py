"""What is generated otherwise than by the document alone.

Headers that hold more than ASCII are left out: Spin itself answers them with 500, and asks no component. An
Idempotency-Key of the document's examples gives way to a new one: used again with another request it is 422, and
whatever stands behind it would not be reached.
"""

import uuid

import schemathesis

KEY = "Idempotency-Key"
EXAMPLE = "8e03978e-40d5-43e8-bc93-6894a57f9324"


@schemathesis.hook
def filter_case(_context, case):
    return all(str(value).isascii() for value in (case.headers or {}).values())


@schemathesis.hook
def map_case(_context, case):
    if (case.headers or {}).get(KEY) == EXAMPLE:
        case.headers[KEY] = str(uuid.uuid4())
    return case
