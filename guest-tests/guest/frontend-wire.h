/*
 * frontend.c's two sockets: vhost-user messages to the back-end, the display that receives pictures, the bounded wait
 * for both, and the TAP lines. Included by frontend.c only; independent of virtio commands.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { GET_FEATURES = 1, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 5, SET_VRING_NUM = 8, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE,
       SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM, SET_VRING_ENABLE,
       SET_BACKEND_REQ_FD = 21, GET_CONFIG = 24, GPU_SET_SOCKET = 33, RESET_DEVICE, GET_MAX_MEM_SLOTS = 36, ADD_MEM_REG, REM_MEM_REG };
enum { F_MQ = 0, F_REPLY_ACK = 3, F_BACKEND_REQ = 5, F_CONFIG = 9, F_BACKEND_SEND_FD = 10, F_RESET_DEVICE = 13, F_MEM_SLOTS = 15 };
enum { D_GET_PROTOCOL_FEATURES = 1, D_SET_PROTOCOL_FEATURES, D_GET_DISPLAY_INFO, D_CURSOR_POS, D_CURSOR_HIDE, D_CURSOR_UPDATE,
       D_SCANOUT, D_UPDATE, D_GET_EDID = 11 };
enum { W = 640, H = 480, PAGE = 4096, PAGES = W * H * 4 / PAGE, SLOTS = 4, TIMEOUT_MS = 5000 };
#define BIT(n) (1ULL << (n))
#define F_PROTOCOL_FEATURES 30

struct header { uint32_t request, flags, size; };
struct region { uint64_t gpa, size, uva, offset; };
/* Region 0's user addresses begin at region 1's guest address: code that confuses the two address spaces reads the
 * wrong page. In the file the regions lie in the opposite order, with a gap. */
static const struct region R[2] = { { 0x40000000, 0x120000, 0x140000000, 0x200000 },
                                    { 0x140000000, 0x140000, 0x7f1234500000, 0x80000 } };
static uint8_t *mem;
#define AT(r, off) ((void *)(mem + R[r].offset + (off)))
#define GPA(r, off) (R[r].gpa + (off))

static struct queue {
    unsigned num, pushed, used; /* free-running, as the ring indices are */
    unsigned kicked;            /* the avail index at the last kick decision */
    int kick, call, err;
    uint64_t calls;
    struct { unsigned region, offset; } desc, avail, used_at; /* the three parts are deliberately in different regions */
    struct vring vr;
} Q[2] = { { .num = 64, .desc = { 0, 0 }, .avail = { 1, 0 }, .used_at = { 1, 0x1000 } },
           { .num = 16, .desc = { 1, 0x2000 }, .avail = { 0, 0x1000 }, .used_at = { 0, 0x2000 } } };

static int ctl = -1, display = -1, backend_req = -1, memfd;
static bool slots, event_idx, indirect, acks, strict;
static uint64_t features, protocol;
static unsigned tests, failures, updates, cursor_moves, bad_display, errors_signalled;
static uint64_t painted, display_features;
static uint32_t fb[H][W], want[H][W], scanout[3], cursor[3], reply_size;
static uint8_t reply[4096], display_message[20 + W * H * 4], response[2048];
static struct virtio_gpu_resp_display_info modes;
static struct virtio_gpu_resp_edid edid;

static bool check(bool good, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("%sok %u - ", good ? "" : "not ", ++tests);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    fflush(stdout);
    failures += !good;
    return good;
}
#define SKIP(text, why) check(true, "%s # SKIP %s", text, why)
#define DIE(...) do { check(false, __VA_ARGS__); exit(1); } while (0)

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void read_all(int fd, void *to, size_t n, const char *what) {
    int64_t end = now() + TIMEOUT_MS;
    for (size_t done = 0; done < n;) {
        struct pollfd p = { fd, POLLIN, 0 };
        int64_t left = end - now();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0) DIE("%s: %zu of %zu bytes after 5 s", what, done, n);
        ssize_t got = read(fd, (char *)to + done, n - done);
        if (got == 0 || (got < 0 && errno != EINTR)) DIE("%s: connection closed after %zu of %zu bytes", what, done, n);
        if (got > 0) done += (size_t)got;
    }
}

static void write_message(int fd, uint32_t request, uint32_t flags, const void *payload, uint32_t size, const int *fds, int nfds) {
    struct header h = { request, flags, size };
    struct iovec v[2] = { { &h, sizeof h }, { (void *)payload, size } };
    union { struct cmsghdr align; char bytes[CMSG_SPACE(2 * sizeof(int))]; } c = { 0 };
    struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
    if (nfds > 0) {
        m.msg_control = c.bytes;
        m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        struct cmsghdr *first = CMSG_FIRSTHDR(&m);
        *first = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(nfds * sizeof(int)) };
        memcpy(CMSG_DATA(first), fds, nfds * sizeof(int));
    }
    if (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(sizeof h + size))
        DIE("request %u could not be sent whole: %s", request, strerror(errno));
}

/* The back-end may close its end, for example at a reset; a later wait reports what is missing. */
static bool hung_up(int *fd, const char *name) {
    char probe;
    if (recv(*fd, &probe, 1, MSG_PEEK) > 0) return false;
    printf("# the back-end closed the %s socket\n", name);
    close(*fd);
    *fd = -1;
    return true;
}

/* The display end of [VG]: one request of the back-end, with its answer if it has one. */
static void serve_display(void) {
    struct header h;
    if (hung_up(&display, "display")) return;
    read_all(display, &h, sizeof h, "display header");
    if (h.size > sizeof display_message) DIE("display request %u of %u bytes is too long", h.request, h.size);
    read_all(display, display_message, h.size, "display payload");
    uint32_t *u = (uint32_t *)display_message;
    uint64_t offered = BIT(0); /* EDID */
    bool fine = !(strict && (h.flags & 4));
    switch (h.request) {
    case D_GET_PROTOCOL_FEATURES:
        fine &= h.size == 0;
        write_message(display, h.request, 4, &offered, 8, NULL, 0);
        break;
    case D_SET_PROTOCOL_FEATURES:
        memcpy(&display_features, u, 8);
        fine &= h.size == 8 && (display_features & ~offered) == 0;
        break;
    case D_GET_DISPLAY_INFO:
        fine &= h.size == 0;
        write_message(display, h.request, 4, &modes, sizeof modes, NULL, 0);
        break;
    case D_GET_EDID:
        fine &= h.size == 4 && u[0] == 0 && (display_features & BIT(0)) != 0;
        write_message(display, h.request, 4, &edid, sizeof edid, NULL, 0);
        break;
    case D_CURSOR_POS:
        fine &= h.size == 12;
        memcpy(cursor, u, 12);
        cursor_moves++;
        break;
    case D_CURSOR_HIDE: fine &= h.size == 12; break;
    case D_CURSOR_UPDATE: fine &= h.size == 20 + 64 * 64 * 4; break;
    case D_SCANOUT:
        fine &= h.size == 12;
        memcpy(scanout, u, 12);
        break;
    case D_UPDATE: /* id, x, y, w, h, then w * h pixels of x8r8g8b8 */
        fine &= h.size >= 20 && u[0] == 0 && u[3] <= W && u[4] <= H && u[1] <= W - u[3] && u[2] <= H - u[4] &&
                h.size == 20 + u[3] * u[4] * 4;
        for (uint32_t y = 0; fine && y < u[4]; y++) memcpy(&fb[u[2] + y][u[1]], u + 5 + y * u[3], u[3] * 4);
        painted += fine ? (uint64_t)u[3] * u[4] : 0;
        updates++;
        break;
    default: fine = false; /* DMABUF_* included: this display takes pixels only */
    }
    if (!fine) printf("# display: malformed or unexpected request %u, flags 0x%x, %u bytes\n", h.request, h.flags, h.size);
    bad_display += !fine;
}

/* Waits at most `end` for anything to happen and serves it. Returns true when the back-end's reply is there to read. */
static bool serve(int64_t end, bool wants_reply, int slice) {
    struct pollfd p[] = { { display, POLLIN, 0 },   { backend_req, POLLIN, 0 }, { ctl, wants_reply ? POLLIN : 0, 0 },
                          { Q[0].call, POLLIN, 0 }, { Q[1].call, POLLIN, 0 },   { Q[0].err, POLLIN, 0 }, { Q[1].err, POLLIN, 0 } };
    int64_t left = end - now();
    if (poll(p, 7, (int)(left < 0 ? 0 : left < slice ? left : slice)) < 0 && errno != EINTR) DIE("poll: %s", strerror(errno));
    if (p[0].revents) serve_display();
    if (p[1].revents && !hung_up(&backend_req, "back-end request")) { /* no request has an effect here: acknowledge it if asked to */
        struct header h;
        uint64_t zero = 0;
        read_all(backend_req, &h, sizeof h, "back-end request");
        if (h.size > sizeof reply) DIE("back-end request %u of %u bytes is too long", h.request, h.size);
        read_all(backend_req, reply, h.size, "back-end request");
        if (h.flags & 8) write_message(backend_req, h.request, 1 | 4, &zero, 8, NULL, 0);
    }
    for (int i = 0; i < 4; i++) {
        uint64_t n;
        if (!(p[3 + i].revents & POLLIN) || read(p[3 + i].fd, &n, 8) != 8) continue;
        if (i < 2) Q[i].calls += n;
        else errors_signalled++;
    }
    if ((p[2].revents & (POLLHUP | POLLERR)) && !(p[2].revents & POLLIN)) DIE("the back-end closed the vhost-user socket");
    return p[2].revents & POLLIN;
}
/* slice: how long poll may sleep when the condition can become true without an event (a used index without a call). */
#define WAIT(condition, slice, ...) do { \
        int64_t end_ = now() + TIMEOUT_MS; \
        while (!(condition)) { \
            if (now() >= end_) DIE(__VA_ARGS__); \
            serve(end_, false, slice); \
        } \
    } while (0)

static void read_reply(uint32_t request) {
    struct header h;
    int64_t end = now() + TIMEOUT_MS;
    while (!serve(end, true, TIMEOUT_MS))
        if (now() >= end) DIE("no reply to request %u within 5 s", request);
    read_all(ctl, &h, sizeof h, "reply header");
    if (h.request != request || (h.flags & 7) != 5 || h.size > sizeof reply)
        DIE("reply to request %u: request %u, flags 0x%x, size %u", request, h.request, h.flags, h.size);
    read_all(ctl, reply, reply_size = h.size, "reply payload");
}

static uint64_t ask_u64(uint32_t request) {
    write_message(ctl, request, 1, NULL, 0, NULL, 0);
    read_reply(request);
    if (reply_size != 8) DIE("reply to request %u has %u bytes, expected 8", request, reply_size);
    uint64_t value;
    memcpy(&value, reply, 8);
    return value;
}

static void tell(const char *name, uint32_t request, const void *payload, uint32_t size, const int *fds, int nfds) {
    write_message(ctl, request, acks ? 1 | 8 : 1, payload, size, fds, nfds);
    if (!acks) return;
    read_reply(request);
    uint64_t value = 1;
    memcpy(&value, reply, reply_size < 8 ? reply_size : 8);
    check(reply_size == 8 && value == 0, "%s is acknowledged with 0", name);
}
static void tell_u64(const char *name, uint32_t request, uint64_t value, int fd) { tell(name, request, &value, 8, &fd, fd >= 0); }
static void tell_state(const char *name, uint32_t request, uint32_t index, uint32_t num) {
    tell(name, request, &(struct vhost_vring_state){ index, num }, 8, NULL, 0);
}
