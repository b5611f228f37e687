/* Two small programs for gossip_udp.py.

   gossip_load load PORT OWN_PORT COUNT PING SEQ_AT
       sends COUNT pings in batches of 64 with at most 256 unanswered, and prints how many were answered.
   gossip_load echo PORT REPLY_BYTES
       answers every datagram with as many bytes: nothing but recvmmsg and sendmmsg, the floor of any node. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, WINDOW = 256, SLOT = 2048, PATIENCE_MS = 200 };

static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];
static struct sockaddr_in addresses[BATCH];
static unsigned char slots[BATCH][SLOT];

static int bound(int port) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
    int room = 1 << 21, fd = socket(AF_INET, SOCK_DGRAM, 0);
    inet_aton("127.0.0.1", &own.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0) {
        perror("bind");
        exit(1);
    }
    return fd;
}

static void lay_out(size_t size) {
    for (int i = 0; i < BATCH; i++) {
        parts[i].iov_base = slots[i];
        parts[i].iov_len = size;
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &addresses[i];
        messages[i].msg_hdr.msg_namelen = sizeof addresses[i];
    }
}

static int echo(int port, int reply_bytes) {
    int fd = bound(port);
    for (;;) {
        lay_out(SLOT);
        int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < got; i++)
            parts[i].iov_len = reply_bytes;
        for (int done = 0, sent; done < got; done += sent > 0 ? sent : 1)
            sent = sendmmsg(fd, messages + done, got - done, 0);
    }
}

static size_t unhex(const char *text, unsigned char *out) {
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size && i < SLOT; i++)
        sscanf(text + 2 * i, "%2hhx", &out[i]);
    return size;
}

static int send_batch(int fd, int port, const unsigned char *ping, size_t size, int seq_at, uint32_t *seq_no) {
    lay_out(size);
    for (int i = 0; i < BATCH; i++) {
        uint32_t value = htonl(++*seq_no | 0x10000);
        memcpy(slots[i], ping, size);
        memcpy(slots[i] + seq_at, &value, sizeof value);
        addresses[i].sin_family = AF_INET;
        addresses[i].sin_port = htons(port);
        inet_aton("127.0.0.1", &addresses[i].sin_addr);
    }
    return sendmmsg(fd, messages, BATCH, 0);
}

static int load(int port, int own_port, long count, const char *hex, int seq_at) {
    unsigned char ping[SLOT];
    size_t size = unhex(hex, ping);
    long sent = 0, answered = 0, lost = 0;
    uint32_t seq_no = 0;
    int fd = bound(own_port);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    while (sent < count || sent > answered + lost) {
        while (sent < count && sent - answered - lost <= WINDOW - BATCH) {
            int taken = send_batch(fd, port, ping, size, seq_at, &seq_no);
            sent += taken > 0 ? taken : 0;
        }
        if (poll(&readable, 1, PATIENCE_MS) <= 0) {
            lost = sent - answered;
            continue;
        }
        lay_out(SLOT);
        int got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
        answered += got > 0 ? got : 0;
    }
    printf("%ld %ld\n", answered, lost);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 7 && strcmp(argv[1], "load") == 0)
        return load(atoi(argv[2]), atoi(argv[3]), atol(argv[4]), argv[5], atoi(argv[6]));
    if (argc == 4 && strcmp(argv[1], "echo") == 0)
        return echo(atoi(argv[2]), atoi(argv[3]));
    return 2;
}
