package sluice.vdev.differential;

import java.nio.ByteBuffer;
import java.util.Arrays;

import sluice.vdev.differential.Step.Command;
import sluice.vdev.differential.World.Resource;
import sluice.vdev.fixture.GpuWire;

import static sluice.vdev.fixture.GpuWire.CMD_RESOURCE_ATTACH_BACKING;
import static sluice.vdev.fixture.GpuWire.CMD_RESOURCE_CREATE_2D;
import static sluice.vdev.fixture.GpuWire.CMD_RESOURCE_DETACH_BACKING;
import static sluice.vdev.fixture.GpuWire.CMD_RESOURCE_UNREF;
import static sluice.vdev.fixture.GpuWire.CMD_TRANSFER_TO_HOST_2D;
import static sluice.vdev.fixture.GpuWire.RESP_ERR_INVALID_PARAMETER;
import static sluice.vdev.fixture.GpuWire.RESP_ERR_INVALID_RESOURCE_ID;
import static sluice.vdev.fixture.GpuWire.RESP_ERR_OUT_OF_MEMORY;
import static sluice.vdev.fixture.GpuWire.RESP_ERR_UNSPEC;
import static sluice.vdev.fixture.GpuWire.RESP_OK_DISPLAY_INFO;
import static sluice.vdev.fixture.GpuWire.RESP_OK_NODATA;

/**
 * Two answers that differ.
 *
 * @param world what the guest knew before them
 */
record Difference(Command command, byte[] ours, byte[] peer, World world) {
    private static final int CMD_RESOURCE_ASSIGN_UUID = 0x10b;
    private static final int RESP_OK_RESOURCE_UUID = 0x1105;
    private static final int LONGEST_SIDE = 16_384;
    private static final byte[] BARE_UNSPEC = { 0, 0x12 };

    /** Whether it is this accepted one. */
    boolean is(Accepted accepted) {
        return switch (accepted) {
            case SHORT_HEADER -> command.length() < GpuWire.HDR_BYTES
                    && Arrays.equals(ours, Arrays.copyOf(BARE_UNSPEC, ours.length))
                    && peerType() == switch (command.type()) {
                        case GpuWire.CMD_GET_DISPLAY_INFO -> RESP_OK_DISPLAY_INFO;
                        case GpuWire.CMD_UPDATE_CURSOR, GpuWire.CMD_MOVE_CURSOR -> RESP_ERR_UNSPEC;
                        default -> Command.sizeOf(command.type()) == 0 ? RESP_ERR_UNSPEC : RESP_OK_NODATA;
                    };
            case SHORT_COMMAND -> command.length() >= GpuWire.HDR_BYTES && Command.sizeOf(command.type()) > 0
                    && !command.isWhole() && types(RESP_ERR_UNSPEC, RESP_OK_NODATA);
            case UUID -> command.is(CMD_RESOURCE_ASSIGN_UUID) && command.length() >= GpuWire.RESOURCE_ONLY_BYTES
                    && peerType() == RESP_ERR_UNSPEC
                    && oursType() == (world.ours.containsKey(command.u32(24))
                            ? RESP_OK_RESOURCE_UUID
                            : RESP_ERR_INVALID_RESOURCE_ID);
            case EMPTY_RESOURCE -> command.is(CMD_RESOURCE_CREATE_2D) && (command.u32(GpuWire.CREATE_2D_WIDTH) == 0
                    || command.u32(GpuWire.CREATE_2D_HEIGHT) == 0)
                    && types(RESP_ERR_INVALID_PARAMETER, RESP_OK_NODATA);
            case LONG_SIDE -> command.is(CMD_RESOURCE_CREATE_2D)
                    && (command.u32(GpuWire.CREATE_2D_WIDTH) > LONGEST_SIDE
                            || command.u32(GpuWire.CREATE_2D_HEIGHT) > LONGEST_SIDE)
                    && types(RESP_ERR_OUT_OF_MEMORY, RESP_OK_NODATA);
            case ONLY_THERE -> command.is(CMD_RESOURCE_UNREF) && !world.ours.containsKey(command.resource())
                    && world.peer.containsKey(command.resource())
                    && types(RESP_ERR_INVALID_RESOURCE_ID, RESP_OK_NODATA);
            case CUT_LIST -> command.is(CMD_RESOURCE_ATTACH_BACKING)
                    && command.length() < GpuWire.ATTACH_BYTES
                            + (long) GpuWire.ENTRY_BYTES * command.u32(GpuWire.ATTACH_COUNT)
                    && types(RESP_ERR_INVALID_PARAMETER, RESP_ERR_UNSPEC);
            case EMPTY_ENTRY -> command.is(CMD_RESOURCE_ATTACH_BACKING) && hasEmptyEntry()
                    && types(RESP_OK_NODATA, RESP_ERR_UNSPEC);
            case EMPTY_BACKING -> command.is(CMD_RESOURCE_DETACH_BACKING) && hasEmptyBacking()
                    && types(RESP_OK_NODATA, RESP_ERR_INVALID_RESOURCE_ID);
            case PAST_BACKING -> command.is(CMD_TRANSFER_TO_HOST_2D) && !isTruncatedOffset()
                    && reachesPastBacking() && types(RESP_ERR_INVALID_PARAMETER, RESP_OK_NODATA);
            case WIDE_OFFSET -> command.is(CMD_TRANSFER_TO_HOST_2D) && isTruncatedOffset()
                    && types(RESP_ERR_INVALID_PARAMETER, RESP_OK_NODATA);
            case RING_INDEX, WHOLE_TRANSFER, FRESH_PICTURE, BYTE_ORDER, EMPTY_UPDATE, SCANOUT_ORIGIN, SAME_SCANOUT,
                    CURSOR_ANSWER, CURSOR_HIDDEN, CURSOR_REFUSED, CURSOR_MOVED ->
                false;
        };
    }

    private boolean isTruncatedOffset() {
        return command.u64(GpuWire.TRANSFER_OFFSET) >>> Integer.SIZE != 0;
    }

    private int oursType() {
        return type(ours);
    }

    private int peerType() {
        return type(peer);
    }

    /** Whether the answers have these types, and differ in nothing else. */
    private boolean types(int expectedOurs, int expectedPeer) {
        return oursType() == expectedOurs && peerType() == expectedPeer
                && Arrays.equals(ours, 4, ours.length, peer, 4, peer.length);
    }

    private boolean hasEmptyEntry() {
        for (int i = 0; i < command.u32(GpuWire.ATTACH_COUNT); i++) {
            if (command.u32(GpuWire.ATTACH_BYTES + i * GpuWire.ENTRY_BYTES + GpuWire.ENTRY_LENGTH) == 0) {
                return true;
            }
        }
        return false;
    }

    private boolean hasEmptyBacking() {
        Resource byOurs = world.ours.get(command.resource());
        Resource byPeer = world.peer.get(command.resource());
        return byOurs != null && byOurs.backing == 0 && byPeer != null && byPeer.backing == Resource.NONE;
    }

    private boolean reachesPastBacking() {
        Resource resource = world.ours.get(command.resource());
        if (resource == null) {
            return false;
        }
        long rows = command.u32(GpuWire.TRANSFER_RECT + 12);
        return command.u64(GpuWire.TRANSFER_OFFSET) + (rows - 1) * resource.stride()
                + 4L * command.u32(GpuWire.TRANSFER_RECT + 8) > resource.backing;
    }

    private static int type(byte[] answer) {
        return answer.length < 4 ? 0 : Integer.reverseBytes(ByteBuffer.wrap(answer).getInt(0));
    }
}
