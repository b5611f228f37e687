# cython: freethreading_compatible=True
"""An index over lists of conditions on labels: which of them could hold, and which do."""

from types import GenericAlias

cimport cython
from cpython.dict cimport PyDict_CheckExact, PyDict_GetItemWithError, PyDict_SetDefault
from cpython.object cimport PyObject

cdef enum:
    CROWD = 8  # things under one pair; more of them are worth an index of their own
    DEPTH_MAX = 4  # of indexes within indexes: whoever shares so much shares the rest, too


cdef inline dict _plain(labels):
    return <dict>labels if PyDict_CheckExact(labels) else dict(labels)


cdef bint _holds(tuple conditions, dict labels) except -1:
    cdef tuple condition
    cdef PyObject* found
    cdef str value
    cdef bint hit
    for condition in conditions:
        found = PyDict_GetItemWithError(labels, condition[0])
        value = "" if found == NULL else <str?><object>found
        hit = value == <str>condition[1] if condition[3] is None else condition[3](value)
        if hit == <bint>condition[2]:
            return False
    return True


cdef bint _any_holds(list lists, dict labels) except -1:
    cdef tuple conditions
    for conditions in lists:
        if _holds(conditions, labels):
            return True
    return False


cdef tuple _needed(tuple conditions):
    """The pairs of each condition that has any."""
    return tuple([tuple(pairs) for _, _, _, _, pairs in conditions if pairs])


cdef tuple _others(tuple needs, name, value):
    """What else what is filed under a pair needs, by which it may be told from what is there, too.

    Only needs of a single pair: who has lists of values would be under each value of one with each value of the next.
    """
    cdef list others = []
    cdef tuple pairs
    for pairs in needs:
        if len(pairs) == 1 and pairs[0] != (name, value):
            others.append(pairs)
    return tuple(others)


cdef inline bint _precedes(tuple pairs, tuple others) noexcept:
    """Whether a condition is likely to file fewer alerts, where as many things are under both: many share a name."""
    if len(pairs) != len(others):
        return len(pairs) < len(others)
    return others[0][0] == "alertname" and pairs[0][0] != "alertname"


cdef inline Py_ssize_t _size(shelf) except -1:
    if isinstance(shelf, Index):
        return len((<Index>shelf).things)
    return len(<dict>shelf) if isinstance(shelf, dict) else 1


@cython.final
cdef class Index:
    cdef int depth
    cdef Index outer  # what this is a shelf of
    cdef object name, value  # and under which pair
    cdef set things  # all that is in it, if it is a shelf
    cdef dict shelves  # label name -> value -> shelf: a thing that is alone, several, or an index of their own
    cdef dict free  # things to try always
    cdef dict lists  # thing -> its lists of conditions; only of the outermost index, and once they are needed
    cdef object make, needs

    def __cinit__(self, make=None, needs=None):
        self.depth = 0
        self.make, self.needs = make, needs
        self.shelves = {}
        self.free = {}
        self.lists = {}
        self.things = set()

    __class_getitem__ = classmethod(GenericAlias)

    def add(self, thing, conditions):
        cdef tuple known = tuple(conditions)
        for name, value, _, _, _ in known:
            if not (isinstance(name, str) and isinstance(value, str)):
                raise TypeError("a condition is on a text")
        self.lists.setdefault(thing, []).append(known)
        self._file(thing, _needed(known))

    def file(self, list things not None, list needs not None):
        for thing, some in zip(things, needs):
            self._file(thing, <tuple?>some)

    cdef list _lists(self, thing):
        cdef PyObject* known = PyDict_GetItemWithError(self.lists, thing)
        if known != NULL:
            return <list><object>known
        if self.make is None:
            raise KeyError(thing)
        lists = self.lists[thing] = [tuple(conditions) for conditions in self.make(thing)]
        return lists

    cdef list _sets(self, thing):
        """What each of a thing's lists needs, as far as this index goes. It is kept nowhere: most are never asked for."""
        cdef tuple conditions
        if self.outer is not None:
            return [_others(needs, self.name, self.value) for needs in self.outer._sets(thing)]
        if self.needs is not None:
            return list(self.needs(thing))
        return [_needed(conditions) for conditions in <list>self.lists[thing]]

    cdef int _file(self, thing, tuple needs) except -1:
        cdef tuple rarest, pairs
        cdef dict values, shelf
        cdef PyObject* known
        cdef Py_ssize_t crowd, fewest = 0
        if self.outer is not None:
            self.things.add(thing)
        if not needs:
            self.free[thing] = None
            return 0
        rarest = None
        for pairs in needs:
            crowd = self._crowd(pairs)
            if rarest is None or crowd < fewest or (crowd == fewest and _precedes(pairs, rarest)):
                rarest, fewest = pairs, crowd
        for name, value in rarest:
            known = PyDict_GetItemWithError(self.shelves, name)
            if known == NULL:
                values = self.shelves[name] = {}
            else:
                values = <dict><object>known
            known = PyDict_GetItemWithError(values, value) if fewest else NULL
            if known == NULL:
                values[value] = thing
            elif isinstance(<object>known, Index):
                (<Index><object>known)._file(thing, _others(needs, name, value))
            elif isinstance(<object>known, dict):
                shelf = <dict><object>known
                shelf[thing] = None
                if len(shelf) > CROWD and self.depth < DEPTH_MAX:
                    values[value] = self._spread(shelf, name, value)
            elif <object>known != thing:
                values[value] = {<object>known: None, thing: None}
        return 0

    cdef Py_ssize_t _crowd(self, tuple pairs) except -1:
        """How many things there are under the pair that has most of them."""
        cdef Py_ssize_t most = 0
        cdef PyObject* known
        cdef tuple pair
        for pair in pairs:
            known = PyDict_GetItemWithError(self.shelves, pair[0])
            if known != NULL:
                known = PyDict_GetItemWithError(<dict><object>known, pair[1])
                if known != NULL:
                    most = max(most, _size(<object>known))
        return most

    cdef Index _spread(self, dict shelf, name, value):
        cdef Index inner = Index()
        inner.depth = self.depth + 1
        inner.outer, inner.name, inner.value = self, name, value
        for thing in shelf:
            for needs in inner._sets(thing):
                inner._file(thing, needs)
        return inner

    def remove(self, thing):
        self._remove(thing, self._sets(thing))
        self.lists.pop(thing, None)

    cdef int _remove(self, thing, list sets) except -1:
        cdef tuple needs, pairs
        self.free.pop(thing, None)
        for needs in sets:
            for pairs in needs:
                for name, value in pairs:
                    self._take_out(thing, sets, name, value)
        return 0

    cdef int _take_out(self, thing, list sets, name, value) except -1:
        cdef PyObject* known = PyDict_GetItemWithError(self.shelves, name)
        cdef dict values
        if known == NULL:
            return 0
        values = <dict><object>known
        known = PyDict_GetItemWithError(values, value)
        if known == NULL:
            return 0
        shelf = <object>known
        if isinstance(shelf, Index):
            if thing in (<Index>shelf).things:
                (<Index>shelf).things.remove(thing)
                (<Index>shelf)._remove(thing, [_others(needs, name, value) for needs in sets])
            is_empty = not (<Index>shelf).things
        elif isinstance(shelf, dict):
            (<dict>shelf).pop(thing, None)
            is_empty = not shelf
        else:
            is_empty = shelf == thing
        if is_empty:
            del values[value]
            if not values:
                del self.shelves[name]
        return 0

    def candidates(self, labels):
        return self._collect(_plain(labels))

    cdef list _collect(self, dict labels):
        cdef list found = list(self.free) if self.free else []
        if len(self.shelves) < len(labels):
            for name, values in self.shelves.items():
                value = PyDict_GetItemWithError(labels, name)
                if value != NULL:
                    _add_shelf(found, <dict>values, <object>value, labels)
        else:
            for name, text in labels.items():
                value = PyDict_GetItemWithError(self.shelves, name)
                if value != NULL:
                    _add_shelf(found, <dict><object>value, text, labels)
        return found

    def matching(self, labels):
        cdef dict known = _plain(labels)
        cdef list found = self._collect(known)
        if not found:
            return found
        return [thing for thing in found if _any_holds(self._lists(thing), known)]

    def matching_of_few(self, labels, Py_ssize_t few):
        cdef dict known = _plain(labels)
        cdef list found = self._collect(known)
        if not found:
            return found
        if len(found) > few:
            return None
        return [thing for thing in found if _any_holds(self._lists(thing), known)]

    def holds(self, thing, labels):
        return _any_holds(self._lists(thing), _plain(labels))

    def interests(self):
        pairs = frozenset([(name, value) for name, values in self.shelves.items() for value in values])
        return pairs, bool(self.free)


cdef int _add_shelf(list found, dict values, value, dict labels) except -1:
    cdef PyObject* shelf = PyDict_GetItemWithError(values, value)
    if shelf == NULL:
        return 0
    if isinstance(<object>shelf, Index):
        found.extend((<Index><object>shelf)._collect(labels))
    elif isinstance(<object>shelf, dict):
        found.extend(<dict><object>shelf)
    else:
        found.append(<object>shelf)
    return 0


def label_values(labels, names):
    cdef dict known = _plain(labels)
    return tuple([known.get(name, "") for name in <tuple?>names])


def told_apart(labels, dict asked not None):
    cdef list seen = []
    cdef PyObject* values
    for name, value in _plain(labels).items():
        values = PyDict_GetItemWithError(asked, name)
        if values != NULL and value:
            seen.append(name)
            seen.append(value if <object>values is None or value in <frozenset?><object>values else None)
    return tuple(seen)
