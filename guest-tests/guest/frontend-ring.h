/*
 * frontend.c's split virtqueues ([VIO] 2.7), seen from the driver: adds a command, kicks if the device has requested
 * it, waits for the used entry and the call. Included by frontend.c only; independent of the meaning of commands.
 */
/* Puts a command into queue q: two readable pieces in different regions, cut in the middle of the header, and, for a response, two
 * writable ones. [VIO 2.6]: a device makes no assumption about how a message is cut. Up to SLOTS commands may be in flight. */
static void push(struct queue *q, const void *command, uint32_t length, uint32_t response_length) {
    unsigned slot = q->pushed % SLOTS, head = slot * 4, n = response_length ? 4 : 2;
    unsigned a = 0x4000 + slot * 0x1000, b = 0x4000 + slot * 0x4000; /* where the pieces lie in region 0 and in region 1 */
    memcpy(AT(0, a), command, 10);
    memcpy(AT(1, b), (const char *)command + 10, length - 10);
    memset(AT(0, a + 0x800), 0xee, 0x800);
    memset(AT(1, b + 0x2000), 0xee, 0x2000);
    struct vring_desc d[4] = { { GPA(0, a), 10, 0, 0 }, { GPA(1, b), length - 10, 0, 0 }, { GPA(1, b + 0x2000), 8, VRING_DESC_F_WRITE, 0 },
                               { GPA(0, a + 0x800), response_length - 8, VRING_DESC_F_WRITE, 0 } };
    for (unsigned i = 0; i + 1 < n; i++) {
        d[i].flags |= VRING_DESC_F_NEXT;
        d[i].next = (uint16_t)(indirect ? i + 1 : head + i + 1); /* in an indirect table, next counts within the table */
    }
    unsigned table = 0x3000 + (unsigned)(q - Q) * 0x800 + slot * sizeof d;
    if (indirect) {
        memcpy(AT(1, table), d, n * sizeof *d);
        q->vr.desc[head] = (struct vring_desc){ GPA(1, table), n * sizeof *d, VRING_DESC_F_INDIRECT, 0 };
    } else {
        memcpy(&q->vr.desc[head], d, n * sizeof *d);
    }
    q->vr.avail->ring[q->pushed++ % q->num] = (uint16_t)head;
    __atomic_store_n(&q->vr.avail->idx, (uint16_t)q->pushed, __ATOMIC_RELEASE);
}

/* Kicks only if the device has requested it, as a driver does: a device that does not update avail_event is detected,
 * because it never answers. */
static void kick(struct queue *q) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint16_t event = __atomic_load_n(&vring_avail_event(&q->vr), __ATOMIC_ACQUIRE);
    bool needed = event_idx ? vring_need_event(event, (uint16_t)q->pushed, (uint16_t)q->kicked)
                            : !(__atomic_load_n(&q->vr.used->flags, __ATOMIC_ACQUIRE) & VRING_USED_F_NO_NOTIFY);
    q->kicked = q->pushed;
    if (needed) eventfd_write(q->kick, 1);
}

/* Sets the used entry at which the driver requests a call (with EVENT_IDX), or disables calls. */
static void arm(struct queue *q, bool quiet) {
    vring_used_event(&q->vr) = (uint16_t)(quiet ? q->used + 0x4000 : q->pushed - 1);
    q->vr.avail->flags = quiet && !event_idx ? VRING_AVAIL_F_NO_INTERRUPT : 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Waits for all commands in flight, then takes the last response. Returns its used length. */
static uint32_t finish(struct queue *q, uint64_t calls_before, bool quiet, uint32_t response_length) {
    unsigned index = (unsigned)(q - Q);
    WAIT(__atomic_load_n(&q->vr.used->idx, __ATOMIC_ACQUIRE) == (uint16_t)q->pushed, 10,
         "queue %u: the used index is %u, not %u, after 5 s", index, q->vr.used->idx, q->pushed & 0xffff);
    if (!quiet) WAIT(q->calls > calls_before, TIMEOUT_MS, "queue %u: used index %u, but no call within 5 s", index, q->vr.used->idx);
    struct vring_used_elem last = { 0 };
    for (; q->used != q->pushed; q->used++) {
        last = q->vr.used->ring[q->used % q->num];
        if (last.id != q->used % SLOTS * 4)
            DIE("queue %u: used entry %u names head %u, not %u", index, q->used, last.id, q->used % SLOTS * 4);
    }
    unsigned slot = (q->used - 1) % SLOTS;
    if (response_length) {
        memcpy(response, AT(1, 0x4000 + slot * 0x4000 + 0x2000), 8);
        memcpy(response + 8, AT(0, 0x4000 + slot * 0x1000 + 0x800), response_length - 8);
    }
    return last.len;
}

static uint32_t run(const void *command, uint32_t length, uint32_t response_length, bool quiet) {
    struct queue *q = &Q[0];
    uint64_t calls = q->calls;
    push(q, command, length, response_length);
    arm(q, quiet);
    kick(q);
    return finish(q, calls, quiet, response_length);
}
