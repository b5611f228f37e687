# Memory for one request: taken piece by piece, given back all at once.

from libc.stdint cimport uint8_t
from libc.stdlib cimport free, malloc

cdef enum:
    BLOCK_BYTES = 32768

cdef struct Block:
    Block* before

cdef struct Arena:
    Block* block
    uint8_t* at
    size_t left


cdef inline void* arena_take(Arena* arena, size_t size) noexcept nogil:
    # Memory for ``size`` bytes, aligned for everything; NULL only when there is none, not for 0 bytes.
    cdef size_t room
    cdef Block* block
    cdef uint8_t* taken
    size = ((size if size else 1) + 15) & ~<size_t>15
    if size > arena.left:
        room = size if size > BLOCK_BYTES else BLOCK_BYTES
        block = <Block*>malloc(16 + room)
        if block == NULL:
            return NULL
        block.before = arena.block
        arena.block = block
        arena.at = <uint8_t*>block + 16
        arena.left = room
    taken = arena.at
    arena.at += size
    arena.left -= size
    return taken


cdef inline void arena_free(Arena* arena) noexcept nogil:
    cdef Block* block = arena.block
    cdef Block* before
    while block != NULL:
        before = block.before
        free(block)
        block = before
    arena.block = NULL
    arena.at = NULL
    arena.left = 0
