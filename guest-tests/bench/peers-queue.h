/*
 * peers.c's control queue, used as by Linux: one indirect descriptor per command, an interrupt requested at the next
 * used entry when the driver begins to wait, a kick only if the device has requested it. With EVENT_IDX both sides name the
 * entry at which they want to be notified; without it they have a flag, and a device that does not gather its used entries
 * interrupts at each. Included by peers.c only.
 */
enum { QUEUE_SIZE = 64, MAX_PIECES = 40 };

/* A slot is a page of guest memory: command, response, indirect table. Its number is the descriptor it uses. */
struct slot {
    uint8_t command[1024];
    struct virtio_gpu_ctrl_hdr response;
    uint8_t padding[1024 - sizeof(struct virtio_gpu_ctrl_hdr)];
    struct vring_desc table[MAX_PIECES];
};

static struct vring ring;
static int kick_fd, call_fd;
static bool spinning; /* watches the used ring instead of waiting for calls */
static uint16_t pushed, kicked, used;
static unsigned free_slots[QUEUE_SIZE], free_count;
static uint64_t fence;

static struct slot *slot_at(unsigned i) { return (struct slot *)(mem + SLOT_AREA + (size_t)i * PAGE); }
static uint64_t gpa(const void *p) { return GPA_BASE + (uint64_t)((const uint8_t *)p - mem); }

static void start_queue(void) {
    ring = (struct vring){ QUEUE_SIZE, (void *)(mem + RINGS), (void *)(mem + RINGS + PAGE), (void *)(mem + RINGS + 2 * PAGE) };
    for (unsigned i = 0; i < QUEUE_SIZE; i++) free_slots[free_count++] = QUEUE_SIZE - 1 - i;
}

static unsigned in_flight(void) { return QUEUE_SIZE - free_count; }

/* Adds a fenced command, as the guest's driver does, followed by extra bytes in guest memory, from page to page. */
static void push(const void *command, uint32_t length, size_t extra_at, uint32_t extra) {
    unsigned head = free_slots[--free_count], n = 0;
    struct slot *s = slot_at(head);
    memcpy(s->command, command, length);
    struct virtio_gpu_ctrl_hdr *h = (void *)s->command;
    h->flags = VIRTIO_GPU_FLAG_FENCE;
    h->fence_id = ++fence;
    s->response.type = 0;
    s->table[n++] = (struct vring_desc){ gpa(s->command), length, VRING_DESC_F_NEXT, 1 };
    for (; extra > 0; n++, extra_at += 2 * PAGE) { /* every second page: the list of entries is scattered, too */
        uint32_t piece = extra < PAGE ? extra : PAGE;
        s->table[n] = (struct vring_desc){ GPA_BASE + extra_at, piece, VRING_DESC_F_NEXT, (uint16_t)(n + 1) };
        extra -= piece;
    }
    s->table[n++] = (struct vring_desc){ gpa(&s->response), sizeof s->response, VRING_DESC_F_WRITE, 0 };
    ring.desc[head] = (struct vring_desc){ gpa(s->table), n * (uint32_t)sizeof *s->table, VRING_DESC_F_INDIRECT, 0 };
    ring.avail->ring[pushed++ % QUEUE_SIZE] = (uint16_t)head;
}
#define PUSH(command) push(&(command), sizeof(command), 0, 0)

/* Makes the pushed commands available. */
static void publish(void) {
    __atomic_store_n(&ring.avail->idx, pushed, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool wanted = event_idx ? vring_need_event(__atomic_load_n(&vring_avail_event(&ring), __ATOMIC_ACQUIRE), pushed, kicked)
                            : !(__atomic_load_n(&ring.used->flags, __ATOMIC_ACQUIRE) & VRING_USED_F_NO_NOTIFY);
    if (wanted) eventfd_write(kick_fd, 1);
    kicked = pushed;
}

static bool is_used(void) { return __atomic_load_n(&ring.used->idx, __ATOMIC_ACQUIRE) != used; }

/* Asks for an interrupt at the next used entry, or for none. */
static void ask_for_call(bool wanted) {
    if (event_idx) {
        vring_used_event(&ring) = (uint16_t)(wanted ? used : used + 0x4000);
    } else {
        __atomic_store_n(&ring.avail->flags, wanted ? 0 : VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_RELAXED);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Waits until the device has used something, and takes all of it back. */
static void reap(void) {
    int64_t end = 0;
    while (!is_used()) {
        ask_for_call(!spinning);
        if (is_used()) break;
        if (!spinning) {
            struct pollfd p = { call_fd, POLLIN, 0 };
            uint64_t calls;
            if (poll(&p, 1, TIMEOUT_MS) <= 0)
                DIE("no call within %d s: %u commands are in flight", TIMEOUT_MS / 1000, in_flight());
            if (read(call_fd, &calls, 8) < 0 && errno != EAGAIN) DIE("call: %s", strerror(errno));
        } else if (end == 0) {
            end = now() + TIMEOUT_MS * 1000000LL;
        } else if (now() > end) {
            DIE("no used entry within %d s: %u commands are in flight", TIMEOUT_MS / 1000, in_flight());
        }
    }
    if (!event_idx) ask_for_call(false); /* with EVENT_IDX the entry asked for is past */
    for (uint16_t last = __atomic_load_n(&ring.used->idx, __ATOMIC_ACQUIRE); used != last; used++) {
        unsigned head = ring.used->ring[used % QUEUE_SIZE].id;
        if (head >= QUEUE_SIZE) DIE("used entry %u names head %u", used, head);
        uint32_t type = slot_at(head)->response.type;
        if (type != VIRTIO_GPU_RESP_OK_NODATA)
            DIE("command 0x%x is answered with 0x%x", ((struct virtio_gpu_ctrl_hdr *)slot_at(head)->command)->type, type);
        free_slots[free_count++] = head;
    }
}

/* Waits until no command is in flight. */
static void finish(void) {
    while (in_flight() > 0) reap();
}
