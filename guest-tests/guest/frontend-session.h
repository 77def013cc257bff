/*
 * frontend.c's vhost-user session: negotiates, passes memory, starts and stops the rings. Included by frontend.c only;
 * independent of virtio commands.
 */
static void handshake(void) {
    features = ask_u64(GET_FEATURES);
    check(features & BIT(F_PROTOCOL_FEATURES), "GET_FEATURES offers protocol features (0x%llx)", (unsigned long long)features);
    check(features & BIT(VIRTIO_F_VERSION_1), "GET_FEATURES offers VERSION_1");
    if (event_idx) check(features & BIT(VIRTIO_RING_F_EVENT_IDX), "GET_FEATURES offers EVENT_IDX");
    if (indirect) check(features & BIT(VIRTIO_RING_F_INDIRECT_DESC), "GET_FEATURES offers INDIRECT_DESC");
    uint64_t offered = ask_u64(GET_PROTOCOL_FEATURES);
    protocol = offered & (BIT(F_MQ) | BIT(F_REPLY_ACK) | BIT(F_BACKEND_REQ) | BIT(F_CONFIG) | BIT(F_BACKEND_SEND_FD) | BIT(F_RESET_DEVICE) |
                          BIT(F_MEM_SLOTS));
    strict = protocol & BIT(F_RESET_DEVICE);
    check(offered & BIT(F_MQ), "GET_PROTOCOL_FEATURES offers MQ, as back-ends always should (0x%llx)", (unsigned long long)offered);
    if (!check(offered & BIT(F_CONFIG), "GET_PROTOCOL_FEATURES offers CONFIG, which a GPU needs")) exit(1);
    if (slots && !check(offered & BIT(F_MEM_SLOTS), "GET_PROTOCOL_FEATURES offers CONFIGURE_MEM_SLOTS")) exit(1);
    tell_u64("SET_PROTOCOL_FEATURES", SET_PROTOCOL_FEATURES, protocol, -1); /* acks is not on yet: no reply */
    acks = protocol & BIT(F_REPLY_ACK);
    tell("SET_OWNER", SET_OWNER, NULL, 0, NULL, 0);
    if (protocol & BIT(F_MQ)) check(ask_u64(GET_QUEUE_NUM) >= 2, "GET_QUEUE_NUM says at least 2");
    if (slots) check(ask_u64(GET_MAX_MEM_SLOTS) >= 2, "GET_MAX_MEM_SLOTS says at least 2");
    if (protocol & BIT(F_BACKEND_REQ)) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) DIE("socketpair: %s", strerror(errno));
        backend_req = pair[0];
        tell("SET_BACKEND_REQ_FD", SET_BACKEND_REQ_FD, NULL, 0, &pair[1], 1);
        close(pair[1]);
    }
    uint32_t first[4] = { 0 };
    for (uint32_t size = 16; size <= 20; size += 4) {
        uint32_t request[3 + 5] = { 0, size, 0 }; /* offset, size, flags, content */
        write_message(ctl, GET_CONFIG, 1, request, 12 + size, NULL, 0);
        read_reply(GET_CONFIG);
        uint32_t *r = (uint32_t *)reply;
        bool whole = reply_size == 12 + size && r[0] == 0 && r[1] == size;
        if (size == 16) {
            check(whole && r[3 + 2] >= strict && r[3 + 2] <= 16, "GET_CONFIG of 16 bytes: num_scanouts %u is in %u..16", r[3 + 2], strict);
            memcpy(first, r + 3, 16);
        } else {
            check(reply_size == 0 || (whole && !memcmp(first, r + 3, 16)), "GET_CONFIG of 20 bytes: %s",
                  whole ? "20 bytes, beginning with the same 16" : "an error, of length 0");
        }
    }
}

static void give_memory(bool add) {
    for (int i = 0; slots && i < 2; i++) {
        struct { uint64_t padding; struct region region; } one = { 0, R[i] };
        tell(add ? "ADD_MEM_REG" : "REM_MEM_REG", add ? ADD_MEM_REG : REM_MEM_REG, &one, sizeof one, &memfd, add);
    }
    struct { uint32_t num, padding; struct region region[2]; } table = { 2, 0, { R[0], R[1] } };
    if (!slots && add) tell("SET_MEM_TABLE", SET_MEM_TABLE, &table, sizeof table, (int[]){ memfd, memfd }, 2);
}

static void open_display(void) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) DIE("socketpair: %s", strerror(errno));
    if (display >= 0) close(display);
    display = pair[0];
    display_features = 0;
    memset(scanout, 0, sizeof scanout); /* a new display has no state yet; the back-end may send it at once or at SET_SCANOUT */
    tell("GPU_SET_SOCKET", GPU_SET_SOCKET, NULL, 0, &pair[1], 1);
    close(pair[1]);
}

static void start(bool give) {
    if (strict || display < 0) open_display();
    tell_u64("SET_FEATURES", SET_FEATURES, BIT(VIRTIO_F_VERSION_1) | BIT(F_PROTOCOL_FEATURES) | (features & BIT(VIRTIO_GPU_F_EDID)) |
             (event_idx ? BIT(VIRTIO_RING_F_EVENT_IDX) : 0) | (indirect ? BIT(VIRTIO_RING_F_INDIRECT_DESC) : 0), -1);
    if (give) give_memory(true);
    for (uint32_t i = 0; i < 2; i++) {
        struct queue *q = &Q[i];
        q->vr = (struct vring){ q->num, AT(q->desc.region, q->desc.offset), AT(q->avail.region, q->avail.offset),
                                AT(q->used_at.region, q->used_at.offset) };
        tell_state("SET_VRING_NUM", SET_VRING_NUM, i, q->num);
        tell_state("SET_VRING_BASE", SET_VRING_BASE, i, q->used & 0xffff);
        tell("SET_VRING_ADDR", SET_VRING_ADDR, &(struct vhost_vring_addr){ i, 0, R[q->desc.region].uva + q->desc.offset,
             R[q->used_at.region].uva + q->used_at.offset, R[q->avail.region].uva + q->avail.offset, 0 }, 40, NULL, 0);
        tell_u64("SET_VRING_KICK", SET_VRING_KICK, i, q->kick);
        tell_u64("SET_VRING_CALL", SET_VRING_CALL, i, q->call);
        tell_u64("SET_VRING_ERR", SET_VRING_ERR, i, q->err);
    }
    for (uint32_t i = 0; i < 2; i++) tell_state("SET_VRING_ENABLE 1", SET_VRING_ENABLE, i, 1);
    for (uint32_t i = 0; i < 2; i++) { /* a ring starts with its first kick, work or not */
        Q[i].kicked = Q[i].pushed;
        eventfd_write(Q[i].kick, 1);
    }
}

static void stop(void) {
    for (uint32_t i = 0; i < 2; i++) tell_state("SET_VRING_ENABLE 0", SET_VRING_ENABLE, i, 0);
    for (uint32_t i = 0; i < 2; i++) {
        write_message(ctl, GET_VRING_BASE, 1, &(struct vhost_vring_state){ i, 0 }, 8, NULL, 0);
        read_reply(GET_VRING_BASE);
        uint32_t *r = (uint32_t *)reply;
        check(reply_size == 8 && r[0] == i && r[1] == (Q[i].used & 0xffff), "GET_VRING_BASE of queue %u says %u, %u were processed", i,
              r[1], Q[i].used);
    }
}
