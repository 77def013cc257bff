package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GpuWire;

/**
 * Commands at a rate that does not hold up a device: sensible ones in any order, some with one field wrong, some cut
 * short, some noise. The same seed makes the same commands.
 */
final class RandomCommand {
    /** No command is longer. */
    static final int MAX_BYTES = 256;

    private static final int MAX_ENTRIES = (MAX_BYTES - GpuWire.ATTACH_BYTES) / GpuWire.ENTRY_BYTES;
    private static final int MAX_BLOB_ENTRIES = (MAX_BYTES - GpuWire.CREATE_BLOB_BYTES) / GpuWire.ENTRY_BYTES;
    private static final int MAX_SIDE = 40;
    private static final int[] FORMATS = { 1, 2, 3, 4, 67, 68, 121, 134 };
    private static final int[] CORNERS = { 0, 1, 15, 16, 30, 63, 64, 65, -1, Integer.MIN_VALUE, Integer.MAX_VALUE,
            16_384 };

    private final SplittableRandom random;
    private final Buffer memory;

    /** @param memory pages that may back resources */
    RandomCommand(long seed, Buffer memory) {
        this.random = new SplittableRandom(seed);
        this.memory = memory;
    }

    /**
     * Writes the next command.
     *
     * @param out   little-endian, with room for {@link #MAX_BYTES} from index 0 on
     * @param fence what it carries, or 0 for none
     * @return its length in bytes, 1 or more
     */
    int write(ByteBuffer out, long fence) {
        int length = random.nextInt(16) == 0 ? noise(out) : sensible(out);
        if (random.nextInt(12) == 0) {
            out.putInt(4 * random.nextInt(length / 4), CORNERS[random.nextInt(CORNERS.length)]);
        }
        if (fence != 0) {
            out.putInt(GpuWire.HDR_FLAGS, GpuWire.FLAG_FENCE).putLong(GpuWire.HDR_FENCE, fence);
        } else {
            out.putInt(GpuWire.HDR_FLAGS, 0);
        }
        return random.nextInt(32) == 0 ? 1 + random.nextInt(length) : length;
    }

    private int noise(ByteBuffer out) {
        int length = GpuWire.HDR_BYTES + 4 * random.nextInt((MAX_BYTES - GpuWire.HDR_BYTES) / 4);
        for (int i = 0; i < length; i += 4) out.putInt(i, random.nextInt());
        if (random.nextBoolean()) out.putInt(GpuWire.HDR_TYPE, 0x100 + random.nextInt(12));
        return length;
    }

    private int sensible(ByteBuffer out) {
        out.putLong(GpuWire.HDR_CONTEXT, 0);
        int resource = 1 + random.nextInt(6);
        return switch (random.nextInt(20)) {
            case 0, 1 -> create(out, resource);
            case 2 -> onlyResource(out, GpuWire.CMD_RESOURCE_UNREF, resource);
            case 3, 4 -> attach(out, resource);
            case 5 -> onlyResource(out, GpuWire.CMD_RESOURCE_DETACH_BACKING, resource);
            case 6 -> {
                int length = rectangle(out, GpuWire.CMD_SET_SCANOUT, GpuWire.SET_SCANOUT_RECT,
                        GpuWire.SET_SCANOUT_BYTES);
                out.putInt(GpuWire.SET_SCANOUT_SCANOUT, random.nextInt(4));
                out.putInt(GpuWire.SET_SCANOUT_RESOURCE, random.nextInt(5) == 0 ? 0 : resource);
                yield length;
            }
            case 7, 8, 9 -> {
                int length = rectangle(out, GpuWire.CMD_RESOURCE_FLUSH, GpuWire.FLUSH_RECT, GpuWire.FLUSH_BYTES);
                out.putInt(GpuWire.FLUSH_RESOURCE, resource);
                yield length;
            }
            case 10, 11, 12, 13 -> {
                int length = rectangle(out, GpuWire.CMD_TRANSFER_TO_HOST_2D, GpuWire.TRANSFER_RECT,
                        GpuWire.TRANSFER_BYTES);
                out.putLong(GpuWire.TRANSFER_OFFSET, 4L * random.nextInt(200));
                out.putInt(GpuWire.TRANSFER_RESOURCE, resource);
                yield length;
            }
            case 14 -> {
                out.putInt(GpuWire.HDR_TYPE, GpuWire.CMD_GET_DISPLAY_INFO);
                yield GpuWire.HDR_BYTES;
            }
            case 15, 16 -> createBlob(out, resource);
            case 17, 18 -> showBlob(out, resource);
            default -> onlyResource(out, GpuWire.CMD_GET_EDID, random.nextInt(18));
        };
    }

    private int create(ByteBuffer out, int resource) {
        out.putInt(GpuWire.HDR_TYPE, GpuWire.CMD_RESOURCE_CREATE_2D);
        out.putInt(GpuWire.CREATE_2D_RESOURCE, resource);
        out.putInt(GpuWire.CREATE_2D_FORMAT, FORMATS[random.nextInt(FORMATS.length)]);
        out.putInt(GpuWire.CREATE_2D_WIDTH, 1 + random.nextInt(MAX_SIDE));
        out.putInt(GpuWire.CREATE_2D_HEIGHT, 1 + random.nextInt(MAX_SIDE));
        return GpuWire.CREATE_2D_BYTES;
    }

    /** UNREF, DETACH_BACKING, and GET_EDID, which has its scan-out there. */
    private static int onlyResource(ByteBuffer out, int type, int id) {
        out.putInt(GpuWire.HDR_TYPE, type);
        out.putInt(GpuWire.RESOURCE_ONLY_ID, id);
        out.putInt(GpuWire.RESOURCE_ONLY_ID + 4, 0);
        return GpuWire.RESOURCE_ONLY_BYTES;
    }

    private int attach(ByteBuffer out, int resource) {
        int count = random.nextInt(MAX_ENTRIES + 1);
        out.putInt(GpuWire.HDR_TYPE, GpuWire.CMD_RESOURCE_ATTACH_BACKING);
        out.putInt(GpuWire.ATTACH_RESOURCE, resource);
        out.putInt(GpuWire.ATTACH_COUNT, count);
        return entries(out, GpuWire.ATTACH_BYTES, count);
    }

    private int entries(ByteBuffer out, int behind, int count) {
        for (int i = 0; i < count; i++) {
            int at = behind + i * GpuWire.ENTRY_BYTES;
            int length = random.nextInt(2000);
            out.putLong(at + GpuWire.ENTRY_ADDRESS, memory.address() + random.nextInt((int) memory.length() - length));
            out.putLong(at + GpuWire.ENTRY_LENGTH, length);
        }
        return behind + count * GpuWire.ENTRY_BYTES;
    }

    private int createBlob(ByteBuffer out, int resource) {
        int count = random.nextInt(MAX_BLOB_ENTRIES + 1);
        out.putInt(GpuWire.HDR_TYPE, GpuWire.CMD_RESOURCE_CREATE_BLOB);
        out.putInt(GpuWire.CREATE_BLOB_RESOURCE, resource);
        out.putInt(GpuWire.CREATE_BLOB_MEMORY, GpuWire.BLOB_MEM_GUEST);
        out.putInt(GpuWire.CREATE_BLOB_FLAGS, random.nextInt(8));
        out.putInt(GpuWire.CREATE_BLOB_COUNT, count);
        out.putLong(GpuWire.CREATE_BLOB_ID, 0);
        out.putLong(GpuWire.CREATE_BLOB_SIZE, random.nextInt(800 * count + 1));
        return entries(out, GpuWire.CREATE_BLOB_BYTES, count);
    }

    private int showBlob(ByteBuffer out, int resource) {
        int length = rectangle(out, GpuWire.CMD_SET_SCANOUT_BLOB, GpuWire.SCANOUT_BLOB_RECT,
                GpuWire.SCANOUT_BLOB_BYTES);
        int width = 1 + random.nextInt(MAX_SIDE);
        out.putInt(GpuWire.SCANOUT_BLOB_SCANOUT, random.nextInt(4));
        out.putInt(GpuWire.SCANOUT_BLOB_RESOURCE, random.nextInt(5) == 0 ? 0 : resource);
        out.putInt(GpuWire.SCANOUT_BLOB_WIDTH, width).putInt(GpuWire.SCANOUT_BLOB_HEIGHT, 1 + random.nextInt(MAX_SIDE));
        out.putInt(GpuWire.SCANOUT_BLOB_FORMAT, FORMATS[random.nextInt(FORMATS.length)]);
        out.putInt(GpuWire.SCANOUT_BLOB_STRIDE, 4 * width + random.nextInt(20));
        out.putInt(GpuWire.SCANOUT_BLOB_OFFSET, random.nextInt(200));
        return length;
    }

    private int rectangle(ByteBuffer out, int type, int at, int length) {
        out.putInt(GpuWire.HDR_TYPE, type);
        out.putInt(at, random.nextInt(8)).putInt(at + 4, random.nextInt(8));
        out.putInt(at + 8, random.nextInt(MAX_SIDE)).putInt(at + 12, random.nextInt(MAX_SIDE));
        return length;
    }
}
