package sluice.vdev.differential;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.vdev.differential.Step.Command;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;

/**
 * What the guest knows of both GPUs by their answers: resources, scan-outs, and which pixels of which resource need not
 * be equal because of an accepted difference.
 */
final class World {
    /** Resources by id, as each GPU has them. */
    final Map<Integer, Resource> ours = new TreeMap<>();
    final Map<Integer, Resource> peer = new TreeMap<>();
    /** Scan-outs that are on, equal on both. */
    final Map<Integer, Shown> scanouts = new TreeMap<>();
    /** By scan-out: width in the upper half, height in the lower, as last sent by the peer to its display. */
    final Map<Integer, Long> sizes = new TreeMap<>();

    /** A part of a resource on a scan-out. */
    record Shown(int resource, GpuRect part) {}

    /** A resource of one GPU. */
    static final class Resource {
        static final long NONE = -1;

        final int format;
        final int width;
        final int height;
        /** Bytes of its backing, or {@link #NONE}. */
        long backing = NONE;
        /** By pixel: why it need not be equal. Kept at the peer's resource. */
        final @Nullable Accepted[] stray;

        Resource(int format, int width, int height) {
            this.format = format;
            this.width = width;
            this.height = height;
            this.stray = new @Nullable Accepted[width * height];
            Arrays.fill(stray, Accepted.FRESH_PICTURE);
        }

        long stride() {
            return 4L * width;
        }

        boolean isCursor() {
            return width == 64 && height == 64;
        }
    }

    /** Takes note of a command of the control queue and of whether each GPU carried it out. */
    void note(Command command, boolean byOurs, boolean byPeer) {
        if (!command.isWhole()) {
            return;
        }
        switch (command.type()) {
            case GpuWire.CMD_RESOURCE_CREATE_2D -> {
                create(ours, command, byOurs);
                create(peer, command, byPeer);
            }
            case GpuWire.CMD_RESOURCE_UNREF -> {
                if (byOurs) ours.remove(command.resource());
                if (byPeer) peer.remove(command.resource());
                scanouts.values().removeIf(shown -> byPeer && shown.resource() == command.resource());
            }
            case GpuWire.CMD_RESOURCE_ATTACH_BACKING -> {
                attach(ours, command, byOurs);
                // Without entries nothing is attached.
                attach(peer, command, byPeer && command.u32(GpuWire.ATTACH_COUNT) != 0);
            }
            case GpuWire.CMD_RESOURCE_DETACH_BACKING -> {
                detach(ours, command, byOurs);
                detach(peer, command, byPeer);
            }
            case GpuWire.CMD_SET_SCANOUT -> {
                if (byOurs && byPeer) setScanout(command);
            }
            case GpuWire.CMD_TRANSFER_TO_HOST_2D -> {
                if (byPeer) transfer(command, byOurs);
            }
            default -> {
                // The others change nothing.
            }
        }
    }

    private static void create(Map<Integer, Resource> on, Command command, boolean done) {
        if (done) {
            on.put(command.resource(), new Resource(command.u32(GpuWire.CREATE_2D_FORMAT),
                    command.u32(GpuWire.CREATE_2D_WIDTH), command.u32(GpuWire.CREATE_2D_HEIGHT)));
        }
    }

    private static void attach(Map<Integer, Resource> on, Command command, boolean done) {
        Resource resource = on.get(command.resource());
        if (done && resource != null) {
            resource.backing = listedBytes(command);
        }
    }

    private static void detach(Map<Integer, Resource> on, Command command, boolean done) {
        Resource resource = on.get(command.resource());
        if (done && resource != null) {
            resource.backing = Resource.NONE;
        }
    }

    /** Bytes of all entries an attach command lists. */
    static long listedBytes(Command command) {
        long bytes = 0;
        for (int i = 0; i < command.u32(GpuWire.ATTACH_COUNT); i++) {
            bytes += Integer
                    .toUnsignedLong(command.u32(GpuWire.ATTACH_BYTES + i * GpuWire.ENTRY_BYTES + GpuWire.ENTRY_LENGTH));
        }
        return bytes;
    }

    private void setScanout(Command command) {
        int scanout = command.u32(GpuWire.SET_SCANOUT_SCANOUT);
        if (command.resource() == 0) {
            scanouts.remove(scanout);
        } else {
            scanouts.put(scanout, new Shown(command.resource(), rect(command, GpuWire.SET_SCANOUT_RECT)));
        }
    }

    /** The rectangle at a place in a command. */
    static GpuRect rect(Command command, int at) {
        return new GpuRect(command.u32(at), command.u32(at + 4), command.u32(at + 8), command.u32(at + 12));
    }

    /** Whether the peer takes a transfer for one of everything: it then does not look at the rectangle's height. */
    static boolean isTakenForAll(Command command, Resource resource) {
        GpuRect rect = rect(command, GpuWire.TRANSFER_RECT);
        return command.u64(GpuWire.TRANSFER_OFFSET) == 0 && rect.x() == 0 && rect.y() == 0
                && rect.width() == resource.width;
    }

    private void transfer(Command command, boolean byOurs) {
        Resource resource = peer.get(command.resource());
        if (resource == null) {
            return;
        }
        GpuRect rect = rect(command, GpuWire.TRANSFER_RECT);
        if (isTakenForAll(command, resource)) {
            long filled = Math.min(resource.stray.length, Math.ceilDiv(resource.backing, 4L));
            mark(resource, GpuRect.of(resource.width, Math.ceilDiv((int) filled, resource.width)),
                    Accepted.WHOLE_TRANSFER);
        }
        mark(resource, rect, byOurs
                ? null
                : command.u64(GpuWire.TRANSFER_OFFSET) >>> 32 == 0 ? Accepted.PAST_BACKING : Accepted.WIDE_OFFSET);
    }

    private static void mark(Resource resource, GpuRect rect, @Nullable Accepted why) {
        for (int row = rect.y(); row < rect.y() + rect.height(); row++) {
            for (int column = rect.x(); column < rect.x() + rect.width(); column++) {
                resource.stray[row * resource.width + column] = why;
            }
        }
    }
}
