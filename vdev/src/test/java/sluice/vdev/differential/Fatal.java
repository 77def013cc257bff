package sluice.vdev.differential;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;

/**
 * Commands that end QEMU's {@code vhost-user-gpu}, or make it say to its display what a QEMU does not survive. The random
 * streams leave them out; here each is once. The guest has resource 1, 8×8 pixels, all backed, on scan-out 0. DIFFERENCES.md
 * lists them.
 */
enum Fatal {
    HUGE_RESOURCE("transfers to a resource of 65536×16385 pixels", "allocates 256 KiB, and writes far beyond them",
            "OUT_OF_MEMORY, then INVALID_RESOURCE_ID",
            "5.7.6.7: OUT_OF_MEMORY; the size of a picture is a number of more than 32 bits"),

    EMPTY_SCANOUT("SET_SCANOUT to a rectangle without pixels",
            "passes it to its display, and QEMU exits at the next flush", "INVALID_PARAMETER",
            "5.7.6.8: resource 0 disables a scan-out, a rectangle does not"),

    EDID_OF_NO_SCANOUT("GET_EDID of scan-out 16", "asks its display, gets no answer, and never answers again",
            "INVALID_SCANOUT_ID", "5.7.6.7: the error exists for this case; there are at most 16"),

    CURSOR_ON_NO_SCANOUT("MOVE_CURSOR on scan-out 16", "passes it to its display", "INVALID_SCANOUT_ID",
            "5.7.6.7: the same");

    /** Of the resource that is too large. */
    private static final int WIDTH = 65_536;
    private static final int HEIGHT = 16_385;
    private static final int FAR_APART = 2048;

    private final String what;
    private final String peer;
    private final String ours;
    private final String reason;

    Fatal(String what, String peer, String ours, String reason) {
        this.what = what;
        this.peer = peer;
        this.ours = ours;
        this.reason = reason;
    }

    Step.Queue queue() {
        return this == CURSOR_ON_NO_SCANOUT ? Step.Queue.CURSOR : Step.Queue.CONTROL;
    }

    /**
     * The commands.
     *
     * @param page of the guest's memory
     */
    List<ByteBuffer> commands(Buffer page) {
        return switch (this) {
            case HUGE_RESOURCE -> {
                List<ByteBuffer> commands = new ArrayList<>();
                commands.add(GpuCommands.createResource2d(2, GpuWire.FORMAT_B8G8R8X8, WIDTH, HEIGHT));
                commands.add(Scribe.attach(2, 1, List.of(page)));
                // One of these rows will be where nothing is.
                for (int row = FAR_APART; row < HEIGHT - 1; row += FAR_APART) {
                    commands.add(GpuCommands.transferToHost2d(2, new GpuRect(1, row, 1, 1), 0));
                }
                yield commands;
            }
            case EMPTY_SCANOUT -> List.of(GpuCommands.setScanout(0, 1, GpuRect.of(0, 8)));
            case EDID_OF_NO_SCANOUT -> List.of(GpuCommands.getEdid(GpuWire.MAX_SCANOUTS));
            case CURSOR_ON_NO_SCANOUT -> List.of(GpuCommands.moveCursor(GpuWire.MAX_SCANOUTS, 1, 1));
        };
    }

    /** The type ours answers the first command with. */
    int answer() {
        return switch (this) {
            case HUGE_RESOURCE -> GpuWire.RESP_ERR_OUT_OF_MEMORY;
            case EMPTY_SCANOUT -> GpuWire.RESP_ERR_INVALID_PARAMETER;
            case EDID_OF_NO_SCANOUT, CURSOR_ON_NO_SCANOUT -> GpuWire.RESP_ERR_INVALID_SCANOUT_ID;
        };
    }

    /** Its line in DIFFERENCES.md. */
    String row() {
        return "| %s | %s | %s | %s |".formatted(what, peer, ours, reason);
    }
}
