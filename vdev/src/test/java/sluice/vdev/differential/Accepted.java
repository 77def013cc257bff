package sluice.vdev.differential;

/**
 * The differences between QEMU's {@code vhost-user-gpu} and ours that are accepted, each with its reason. Sections are
 * those of virtio 1.3. When a difference is one of them, say {@link Difference} for answers and {@link DisplayJudge} for
 * displays. DIFFERENCES.md lists them; a test keeps the two equal.
 */
enum Accepted {
    SHORT_HEADER("carries out what there is of a command of less than 24 bytes, the rest being what its memory held: "
            + "OK_NODATA, or a display info, with a fence that is cut", "UNSPEC without a fence",
            "5.7.6.7: every command begins with a whole header"),

    SHORT_COMMAND("does nothing with a command that is cut short, and says OK_NODATA", "UNSPEC",
            "5.7.6.7: the OK types say that the command was carried out"),

    RING_INDEX("leaves ring_idx 0 in the answer to a fenced command", "the command's ring_idx",
            "5.7.6.7: it belongs to the fence; without F_CONTEXT_INIT no driver looks"),

    UUID("does not know RESOURCE_ASSIGN_UUID: UNSPEC", "OK_RESOURCE_UUID, or INVALID_RESOURCE_ID",
            "5.7.3: we offer F_RESOURCE_UUID and it does not"),

    EMPTY_RESOURCE("makes resources without pixels", "INVALID_PARAMETER",
            "5.7.6.8: width and height are those of a resource; there is nothing to show or to transfer"),

    LONG_SIDE("makes resources with a side of more than 16384 pixels", "OUT_OF_MEMORY",
            "5.7.6.7 allows it; no display takes such a picture, and QEMU aborts on the largest"),

    ONLY_THERE("can unref a resource that only it made, see EMPTY_RESOURCE and LONG_SIDE", "INVALID_RESOURCE_ID",
            "follows from the other difference"),

    CUT_LIST("says UNSPEC to an attach command with fewer entries than it announces", "INVALID_PARAMETER",
            "5.7.6.8 names no error for it; nr_entries is the wrong parameter"),

    EMPTY_ENTRY("says UNSPEC to a backing with an entry of no bytes", "takes it",
            "5.7.6.8 does not forbid it, and nothing is outside guest memory"),

    EMPTY_BACKING("forgets a backing without entries, and says INVALID_RESOURCE_ID when it is detached", "detaches it",
            "5.7.6.8: attached is attached"),

    PAST_BACKING("copies the part of a transfer that has backing, and says OK_NODATA",
            "INVALID_PARAMETER, and nothing is copied",
            "5.7.6.8: the command transfers from guest memory, and there is none"),

    WIDE_OFFSET("takes only the lower 32 bits of a transfer's offset", "INVALID_PARAMETER, as it is past the backing",
            "5.7.6.8: offset is a le64"),

    WHOLE_TRANSFER("copies all rows when a transfer of full width begins at 0,0 and offset 0", "the rows asked for",
            "5.7.6.8: the transfer is of the rectangle r"),

    FRESH_PICTURE("shows in a new resource what its memory held before", "black",
            "5.7.6.8 says nothing of it; a guest must not see what the host's memory held"),

    BYTE_ORDER("shows every format as if it were B8G8R8X8, and cursors as B8G8R8A8", "turns the bytes",
            "5.7.6.8: the format tells the order of the bytes; displays take B8G8R8X8"),

    EMPTY_UPDATE("sends its display an UPDATE of no pixels when a flush misses a scan-out", "nothing",
            "5.7.6.8: nothing there is to be flushed"),

    SCANOUT_ORIGIN("places updates by the resource's coordinates", "by those of the scan-out",
            "5.7.6.8: the rectangle of SET_SCANOUT says which part is shown; its corner is the screen's"),

    SAME_SCANOUT("tells its display a scan-out's size again when it stays the same", "nothing",
            "5.7.6.8, page flips: the display would go black until the flush"),

    CURSOR_ANSWER("does not answer cursor commands", "answers if there is room",
            "5.7.6.7: the device answers with a header"),

    CURSOR_HIDDEN("hides a cursor by a transparent picture", "by CURSOR_POS_HIDE",
            "5.7.6.10 says nothing of resource 0; Linux hides by it, and the message is made for it"),

    CURSOR_REFUSED("makes the cursor transparent if its resource is unknown or not 64×64", "leaves it as it was",
            "5.7.6.10: the command cannot be carried out"),

    CURSOR_MOVED("hides a cursor that is moved with resource 0 and shows one that is moved with another",
            "leaves it as the last update made it", "5.7.6.10: all fields of a move but pos are ignored");

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
