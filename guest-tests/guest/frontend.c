/*
 * A vhost-user GPU front-end without a VM: it owns the "guest" memory, the virtqueues and the display, drives any vhost-user GPU
 * back-end over its socket and compares the shown pixels with what it drew. It is written from the protocol documents alone and
 * shares no code with Sluice, so it catches a misreading that Sluice's own back-end and front-end might have in common.
 *
 *   build:  gcc -O2 -o frontend frontend.c       (the frontend-*.h beside it hold its sockets, session and rings)
 *   run:    /usr/lib/qemu/vhost-user-gpu --socket-path=gpu.sock &     (or any other back-end program)
 *           ./frontend --socket-path=gpu.sock [--mem=table|slots] [--event-idx=0|1] [--indirect=0|1]
 *           ./frontend --fd=N ...                                 (N: a connected vhost-user socket)
 *   output: TAP ("ok N - text", "not ok N - text", "# SKIP"); exit 0 when all passed, 1 when not, 2 on wrong usage.
 *           Every wait is bounded to 5 s; a wait that expires is a "not ok" and ends the run.
 *
 * Documents: [VU] QEMU docs/interop/vhost-user.rst; [VG] docs/interop/vhost-user-gpu.rst (with GET_EDID, QEMU 8.1 or newer);
 * [VIO] virtio 1.3, 2.6 "Message Framing", 2.7 "Split Virtqueues", 5.7 "GPU Device".
 *
 * Where the documents leave room, or the known peer (vhost-user-gpu of QEMU 10.0) departs from them. That peer is told apart by what
 * it offers: it has no RESET_DEVICE. A rule it breaks stays in force for every back-end that offers RESET_DEVICE ("strict").
 *
 *   rule                                                          | peer                          | checked here
 *   [VU] RESET_DEVICE resets all device state, if offered         | not offered                   | when offered
 *   [VU] GET_CONFIG: as long as the request, or length 0 = error  | 16 bytes given, 20 an error   | always; 20 bytes may be an error
 *   [VIO] 5.7.4 num_scanouts is 1 to 16                           | 0: QEMU fills it in itself    | strict; 0 to 16 otherwise
 *   [VU] GPU_SET_SOCKET sets the socket, also a second time       | drops it, says it did not fail| strict; else the old one goes on
 *   [VG] the reply flag marks a reply                             | UPDATE: flags not initialised | strict, for requests to the display
 *   [VIO] 5.7 MOVE_CURSOR ignores all fields but the position     | resource_id 0 hides the cursor| resource_id is not 0, as Linux has it
 *   [VIO] "on error one of RESP_ERR_*": a command cut short cannot| OK_NODATA                     | strict
 *     have been done, so it is an error                           |                               |
 *   [VIO] 5.7 names error codes but ties them to no case          | as here                       | by name where a name fits, else any
 *   [VU] does RESET_DEVICE forget the memory regions? Not said    | -                             | removed before, given again after
 *   [VU] a started ring that is disabled has no side effects      | ENABLE changes nothing        | no: the rule fits no GPU command
 *   [VG] is the UPDATE before or after FLUSH's response? Not said | before                        | both are waited for
 */
#define _GNU_SOURCE
#include "frontend-wire.h"
#include "frontend-session.h"
#include "frontend-ring.h"

static uint64_t fence;
static struct virtio_gpu_ctrl_hdr header(uint32_t type) {
    return (struct virtio_gpu_ctrl_hdr){ .type = type, .flags = VIRTIO_GPU_FLAG_FENCE, .fence_id = 0xfe00000000ULL + ++fence };
}

/* Runs a command and checks the response: its length, the echo of the fence, and the type; 0 stands for any RESP_ERR_*. */
static void expect(uint32_t type, const char *what, const void *command, uint32_t length, uint32_t response_length) {
    uint32_t used = run(command, length, response_length, false);
    struct virtio_gpu_ctrl_hdr in, out;
    memcpy(&in, command, sizeof in);
    memcpy(&out, response, sizeof out);
    bool fenced = !(in.flags & VIRTIO_GPU_FLAG_FENCE) || ((out.flags & VIRTIO_GPU_FLAG_FENCE) && out.fence_id == in.fence_id);
    bool typed = type ? out.type == type : out.type >= VIRTIO_GPU_RESP_ERR_UNSPEC && out.type <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    check(typed && fenced && used == response_length, "%s: response 0x%x (expected %s0x%x), %u bytes (%u), fence %s", what, out.type,
          type ? "" : "an error from ", type ? type : VIRTIO_GPU_RESP_ERR_UNSPEC, used, response_length, fenced ? "echoed" : "lost");
}
#define EXPECT(type, what, command) expect(type, what, &(command), sizeof(command), sizeof(struct virtio_gpu_ctrl_hdr))
#define MADE_BY(function, ...) (*(__typeof__(function(__VA_ARGS__))[]){ function(__VA_ARGS__) })
#define GOOD(what, ...) EXPECT(VIRTIO_GPU_RESP_OK_NODATA, what, MADE_BY(__VA_ARGS__))
#define BAD(code, what, ...) EXPECT(VIRTIO_GPU_RESP_ERR_##code, what, MADE_BY(__VA_ARGS__))
#define VIRTIO_GPU_RESP_ERR_ANY 0

typedef struct virtio_gpu_rect rect;
static const rect ALL = { 0, 0, W, H };
static struct virtio_gpu_resource_create_2d create(uint32_t id, uint32_t format) {
    return (struct virtio_gpu_resource_create_2d){ header(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D), id, format, W, H };
}
static struct virtio_gpu_set_scanout set_scanout(uint32_t id, uint32_t resource, rect r) {
    return (struct virtio_gpu_set_scanout){ header(VIRTIO_GPU_CMD_SET_SCANOUT), r, id, resource };
}
static struct virtio_gpu_transfer_to_host_2d transfer(uint32_t resource, rect r) {
    uint64_t offset = ((uint64_t)r.y * W + r.x) * 4;
    return (struct virtio_gpu_transfer_to_host_2d){ header(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D), r, offset, resource, 0 };
}
static struct virtio_gpu_resource_flush flush(uint32_t resource, rect r) {
    return (struct virtio_gpu_resource_flush){ header(VIRTIO_GPU_CMD_RESOURCE_FLUSH), r, resource, 0 };
}

/* The backing: 300 pages, by turns from both regions, in each region jumping about. */
static unsigned page_offset(unsigned page) { return (64 + page / 2 * 37 % 211) * PAGE; }
static struct { struct virtio_gpu_resource_attach_backing head; struct virtio_gpu_mem_entry entry[PAGES]; } backing;
static void attach(uint32_t type, const char *what, uint32_t resource) {
    backing.head = (struct virtio_gpu_resource_attach_backing){ header(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING), resource, PAGES };
    for (unsigned i = 0; i < PAGES; i++) backing.entry[i] = (struct virtio_gpu_mem_entry){ GPA(i & 1, page_offset(i)), PAGE, 0 };
    EXPECT(type, what, backing);
}

static uint32_t pixel(uint32_t x, uint32_t y, uint32_t seed) { return (((y * W + x) * 2654435761u) ^ (seed * 0x9e3779b9u)) >> 8; }
/* Draws a pattern into the guest pages; the byte that B8G8R8X8 ignores is junk. */
static void draw(uint32_t seed) {
    for (uint32_t i = 0; i < W * H; i++) {
        uint8_t *page = AT(i * 4 / PAGE & 1, page_offset(i * 4 / PAGE));
        uint32_t p = pixel(i % W, i / W, seed);
        uint8_t bgrx[4] = { (uint8_t)p, (uint8_t)(p >> 8), (uint8_t)(p >> 16), (uint8_t)(i + seed) };
        memcpy(page + i * 4 % PAGE, bgrx, 4);
    }
}
static void want_pattern(uint32_t seed, rect r) {
    for (uint32_t y = r.y; y < r.y + r.height; y++)
        for (uint32_t x = r.x; x < r.x + r.width; x++) want[y][x] = pixel(x, y, seed);
}
/* Waits until as many pixels arrived as were flushed, then compares the whole screen. */
static void see(const char *what, uint64_t pixels) {
    WAIT(painted >= pixels, TIMEOUT_MS, "%s: %llu of %llu pixels arrived at the display within 5 s", what, (unsigned long long)painted,
         (unsigned long long)pixels);
    unsigned wrong = 0, at = 0;
    for (unsigned i = 0; i < W * H; i++) if ((fb[i / W][i % W] ^ want[i / W][i % W]) & 0xffffff) if (!wrong++) at = i;
    if (!check(!wrong, "%s: %u of %u pixels are wrong", what, wrong, W * H))
        printf("# first at %u,%u: 0x%06x, expected 0x%06x\n", at % W, at / W, fb[at / W][at % W] & 0xffffff,
               want[at / W][at % W] & 0xffffff);
}
static void show_all(const char *what) {
    memset(fb, 0xff, sizeof fb);
    painted = 0;
    GOOD(what, flush, 1, ALL);
    see(what, W * H);
}
static void see_scanout(uint32_t w, uint32_t h) {
    WAIT(scanout[0] == 0 && scanout[1] == w && scanout[2] == h, TIMEOUT_MS, "display: SCANOUT %u is %ux%u, not %ux%u, after 5 s",
         scanout[0], scanout[1], scanout[2], w, h);
    check(true, "display: SCANOUT 0 is %ux%u", w, h);
}

static void query(void) {
    struct virtio_gpu_ctrl_hdr info = header(VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
    expect(VIRTIO_GPU_RESP_OK_DISPLAY_INFO, "GET_DISPLAY_INFO", &info, sizeof info, sizeof modes);
    check(!memcmp(response + sizeof info, modes.pmodes, sizeof modes.pmodes), "GET_DISPLAY_INFO gives the display's modes");
    if (!(features & BIT(VIRTIO_GPU_F_EDID))) { SKIP("GET_EDID gives the display's EDID", "VIRTIO_GPU_F_EDID is not offered"); return; }
    struct virtio_gpu_cmd_get_edid get = { header(VIRTIO_GPU_CMD_GET_EDID), 0, 0 };
    expect(VIRTIO_GPU_RESP_OK_EDID, "GET_EDID", &get, sizeof get, sizeof edid);
    check(!memcmp(response + sizeof info, &edid.size, sizeof edid - sizeof info), "GET_EDID gives the display's EDID");
}

static void make_screen(void) {
    struct virtio_gpu_resource_create_2d c = create(1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM);
    EXPECT(VIRTIO_GPU_RESP_OK_NODATA, "RESOURCE_CREATE_2D", c);
    attach(VIRTIO_GPU_RESP_OK_NODATA, "ATTACH_BACKING of 300 scattered pages", 1);
    GOOD("SET_SCANOUT", set_scanout, 0, 1, ALL);
    see_scanout(W, H);
}

static void pictures(void) {
    const rect part = { 37, 101, 123, 57 };
    struct virtio_gpu_transfer_to_host_2d t = transfer(1, ALL);
    t.hdr.flags = 0;
    draw(1);
    want_pattern(1, ALL);
    EXPECT(VIRTIO_GPU_RESP_OK_NODATA, "TRANSFER_TO_HOST_2D, not fenced", t);
    show_all("FLUSH shows what was transferred");
    draw(2);
    show_all("FLUSH without TRANSFER shows the old pixels");

    struct virtio_gpu_resource_flush f = flush(1, part);
    uint64_t calls = Q[0].calls;
    t = transfer(1, part);
    painted = 0;
    push(&Q[0], &t, sizeof t, sizeof t.hdr); /* two commands, one kick, one call asked for */
    push(&Q[0], &f, sizeof f, sizeof f.hdr);
    arm(&Q[0], false);
    kick(&Q[0]);
    finish(&Q[0], calls, false, sizeof f.hdr);
    check(((struct virtio_gpu_ctrl_hdr *)response)->type == VIRTIO_GPU_RESP_OK_NODATA, "TRANSFER and FLUSH of a rectangle with one kick");
    want_pattern(2, part);
    see("a rectangle changes, the rest stays", (uint64_t)part.width * part.height);
    show_all("FLUSH of all shows the same");

    struct virtio_gpu_ctrl_hdr info = header(VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
    run(&info, sizeof info, sizeof modes, true); /* when this is done, the calls for all that came before have been sent */
    serve(now(), false, 0);
    calls = Q[0].calls;
    run(&info, sizeof info, sizeof modes, true);
    run(&info, sizeof info, sizeof modes, false);
    check(Q[0].calls == calls + 1, "no call while the driver asks for none (%s)", event_idx ? "used_event" : "NO_INTERRUPT");
}

static void move_cursor(void) {
    struct virtio_gpu_update_cursor m = { .hdr.type = VIRTIO_GPU_CMD_MOVE_CURSOR, .resource_id = 1 };
    for (unsigned i = 1; i <= 40; i++) { /* more than twice around the ring of 16; no room for a response, as Linux sends it */
        uint64_t calls = Q[1].calls;
        m.pos = (struct virtio_gpu_cursor_pos){ 0, i, 2 * i, 0 };
        push(&Q[1], &m, sizeof m, 0);
        arm(&Q[1], false);
        kick(&Q[1]);
        finish(&Q[1], calls, false, 0);
    }
    WAIT(cursor_moves >= 40, TIMEOUT_MS, "MOVE_CURSOR: the display saw %u of 40 moves within 5 s", cursor_moves);
    check(cursor[0] == 0 && cursor[1] == 40 && cursor[2] == 80, "40 times MOVE_CURSOR: the cursor is at %u,%u", cursor[1], cursor[2]);
}

static void wrong_commands(void) {
    const rect right = { W - 8, 0, 9, 1 }, wraps = { 0xfffffff0u, 0, 0x20, 1 }, below = { 0, 1, W, H };
    unsigned before = updates;
    struct virtio_gpu_resource_create_2d two = create(2, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM);
    struct virtio_gpu_resource_create_2d cut = create(4, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM);
    struct virtio_gpu_resource_unref unref = { header(VIRTIO_GPU_CMD_RESOURCE_UNREF), 77, 0 };
    BAD(UNSPEC, "unknown command", header, 0x01ff);
    BAD(INVALID_RESOURCE_ID, "CREATE_2D of resource 0", create, 0, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM);
    BAD(INVALID_RESOURCE_ID, "CREATE_2D of an id in use", create, 1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM);
    BAD(INVALID_PARAMETER, "CREATE_2D of format 99", create, 3, 99);
    BAD(INVALID_RESOURCE_ID, "TRANSFER to an unknown resource", transfer, 77, ALL);
    BAD(INVALID_PARAMETER, "TRANSFER over the right edge", transfer, 1, right);
    BAD(INVALID_PARAMETER, "TRANSFER of a rectangle that wraps", transfer, 1, wraps);
    BAD(INVALID_RESOURCE_ID, "FLUSH of an unknown resource", flush, 77, ALL);
    BAD(INVALID_PARAMETER, "FLUSH below the lower edge", flush, 1, below);
    BAD(INVALID_PARAMETER, "FLUSH of a rectangle that wraps", flush, 1, wraps);
    BAD(INVALID_SCANOUT_ID, "SET_SCANOUT of scan-out 16", set_scanout, 16, 1, ALL);
    BAD(INVALID_RESOURCE_ID, "SET_SCANOUT to an unknown resource", set_scanout, 0, 77, ALL);
    BAD(INVALID_PARAMETER, "SET_SCANOUT beyond the resource", set_scanout, 0, 1, below);
    EXPECT(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "UNREF of an unknown resource", unref);
    attach(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "ATTACH_BACKING to an unknown resource", 77);
    attach(VIRTIO_GPU_RESP_ERR_ANY, "ATTACH_BACKING where there is one", 1);
    EXPECT(VIRTIO_GPU_RESP_OK_NODATA, "CREATE_2D of resource 2", two);
    struct { struct virtio_gpu_resource_attach_backing head; struct virtio_gpu_mem_entry entry; } nowhere = {
        { header(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING), 2, 1 }, { GPA(0, R[0].size) - PAGE / 2, PAGE, 0 } };
    EXPECT(VIRTIO_GPU_RESP_ERR_ANY, "ATTACH_BACKING half outside of guest memory", nowhere);
    if (strict) expect(0, "CREATE_2D cut short after its id", &cut, sizeof cut.hdr + 4, sizeof cut.hdr);
    else SKIP("CREATE_2D cut short after its id", "a known peer accepts it, see the table");
    check(updates == before, "wrong commands send no UPDATE");
    show_all("after the wrong commands the picture is intact");
}

int main(int argc, char **argv) {
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        size_t n = value ? (size_t)(value++ - argv[i]) : 0;
        bool on = value && !strcmp(value, "1"), flag = on || (value && !strcmp(value, "0"));
        if (n == 13 && !strncmp(argv[i], "--socket-path", n)) path = value;
        else if (n == 4 && !strncmp(argv[i], "--fd", n) && strspn(value, "0123456789") == strlen(value) && *value) ctl = atoi(value);
        else if (n == 5 && !strncmp(argv[i], "--mem", n) && (!strcmp(value, "table") || !strcmp(value, "slots"))) slots = *value == 's';
        else if (n == 11 && !strncmp(argv[i], "--event-idx", n) && flag) event_idx = on;
        else if (n == 10 && !strncmp(argv[i], "--indirect", n) && flag) indirect = on;
        else path = "", ctl = 0; /* both: wrong usage */
    }
    if ((path != NULL) == (ctl >= 0) || (path && strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))) {
        fprintf(stderr, "usage: frontend --socket-path=PATH | --fd=N [--mem=table|slots] [--event-idx=0|1] [--indirect=0|1]\n");
        return 2;
    }
    if (path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, path);
        ctl = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(ctl, (struct sockaddr *)&address, sizeof address)) DIE("connect to %s: %s", path, strerror(errno));
    }
    memfd = memfd_create("guest", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    if (memfd < 0 || ftruncate(memfd, 0x400000) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        DIE("memfd: %s", strerror(errno));
    mem = mmap(NULL, 0x400000, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    if (mem == MAP_FAILED) DIE("mmap: %s", strerror(errno));
    for (struct queue *q = Q; q < Q + 2; q++) {
        q->kick = eventfd(0, EFD_CLOEXEC);
        q->call = eventfd(0, EFD_CLOEXEC);
        q->err = eventfd(0, EFD_CLOEXEC);
        if (q->kick < 0 || q->call < 0 || q->err < 0) DIE("eventfd: %s", strerror(errno));
    }
    modes.hdr.type = VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
    modes.pmodes[0] = (struct virtio_gpu_display_one){ { 0, 0, 1024, 768 }, 1, 0 };
    edid.hdr.type = VIRTIO_GPU_RESP_OK_EDID;
    edid.size = 128;
    for (unsigned i = 0; i < 128; i++) edid.edid[i] = (uint8_t)(i * 7 + 1);

    handshake();
    start(true);
    query();
    make_screen();
    pictures();
    move_cursor();
    wrong_commands();

    stop();
    struct virtio_gpu_ctrl_hdr info = header(VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
    struct virtio_gpu_resource_detach_backing detach = { header(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING), 1, 0 };
    struct virtio_gpu_resource_unref unref = { header(VIRTIO_GPU_CMD_RESOURCE_UNREF), 1, 0 };
    uint64_t calls = Q[0].calls;
    push(&Q[0], &info, sizeof info, sizeof modes); /* while the ring is stopped: it is taken after the restart, and exactly once */
    arm(&Q[0], false);
    start(false);
    finish(&Q[0], calls, false, sizeof modes);
    check(!memcmp(response + sizeof info, modes.pmodes, sizeof modes.pmodes), "a command pushed while stopped is done after the restart");
    query();
    GOOD("SET_SCANOUT after the restart", set_scanout, 0, 1, ALL);
    see_scanout(W, H);
    show_all("resources live on over the restart");

    if (strict) {
        if (slots) { /* the regions go first, so nothing may use them any more; with a table, all keeps running until the reset */
            EXPECT(VIRTIO_GPU_RESP_OK_NODATA, "DETACH_BACKING before the regions go", detach);
            stop();
        }
        give_memory(false);
        tell("RESET_DEVICE", RESET_DEVICE, NULL, 0, NULL, 0);
        for (int i = 0; i < 2; i++) {
            memset(AT(i, 0), 0, 0x3000); /* new rings */
            Q[i].pushed = Q[i].used = Q[i].kicked = 0;
        }
        start(true);
        BAD(INVALID_RESOURCE_ID, "after RESET_DEVICE resource 1 is gone", flush, 1, ALL);
        make_screen();
        pictures();
    } else {
        SKIP("RESET_DEVICE resets the device", "the back-end does not offer it");
    }

    GOOD("SET_SCANOUT to resource 0", set_scanout, 0, 0, (rect){ 0, 0, 0, 0 });
    see_scanout(0, 0);
    EXPECT(VIRTIO_GPU_RESP_OK_NODATA, "DETACH_BACKING", detach);
    EXPECT(VIRTIO_GPU_RESP_OK_NODATA, "UNREF", unref);
    BAD(INVALID_RESOURCE_ID, "FLUSH after UNREF", flush, 1, ALL);
    stop();
    give_memory(false);
    check(ask_u64(GET_FEATURES) == features, "the back-end still answers after the teardown, with the same features");
    check(bad_display == 0, "all requests to the display were well-formed, %u UPDATEs among them", updates);
    check(errors_signalled == 0, "no ring error was signalled");
    printf("1..%u\n", tests);
    return failures ? 1 : 0;
}
