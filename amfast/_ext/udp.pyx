# cython: freethreading_compatible=True
"""UDP in bulk (reference gossip, sections 6 and 7): recvmmsg into the core, its answers out with sendmmsg."""

from cpython.list cimport PyList_GET_SIZE
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from amfast._ext.outbox cimport Datagram, Outbox
from amfast._ext.swim cimport Core
from amfast._ext.wire cimport Slice, slice_of

cdef extern from *:
    """
    #include <arpa/inet.h>
    #include <netinet/in.h>
    #include <sys/socket.h>
    #include <sys/uio.h>
    #ifdef __linux__
    #define BULK 1
    typedef struct mmsghdr Message;
    static int read_messages(int fd, Message *messages, unsigned count) {
        return recvmmsg(fd, messages, count, MSG_DONTWAIT, NULL);
    }
    static int write_messages(int fd, Message *messages, unsigned count) {
        return sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    #else
    #define BULK 0
    typedef struct { struct msghdr msg_hdr; unsigned msg_len; } Message;
    static int read_messages(int fd, Message *messages, unsigned count) {
        (void)fd; (void)messages; (void)count;
        return 0;
    }
    static int write_messages(int fd, Message *messages, unsigned count) {
        (void)fd; (void)messages;
        return (int)count;
    }
    #endif
    typedef union { struct sockaddr_in v4; struct sockaddr_in6 v6; } Address;
    """
    const int BULK, AF_INET, AF_INET6, MSG_TRUNC
    cdef struct iovec:
        void* iov_base
        size_t iov_len
    cdef struct msghdr:
        void* msg_name
        unsigned int msg_namelen
        iovec* msg_iov
        size_t msg_iovlen
        int msg_flags
    cdef struct in_addr:
        unsigned int s_addr
    cdef struct sockaddr_in:
        unsigned short sin_family
        unsigned short sin_port
        in_addr sin_addr
    cdef struct in6_addr:
        unsigned char s6_addr[16]
    cdef struct sockaddr_in6:
        unsigned short sin6_family
        unsigned short sin6_port
        in6_addr sin6_addr
    ctypedef struct Message:
        msghdr msg_hdr
        unsigned int msg_len
    ctypedef union Address:
        sockaddr_in v4
        sockaddr_in6 v6
    int read_messages(int fd, Message* messages, unsigned int count) nogil
    int write_messages(int fd, Message* messages, unsigned int count) nogil
    unsigned short htons(unsigned short value)
    unsigned short ntohs(unsigned short value)

cdef enum:
    BATCH = 64  # datagrams a system call
    CALLS_PER_WAKEUP = 4
    BYTES_PER_WAKEUP = 262144
    EVENTS_PER_WAKEUP = 4096  # a datagram can hold a thousand messages, each of which Python has to look at
    SLOT_BYTES = 65536  # more than UDP carries
    SLOT_STRIDE = 65600  # a cache line more, so that the first bytes of all slots do not share one set of the cache

AVAILABLE = bool(BULK)

cdef const uint8_t* MAPPED = b"\0\0\0\0\0\0\0\0\0\0\xff\xff"  # an IPv4 address inside IPv6 follows


cdef struct Lane:
    # One direction's arguments of the system call.
    Message messages[BATCH]
    iovec parts[BATCH]
    Address addresses[BATCH]


cdef void lay_out(Lane* lane) noexcept:
    cdef int i
    memset(lane, 0, sizeof(Lane))
    for i in range(BATCH):
        lane.messages[i].msg_hdr.msg_name = &lane.addresses[i]
        lane.messages[i].msg_hdr.msg_iov = &lane.parts[i]
        lane.messages[i].msg_hdr.msg_iovlen = 1


cdef class UdpSocket:
    cdef int fd
    cdef bint ipv6
    cdef Lane inbound, outbound
    # Address space more than memory: the system gives a page when a datagram first reaches it. Short datagrams, which
    # is what gossip sends, use the first page of each slot, and a quiet node only one or two slots.
    cdef uint8_t* slots
    cdef readonly uint64_t received, truncated, receive_errors, sent, send_errors

    def __cinit__(self, int fd, bint ipv6):
        cdef int i
        self.fd = fd
        self.ipv6 = ipv6
        self.slots = <uint8_t*>malloc(BATCH * SLOT_STRIDE)
        if self.slots == NULL:
            raise MemoryError
        lay_out(&self.inbound)
        lay_out(&self.outbound)
        for i in range(BATCH):
            self.inbound.parts[i].iov_base = self.slots + i * SLOT_STRIDE
            self.inbound.parts[i].iov_len = SLOT_BYTES

    def __dealloc__(self):
        free(self.slots)

    # In.

    def receive(self, Core core not None, int64_t now_us):
        cdef int i, calls, got = 0
        cdef Py_ssize_t total = 0
        for calls in range(CALLS_PER_WAKEUP):
            got = self._read()
            for i in range(got):
                total += self.inbound.messages[i].msg_len
                self._take(core, now_us, i)
                if core.outbox.count >= BATCH:  # a datagram can hold a thousand pings
                    self._write(core.outbox)
            self._write(core.outbox)
            if 0 <= got < BATCH or total > BYTES_PER_WAKEUP or PyList_GET_SIZE(core.state.events) > EVENTS_PER_WAKEUP:
                break

    cdef int _read(self) noexcept:
        """How many datagrams came; -1 after an error that more may come after."""
        cdef int i, got, error
        for i in range(BATCH):
            self.inbound.messages[i].msg_hdr.msg_namelen = sizeof(Address)
        with nogil:
            got = read_messages(self.fd, self.inbound.messages, BATCH)
            error = errno
        if got >= 0:
            return got
        if error == EAGAIN:
            return 0
        if error != EINTR:
            self.receive_errors += 1
        return -1

    cdef int _take(self, Core core, int64_t now_us, int i) except -1:
        cdef Message* message = &self.inbound.messages[i]
        cdef Address* address = &self.inbound.addresses[i]
        cdef Slice ip
        cdef int port
        if message.msg_hdr.msg_flags & MSG_TRUNC:
            self.truncated += 1
            return 0
        if self.ipv6:
            ip = slice_of(address.v6.sin6_addr.s6_addr, 16)
            if memcmp(ip.data, MAPPED, 12) == 0:
                ip = slice_of(ip.data + 12, 4)
            port = ntohs(address.v6.sin6_port)
        else:
            ip = slice_of(&address.v4.sin_addr, 4)
            port = ntohs(address.v4.sin_port)
        self.received += 1
        return core.take(now_us, <const uint8_t*>self.inbound.parts[i].iov_base, message.msg_len, ip, port)

    # Out.

    def send(self, Core core not None):
        self._write(core.outbox)

    cdef void _write(self, Outbox outbox) noexcept:
        cdef int first = 0, i, filled, count
        while first < outbox.count:
            filled = 0
            count = min(outbox.count - first, BATCH)
            for i in range(first, first + count):
                if self._address(&outbox.entries[i], filled):
                    self.outbound.parts[filled].iov_base = outbox.room + outbox.entries[i].at
                    self.outbound.parts[filled].iov_len = outbox.entries[i].size
                    filled += 1
                else:
                    self.send_errors += 1
            self._send(filled)
            first += count
        outbox.clear()

    cdef bint _address(self, Datagram* entry, int place) noexcept:
        """Where a datagram goes, as the socket's family writes it; false if it has no way to write that."""
        cdef sockaddr_in6* v6 = &self.outbound.addresses[place].v6
        cdef sockaddr_in* v4 = &self.outbound.addresses[place].v4
        cdef const uint8_t* ip = entry.ip
        cdef int size = entry.ip_size
        if size == 16 and memcmp(ip, MAPPED, 12) == 0:
            ip += 12
            size = 4
        if self.ipv6:
            v6.sin6_family = AF_INET6
            v6.sin6_port = htons(entry.port)
            memcpy(v6.sin6_addr.s6_addr, MAPPED, 12)
            memcpy(v6.sin6_addr.s6_addr + 16 - size, ip, size)
            self.outbound.messages[place].msg_hdr.msg_namelen = sizeof(sockaddr_in6)
            return True
        v4.sin_family = AF_INET
        v4.sin_port = htons(entry.port)
        memcpy(&v4.sin_addr, ip, 4)
        self.outbound.messages[place].msg_hdr.msg_namelen = sizeof(sockaddr_in)
        return size == 4

    cdef void _send(self, int count) noexcept:
        """Offer every datagram to the system once. What it refuses is lost, and does not hold up the rest."""
        cdef int first = 0, done, error
        while first < count:
            with nogil:
                done = write_messages(self.fd, self.outbound.messages + first, count - first)
                error = errno
            if done > 0:
                first += done
                self.sent += done
            elif error == EAGAIN:  # there is no room for the others either
                self.send_errors += count - first
                return
            elif error != EINTR:
                first += 1
                self.send_errors += 1
