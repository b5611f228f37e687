# The labels or annotations of one alert of a body, as texts that become numbers of pairs.

from libc.stdint cimport uint32_t

from amfast._ext.pool cimport Pool
from amfast._ext.scan cimport Text

cdef enum:
    GUESSES = 16  # pairs of one alert that are guessed; what stands behind them is looked up without

cdef struct PairText:
    Text name
    Text value
    uint32_t came
    uint32_t known_name  # its number, NOTHING if nobody holds it
    uint32_t tag
    uint32_t id  # of the pair, NOTHING while it is not looked up

cdef struct Texts:
    # A growing list of pairs, in the arena.
    PairText* at
    uint32_t size
    uint32_t room
    bint is_there  # the property was given, and not as null

cdef struct Guess:
    # What stood at some place of the alert before, and will stand there again as a rule.
    uint32_t name
    uint32_t pair


cdef void sort_once(Texts* texts) noexcept nogil
cdef int number_pairs(Pool pool, PairText* pairs, uint32_t size, Guess* guesses, bint with_empty) except -1
