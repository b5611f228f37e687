# cython: freethreading_compatible=True
"""Label pairs on their way from a body into the table: sorted, and numbered by the pool."""

from libc.stdint cimport uint32_t
from libc.string cimport memcmp

from amfast._ext.pool cimport Pool, compare_bytes, is_name, is_pair
from amfast._ext.slots cimport NOTHING, slots_expect


cdef inline bint comes_before(PairText* a, PairText* b) noexcept nogil:
    cdef int order = compare_bytes(a.name.at, a.name.size, b.name.at, b.name.size)
    return order < 0 or (order == 0 and a.came < b.came)


cdef void sift(PairText* heap, uint32_t at, uint32_t size) noexcept nogil:
    cdef uint32_t child
    cdef PairText moved = heap[at]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and comes_before(&heap[child], &heap[child + 1]):
            child += 1
        if not comes_before(&moved, &heap[child]):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = moved


cdef void sort_once(Texts* texts) noexcept nogil:
    """Bring pairs into name order, of a repeated name the last one. Senders sort them, so this is mostly a look."""
    cdef uint32_t i, to = 0
    cdef PairText last
    cdef bint is_sorted = True
    for i in range(1, texts.size):
        if compare_bytes(
            texts.at[i - 1].name.at, texts.at[i - 1].name.size, texts.at[i].name.at, texts.at[i].name.size
        ) >= 0:
            is_sorted = False
            break
    if is_sorted:
        return
    for i in range(texts.size // 2, 0, -1):
        sift(texts.at, i - 1, texts.size)
    for i in range(texts.size - 1, 0, -1):
        last = texts.at[i]
        texts.at[i] = texts.at[0]
        texts.at[0] = last
        sift(texts.at, 0, i)
    for i in range(texts.size):
        if i + 1 < texts.size and texts.at[i].name.size == texts.at[i + 1].name.size and memcmp(
            texts.at[i].name.at, texts.at[i + 1].name.at, texts.at[i].name.size
        ) == 0:
            continue
        texts.at[to] = texts.at[i]
        to += 1
    texts.size = to


cdef void guess_pair(Pool pool, PairText* pair, Guess* guess) noexcept:
    """Hold a pair if it is the one that was guessed, else find out where to look it up."""
    if guess != NULL and guess.name < pool.names_size and is_name(
        &pool.names[guess.name], pair.name.at, pair.name.size
    ):
        pair.known_name = guess.name
        if guess.pair < pool.pairs_size and is_pair(
            pool.pairs[guess.pair], guess.name, pair.value.at, pair.value.size
        ):
            pair.id = guess.pair
            pool.pairs[pair.id].refs += 1
            return
    else:
        pair.known_name = pool.find_name(pair.name.at, pair.name.size)
    if pair.known_name != NOTHING:
        pair.tag = pool.tag_of(pair.known_name, pair.value.at, pair.value.size)
        slots_expect(&pool.slots, pair.tag)


cdef int number_pairs(Pool pool, PairText* pairs, uint32_t size, Guess* guesses, bint with_empty) except -1:
    """Number pairs, and hold them. What has no value has no number either unless it is asked for.

    Neighbours in a body have much in common. What differs is looked up when all the memory for it is on its way.
    """
    cdef uint32_t j
    cdef PairText* pair
    for j in range(size):
        pair = &pairs[j]
        pair.id = NOTHING
        if pair.value.size or with_empty:
            guess_pair(pool, pair, &guesses[j] if j < GUESSES else NULL)
    for j in range(size):
        pair = &pairs[j]
        if pair.id != NOTHING or not (pair.value.size or with_empty):
            continue
        if pair.known_name == NOTHING:
            pair.id = pool.intern(pair.name.at, pair.name.size, pair.value.at, pair.value.size)
        else:
            pair.id = pool.intern_named(pair.tag, pair.known_name, pair.value.at, pair.value.size)
        if j < GUESSES:
            guesses[j].pair = pair.id
            guesses[j].name = pool.pairs[pair.id].name
    return 0
