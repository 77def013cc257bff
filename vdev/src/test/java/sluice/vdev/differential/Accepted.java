package sluice.vdev.differential;

/**
 * The differences between QEMU's {@code vhost-user-gpu} and ours that are accepted, each with its reason. Sections are
 * those of virtio 1.3. When a difference is one of them, say {@link Difference} for answers and {@link DisplayJudge} for
 * displays. DIFFERENCES.md lists them; a test keeps the two equal.
 */
enum Accepted {
    SHORT_HEADER(
            "executes a command of less than 24 bytes, with stale bytes for the rest: OK_NODATA, or a display info, "
                    + "with a truncated fence",
            "UNSPEC without a fence", "5.7.6.7: every command begins with a complete header"),

    SHORT_COMMAND("ignores a truncated command, and returns OK_NODATA", "UNSPEC",
            "5.7.6.7: the OK types mean that the command was executed"),

    RING_INDEX("leaves ring_idx 0 in the answer to a fenced command", "the command's ring_idx",
            "5.7.6.7: it belongs to the fence; drivers read it only with F_CONTEXT_INIT"),

    UUID("does not support RESOURCE_ASSIGN_UUID: UNSPEC", "OK_RESOURCE_UUID, or INVALID_RESOURCE_ID",
            "5.7.3: we offer F_RESOURCE_UUID, it does not"),

    EMPTY_RESOURCE("creates resources without pixels", "INVALID_PARAMETER",
            "5.7.6.8: width and height are those of a resource; an empty one cannot be shown or transferred"),

    LONG_SIDE("creates resources with a side of more than 16384 pixels", "OUT_OF_MEMORY",
            "5.7.6.7 permits it; no display supports such a picture, and QEMU aborts on the largest"),

    ONLY_THERE("can unref a resource that only it has created, see EMPTY_RESOURCE and LONG_SIDE", "INVALID_RESOURCE_ID",
            "follows from the other difference"),

    CUT_LIST("returns UNSPEC for an attach command with fewer entries than nr_entries", "INVALID_PARAMETER",
            "5.7.6.8 names no error for it; nr_entries is the wrong parameter"),

    EMPTY_ENTRY("returns UNSPEC for a backing with an entry of 0 bytes", "accepts it",
            "5.7.6.8 does not forbid it, and no byte is outside guest memory"),

    EMPTY_BACKING("ignores a backing without entries, and returns INVALID_RESOURCE_ID when it is detached",
            "detaches it", "5.7.6.8: attached is attached"),

    PAST_BACKING("copies the part of a transfer that has backing, and returns OK_NODATA",
            "INVALID_PARAMETER, and nothing is copied",
            "5.7.6.8: the command transfers from guest memory, and there is none"),

    WIDE_OFFSET("uses only the lower 32 bits of a transfer's offset",
            "INVALID_PARAMETER, because it is beyond the backing", "5.7.6.8: offset is a le64"),

    WHOLE_TRANSFER("copies all rows when a transfer of full width begins at 0,0 and offset 0", "the requested rows",
            "5.7.6.8: the transfer is of the rectangle r"),

    FRESH_PICTURE("a new resource shows stale memory", "black",
            "5.7.6.8 does not define it; a guest must not see stale host memory"),

    BYTE_ORDER("shows every format as if it were B8G8R8X8, and cursors as B8G8R8A8", "converts the bytes",
            "5.7.6.8: the format defines the order of the bytes; displays use B8G8R8X8"),

    EMPTY_UPDATE("sends an empty UPDATE to its display when a flush misses a scan-out", "nothing",
            "5.7.6.8: there are no pixels to flush"),

    SCANOUT_ORIGIN("places updates by the resource's coordinates", "by those of the scan-out",
            "5.7.6.8: the rectangle of SET_SCANOUT selects the visible part; its corner is that of the screen"),

    SAME_SCANOUT("sends a scan-out's size again when it is unchanged", "nothing",
            "5.7.6.8, page flips: the display would go black until the flush"),

    CURSOR_ANSWER("does not answer cursor commands", "answers if the chain has a writable buffer",
            "5.7.6.7: the device answers with a header"),

    CURSOR_HIDDEN("hides a cursor by a transparent picture", "by CURSOR_POS_HIDE",
            "5.7.6.10 does not define resource 0; Linux uses it to hide the cursor, and CURSOR_POS_HIDE exists for that"),

    CURSOR_REFUSED("makes the cursor transparent if its resource is unknown or not 64×64", "leaves it unchanged",
            "5.7.6.10: the command cannot be executed"),

    CURSOR_MOVED("hides a cursor that is moved with resource 0 and shows one that is moved with another",
            "leaves it as set by the last update", "5.7.6.10: all fields of a move but pos are ignored");

    private final String peer;
    private final String ours;
    private final String reason;

    Accepted(String peer, String ours, String reason) {
        this.peer = peer;
        this.ours = ours;
        this.reason = reason;
    }

    /** Its line in DIFFERENCES.md. */
    String row() {
        return "| %s | %s | %s | %s |".formatted(name(), peer, ours, reason);
    }
}
