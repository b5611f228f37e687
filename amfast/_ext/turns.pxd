# Turns of long work on the event loop: one ends early when the loop has something else to do.

from libc.stdint cimport int64_t

cdef extern from "<poll.h>" nogil:
    struct pollfd:
        int fd
        short events
        short revents
    int poll(pollfd* fds, unsigned long count, int timeout_ms)
    short POLLIN

cdef extern from "<time.h>" nogil:
    struct timespec:
        int64_t tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec* time)
    int CLOCK_MONOTONIC

cdef enum:
    OTHERS_SHARE = 4  # so many times as long as a turn the others have between two, where there is no end of them

cdef struct Turns:
    int loop_fd  # readable when the event loop has something to do; -1 for one that does not tell
    int64_t began_ns  # the turn
    int64_t ended_ns  # the one before; 0 before the first
    int64_t kept_until_ns  # not to give way before


cdef inline int64_t monotonic_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000_000_000 + now.tv_nsec


cdef inline void begin_turn(Turns* turns) noexcept nogil:
    turns.began_ns = monotonic_ns()


cdef inline void make_it_worth(Turns* turns) noexcept nogil:
    # To be called after what has to be done in each turn: at least as much time goes to the work itself.
    cdef int64_t now_ns = monotonic_ns()
    turns.kept_until_ns = now_ns + now_ns - turns.began_ns


cdef inline void end_turn(Turns* turns) noexcept nogil:
    turns.ended_ns = monotonic_ns()


cdef inline bint should_give_way(Turns* turns) noexcept nogil:
    # The first turn is never cut short: what fits into it is done with it.
    cdef pollfd loop
    cdef int64_t now_ns
    if turns.loop_fd < 0 or turns.ended_ns == 0:
        return False
    now_ns = monotonic_ns()
    if now_ns < turns.kept_until_ns or OTHERS_SHARE * (now_ns - turns.began_ns) < turns.began_ns - turns.ended_ns:
        return False
    loop.fd = turns.loop_fd
    loop.events = POLLIN
    loop.revents = 0
    return poll(&loop, 1, 0) > 0
