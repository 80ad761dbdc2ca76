"""Cases that nobody recorded: what MirrorBrain answered follows from its description, its law and
from recorded cases beside them. Each is: what, target, client, answer.
"""

import derived_requests
import derived_selection


def lines():
    """All of them, in an order that only grows at its end."""
    yield from derived_selection.places()
    yield from derived_selection.odd_places()
    yield from derived_selection.networks()
    yield from derived_selection.arguments()
    yield from derived_selection.files()
    yield from derived_requests.exclusions()
    yield from derived_requests.names()
    yield from derived_requests.links()
    yield from derived_requests.absent()
    yield from derived_requests.wire()
    yield from derived_requests.hashes()
    yield from derived_requests.vhosts()
    yield from derived_requests.left_to_apache()


def yum():
    """Lists for yum, which came later; so the numbers of the others stay."""
    yield from derived_requests.yum()
