/*
 * peers.c's guest memory and vhost-user session: negotiates as QEMU does (EVENT_IDX unless it is told not to, INDIRECT_DESC, REPLY_ACK, and RESOURCE_BLOB
 * where there is no display), passes memory, rings and the display socket. Included by peers.c only; nothing here is measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
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

enum { GET_FEATURES = 1, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 5, SET_VRING_NUM = 8, SET_VRING_ADDR, SET_VRING_BASE,
       SET_VRING_KICK = 12, SET_VRING_CALL, GET_PROTOCOL_FEATURES = 15, SET_PROTOCOL_FEATURES, SET_VRING_ENABLE = 18, GET_CONFIG = 24,
       GPU_SET_SOCKET = 33 };
enum { F_REPLY_ACK = 3, F_CONFIG = 9, F_PROTOCOL_FEATURES = 30 };
enum { PAGE = 4096, TIMEOUT_MS = 60000 };
#define BIT(n) (1ULL << (n))
#define DIE(...) do { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); exit(1); } while (0)

/* Layout of guest memory: rings, slots for commands, the pages of long entry lists, the pages of pictures. */
#define GPA_BASE 0x100000000ULL
#define USER_BASE 0x7f0000000000ULL
#define RINGS 0x0UL
#define SLOT_AREA 0x10000UL
#define ENTRY_AREA 0x100000UL
#define PICTURES 0x200000UL
#define PICTURE_BYTES 0x2000000UL /* from one picture's pages to the next one's: no two share a page, as no driver lets them */
#define PICTURE_COUNT 7
#define MEMORY_BYTES (PICTURES + PICTURE_COUNT * PICTURE_BYTES)

static uint8_t *mem;
static int ctl = -1;
static bool acks;
static bool event_idx = true;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int new_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) DIE("eventfd: %s", strerror(errno));
    return fd;
}

static void read_whole(int fd, void *to, size_t n) {
    for (size_t done = 0; done < n;) {
        struct pollfd p = { fd, POLLIN, 0 };
        if (poll(&p, 1, TIMEOUT_MS) <= 0) DIE("the back-end did not answer within %d s", TIMEOUT_MS / 1000);
        ssize_t got = read(fd, (char *)to + done, n - done);
        if (got <= 0) DIE("the back-end closed the vhost-user socket");
        done += (size_t)got;
    }
}

static void send_request(uint32_t request, uint32_t flags, const void *payload, uint32_t size, int fd) {
    uint32_t header[3] = { request, 1 | flags, size };
    struct iovec v[2] = { { header, sizeof header }, { (void *)payload, size } };
    union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } c = { 0 };
    struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
    if (fd >= 0) {
        m.msg_control = c.bytes;
        m.msg_controllen = sizeof c.bytes;
        *CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof fd);
    }
    if (sendmsg(ctl, &m, MSG_NOSIGNAL) != (ssize_t)(sizeof header + size)) DIE("request %u was not sent: %s", request, strerror(errno));
}

static uint64_t reply_u64(uint32_t request) {
    uint32_t header[3];
    uint64_t value;
    read_whole(ctl, header, sizeof header);
    if (header[0] != request || header[2] != 8) DIE("request %u is answered by %u with %u bytes", request, header[0], header[2]);
    read_whole(ctl, &value, 8);
    return value;
}

static uint64_t ask(uint32_t request) {
    send_request(request, 0, NULL, 0, -1);
    return reply_u64(request);
}

static void tell(uint32_t request, const void *payload, uint32_t size, int fd) {
    send_request(request, acks ? 8 : 0, payload, size, fd);
    if (acks && reply_u64(request) != 0) DIE("the back-end refuses request %u", request);
}

static void tell_u64(uint32_t request, uint64_t value, int fd) { tell(request, &value, 8, fd); }

static void tell_ring(uint32_t request, uint32_t ring, uint32_t value) {
    tell(request, &(struct vhost_vring_state){ ring, value }, sizeof(struct vhost_vring_state), -1);
}

static void start_ring(uint32_t index, uint32_t size, size_t offset, int kick, int call) {
    uint64_t at = USER_BASE + offset;
    tell_ring(SET_VRING_NUM, index, size);
    tell_ring(SET_VRING_BASE, index, 0);
    tell(SET_VRING_ADDR, &(struct vhost_vring_addr){ index, 0, at, at + 2 * PAGE, at + PAGE, 0 }, sizeof(struct vhost_vring_addr), -1);
    tell_u64(SET_VRING_KICK, index, kick);
    tell_u64(SET_VRING_CALL, index, call);
    tell_ring(SET_VRING_ENABLE, index, 1);
    eventfd_write(kick, 1); /* a ring starts with its first kick */
}

/*
 * Connects and starts queue 0 (size entries at RINGS) and queue 1, which stays empty. The display is the back-end's end of its socket;
 * -1 for none, and then the back-end must have blobs.
 */
static void start_session(const char *path, uint32_t size, int kick, int call, int display_for_back_end) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) DIE("the socket's path is too long: %s", path);
    strcpy(address.sun_path, path);
    ctl = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(ctl, (struct sockaddr *)&address, sizeof address)) DIE("connect to %s: %s", path, strerror(errno));
    int memfd = memfd_create("guest", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    if (memfd < 0 || ftruncate(memfd, MEMORY_BYTES) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        DIE("memfd: %s", strerror(errno));
    mem = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    if (mem == MAP_FAILED) DIE("mmap: %s", strerror(errno));

    const uint64_t wanted = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | (event_idx ? BIT(VIRTIO_RING_F_EVENT_IDX) : 0)
                            | (display_for_back_end < 0 ? BIT(VIRTIO_GPU_F_RESOURCE_BLOB) : 0);
    uint64_t offered = ask(GET_FEATURES);
    if (~offered & (wanted | BIT(F_PROTOCOL_FEATURES))) DIE("the back-end offers 0x%llx only", (unsigned long long)offered);
    uint64_t protocol = ask(GET_PROTOCOL_FEATURES) & (BIT(F_REPLY_ACK) | BIT(F_CONFIG));
    tell_u64(SET_PROTOCOL_FEATURES, protocol, -1);
    acks = protocol & BIT(F_REPLY_ACK);
    tell(SET_OWNER, NULL, 0, -1);
    if (display_for_back_end >= 0) {
        tell(GPU_SET_SOCKET, NULL, 0, display_for_back_end);
        close(display_for_back_end);
    }
    tell_u64(SET_FEATURES, wanted | BIT(F_PROTOCOL_FEATURES), -1);
    struct { uint32_t count, padding; uint64_t guest, size, user, offset; } table = { 1, 0, GPA_BASE, MEMORY_BYTES, USER_BASE, 0 };
    tell(SET_MEM_TABLE, &table, sizeof table, memfd);
    start_ring(0, size, RINGS, kick, call);
    start_ring(1, 16, RINGS + 4 * PAGE, new_eventfd(), new_eventfd());
}
