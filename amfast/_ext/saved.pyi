from amfast._ext.table import Table

def dump(table: Table, now_ns: int, start: int, count: int) -> tuple[int, bytes]:
    """The alerts among ``count`` rows from ``start``, but for those of whose end everybody was told.

    The number to go on with comes first, 0 at the end. The rows may change between two slices.
    """

def restore(table: Table, data: bytes, saved_at_ns: int, now_ns: int, lease_ns: int) -> int:
    """List the alerts of a slice again, but for those that are there; returns how many.

    An alert that fired at ``saved_at_ns`` has from ``now_ns`` on the time that was left to it then, but at most
    ``lease_ns`` of it unless its end is later anyway: nobody could hear its sender in between. Raises ValueError for
    what no slice can be; alerts before the place stay.
    """
