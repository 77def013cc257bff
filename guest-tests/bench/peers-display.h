/*
 * peers.c's display: a thread that drains a display socket with large reads, answers the back-end's requests, and
 * counts received pixels. Included by peers.c only.
 */
enum { D_GET_PROTOCOL_FEATURES = 1, D_GET_DISPLAY_INFO = 3, D_UPDATE = 8, D_GET_EDID = 11 };
enum { DISPLAY_HEADER = 12, UPDATE_PREFIX = DISPLAY_HEADER + 20, READ_BYTES = 1 << 20 };

struct display {
    int socket;
    uint64_t pixels; /* bytes of whole updates, without their prefix */
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static void answer(int socket, uint32_t request, const void *payload, uint32_t size) {
    uint32_t header[3] = { request, 4, size };
    struct iovec v[2] = { { header, sizeof header }, { (void *)payload, size } };
    if (sendmsg(socket, &(struct msghdr){ .msg_iov = v, .msg_iovlen = 2 }, MSG_NOSIGNAL) < 0) DIE("display: %s", strerror(errno));
}

static void *drain(void *argument) {
    struct display *d = argument;
    uint8_t *chunk = malloc(READ_BYTES);
    static const struct virtio_gpu_resp_display_info modes = { .pmodes[0] = { { 0, 0, 1920, 1080 }, 1, 0 } };
    static const struct virtio_gpu_resp_edid edid;
    const uint64_t features = 0;
    uint32_t header[3];
    size_t have = 0;      /* bytes of the header so far */
    uint64_t missing = 0; /* bytes of the payload to come */
    for (;;) {
        ssize_t got = read(d->socket, chunk, READ_BYTES);
        if (got <= 0) return NULL;
        for (size_t at = 0; at < (size_t)got;) {
            size_t left = (size_t)got - at;
            if (have < DISPLAY_HEADER) {
                size_t piece = left < DISPLAY_HEADER - have ? left : DISPLAY_HEADER - have;
                memcpy((uint8_t *)header + have, chunk + at, piece);
                have += piece;
                at += piece;
                missing = header[2];
                if (have < DISPLAY_HEADER) continue;
            } else {
                size_t piece = left < missing ? left : missing;
                at += piece;
                missing -= piece;
            }
            if (missing > 0) continue;
            have = 0;
            switch (header[0]) {
            case D_GET_PROTOCOL_FEATURES: answer(d->socket, header[0], &features, sizeof features); break;
            case D_GET_DISPLAY_INFO: answer(d->socket, header[0], &modes, sizeof modes); break;
            case D_GET_EDID: answer(d->socket, header[0], &edid, sizeof edid); break;
            case D_UPDATE:
                pthread_mutex_lock(&d->lock);
                d->pixels += header[2] - (UPDATE_PREFIX - DISPLAY_HEADER);
                pthread_cond_signal(&d->changed);
                pthread_mutex_unlock(&d->lock);
            }
        }
    }
}

/* Makes a display; returns the other end of its socket. */
static int open_display(struct display *d) {
    int pair[2];
    pthread_t thread;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) DIE("socketpair: %s", strerror(errno));
    *d = (struct display){ .socket = pair[0], .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    if (pthread_create(&thread, NULL, drain, d)) DIE("no thread for the display");
    return pair[1];
}

/* Waits until that many bytes of pixels have been drained since the beginning. */
static void await_pixels(struct display *d, uint64_t pixels) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += TIMEOUT_MS / 1000;
    pthread_mutex_lock(&d->lock);
    while (d->pixels < pixels)
        if (pthread_cond_timedwait(&d->changed, &d->lock, &end))
            DIE("%llu of %llu bytes of pixels came within %d s", (unsigned long long)d->pixels, (unsigned long long)pixels,
                TIMEOUT_MS / 1000);
    pthread_mutex_unlock(&d->lock);
}
