/* http_echo PORT: a server that reads each request to its end and gives the answer that an Alertmanager gives to a POST of
   alerts. Nothing but the system calls that no server can do without: the floor of any. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 1024, ROOM = 1 << 18 };

static const char answer[] =
    "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nVary: Origin\r\n"
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
static char text[ROOM + 1];
static long missing[CONNECTIONS]; /* bytes of the request under way, by descriptor */

static void watch(int poll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

static void serve(int fd) {
    ssize_t size = recv(fd, text, ROOM, 0);
    if (size <= 0) {
        close(fd);
        return;
    }
    if (missing[fd] == 0) {
        text[size] = 0;
        const char *length = strstr(text, "Content-Length: "), *end = strstr(text, "\r\n\r\n");
        missing[fd] = (end ? end + 4 - text : size) + (length ? atol(length + 16) : 0);
    }
    missing[fd] -= size;
    if (missing[fd] == 0) send(fd, answer, sizeof answer - 1, 0);
}

int main(int argc, char **argv) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    struct epoll_event events[64];
    int listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0), on = 1;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) != 0 || listen(listener, 64) != 0) {
        perror("listen");
        return 1;
    }
    watch(poll, listener);
    for (;;) {
        int count = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != listener) {
                serve(events[i].data.fd);
                continue;
            }
            int fd = accept(listener, NULL, NULL);
            if (fd < 0 || fd >= CONNECTIONS) return 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            missing[fd] = 0;
            watch(poll, fd);
        }
    }
}
