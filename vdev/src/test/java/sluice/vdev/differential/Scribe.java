package sluice.vdev.differential;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import sluice.vdev.differential.Step.Command;
import sluice.vdev.differential.World.Resource;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;

/** Makes commands out of bytes: random fences, chains and room; and the random numbers both kinds of guests need. */
final class Scribe {
    private static final int[] FORMATS = { 1, 2, 3, 4, 67, 68, 121, 134 };
    private static final int[] ODD_IDS = { Integer.MAX_VALUE, Integer.MIN_VALUE, -1, 0x1_0000 };
    private static final int IDS = 10;
    private static final int LONGEST_SIDE = 70;
    private static final int MOST_ENTRIES = 36;
    /** So that no chain has more descriptors than the queue. */
    private static final int SHORTEST_PIECE = 48;

    private final Random random;
    private final World world;
    private final List<Buffer> pool;

    Scribe(Random random, World world, List<Buffer> pool) {
        this.random = random;
        this.world = world;
        this.pool = pool;
    }

    Random random() {
        return random;
    }

    boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    /** {@code least} to {@code most}, both included. */
    int between(int least, int most) {
        return least + random.nextInt(most - least + 1);
    }

    <T> T any(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    int anyFormat() {
        return FORMATS[random.nextInt(oneIn(2) ? 2 : FORMATS.length)];
    }

    int anySide() {
        return between(1, LONGEST_SIDE);
    }

    /** A command for the control queue with room for its whole answer. */
    Command control(ByteBuffer bytes) {
        int room = switch (bytes.limit() < 4 ? 0 : bytes.getInt(0)) {
            case GpuWire.CMD_GET_DISPLAY_INFO -> GpuWire.DISPLAY_INFO_BYTES;
            case GpuWire.CMD_GET_EDID -> GpuWire.EDID_BYTES;
            default -> oneIn(8) ? 64 : GpuWire.HDR_BYTES;
        };
        return command(Step.Queue.CONTROL, bytes, room);
    }

    /** A command for the cursor queue, as often as not with room for an answer. */
    Command cursor(ByteBuffer bytes) {
        return command(Step.Queue.CURSOR, bytes, oneIn(2) ? 0 : between(1, 2 * GpuWire.HDR_BYTES));
    }

    /** A command with any room. */
    Command command(Step.Queue queue, ByteBuffer bytes, int room) {
        if (bytes.limit() >= GpuWire.HDR_BYTES) {
            header(bytes);
        }
        ChainForm form = oneIn(2) ? ChainForm.DIRECT : ChainForm.INDIRECT;
        // Not even the peer's chain may be empty.
        return new Command(queue, bytes, bytes.limit() == 0 ? Math.max(1, room) : room, form,
                oneIn(4) ? between(SHORTEST_PIECE, 200) : Integer.MAX_VALUE);
    }

    private void header(ByteBuffer bytes) {
        int flags = oneIn(2) ? GpuWire.FLAG_FENCE : 0;
        if (oneIn(8)) {
            flags |= random.nextInt() & ~GpuWire.FLAG_FENCE;
        }
        bytes.putInt(GpuWire.HDR_FLAGS, flags).putLong(GpuWire.HDR_FENCE, random.nextLong());
        if (oneIn(3)) {
            bytes.putInt(GpuWire.HDR_CONTEXT, random.nextInt());
        }
        if (oneIn(6)) {
            bytes.put(GpuWire.HDR_RING, (byte) random.nextInt());
        }
    }

    /** Ids that are free on both. */
    int freeId() {
        int id = oneIn(12) ? ODD_IDS[random.nextInt(ODD_IDS.length)] : between(1, 4 * IDS);
        while (world.ours.containsKey(id) || world.peer.containsKey(id)) {
            id = between(1, 4 * IDS);
        }
        return id;
    }

    /** An id that was never used. */
    int unknownId() {
        return between(9000, 9999);
    }

    /** Whether the guest has as many resources as it wants. */
    boolean hasEnough() {
        return world.peer.size() >= IDS;
    }

    /** Ids of resources with, or without, a backing. */
    List<Integer> ids(boolean backed) {
        List<Integer> ids = new ArrayList<>();
        world.peer.forEach((id, resource) -> {
            if (backed == resource.backing > 0) {
                ids.add(id);
            }
        });
        return ids;
    }

    /** Ids of all resources. */
    List<Integer> ids() {
        return List.copyOf(world.peer.keySet());
    }

    /** A resource the guest has. */
    Resource resource(int id) {
        Resource resource = world.peer.get(id);
        if (resource == null) {
            throw new IllegalArgumentException("there is no resource " + id);
        }
        return resource;
    }

    /** Scan-outs that are on. */
    List<Integer> scanouts() {
        return List.copyOf(world.scanouts.keySet());
    }

    /** A rectangle of at least one pixel inside a picture. */
    GpuRect inside(int width, int height) {
        int x = random.nextInt(width);
        int y = random.nextInt(height);
        return new GpuRect(x, y, between(1, width - x), between(1, height - y));
    }

    /** A rectangle that is not inside a picture. */
    GpuRect outside(int width, int height) {
        return switch (random.nextInt(7)) {
            case 0 -> new GpuRect(width, 0, 1, 1);
            case 1 -> new GpuRect(0, height, 1, 1);
            case 2 -> new GpuRect(0, 0, width + 1, height);
            case 3 -> new GpuRect(random.nextInt(height), 1, width, height);
            case 4 -> new GpuRect(-1, 0, 2, height);
            case 5 -> new GpuRect(0, Integer.MIN_VALUE, width, Integer.MIN_VALUE);
            default -> new GpuRect(width + 1, height + 1, 0, 0);
        };
    }

    /** Pieces of the pool, {@code bytes} together, cut anywhere. */
    List<Buffer> backing(long bytes) {
        List<Buffer> entries = new ArrayList<>();
        long left = bytes;
        boolean pages = oneIn(3);
        while (left > 0) {
            Buffer page = any(pool);
            long most = page.length();
            long length = pages || entries.size() > MOST_ENTRIES - 6 ? most : between(1, (int) (oneIn(4) ? 64 : most));
            length = Math.min(length, left);
            entries.add(new Buffer(page.address() + between(0, (int) (most - length)), length));
            left -= length;
        }
        return entries;
    }

    /** RESOURCE_ATTACH_BACKING with its entries. */
    static ByteBuffer attach(int resource, int count, List<Buffer> entries) {
        ByteBuffer head = GpuCommands.attachBacking(resource, count);
        ByteBuffer tail = GpuCommands.entries(entries);
        return ByteBuffer.allocate(head.limit() + tail.limit()).order(ByteOrder.LITTLE_ENDIAN).put(head).put(tail)
                .flip();
    }

    /** A transfer of a part from where it lies if the backing is laid out as the resource is. */
    static ByteBuffer transfer(int id, int width, GpuRect part) {
        return GpuCommands.transferToHost2d(id, part, 4L * ((long) part.y() * width + part.x()));
    }
}
